"""Months, postings and titles for the tests of finance."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db.models.functions import Now

from backoffice.core.models import Approval, Party, User
from backoffice.core.services import approvals
from finance.models import Instalment, Payment, Period, Title
from finance.services import ledger, periods, plan, titles
from finance.services.ledger import Line
from tests.factories.people import person

MAY = date(2026, 5, 4)


def year(number: int = 2026) -> None:
    """Have that year's months, open."""
    periods.ensure(date(number, 1, 1), date(number, 12, 1))


def open_again(month: Period) -> None:
    """Open a month again, as asked by one person and approved by another."""
    asked = periods.ask_reopening(period_id=month.pk, reason="Missing bill", by=person("finance_manager"))
    approvals.decide(asked.pk, yes=True, by=person("director"))


def party(name: str = "Ana Souza", **fields: Any) -> Party:
    return Party.objects.create(name=name, **fields)


def accounts() -> tuple[int, int]:
    """An expense and a revenue account, neither of titles nor of banks."""
    found = plan.accounts_for("bank_fees", "sales")
    return found["bank_fees"], found["sales"]


def document() -> str:
    """What an entry by the program may come from that moves no title and no bank line: a payment; its reference."""
    Payment.objects.get_or_create(
        source="test",
        order_key="1",
        seq=1,
        defaults={
            "origin": "logistics.order:0",
            "method": "pix",
            "amount": 0,
            "ordered_at": datetime(2000, 1, 1, tzinfo=UTC),
        },
    )
    return "logistics.order:0"


def post(amount: str = "10.00", *, on: date = MAY, journal: str = "general", **more: Any) -> int:
    """One entry: fees against sales."""
    fees, sales = accounts()
    more.setdefault("origin", document())
    lines = [Line(fees, Decimal(amount)), Line(sales, -Decimal(amount))]
    return ledger.post(journal=journal, on=on, text="Test", lines=lines, **more)


def receivable(amount: str = "100.00", *, number: str = "F1", on: date = MAY, who: Party | None = None) -> Instalment:
    """A title of one instalment, issued against sales."""
    who = who or party()
    control, entry = plan.account_for("receivable"), ledger.next_entry()
    title = Title.objects.create(
        direction="receivable",
        kind="invoice",
        number=number,
        party=who,
        account=control,
        issued_on=on,
        amount=Decimal(amount),
        entry_id=entry,
    )
    part = Instalment.objects.create(title=title, seq=1, party=who, due_on=on, amount=Decimal(amount))
    lines = [
        Line(control.pk, Decimal(amount), party=who.pk, instalment=part.pk, role="issue"),
        Line(accounts()[1], -Decimal(amount)),
    ]
    ledger.post(journal="sales", on=on, text=number, entry=entry, lines=lines)
    part.refresh_from_db()
    return part


def payable(amount: str = "100.00", *, number: str = "B1", on: date = MAY, who: Party | None = None) -> Instalment:
    """A title of one instalment that we owe, for fees."""
    title = titles.issue(
        direction=Title.Direction.PAYABLE,
        kind=Title.Kind.BILL,
        number=number,
        party=who or party("Gráfica"),
        issued_on=on,
        instalments=[titles.Part(on, -Decimal(amount))],
        against=[Line(accounts()[0], Decimal(amount))],
    )
    return title.instalments.get()


def receive(part: Instalment, amount: str, *, on: date = MAY, by: str = "bank_fees") -> int:
    """Settle a part of an instalment without a bank; the entry. by: the purpose of the account that takes it."""
    lines = [
        Line(plan.account_for(by).pk, Decimal(amount)),
        Line(part.title.account_id, -Decimal(amount), party=part.party_id, instalment=part.pk, role="principal"),
    ]
    return ledger.post(journal="general", on=on, text="Received", lines=lines)


def approval(
    subject: str,
    *,
    by: User,
    decided_by: User | None = None,
    yes: bool = True,
    amount: str | None = None,
    right: str = "finance.entry.approve",
) -> Approval:
    """A question about a record, put by one person; answered when another is named."""
    question = Approval.objects.create(
        kind="finance.post_entry",
        subject=subject,
        right=right,
        title="Test",
        asked_by=by,
        amount=None if amount is None else Decimal(amount),
    )
    if decided_by:
        Approval.objects.filter(pk=question.pk).update(
            state="approved" if yes else "rejected", decided_by=decided_by, decided_at=Now(), answer="Because"
        )
    return question
