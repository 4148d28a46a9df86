"""One story per record: what was done, said and added, in order, page by page."""

import pytest
from django.utils import translation

from backoffice.core import selectors, sentences
from backoffice.core.models import AuditEntry, Comment
from backoffice.core.services import audit
from tests.factories.activity import lead
from tests.factories.people import person

pytestmark = pytest.mark.django_db


def test_pages_hold_every_entry_once_even_of_one_instant():
    record, by = lead(), person("director")
    for n in range(7):
        audit.record("marketing.lead_touched", record, by=by, n=n)
        Comment.objects.create(subject=record.ref, body=str(n), by=by)
    Comment.objects.update(at=AuditEntry.objects.order_by("pk")[3].at)

    seen, before = [], ""
    while True:
        page = selectors.timeline(record.ref, 3, before)
        seen += [(entry.kind, entry.pk) for entry in page.entries]
        before = page.before
        if not before:
            break

    assert len(seen) == len(set(seen)) == 14


def test_the_panel_costs_two_queries_for_one_entry_as_for_fifty(django_assert_num_queries):
    record, by = lead(), person("director")
    assert by.may("core.comment.create")  # asked once per request
    for n in range(50):
        Comment.objects.create(subject=record.ref, body=str(n), by=by)

    with django_assert_num_queries(2):
        panel = selectors.activity(record.ref, by)

    assert len(panel.timeline.entries) == selectors.PAGE


def test_a_change_is_told_by_field_name_before_and_after():
    record, by = lead(), person("director", name="Ana")
    changes = {"first_contact_on": ("2018-01-01", "2018-01-02"), "gone_field": (None, True)}
    audit.record("marketing.lead_corrected", record, by=by, source="import", changes=changes)

    (entry,) = selectors.timeline(record.ref).entries

    assert (entry.who, entry.text, entry.source) == ("Ana", "lead corrected", "by import")
    told = [(one.field, one.before, one.after) for one in entry.changes]
    assert sorted(told) == [("First contact", "2018-01-01", "2018-01-02"), ("Gone field", "–", "yes")]


def test_an_action_has_its_sentence_and_lacks_nothing_it_names():
    with translation.override("en"):
        assert sentences.say("core.file_removed", {"name": "a.pdf"}) == "removed the file a.pdf"
        assert sentences.say("core.file_removed", {}) == "removed the file –"


@pytest.mark.parametrize("nonsense", ["x", "2020-01-01~audit~1", "2020-13-01T00:00:00Z~a~1", "~~", "é~é~é"])
def test_a_cursor_that_cannot_be_read_starts_at_the_top(nonsense):
    record = lead()
    Comment.objects.create(subject=record.ref, body="here", by=person("director"))

    assert len(selectors.timeline(record.ref, before=nonsense).entries) == 1
