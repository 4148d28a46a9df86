"""The checklist of a month knows what is missing."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from backoffice.core.models import Job, User
from finance.models import Bill, Invoice, Period, RecurringEntry, Statement, StatementLine
from finance.services import close, entries, ledger, periods, plan
from finance.services.ledger import Line
from tests.factories.books import MAY, accounts, document, party, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months() -> None:
    year()
    Period.objects.filter(starts_on__lt=date(2026, 5, 1)).order_by("starts_on").update(state="open")
    for period in Period.objects.filter(starts_on__lt=date(2026, 5, 1)).order_by("starts_on"):
        Period.objects.filter(pk=period.pk).update(state="closed")


@pytest.fixture
def manager() -> User:
    return person("finance_manager")


def may() -> Period:
    return Period.objects.get(starts_on=date(2026, 5, 1))


def missing() -> dict[str, list[str]]:
    """What is open in May: key → sentences."""
    return {line.key: [point.text for point in line.points] for line in close.checklist(may()) if line.points}


def proved() -> None:
    Job.objects.create(
        kind="finance.verify_ledger", state="done", result={"ok": True}, ended_at="2026-06-01T06:00Z",
        started_at="2026-06-01T05:59Z",
    )  # fmt: skip


def test_a_month_with_nothing_missing_closes_without_a_word(manager: User) -> None:
    proved()

    assert missing() == {}
    close.close(period_id=may().pk, by=manager)

    assert may().state == "closed"


def test_a_month_with_open_points_closes_with_a_reason_only(manager: User) -> None:
    with pytest.raises(close.NotClosed, match="Say why"):
        close.close(period_id=may().pk, by=manager, reason=" ")

    close.close(period_id=may().pk, by=manager, reason="The proof runs tonight")

    assert may().state == "closed"


def test_what_waits_for_approval_blocks(manager: User) -> None:
    clerk, (fees, sales) = person("finance_clerk"), accounts()
    written = entries.save(
        draft_id=None, version=0, on=MAY, text="x", by=clerk, lines=[Line(fees, Decimal(1)), Line(sales, Decimal(-1))]
    )
    assert missing()["finance.drafts"] == ["1 draft was not sent."]

    entries.submit(draft_id=written.pk, by=clerk)

    assert missing()["finance.drafts"] == ["1 entry waits for approval."]
    with pytest.raises(close.NotClosed, match="waits for approval"):
        close.close(period_id=may().pk, by=manager, reason="I want to")


def test_an_earlier_open_month_blocks(manager: User) -> None:
    june = Period.objects.get(starts_on=date(2026, 6, 1))

    with pytest.raises(close.NotClosed, match="May 2026 is not closed"):
        close.close(period_id=june.pk, by=manager, reason="x")


def test_statements_that_are_missing_or_close_elsewhere_are_named() -> None:
    proved()
    bank = plan.open_bank_account(name="Itaú")
    assert missing() == {"finance.statements": ["Itaú: no statement yet."]}

    Statement.objects.create(
        bank_account=bank, format="ofx", reader="1", starts_on=date(2026, 5, 1), ends_on=date(2026, 5, 20)
    )
    assert missing() == {"finance.statements": ["Itaú: the last statement ends on 20\xa0May."]}

    last = Statement.objects.create(
        bank_account=bank, format="ofx", reader="1", starts_on=date(2026, 5, 1), ends_on=date(2026, 5, 31),
        closing=Decimal("100.00"), part=2,
    )  # fmt: skip
    assert "100.00 away" in missing()["finance.statements"][0]

    ledger.post(
        journal="general", on=MAY, text="x", origin=document(),
        lines=[Line(bank.account_id, Decimal(100)), Line(accounts()[1], Decimal(-100))],
    )  # fmt: skip
    assert missing() == {}

    line = StatementLine.objects.create(
        bank_account=bank, statement=last, on=MAY, amount=Decimal("7.00"), text="Pix", key=b"0" * 16
    )
    ledger.post(
        journal="bank", on=MAY, text="x",
        lines=[
            Line(bank.account_id, Decimal(7), line=line.pk, role="bank"),
            Line(bank.transit_id, Decimal(-7), line=line.pk, role="transit"),
        ],
    )  # fmt: skip
    assert missing()["finance.open_lines"] == ["Itaú: 1 line is open."]


def test_documents_that_are_not_in_the_books_are_named() -> None:
    proved()
    who, clerk = party(), person("finance_clerk")
    Bill.objects.create(party=who, number="NF 1", issued_on=MAY, first_due_on=MAY, made_by=clerk)
    Invoice.objects.create(party=who, number="", issued_on=MAY, first_due_on=MAY, made_by=clerk)
    Bill.objects.create(party=who, number="NF 2", issued_on=date(2026, 6, 1), first_due_on=MAY, made_by=clerk)

    assert missing() == {"finance.documents": ["1 invoice is not issued.", "1 bill is not approved."]}


def test_opening_sums_and_recurring_entries_are_named() -> None:
    proved()
    ledger.post(
        journal="opening", on=MAY, text="x", kind="opening",
        lines=[Line(accounts()[0], Decimal(5)), Line(plan.account_for("opening").pk, Decimal(-5))],
    )  # fmt: skip
    RecurringEntry.objects.create(
        text="Aluguel", day=5, starts_on=MAY, next_on=date(2026, 5, 5), made_by=person("finance_clerk")
    )

    found = missing()

    assert set(found) == {"finance.suspense", "finance.recurring"}
    assert "3.9.01.001" in found["finance.suspense"][0]
    assert "Aluguel" in found["finance.recurring"][0]


def test_a_failed_proof_blocks(manager: User) -> None:
    Job.objects.create(
        kind="finance.verify_ledger", state="done", result={"ok": False}, ended_at="2026-06-01T06:00Z",
        started_at="2026-06-01T05:59Z",
    )  # fmt: skip

    with pytest.raises(close.NotClosed, match="do not hold"):
        close.close(period_id=may().pk, by=manager, reason="x")


def test_the_checklist_costs_a_fixed_number_of_questions() -> None:
    for n in range(4):
        plan.open_bank_account(name=f"Banco {n}")
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        close.checklist(may())

    assert len(asked) <= 16
    assert periods.why_not_reopened(may())
