"""References become links, in one query a kind, for those who may read."""

import pytest
from django.http import Http404

from backoffice.core import refs
from backoffice.core.models import Task, User
from tests.factories.activity import lead
from tests.factories.people import person

pytestmark = pytest.mark.django_db


def test_many_references_of_two_kinds_cost_two_queries(django_assert_num_queries):
    leads = [lead() for _ in range(5)]
    who = person("marketing_analyst")
    task = Task.objects.create(title="Call", assignee=who, asked_by=who)

    with django_assert_num_queries(2):
        cards = refs.resolve([*(one.ref for one in leads), task.ref, "marketing.lead:999999", "nobody.knows:1", "x"])

    assert set(cards) == {*(one.ref for one in leads), task.ref}
    assert cards[task.ref].label == "Call"
    assert cards[leads[0].ref].url == f"/marketing/leads/{leads[0].pk}/"


@pytest.mark.parametrize("bad", ["marketing.lead:1; DROP", "marketing.lead:٣", "marketing.lead:" + "9" * 40, ":", ""])
def test_a_malformed_key_is_nobody(bad):
    assert refs.resolve([bad]) == {}


def test_a_record_one_may_not_read_does_not_exist_for_them():
    record = lead()

    assert refs.open_or_404(record.ref, person("marketing_analyst")).ref == record.ref
    with pytest.raises(Http404):
        refs.open_or_404(record.ref, person("hr_analyst"))
    with pytest.raises(Http404):
        refs.open_or_404("marketing.lead:0", person("marketing_analyst"))


def test_a_task_is_open_to_its_people_and_to_readers_of_its_record():
    asker, doer, reader, outsider = person("director"), person("employee"), person("auditor"), person("hr_analyst")
    task = Task.objects.create(title="Call", assignee=doer, asked_by=asker, subject=lead().ref)

    card = refs.resolve([task.ref])[task.ref]

    assert [card.is_open_to(one) for one in (asker, doer, reader, outsider)] == [True, True, True, False]
    found = refs.readers(card, User.objects.filter(pk__in=[asker.pk, doer.pk, reader.pk, outsider.pk]))
    assert set(found) == {asker, doer, reader}
