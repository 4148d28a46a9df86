"""Control totals: does a statement add up, and does it go on where the one before it ended?"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finance.models import Statement


@dataclass(frozen=True)
class Control:
    """Amounts in the account's currency. opening is worked out where the file does not say it."""

    opening: Decimal | None
    is_derived: bool
    lines: Decimal
    closing: Decimal | None
    difference: Decimal | None  # closing - opening - lines, where the file says both


@dataclass(frozen=True)
class Gap:
    """The statement before this one ended with another balance than this one begins with."""

    before: Statement
    amount: Decimal


def control(statement: Statement) -> Control:
    opening, closing = statement.opening, statement.closing
    if opening is None:
        derived = None if closing is None else closing - statement.sum
        return Control(derived, True, statement.sum, closing, None)
    difference = None if closing is None else closing - opening - statement.sum
    return Control(opening, False, statement.sum, closing, difference)


def gap_before(statement: Statement) -> Gap | None:
    """Whether money moved between the statement before and this one that no file shows."""
    told = control(statement)
    starts: date | None = statement.starts_on
    if told.opening is None or starts is None:
        return None
    before = (
        Statement.objects.filter(
            bank_account_id=statement.bank_account_id, undone_at=None, closing__isnull=False, ends_on__lt=starts
        )
        .order_by("-ends_on", "-pk")
        .first()
    )
    if before is None or before.closing is None or before.closing == told.opening:
        return None
    return Gap(before, told.opening - before.closing)
