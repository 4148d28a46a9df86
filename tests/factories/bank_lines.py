"""Bank lines in transit, and matches as the engine posts them."""

from datetime import date, datetime
from decimal import Decimal

from finance.models import BankAccount, Match, Statement, StatementLine
from finance.services import ledger, plan
from finance.services.ledger import Line


def bank_line(bank: BankAccount, amount: str, *, on: date) -> StatementLine:
    statement = Statement.objects.create(bank_account=bank, format="ofx", reader="1")
    row = StatementLine.objects.create(
        bank_account=bank,
        statement=statement,
        on=on,
        amount=Decimal(amount),
        key=str(StatementLine.objects.count()).encode(),
    )
    lines = [
        Line(bank.account_id, row.amount, line=row.pk, role="bank"),
        Line(bank.transit_id, -row.amount, line=row.pk, role="transit"),
    ]
    ledger.post(journal="bank", on=on, text="Statement", lines=lines)
    return row


def engine_match(row: StatementLine, confidence: str = "0.97", *, at: datetime | None = None) -> Match:
    """Automatic, against bank fees."""
    fees = plan.account_for("bank_fees").pk
    lines = [Line(row.bank_account.transit_id, row.amount, line=row.pk, role="transit"), Line(fees, -row.amount)]
    entry = ledger.post(journal="matching", on=row.on, text="Match", lines=lines)
    when = {"at": at} if at else {}
    return Match.objects.create(entry_id=entry, stage="S2", confidence=Decimal(confidence), automatic=True, **when)
