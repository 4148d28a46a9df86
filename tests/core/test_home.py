"""The first page answers "what needs me now?", cheaply, for everybody."""

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.core.roles import ROLES
from backoffice.core.services import tasks
from tests.factories.activity import lead
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", [role.key for role in ROLES])
def test_home_opens_for_every_role_in_few_queries(client, role):
    who = person(role)
    tasks.create(title="One", assignee=who, by=person("director"))
    client.force_login(who)
    client.get("/")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = client.get("/")

    assert page.status_code == 200
    assert len(queries) <= 10, [query["sql"][:80] for query in queries]


def test_what_was_opened_last_is_offered_while_it_may_be_read(client):
    who, record = person("marketing_analyst"), lead(key="the-lead")
    caches["short"].delete(f"recent:{who.pk}")
    client.force_login(who)
    client.get(f"/marketing/leads/{record.pk}/")

    assert "the-lead" in client.get("/").content.decode()
    record.delete()
    assert "the-lead" not in client.get("/").content.decode()


def test_without_work_the_page_says_what_is_next(client):
    client.force_login(person("marketing_analyst"))

    page = client.get("/").content.decode()

    assert "All done" in page


def test_who_is_alone_is_told_to_invite_the_others(client):
    first = person("admin")
    client.force_login(first)

    assert 'href="/people/invite/"' in client.get("/").content.decode()
    person("finance_manager")
    assert "/people/invite/" not in client.get("/").content.decode()
