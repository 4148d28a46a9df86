"""What every reader but the hottest one does with a line: park what is no movement, count and add up the rest."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from . import values
from .shapes import LONGEST_RAW, AccountPart, End, Line, Notice, Quarantined, gettext_noop

LONGEST_WORDS = 1_000

OFF_BALANCE = gettext_noop(
    "The balances in the file do not add up: opening %(opening)s plus lines %(sum)s is %(expected)s, but it says "
    "%(closing)s (difference %(difference)s)."
)


class Tally:
    """One account's lines so far."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.found = self.parked = self.quarantined = 0
        self.credits = self.debits = Decimal("0.00")
        self.first: date | None = None
        self.last: date | None = None

    @property
    def sum(self) -> Decimal:
        return self.credits + self.debits

    def line(self, place: str, on: date, amount: Decimal, text: str, *, pending: bool = False, **more: Any) -> Line:
        """The line, marked with why it is no movement if it is none. pending: the bank has not booked it yet."""
        parked = ""
        if values.is_balance(text):
            parked = "balance"
        elif not amount:
            parked = "zero"
        elif pending or on > self.today:
            parked = "future"
        if parked:
            self.parked += 1
        else:
            self.found += 1
            if amount > 0:
                self.credits += amount
            else:
                self.debits += amount
            self.first = min(on, self.first or on)
            self.last = max(on, self.last or on)
        return Line(place, on, more.pop("valued_on", None), amount, text[:LONGEST_WORDS], parked=parked, **more)

    def quarantine(self, where: str, reason: str, data: dict[str, Any], raw: str) -> Quarantined:
        self.quarantined += 1
        short = {name: value[:80] if isinstance(value, str) else value for name, value in data.items()}
        return Quarantined(where, reason, short, raw[:LONGEST_RAW])

    def end(self, part: AccountPart) -> End:
        return End(part, self.found, self.sum, self.parked, self.quarantined)

    def checked(self, opening: Decimal | None, closing: Decimal | None) -> Iterator[Notice]:
        """A warning if printed balances and lines disagree."""
        if opening is None or closing is None or opening + self.sum == closing:
            return
        expected = opening + self.sum
        yield Notice(
            OFF_BALANCE,
            {
                "opening": str(opening),
                "sum": str(self.sum),
                "expected": str(expected),
                "closing": str(closing),
                "difference": str(closing - expected),
            },
        )
