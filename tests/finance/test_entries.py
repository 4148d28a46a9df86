"""Entries by hand: written, approved by a second person, posted, reversed; and their pages."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.core.models import Approval, User
from backoffice.core.services import approvals
from finance.models import Account, CostCentre, DraftEntry, JournalEntry, Period, Posting
from finance.services import accounts as plan_changes
from finance.services import entries, ledger, plan
from finance.services.ledger import Line
from tests.factories.books import MAY, accounts, party, post, receivable, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months() -> None:
    year()


@pytest.fixture
def clerk() -> User:
    return person("finance_clerk")


@pytest.fixture
def manager() -> User:
    return person("finance_manager")


def draft(by: User, amount: str = "10.00", credit: str | None = None, on: date = MAY) -> DraftEntry:
    fees, sales = accounts()
    lines = [Line(fees, Decimal(amount)), Line(sales, -Decimal(credit or amount))]
    return entries.save(draft_id=None, version=0, on=on, text="Tarifa", lines=lines, by=by)


def typed(amount: str = "10.00", **more: str) -> dict[str, str]:
    """What a person types into the form: fees against sales."""
    return {
        "on": "2026-05-04", "text": "Tarifa", "line-TOTAL_FORMS": "4", "line-INITIAL_FORMS": "0",
        "line-0-account": "6.3.01.001", "line-0-debit": amount,
        "line-1-account": "4.1.01.001 Venda", "line-1-credit": amount, **more,
    }  # fmt: skip


def sign_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def test_an_entry_by_hand_is_posted_by_a_second_person(clerk: User, manager: User) -> None:
    written = draft(clerk)

    asked = entries.submit(draft_id=written.pk, by=clerk)
    approvals.decide(asked.pk, yes=True, by=manager)

    written.refresh_from_db()
    entry = JournalEntry.objects.get(draft=written)
    assert (written.state, entry.kind, entry.made_by, entry.approved_by) == ("posted", "manual", clerk, manager)
    assert entry.origin == written.ref
    assert asked.amount == Decimal("10.00")


def test_a_rejected_entry_comes_back_with_the_reason(clerk: User, manager: User) -> None:
    written = draft(clerk)
    asked = entries.submit(draft_id=written.pk, by=clerk)

    approvals.decide(asked.pk, yes=False, by=manager, answer="Wrong account")

    written.refresh_from_db()
    assert (written.state, written.answer) == ("draft", "Wrong account")
    assert not JournalEntry.objects.exists()


def test_what_waits_is_not_changed(clerk: User) -> None:
    written = draft(clerk)
    entries.submit(draft_id=written.pk, by=clerk)
    written.refresh_from_db()

    with pytest.raises(entries.Changed):
        entries.save(draft_id=written.pk, version=written.version, on=MAY, text="x", lines=[], by=clerk)


def test_what_was_approved_but_cannot_be_posted_comes_back(clerk: User, manager: User) -> None:
    written = draft(clerk)
    asked = entries.submit(draft_id=written.pk, by=clerk)
    Period.objects.filter(starts_on__lte=MAY).update(state="soft")

    approvals.decide(asked.pk, yes=True, by=manager)

    written.refresh_from_db()
    assert written.state == "draft"
    assert "closed" in written.answer
    assert {n.user_id for n in clerk.notifications.filter(key__contains="refused")} == {clerk.pk}
    assert manager.notifications.filter(key__contains="refused").exists()


@pytest.mark.parametrize(("amount", "credit"), [("10.00", "9.99"), ("0.01", "100.00")])
def test_what_does_not_balance_is_kept_but_not_sent(clerk: User, amount: str, credit: str) -> None:
    written = draft(clerk, amount, credit)

    with pytest.raises(entries.NotReady, match="differ"):
        entries.submit(draft_id=written.pk, by=clerk)


def test_entries_by_hand_stay_off_the_accounts_of_titles_and_transits(clerk: User) -> None:
    bank = plan.open_bank_account(name="Banco")
    group = Account.objects.get(code="6.3")
    lines = [
        Line(account, Decimal(1)) for account in (plan.account_for("receivable").pk, bank.transit_id, group.pk)
    ] + [Line(accounts()[1], Decimal(-3))]
    written = entries.save(draft_id=None, version=0, on=MAY, text="x", lines=lines, by=clerk)

    said = " ".join(entries.problems(written))

    assert "only with titles" in said
    assert "bank's statement" in said
    assert "A group" in said


def test_a_reversal_by_hand_asks_a_second_person(clerk: User, manager: User) -> None:
    entry = post("10.00")

    asked = entries.ask_reversal(entry_id=entry, on=MAY, reason="Twice", by=clerk)
    assert ledger.balance_of(accounts()[0]) == Decimal("10.00")
    approvals.decide(asked.pk, yes=True, by=manager)

    assert ledger.balance_of(accounts()[0]) == Decimal("0.00")
    mirror = JournalEntry.objects.get(reverses_id=entry)
    assert (mirror.text, mirror.made_by, mirror.approved_by) == ("Twice", clerk, manager)
    with pytest.raises(entries.NotByHand, match="reversed already"):
        entries.ask_reversal(entry_id=entry, on=MAY, reason="Again", by=clerk)


def test_the_entry_of_a_title_is_undone_at_the_title(clerk: User) -> None:
    entry = receivable().title.entry_id

    with pytest.raises(entries.NotByHand, match="title"):
        entries.ask_reversal(entry_id=entry, on=MAY, reason="x", by=clerk)


# pages


def test_the_form_keeps_a_draft_and_sends_it(client: Client, clerk: User) -> None:
    sign_in(client, clerk)
    centre, who = CostCentre.objects.create(code="L1", name="Loja 1"), party("Ana Souza")

    answer = client.post(
        reverse("finance:draft_create"),
        typed("1234.56", **{"line-0-party": "ana souza", "line-0-cost_centre": "L1 Loja 1", "submit": "yes"}),
    )

    written = DraftEntry.objects.get()
    assert answer["Location"] == reverse("finance:draft", args=[written.pk])
    assert written.state == "waiting"
    assert list(written.lines.order_by("seq").values_list("amount", "party", "cost_centre")) == [
        (Decimal("1234.56"), who.pk, centre.pk),
        (Decimal("-1234.56"), None, None),
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"line-0-account": "9.9"}, "No account has this code"),
        ({"line-0-account": "1.1.04.001"}, "only with titles"),
        ({"line-0-credit": "5.00"}, "one of them"),
        ({"line-0-debit": "1,5,0"}, "is not an amount"),
        ({"line-0-party": "nobody"}, "Nobody with this name"),
        ({"line-0-cost_centre": "X9"}, "No active cost centre"),
        ({"text": ""}, "required"),
    ],
)
def test_what_is_wrong_in_a_line_is_said_at_the_line(client: Client, clerk: User, wrong: Any, said: str) -> None:
    answer = sign_in(client, clerk).post(reverse("finance:draft_create"), typed() | wrong)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not DraftEntry.objects.exists()


def test_more_lines_come_without_script_and_nothing_is_lost(client: Client, clerk: User) -> None:
    page = sign_in(client, clerk).post(reverse("finance:draft_create"), typed("7.00", more="yes")).content.decode()

    assert 'name="line-7-account"' in page
    assert 'value="7.00"' in page
    assert "error-summary" not in page
    assert not DraftEntry.objects.exists()


def test_two_people_on_one_draft_see_both_versions(client: Client, clerk: User) -> None:
    written = draft(clerk)
    fees, sales = accounts()
    entries.save(
        draft_id=written.pk, version=1, on=MAY, text="Theirs", by=person("finance_clerk"),
        lines=[Line(fees, Decimal(2)), Line(sales, Decimal(-2))],
    )  # fmt: skip

    answer = sign_in(client, clerk).post(
        reverse("finance:draft_edit", args=[written.pk]), typed(version="1", text="Mine")
    )

    assert answer.status_code == 409
    assert {"Theirs", "Mine"} <= set(answer.content.decode().replace("<", ">").split(">"))


def test_the_list_answers_its_questions(client: Client, manager: User) -> None:
    post("10.00"), post("20.00", on=date(2026, 6, 2)), post("30.00", journal="sales")
    sign_in(client, manager)
    fees, _sales = accounts()
    june, sales = Period.objects.get(starts_on="2026-06-01"), JournalEntry.objects.get(journal__kind="sales").journal

    def numbers(**query: Any) -> set[str]:
        page = client.get(reverse("finance:entries"), query, follow=True).content.decode()
        return {name for name in ("GER 2026/1", "GER 2026/2", "VEN 2026/1") if name in page}

    assert numbers() == {"GER 2026/1", "GER 2026/2", "VEN 2026/1"}
    assert numbers(journal=sales.pk) == {"VEN 2026/1"}
    assert numbers(period=june.pk) == {"GER 2026/2"}
    assert numbers(account=fees, amount_min="15.00", amount_max="25.00") == {"GER 2026/2"}
    assert numbers(q="GER 2026/1") == {"GER 2026/1"}
    assert numbers(q="TÉST") == numbers(q="te") == numbers()
    assert numbers(q="other") == numbers(q="'&|") - numbers() == numbers(kind="manual") == set()


def test_the_pages_cost_the_same_for_one_entry_as_for_forty(
    client: Client, manager: User, django_assert_max_num_queries: Any
) -> None:
    first = post("1.00")
    for _n in range(39):
        post("2.00")
    sign_in(client, manager)
    client.get(reverse("finance:entries"))

    for address in (reverse("finance:entries"), reverse("finance:entry", args=[first]), reverse("finance:accounts")):
        with django_assert_max_num_queries(12):
            assert client.get(address).status_code == 200


# the plan


def test_an_account_with_postings_keeps_its_kind_and_its_balance(manager: User) -> None:
    post("10.00")
    account = Account.objects.get(pk=accounts()[0])
    values = {
        name: getattr(account, name) for name in ("code", "name", "parent", "kind", "section", "cash_flow", "is_group")
    }

    with pytest.raises(plan_changes.Kept, match="kind stays"):
        plan_changes.change(account_id=account.pk, version=1, values=values | {"kind": "revenue"}, by=manager)
    with pytest.raises(plan_changes.Kept, match="by itself"):
        plan_changes.retire(account_id=account.pk, by=manager)
    plan_changes.change(account_id=account.pk, version=1, values=values | {"name": "Tarifas"}, by=manager)
    with pytest.raises(plan_changes.Changed):
        plan_changes.change(account_id=account.pk, version=1, values=values, by=manager)


def test_an_account_stays_where_closed_months_told_it(manager: User) -> None:
    post("10.00")
    for month in Period.objects.filter(starts_on__lte=MAY).order_by("starts_on"):
        Period.objects.filter(pk=month.pk).update(state="closed")
    account = Account.objects.get(pk=accounts()[0])
    names = ("code", "name", "parent", "kind", "section", "cash_flow", "is_group")
    values = {name: getattr(account, name) for name in names}

    for moved in ({"section": "50_administrative"}, {"cash_flow": "investing"}):
        with pytest.raises(plan_changes.Kept, match="Closed months tell it at its place"):
            plan_changes.change(account_id=account.pk, version=1, values=values | moved, by=manager)


def test_an_empty_account_is_retired_and_takes_no_entry(manager: User, clerk: User) -> None:
    account = Account.objects.get(code="6.2.02.005")

    plan_changes.retire(account_id=account.pk, by=manager)

    assert list(entries.account_problems([Account.objects.get(pk=account.pk)])) == ["6.2.02.005"]


def test_groups_hold_what_is_below_them() -> None:
    post("10.00")
    tree = {row.account.code: row.balance for row in plan_changes.tree()}

    assert tree["6"] == tree["6.3"] == tree["6.3.01.001"] == Decimal("10.00")
    assert tree["4"] == Decimal("-10.00")
    assert sum(Posting.objects.values_list("amount", flat=True)) == 0


def test_an_account_is_added_below_its_group(client: Client, manager: User) -> None:
    group = Account.objects.get(code="6.2")
    wrong = {"code": "7.9", "name": "Café", "parent": group.pk, "kind": "expense", "cash_flow": "operating"}
    sign_in(client, manager)

    refused = client.post(reverse("finance:account_create"), wrong)
    taken = client.post(
        reverse("finance:account_create"), wrong | {"code": "6.2.02.099", "section": "50_administrative"}
    )

    assert "begins with its group" in refused.content.decode()
    assert "place in the DRE" in refused.content.decode().lower() or "DRE" in refused.content.decode()
    assert taken.status_code == 302
    assert Account.objects.get(code="6.2.02.099").parent == group


def test_the_question_leads_to_the_draft(client: Client, clerk: User, manager: User) -> None:
    written = draft(clerk)
    asked = entries.submit(draft_id=written.pk, by=clerk)

    page = sign_in(client, manager).get(reverse("approval", args=[asked.pk])).content.decode()

    assert reverse("finance:draft", args=[written.pk]) in page
    assert Approval.objects.get().state == "waiting"
