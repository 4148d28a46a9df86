"""Lists over many rows find and order them by other ways than over few; what they show is the same."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.core.models import Company, User
from finance.models import Match, StatementLine
from finance.selectors import searching
from finance.services import reconcile
from finance.services.reconcile import Item
from finance.views.matches import BankLineList
from tests.factories.banking import bank_account, line, statement
from tests.factories.books import MAY, party, post, receivable, year
from tests.factories.papers import bill
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client) -> User:
    year()
    Company.objects.update_or_create(pk=1, defaults={"name": "Casa Verde Ltda"})
    user = person("finance_manager", language="en")
    client.force_login(user)
    return user


def shown(client: Client, url: str) -> list[Any]:
    return [row.pk for row in client.get(url).context["rows"]]


def test_bank_lines_of_several_accounts_are_paged_in_one_order(
    client: Client, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = [statement(bank_account()) for _n in range(3)]
    for n in range(9):
        line(f"{n + 1}.00", of=papers[n * 2 % 3], on=MAY + timedelta(days=n * 5 % 4))
    whole = list(StatementLine.objects.order_by("on", "pk").values_list("pk", flat=True))
    monkeypatch.setattr(BankLineList, "page_size", 2)
    monkeypatch.setattr("backoffice.core.lists.page.CAP", 3)
    monkeypatch.setattr(BankLineList, "reach", 3)  # more match than are counted, so the list is walked

    for order, wanted in (("on", whole), ("-on", whole[::-1])):
        for asked in (f"?order={order}", f"?order={order}&state=open"):
            url, seen = reverse("finance:bank_lines") + asked, []
            while url:
                page = client.get(url).context
                seen += [row.pk for row in page["rows"]]
                last, url = page, page["next_url"] and reverse("finance:bank_lines") + page["next_url"]
            assert seen == wanted
            before = client.get(reverse("finance:bank_lines") + last["previous_url"]).context["rows"]
            assert [row.pk for row in before] == wanted[-3:-1]


def test_matches_are_told_apart_by_account_and_by_undoing(client: Client, manager: User) -> None:
    lines = [line("100.00") for _n in range(2)]
    for number, paid in enumerate(lines):
        title = receivable("100.00", number=f"F{number}")
        reconcile.match(lines=[(paid.pk, paid.amount)], items=[Item("instalment", -title.amount, title.pk)], by=manager)
    undone, kept = Match.objects.order_by("pk")
    reconcile.undo(match_id=undone.pk, by=manager)
    here = reverse("finance:matches")

    assert shown(client, f"{here}?undone=true") == [undone.pk]
    assert shown(client, f"{here}?undone=false") == [kept.pk]
    assert shown(client, f"{here}?account={lines[1].bank_account_id}") == [kept.pk]


@pytest.mark.parametrize("few", [200, 0])
def test_words_find_a_party_that_is_one_of_few_or_of_many(
    client: Client, manager: User, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(searching, "FEW", few)
    mine, other = receivable(number="NF-100", who=party("João Vaz")), receivable(number="NF-200", who=party("Rita"))
    paper = bill(number="nf 77", who=party("Vazante Ltda"))
    owed, bills = reverse("finance:receivables"), reverse("finance:bills")

    assert shown(client, f"{owed}?q=joao+vaz") == [mine.pk]
    assert shown(client, f"{owed}?q=nf-200") == [other.pk]
    assert shown(client, f"{bills}?q=vazante") == [paper.pk]
    assert shown(client, f"{bills}?q=NF+77") == [paper.pk]


def test_entries_are_chosen_by_month_and_account(client: Client, manager: User) -> None:
    first, second = post(on=MAY), post(on=date(2026, 7, 1))
    here = reverse("finance:entries")
    form = client.get(here).context["filter_form"]
    month = next(key for key, label in form.fields["period"].choices if label == "2026-07")

    assert shown(client, f"{here}?period={month}") == [second]
    assert shown(client, here) == [second, first]
    assert client.get(f"{here}?period=999999").status_code == 422


def test_a_list_that_never_held_anything_offers_only_its_beginning(client: Client) -> None:
    client.force_login(person("finance_clerk"))

    page = client.get(reverse("finance:bills")).content.decode()

    assert page.count(f'href="{reverse("finance:bill_create")}"') == 1
    assert '<p class="empty-text">No bill yet.</p>' in page
    assert '<p class="muted">Enter the first one, or one that comes back each month.</p>' in page
    assert "list-search" not in page


def test_a_list_without_matches_offers_to_clear_the_filters(client: Client) -> None:
    year()
    bill()
    client.force_login(person("finance_clerk"))

    page = client.get(reverse("finance:bills"), {"q": "nobody"}).content.decode()

    assert 'class="empty none"' in page
    assert "list-search" in page


def test_matches_begin_where_lines_are_reconciled(client: Client) -> None:
    client.force_login(person("director"))

    page = client.get(reverse("finance:matches")).content.decode()

    assert f'class="button primary" href="{reverse("finance:reconcile_accounts")}"' in page
