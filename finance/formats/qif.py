"""QIF: one letter a field, `^` after each line. Its dates say neither century nor order, so the order is inferred."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from . import values
from .dates import AMBIGUOUS, Order, order_of
from .layout import decimal_mark
from .shapes import AccountPart, Begin, Event, Head, Notice, Refusal, gettext_noop
from .sources import Source
from .tally import Tally

NAME, READER = "qif", "qif 1"

NO_DATE = gettext_noop("The date “%(value)s” cannot be read.")
NO_AMOUNT = gettext_noop("The amount “%(value)s” cannot be read.")
NO_LINES = gettext_noop("The QIF file holds no lines.")
OTHER_KIND = gettext_noop("This QIF file holds “%(kind)s”, not a bank or card statement.")

_KINDS = {"BANK": "checking", "CCARD": "card", "CASH": "cash", "OTH A": "", "OTH L": ""}
_START = re.compile(r"^[ \t]*!(?:type:|account|option:|clear:)", re.IGNORECASE | re.MULTILINE)


def looks_like(head: str) -> bool:
    """A header among the first lines; comments may stand before it."""
    return bool(_START.search(head.removeprefix("ï»¿"), 0, 4_000))


def _entries(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each entry with the number of its first line. Headers come as {"!": …}."""
    start, fields = 0, dict[str, str]()
    for number, line in lines:
        line = line.strip()
        if not line or line[0] == "#":
            continue
        if line.startswith("!"):
            if fields:
                yield start, fields
            yield number, {"!": line[1:]}
            fields = {}
        elif line[0] == "^":
            if fields:
                yield start, fields
            fields = {}
        else:
            if line[0] in "Dd" and "D" in fields and "T" in fields:  # a new entry, its ^ is missing
                yield start, fields
                fields = {}
            start = start if fields else number
            fields.setdefault(line[0].upper(), line[1:].strip())
    if fields:
        yield start, fields


class _Reader:
    def __init__(self, source: Source, today: date) -> None:
        self.source, self.today = source, today
        self.order: Order | None = None
        self.tally: Tally | None = None
        self.kind = ""
        self.decimal = ""
        self.account: dict[str, str] = {}  # the one named last
        self.ours: dict[str, str] = {}  # the one whose lines these are
        self.in_account = False
        self.opening: Decimal | None = None

    def run(self) -> Iterator[Event]:
        yield Head(NAME, READER, self.source.name)
        self.decimal = decimal_mark(line[1:] for _, line in self.source.lines() if line[:1] in ("T", "t"))
        dates = (line[1:] for _, line in self.source.lines() if line[:1] in ("D", "d"))
        self.order, ambiguous = order_of(dates, by_span=self.decimal != ",")
        begun = False
        refused = ""
        for number, fields in _entries(self.source.lines()):
            if "!" in fields:
                header = fields["!"].strip()
                self.in_account = header.lower().startswith("account")
                if header.lower().startswith("type:"):
                    kind = header[5:].strip().upper()
                    refused = "" if kind in _KINDS else kind
                    if not refused:
                        yield from self.end()
                        self.tally, self.kind = Tally(self.today), _KINDS[kind]
                        self.ours = self.account
                        begun = False
            elif self.in_account:
                self.account = fields
            elif not refused:
                self.tally = self.tally or Tally(self.today)
                if not begun:
                    begun = True
                    yield Begin(self.part(self.tally))
                yield self.line(self.tally, number, fields)
        if self.tally is None or not (self.tally.found or self.tally.parked or self.tally.quarantined):
            raise Refusal(OTHER_KIND, kind=refused) if refused else Refusal(NO_LINES)
        yield from self.end()
        if ambiguous:
            yield Notice(AMBIGUOUS, {"order": str(self.order)})
        yield from self.source.notices

    def part(self, tally: Tally) -> AccountPart:
        opening = self.opening
        return AccountPart(
            id=self.ours.get("N", ""),
            kind=self.kind,
            label=self.ours.get("D", ""),
            opening=opening,
            closing=None if opening is None or tally.quarantined else opening + tally.sum,
            starts_on=tally.first,
            ends_on=tally.last,
        )

    def end(self) -> Iterator[Event]:
        if self.tally and (self.tally.found or self.tally.parked or self.tally.quarantined):
            yield self.tally.end(self.part(self.tally))
        self.tally, self.opening = None, None

    def line(self, tally: Tally, number: int, fields: dict[str, str]) -> Event:
        where = f"line {number}"
        raw = "\n".join(f"{letter}{text}" for letter, text in fields.items())
        stated = fields.get("T") or fields.get("U", "")
        amount = values.priced(stated, self.decimal)
        on = self.order.read(fields.get("D", "")) if self.order else None
        if amount is None:
            return tally.quarantine(where, NO_AMOUNT, {"value": stated}, raw)
        if on is None:
            return tally.quarantine(where, NO_DATE, {"value": fields.get("D", "")}, raw)
        payer, memo = values.tidy(fields.get("P", "")), values.tidy(fields.get("M", ""))
        if payer.lower() in ("opening balance", "saldo inicial", "saldo anterior") and not tally.found:
            self.opening = amount
            if (name := fields.get("L", "")).startswith("[") and not self.ours:
                self.ours = {"N": name.strip("[]")}
        return tally.line(
            where, on, amount, memo or payer, payer=payer, kind=fields.get("L", ""), reference=fields.get("N", "")
        )


def read(source: Source, *, today: date) -> Iterator[Event]:
    return _Reader(source, today).run()
