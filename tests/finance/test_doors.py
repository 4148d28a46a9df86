"""The ways between pages of the books: several lines in one act, undo from the entry, palette, page of a party."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from backoffice.core import search, sentences
from backoffice.core.models import User
from finance import reasons
from finance.models import JournalEntry, Match, StatementLine
from finance.services import plan, reconcile, rules
from finance.views.matches import BookLines
from tests.factories.banking import bank_account, line, statement, suggestion
from tests.factories.books import party, receivable, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months() -> None:
    year()


@pytest.fixture
def manager(client: Client) -> User:
    user = person("finance_manager")
    client.force_login(user)
    return user


def match_page(one: StatementLine) -> str:
    return reverse("finance:reconcile_match", args=[one.pk])


def test_several_lines_meet_titles_in_one_act(client: Client, manager: User) -> None:
    of = statement(bank_account())
    first, second = line("60.00", of=of), line("40.00", of=of)
    titles = [receivable("70.00", number="A1"), receivable("30.00", number="A2")]

    shown = client.get(match_page(first), {"with": second.pk})
    sent: dict[str, Any] = {"with": [second.pk], "pick": [part.pk for part in titles]}
    sent |= {f"amount-{part.pk}": str(part.balance) for part in titles}
    client.post(match_page(first), sent)

    assert "100.00 in all" in shown.content.decode()
    assert not StatementLine.objects.exclude(open_amount=0).exists()
    made = Match.objects.get()
    assert made.entry.postings.count() == 4
    reconcile.undo(match_id=made.pk, by=manager)
    assert StatementLine.objects.exclude(open_amount=0).count() == 2


def test_lines_that_cancel_each_other_need_no_title(client: Client, manager: User) -> None:
    of = statement(bank_account())
    paid, back = line("80.00", of=of), line("-80.00", of=of)

    client.post(match_page(paid), {"with": [back.pk]})

    assert not StatementLine.objects.exclude(open_amount=0).exists()


def test_a_line_that_somebody_took_meanwhile_stops_the_whole_act(client: Client, manager: User) -> None:
    of = statement(bank_account())
    first, second = line("60.00", of=of), line("40.00", of=of)
    title = receivable("100.00", number="A1")
    reconcile.ignore(line_id=second.pk, reason="later", by=manager)

    answer = client.post(match_page(first), {"with": [second.pk], "pick": [title.pk], f"amount-{title.pk}": "100.00"})

    assert answer.status_code == 422
    assert "set aside meanwhile" in answer.content.decode()
    assert not Match.objects.exists()


def test_lines_of_another_account_do_not_come_along(client: Client, manager: User) -> None:
    first, other = line("60.00", account=bank_account("Azul")), line("40.00", account=bank_account("Verde"))

    answer = client.post(match_page(first), {"with": [other.pk]})

    assert answer.status_code == 422
    assert not Match.objects.exists()


def test_a_hundred_lines_are_booked_to_one_account_in_one_act(manager: User) -> None:
    of, fees = statement(bank_account()), plan.account_for("bank_fees")
    lines = [line("-1.00", of=of) for _n in range(100)]
    answers: dict[str, Any] = {"account": fees, "cost_centre": None, "party": None, "text": "Tarifa"}

    assert BookLines().refusals(lines, by=manager, **answers) == {}
    assert len(BookLines().refusals(lines, by=person("finance_clerk"), **answers)) == 100
    BookLines().apply([one.pk for one in lines], by=manager, **answers)

    assert Match.objects.count() == 100


def test_an_entry_of_a_match_is_undone_from_its_own_page(client: Client, manager: User) -> None:
    one = line("100.00")
    made = reconcile.accept(suggestion_id=suggestion(one, receivable("100.00")).pk, by=manager)
    page = reverse("finance:entry", args=[made.entry_id])
    assert reverse("finance:match_undo", args=[made.pk]) in client.get(page).content.decode()

    answer = client.post(reverse("finance:match_undo", args=[made.pk]), {"back": page})

    assert answer["Location"] == page
    assert JournalEntry.objects.filter(reverses=made.entry_id).exists()
    assert reverse("finance:match_undo", args=[made.pk]) not in client.get(page).content.decode()


def test_a_proposed_rule_is_said_beside_the_proof_until_somebody_decides(client: Client, manager: User) -> None:
    account, fees = bank_account(), plan.account_for("bank_fees")
    for _n in range(2):
        one = line("-9.90", account=account, text="TARIFA MENSAL PACOTE")
        [made] = reconcile.new_entry(line_ids=[one.pk], account=fees.pk, by=manager)
        rules.propose_after(made)
    page = reverse("finance:reconcile", args=[account.pk])
    assert "a rule is proposed" in client.get(page).content.decode()

    rules.switch(rules.proposals().get(), by=manager, active=True)

    assert "a rule is proposed" not in client.get(page).content.decode()


def test_the_palette_finds_titles_and_entries(manager: User) -> None:
    title = receivable("1234.56", number="NF-778")
    [entry] = JournalEntry.objects.all()

    with translation.override("en"):
        by_number = {group.label: group.entries for group in search.results(manager, "nf-778")}
        by_amount = {group.label: group.entries for group in search.results(manager, "1,234.56")}
        by_entry = {group.label: group.entries for group in search.results(manager, str(entry))}
        outsider = {group.label for group in search.results(person("employee"), "nf-778")}

    assert by_number["Titles"][0].url == reverse("finance:title", args=[title.title_id])
    assert by_amount["Titles"][0].label == "NF-778"
    assert by_entry["Journal entries"][0].url == reverse("finance:entry", args=[entry.pk])
    assert not outsider & {"Titles", "Journal entries"}


def test_a_party_opens_to_exactly_its_titles(client: Client, manager: User) -> None:
    who = party("Ana Souza")
    for n in range(2):
        receivable("100.00", number=f"F{n}", who=who)
    receivable("50.00", number="G1", who=party("Rui Lima"))

    text = client.get(reverse("party", args=[who.pk])).content.decode()
    rows = client.get(f"{reverse('finance:receivables')}?party={who.pk}&state=open").content.decode()

    assert "Receivables: 2 open" in text
    assert "200.00" in text
    assert "F0/1" in rows
    assert "G1/1" not in rows


def test_a_title_stands_in_the_list_of_its_direction(client: Client, manager: User) -> None:
    title = receivable("100.00")

    text = client.get(reverse("finance:title", args=[title.title_id])).content.decode()

    assert f'href="{reverse("finance:receivables")}" aria-current="true"' in text


def test_sides_of_a_transfer_are_days_apart_and_not_late() -> None:
    said = {"signals": [{"key": "transfer", "value": "Azul"}, {"key": "days", "value": 1}]}

    with translation.override("en"):
        assert reasons.sentence(said, "S6") == "Opposite amount in Azul and 1 day apart."


def test_amounts_of_the_trail_are_read_as_money() -> None:
    with translation.override("pt-br"):
        assert sentences.say("finance.bill_written", {"total": "2318.75"}).endswith("R$\u00a02.318,75")
