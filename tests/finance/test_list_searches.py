"""Lists over many rows find and order them by other ways than over few; what they show is the same."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.core.models import Company, User
from finance.models import Match, Period, Posting, StatementLine
from finance.selectors import searching
from finance.services import ledger, reconcile
from finance.services.ledger import Line
from finance.services.reconcile import Item
from finance.views.entries import EntryList
from finance.views.matches import BankLineList
from finance.views.postings import PostingList
from tests.factories.banking import bank_account, line, statement
from tests.factories.books import MAY, accounts, document, party, post, receivable, year
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


def walked(client: Client, url: str) -> list[int]:
    """What the list shows page after page, to its end and back."""
    here = url.partition("?")[0]
    seen: list[int] = []
    backwards: list[int] = []
    page = client.get(url).context
    while True:
        seen += [row.pk for row in page["rows"]]
        if not page["next_url"]:
            break
        page = client.get(here + page["next_url"]).context
    while page["previous_url"]:
        page = client.get(here + page["previous_url"]).context
        backwards = [row.pk for row in page["rows"]] + backwards
    assert backwards == seen[: len(backwards)]
    return seen


@pytest.fixture(params=["counted", "beyond what is counted"])
def short_pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Two rows a page; with a count that reaches everything, or not."""
    cap = 1000 if request.param == "counted" else 3
    for name in ("finance.selectors.walking.CAP", "backoffice.core.lists.CAP", "backoffice.core.lists.page.CAP"):
        monkeypatch.setattr(name, cap)
    monkeypatch.setattr(EntryList, "reach", cap)
    monkeypatch.setattr(EntryList, "page_size", 2)
    return cap == 1000


def test_entries_of_an_account_are_walked_each_once_whatever_its_postings(
    client: Client, manager: User, short_pages: bool
) -> None:
    fees, sales = accounts()
    for n, day in enumerate(MAY + timedelta(days=n) for n in (0, 40, 0, 3, 40, 3)):
        lines = [Line(fees, Decimal(n + 1)), Line(fees, Decimal(9)), Line(sales, -Decimal(n + 10))]
        ledger.post(journal="general", on=day, text="Test", lines=lines, origin=document())
        ledger.post(
            journal="general",
            on=day,
            text="Test",
            lines=[Line(sales, Decimal(9)), Line(sales, Decimal(-9))],
            origin=document(),
        )
    whole = sorted(set(Posting.objects.filter(account=fees).values_list("on", "entry_id")), reverse=True)
    assert len(whole) == 6
    here = reverse("finance:entries") + f"?account={fees}"

    assert walked(client, here) == [pk for _on, pk in whole]
    assert walked(client, f"{here}&order=on") == [pk for _on, pk in whole[::-1]]
    tally = client.get(here).context["tally"]
    assert (tally.n, tally.is_exact) == ((6, True) if short_pages else (4, False))
    assert client.get(f"{here}&count=exact").context["tally"].n == 6
    june = Period.objects.get(starts_on=date(2026, 6, 1))
    early = [pk for on, pk in whole if on < june.starts_on]
    assert walked(client, f"{here}&on_to=2026-05-31") == early
    assert walked(client, f"{here}&period={june.pk}&on_from=2026-05-05") == [
        pk for on, pk in whole if june.starts_on <= on < june.ends_on
    ]
    assert walked(client, f"{here}&kind=manual") == []
    assert walked(client, f"{here}&amount_min=9.00&on_to=2026-05-31") == early
    assert walked(client, f"{here}&amount_min=9.01&on_to=2026-05-31") == []
    assert shown(client, f"{here}&q=no+such+words") == []


def test_entries_with_an_amount_are_found_page_after_page(client: Client, manager: User, short_pages: bool) -> None:
    made = [(on := MAY + timedelta(days=n * 2 % 5), post(f"{n % 3 + 5}.00", on=on), n % 3 + 5) for n in range(12)]
    whole = [(pk, amount) for _on, pk, amount in sorted(made, reverse=True)]
    here = reverse("finance:entries")

    assert walked(client, f"{here}?amount_min=6.00&amount_max=6.00") == [pk for pk, amount in whole if amount == 6]
    assert walked(client, f"{here}?amount_min=6.00") == [pk for pk, amount in whole if amount >= 6]
    assert walked(client, f"{here}?amount_max=6.00&on_to={MAY}") == [
        pk for on, pk, amount in sorted(made, reverse=True) if amount <= 6 and on == MAY
    ]
    assert client.get(f"{here}?amount_min=6.00&amount_max=6.00").context["tally"].n == 4
    assert client.get(f"{here}?amount_min=8.00").context["tally"].n == 0


@pytest.mark.parametrize(
    "asked", ["account={account}", "amount_min=10.00", "account={account}&amount_max=10.00", "q=test"]
)
def test_entries_that_are_searched_for_take_ten_queries(client: Client, manager: User, asked: str) -> None:
    post("10.00")
    url = reverse("finance:entries") + "?" + asked.format(account=accounts()[0])
    client.get(url)
    for _n in range(9):
        post("10.00")

    with CaptureQueriesContext(connection) as captured:
        assert len(client.get(url).context["rows"]) == 10
    assert len(captured) <= 10


def test_postings_are_paged_in_their_order_whatever_is_asked(
    client: Client, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(7):
        post(f"{n % 2 + 1}.00", on=MAY + timedelta(days=n * 2 % 3))
    monkeypatch.setattr(PostingList, "page_size", 2)
    monkeypatch.setattr("backoffice.core.lists.page.CAP", 3)
    monkeypatch.setattr(PostingList, "reach", 3)
    whole = list(Posting.objects.order_by("-on", "-pk").values_list("pk", "account", "amount"))
    fees, sales = accounts()
    here = reverse("finance:postings")

    assert walked(client, here) == [pk for pk, _account, _amount in whole]
    assert walked(client, f"{here}?order=on") == [pk for pk, _account, _amount in whole[::-1]]
    assert walked(client, f"{here}?account={fees}") == [pk for pk, account, _amount in whole if account == fees]
    assert walked(client, f"{here}?side=credit&account={sales}") == [pk for pk, _account, amount in whole if amount < 0]


@pytest.mark.parametrize("asked", ["", "account={account}", "side=debit", "flow=other", "closing=without"])
def test_postings_that_are_searched_for_take_ten_queries(client: Client, manager: User, asked: str) -> None:
    post("10.00")
    url = reverse("finance:postings") + "?" + asked.format(account=accounts()[0])
    client.get(url)
    for _n in range(9):
        post("10.00")

    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    assert len(captured) <= 10
