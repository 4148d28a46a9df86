"""Sums of days: reports read them and what was posted since, and tell the same whenever these were made."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from backoffice.core.calendar import Period
from finance.jobs import books
from finance.models import Account, DayBalance, DaySummary, JournalHead
from finance.reports import balance_sheet, balances, cash_flow, dre, general_ledger, tree, trial_balance
from finance.services import accounts, day_sums, ledger, plan, proof
from finance.services.ledger import Line
from tests.factories.books import document, post, receivable, receive, year

pytestmark = pytest.mark.django_db

YEAR = Period(date(2026, 1, 1), date(2027, 1, 1))
MAY = Period(date(2026, 5, 1), date(2026, 6, 1))


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def told() -> list[Any]:
    """What every report says that reads them."""
    plan_, cash = tree.read(), plan.account_for("cash").pk
    return [
        trial_balance.trial_balance(MAY.start, MAY.end),
        dre.dre([YEAR, MAY]),
        balance_sheet.balance_sheet([MAY.end, YEAR.end]),
        cash_flow.cash_flow([MAY, YEAR]),
        general_ledger.general_ledger(plan_, cash, MAY.start, YEAR.end, after=(date(2026, 5, 10), 0)).before,
        accounts.balances(),
        accounts.balances([cash]),
    ]


def spend(amount: str, on: date = date(2026, 5, 4)) -> int:
    at = plan.accounts_for("cash", "marketing")
    lines = [Line(at["marketing"], Decimal(amount)), Line(at["cash"], -Decimal(amount))]
    return ledger.post(journal="general", on=on, text="Anúncio", lines=lines, origin=document())


def test_reports_say_the_same_before_and_after_and_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    receive(receivable("100.00"), "40.00")
    entry = spend("30.00")
    for step in (lambda: None, lambda: spend("7.00"), lambda: ledger.reverse(entry=entry, on=date(2026, 6, 1))):
        step()
        with monkeypatch.context() as patch:
            patch.setattr(balances, "MOST", -1)
            patch.setattr(day_sums, "MOST", -1)
            from_postings = told()
        assert told() == from_postings  # with what was summed before the step, if anything
        day_sums.sum_up()
        assert told() == from_postings


def test_a_day_that_was_posted_to_is_summed_anew_and_others_are_left() -> None:
    spend("30.00")
    spend("5.00", on=date(2026, 5, 5))
    assert day_sums.sum_up() == 2
    assert day_sums.behind() == 0

    spend("1.00")

    assert day_sums.behind() == 1
    assert day_sums.sum_up() == 1
    cash = DayBalance.objects.get(on=date(2026, 5, 4), account__purpose="cash")
    spent = DayBalance.objects.get(on=date(2026, 5, 4), account__purpose="marketing")
    assert (cash.debit, cash.credit, cash.flow) == (Decimal("0.00"), Decimal("31.00"), Decimal("0.00"))
    assert (spent.debit, spent.credit, spent.flow) == (Decimal("31.00"), Decimal("0.00"), Decimal("-31.00"))
    assert DaySummary.objects.get().marks == {str(head.pk): head.seq for head in JournalHead.objects.all()}


def test_when_other_accounts_are_money_every_day_is_summed_anew() -> None:
    at = plan.accounts_for("marketing", "other_income")
    lines = [Line(at["marketing"], Decimal(9)), Line(at["other_income"], Decimal(-9))]
    ledger.post(journal="general", on=date(2026, 5, 4), text="x", lines=lines, origin=document())
    day_sums.sum_up()

    Account.objects.filter(pk=at["other_income"]).update(cash_flow="cash")

    assert cash_flow.cash_flow([MAY])[0].flows == {at["marketing"]: Decimal("-9.00")}  # from the postings
    assert day_sums.sum_up() == 1
    assert cash_flow.cash_flow([MAY])[0].flows == {at["marketing"]: Decimal("-9.00")}


def test_with_too_much_since_the_postings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    day_sums.sum_up()
    spend("30.00")
    monkeypatch.setattr(balances, "MOST", 0)

    assert balances.flows([balances.Span(MAY.start, MAY.end)], DaySummary.objects.get().money) is None
    assert trial_balance.trial_balance(MAY.start, MAY.end).debit == Decimal("30.00")


@pytest.mark.parametrize("column", ["debit", "flow"])
def test_the_proof_finds_a_day_that_is_not_its_postings(column: str) -> None:
    spend("30.00")
    day_sums.sum_up()
    assert proof.verify().ok
    spend("2.00")
    assert proof.verify().ok

    DayBalance.objects.filter(account__purpose="marketing").update(**{column: Decimal("5.00")})

    found = proof.verify().first_bad
    assert found is not None
    assert (found["what"], found["name"]) == ("day", "2026-05-04")


def test_the_clock_sums_when_there_is_something_to_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    post()
    books.sum_days()
    assert not DayBalance.objects.exists()

    monkeypatch.setattr(day_sums, "SOME", 1)
    books.sum_days()

    assert day_sums.behind() == 0
    assert DayBalance.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_days_are_summed_as_of_now_only() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(ProgrammingError, match="as of now"):
            day_sums.sum_up()
        transaction.set_rollback(True)
