import re

import pytest
from django.utils import translation

from backoffice.core import recent, search
from backoffice.core.models import Party
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def labels(groups) -> dict[str, list[str]]:
    return {group.label: [hit.label for hit in group.entries] for group in groups}


def test_parties_are_found_by_name_and_by_cpf():
    clerk = person("finance_clerk")
    Party.objects.create(name="João Conceição", tax_id="52998224725")

    assert labels(search.results(clerk, "conceicao joao"))["Parties"] == ["João Conceição"]
    assert labels(search.results(clerk, "529.982.247-25"))["Parties"] == ["João Conceição"]
    assert labels(search.results(clerk, "@jo"))["Parties"] == ["João Conceição"]


def test_nobody_finds_what_they_may_not_read():
    Party.objects.create(name="João Conceição")
    employee = person("employee")

    found = labels(search.results(employee, "joao"))
    everything = labels(search.results(employee, ""))

    assert "Parties" not in found
    assert "New party" not in everything.get("Actions", [])
    assert "Parties" not in everything["Pages"]


def test_signs_narrow_to_actions_documents_or_people():
    clerk = person("finance_clerk")
    Party.objects.create(name="New Order Ltda")

    assert set(labels(search.results(clerk, "> new"))) == {"Actions"}
    assert set(labels(search.results(clerk, "@ new"))) == {"Parties"}
    assert "Parties" not in labels(search.results(clerk, "# new"))


@pytest.mark.parametrize(
    ("typed", "language", "amount"),
    [
        ("1.234,56", "pt-br", "1234.56"),
        ("R$ 10", "pt-br", "10.00"),
        ("1,234.56", "en", "1234.56"),
        ("1234", "en", None),
        ("12.34", "pt-br", None),
    ],
)
def test_amounts_are_read_when_typed_as_amounts(typed, language, amount):
    with translation.override(language):
        query = search.read(typed)[1]

    assert (str(query.amount) if query.amount is not None else None) == amount


def test_what_was_open_last_comes_first(settings):
    settings.CACHES |= {"short": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    clerk = person("finance_clerk")
    party = Party.objects.create(name="Ana")
    recent.visited(clerk.pk, party.ref)

    groups = search.results(clerk, "")

    assert groups[0].label == "Opened last"
    assert [hit.label for hit in groups[0].entries] == ["Ana"]


def test_the_palette_works_as_a_page_and_as_a_part(client):
    client.force_login(person("finance_clerk", language="en"))
    Party.objects.create(name="Ana Lima")

    page = client.post("/search/", {"q": "ana li"})
    part = client.post("/search/", {"q": "ana li"}, headers={"HX-Request": "true"})

    assert "<h1>" in page.content.decode()
    assert "<h1>" not in part.content.decode()
    for answer in (page, part):
        assert re.search(r'href="/parties/\d+/".*?Ana Lima', answer.content.decode(), re.S)


@pytest.mark.parametrize("typed", ["\x00", "%", "\\", "@", "#", ">", "a" * 5000, "\u202e", "' OR 1=1", "9" * 60])
def test_odd_texts_break_nothing(client, typed):
    client.force_login(person("finance_clerk"))

    assert client.post("/search/", {"q": typed}).status_code == 200
