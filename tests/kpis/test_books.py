"""Numbers of the books: computed by hand from a handful of bank lines, matches and expenses."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.core.calendar import Period
from backoffice.core.models import Party
from finance.models import BankAccount, CostCentre, StatementLine
from finance.selectors.position import position
from finance.services import ledger, periods, plan, reconcile
from finance.services.ledger import Line
from kpis import selectors
from kpis.models import LiveFact
from kpis.services import facts, rollup
from tests.factories.bank_lines import bank_line, engine_match
from tests.factories.books import document, receivable
from tests.factories.people import person

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()
PERIOD = Period(TODAY - timedelta(days=60), TODAY + timedelta(days=1))


@pytest.fixture
def bank() -> BankAccount:
    periods.ensure(TODAY - timedelta(days=70), TODAY)
    return plan.open_bank_account(name="Banco")


def line(bank: BankAccount, amount: str, *, age: int = 1) -> StatementLine:
    return bank_line(bank, amount, on=TODAY - timedelta(days=age))


def value(key: str) -> Any:
    rollup.roll_up()
    return selectors.tile(key, PERIOD, today=TODAY).value


def test_lines_undone_or_forgotten_are_errors_and_young_ones_are_not_judged(bank: BankAccount) -> None:
    manager = person("finance_manager")
    engine_match(line(bank, "10.00"))
    reconcile.undo(match_id=engine_match(line(bank, "20.00")).pk, by=manager)
    line(bank, "30.00", age=2)
    line(bank, "40.00", age=8)
    facts.sync_matches()

    assert value("finance.reconciliation_error_rate") == Decimal(2) / 3
    assert value("finance.automatic_share") == Decimal("0.25")
    assert value("finance.match_undo_rate") == Decimal("0.5")


def test_a_line_undone_and_matched_again_by_a_person_is_an_error_and_not_automatic(bank: BankAccount) -> None:
    manager, row = person("finance_manager"), line(bank, "10.00")
    made = engine_match(row)
    reconcile.undo(match_id=made.pk, by=manager)
    part = receivable("10.00", on=TODAY, who=Party.objects.create(name="Ana"))
    reconcile.match(
        lines=[(row.pk, row.amount)], items=[reconcile.Item("instalment", Decimal("-10.00"), part.pk)], by=manager
    )
    facts.sync_matches()

    assert value("finance.reconciliation_error_rate") == 1
    assert value("finance.automatic_share") == 0
    bands = {one.value: one.reading.value for one in selectors.breakdown("finance.match_undo_rate", PERIOD, "band")}
    assert bands == {"0.95": Decimal(1), "hand": Decimal(0)}


def test_an_event_brings_only_what_it_names_and_twice_changes_nothing(bank: BankAccount) -> None:
    first, second = line(bank, "10.00"), line(bank, "20.00")

    facts.sync_lines([first.pk])
    facts.sync_lines([first.pk])

    assert list(LiveFact.objects.filter(series="lines.booked").values_list("entity", "hit")) == [(first.ref, False)]
    engine_match(first)
    facts.sync_statements([first.statement_id, second.statement_id])
    assert set(LiveFact.objects.filter(series="lines.booked").values_list("entity", "hit")) == {
        (first.ref, True), (second.ref, False),
    }  # fmt: skip


def test_the_back_office_costs_what_its_accounts_say_reversals_taken_off(bank: BankAccount) -> None:
    centre = CostCentre.objects.create(code="ADM", name="Administração")
    rent, cash = plan.account_for("salaries").pk, plan.account_for("cash").pk
    for amount in ("100.00", "50.00", "7.00"):
        lines = [Line(rent, Decimal(amount), cost_centre=centre.pk), Line(cash, -Decimal(amount))]
        entry = ledger.post(journal="general", on=TODAY, text="x", lines=lines, origin=document())
    ledger.reverse(entry=entry, on=TODAY)

    facts.sync_new_costs()
    assert facts.sync_new_costs().added == 0

    assert value("finance.back_office_cost") == Decimal("150.00")
    assert value("finance.back_office_cost_per_order") is None


def test_the_position_is_the_ledger_whatever_is_closed(bank: BankAccount) -> None:
    row = line(bank, "80.00", age=3)
    receivable("25.00", on=TODAY)

    now = position(today=TODAY)

    assert (now.cash, now.projected, now.oldest_open_on) == (Decimal("80.00"), Decimal("105.00"), row.on)


def test_the_finance_dashboard_shows_the_position_to_who_may_read_reports(client: Client, bank: BankAccount) -> None:
    line(bank, "80.00")
    client.force_login(person("finance_manager"))

    page = client.get(reverse("kpis:board", args=["finance"])).content.decode()

    assert "Cash position" in page
    assert "Oldest open bank line" in page
