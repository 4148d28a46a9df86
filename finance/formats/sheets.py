"""Statements as tables, CSV or XLSX: one row a movement, with all that banks print around the rows.

A table is looked at first (`layout.py`), then streamed. Where it mixes accounts or currencies, each becomes a part of
its own and the file is walked once for each.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from . import values
from .columns import Columns, by_headings
from .dates import AMBIGUOUS
from .keys import folded
from .layout import CREDIT, DEBIT, Layout, balance_named, find
from .shapes import AccountPart, Begin, Event, Head, Line, Notice, Refusal, gettext_noop
from .sources import Source
from .tables import Row, cells, csv_rows, delimiter_of, workbook_sheets
from .tally import Tally

CSV_READER, XLSX_READER = "csv 1", "xlsx 1"
SAMPLE = 5_000
MOST_PARTS = 50
MOST_CONTINUATIONS = 8

NO_TABLE = gettext_noop("No row with headings for date and amount was found; say which columns hold them.")
NO_ROWS = gettext_noop("The table has headings and no lines.")
MANY_PARTS = gettext_noop("The table mixes more than %(most)s accounts or currencies.")
GUESSED = gettext_noop("No known headings were found; columns were told apart by their cells. Check the first lines.")
NO_DATE = gettext_noop("The date “%(value)s” cannot be read.")
NO_AMOUNT = gettext_noop("The amount “%(value)s” cannot be read.")
NO_NUMBER = gettext_noop("The row has no amount.")
OFF_RUNNING = gettext_noop(
    "The running balance does not follow from the lines in %(count)s places, first at %(where)s."
)

_FUTURE_SECTION = re.compile(r"LANCAMENTOS? FUTUR|FUTUROS|AGENDAD|A DEBITAR|PROVISIONAD")
_OTHER_SECTION = re.compile(
    r"^(?:SALDOS? INVEST|SALDOS? D[AE]S? APLIC|RESUMO|LIMITES?\b|INVESTIMENTOS|POSICAO CONSOLIDADA)"
)
_NOT_BOOKED = re.compile(
    r"^(?:PENDENTE|AGENDAD|PROVISORI|PENDING|EM PROCESSAMENTO|A COMPENSAR|FUTUR|CANCEL|RECUSAD|REJEITAD|FAILED"
    r"|DECLINED|DENIED|REVERTED|(?:UMSATZ )?VORGEMERKT|OFFEN|PENDIENTE|EN ATTENTE|VOIDED|EXPIRED|RESERVERAD|VENTER"
    r"|NEGAD|NAO (?:REALIZAD|EFETIVAD|EFETUAD)|EXPIRAD|ERRO)"
)


def looks_like(head: str) -> bool:
    """Whether these first characters of a text are a table with dates and amounts."""
    lines = head.split("\n")[:-1] if head.count("\n") > 60 else head.split("\n")
    try:
        mark = delimiter_of(lines)
        return find([(number, cells(line, mark)) for number, line in enumerate(lines[:200], 1)]) is not None
    except Refusal:
        return True  # a table, though none of ours: the reader says which


class _Balances:
    """The running balance: whether it follows from the lines, up or down, and what it says of start and end."""

    def __init__(self) -> None:
        self.first: tuple[Decimal, Decimal] | None = None  # balance, and the lines up to it
        self.last: Decimal | None = None
        self.since = self.total = Decimal("0.00")
        self.newer = Decimal("0.00")
        self.rising = self.falling = self.steps = 0
        self.breaks = 0
        self.broken_at = ""

    def movement(self, amount: Decimal, balance: Decimal | None, where: str) -> None:
        self.since += amount
        self.total += amount
        if balance is None:
            self.newer += amount
            return
        if self.first is None:
            self.first = (balance, self.since)
        elif self.last is not None:
            self.steps += 1
            rises, falls = balance == self.last + self.since, balance == self.last - self.newer
            self.rising += rises
            self.falling += falls
            if not rises and not falls:
                self.breaks += 1
                self.broken_at = self.broken_at or where
        self.last, self.since, self.newer = balance, Decimal("0.00"), amount

    def stated(self, balance: Decimal) -> None:
        """A balance line between the movements."""
        if self.first is None:
            self.first = (balance, self.since)
        self.last, self.since, self.newer = balance, Decimal("0.00"), Decimal("0.00")

    def is_proven(self) -> bool:
        """Whether every balance follows from the one before."""
        return self.steps > 0 and not self.breaks

    def ends(self, *, newest_first: bool) -> tuple[Decimal | None, Decimal | None]:
        """Opening and closing, as far as balances prove them. newest_first: by the dates, where nothing else tells."""
        if self.first is None or self.last is None:
            return None, None
        if not self.steps and newest_first:
            return self.first[0] - self.total, self.first[0]
        if not self.steps:
            balance, upto = self.first
            return balance - upto, balance - upto + self.total
        rises = self.rising > self.falling or (self.rising == self.falling and not newest_first)
        if rises and self.rising * 2 > self.steps:
            return self.first[0] - self.first[1], self.last + self.since
        if self.falling and self.falling * 2 > self.steps:
            opening = self.last - self.newer
            return opening, opening + self.total
        return None, None


class _Part:
    """One account and currency of a table."""

    def __init__(self, layout: Layout, group: tuple[str, str], today: date) -> None:
        self.layout, self.group = layout, group
        self.tally = Tally(today)
        self.balances = _Balances()
        self.opening: Decimal | None = layout.opening
        self.closing: Decimal | None = layout.closing
        self.held: Line | None = None
        self.continued = 0
        self.last_on: date | None = layout.first_on
        self.pending = False
        self.columns = layout.columns
        place = layout.columns.single.get("balance", -1)
        self.is_daily = (
            bool(layout.columns.headings) and "DO DIA" in layout.columns.headings[place] if place >= 0 else False
        )
        self.of_day: tuple[date, Decimal] | None = None
        self.last_cell = ""
        self.last_day: date | None = None

    def part(self) -> AccountPart:
        account, currency = self.group
        newest_first = bool(self.layout.first_on and self.last_on and self.last_on < self.layout.first_on)
        opening, closing = self.balances.ends(newest_first=newest_first)
        if self.opening is not None:
            opening = self.opening
        if self.closing is not None and not (closing is not None and self.balances.is_proven()):
            closing = self.closing  # banks print today's balance above lines of last month
        if closing is None and opening is not None and not self.tally.quarantined:
            closing = opening + self.tally.sum
        return AccountPart(
            id=account or self.layout.account,
            branch=self.layout.branch,
            kind="card" if self.columns.is_card else "",
            currency=currency or self.layout.currency,
            opening=opening,
            closing=closing,
            starts_on=self.tally.first,
            ends_on=self.tally.last,
            opening_is_derived=self.opening is None and opening is not None,
        )

    def release(self) -> Iterator[Event]:
        if self.held:
            yield self.held
            self.held = None

    def end(self) -> Iterator[Event]:
        yield from self.release()
        self._close_day(None)
        part = self.part()
        if self.balances.steps and self.balances.rising + self.balances.falling and self.balances.breaks:
            yield Notice(OFF_RUNNING, {"count": self.balances.breaks, "where": self.balances.broken_at})
        elif self.opening is not None:
            yield from self.tally.checked(part.opening, part.closing)
        yield self.tally.end(part)

    def row(self, number: int, row: Sequence[str]) -> Iterator[Event]:
        """The events of one row; a line is held back, for the next row may continue its text."""
        filled = [cell for cell in row if cell]
        if not filled:
            return
        if len(filled) == 1 and self._is_title(filled[0]):
            return
        cell = self.columns.cell(row, "date")
        on = self._day(cell)
        if on is None and not any(character.isdigit() for character in cell):
            columns = by_headings(row)
            if columns.is_enough():
                self.columns = columns if columns.headings != self.columns.headings else self.columns
                return
        amount, balance, unreadable = self._numbers(row)
        text = self._text(row)
        if not text and values.is_balance(kind := self.columns.cell(row, "kind")):
            text = kind
        if values.is_balance(text) or (not text and amount is None and balance is not None and on):
            yield from self.release()
            yield from self._balance_row(number, on, amount if amount is not None else balance, text)
            return
        if on is None and (name := balance_named(filled[0])):
            yield from self.release()
            self._take_balance(name, filled[1:])
            return
        if on is None:
            if _NOT_BOOKED.match(folded(cell)) and amount and self.last_on:
                yield from self.release()
                yield self.tally.line(f"line {number}", self.last_on, amount, text, pending=True)
                return
            yield from self._without_date(number, row, cell, text, amount, unreadable)
            return
        yield from self.release()
        self.last_on = on
        if amount is None:
            reason, data = (NO_AMOUNT, {"value": unreadable}) if unreadable else (NO_NUMBER, {})
            yield self.tally.quarantine(f"line {number}", reason, data, ";".join(row))
            return
        yield from self._take(number, row, on, amount, balance, text)

    def _take_balance(self, name: str, row: Sequence[str]) -> None:
        """A balance below the table, beside its name."""
        stated = next((found for cell in row if (found := values.priced(cell, self.layout.decimal)) is not None), None)
        if name == "opening" and self.opening is None:
            self.opening = stated
        elif name == "closing" and self.closing is None:
            self.closing = stated

    def _day(self, cell: str) -> date | None:
        """The last cell is remembered: days come in runs."""
        if cell != self.last_cell:
            self.last_cell, self.last_day = cell, self.layout.order.read(cell)
        return self.last_day

    def _is_title(self, cell: str) -> bool:
        """A line of its own between sections."""
        words = folded(cell)
        if _FUTURE_SECTION.search(words):
            self.pending = True
        elif words.startswith(("ULTIMOS LANCAMENTOS", "LANCAMENTOS")):
            self.pending = False
        elif not _OTHER_SECTION.search(words):
            return False
        return True

    def _numbers(self, row: Sequence[str]) -> tuple[Decimal | None, Decimal | None, str]:
        """Amount, balance, and what stands in place of an amount that cannot be read."""
        columns, mark = self.columns, self.layout.decimal
        balance = values.priced(columns.cell(row, "balance"), mark)
        if "amount" in columns.single:
            cell = columns.cell(row, "amount")
            amount = values.priced(cell, mark)
            if amount is not None and (side := self._side(row)):
                amount = abs(amount) * side
            return (-amount if amount and columns.is_inverted else amount), balance, "" if amount is not None else cell
        total: Decimal | None = None
        for role, sign in (("credit", 1), ("debit", -1)):
            cell = columns.cell(row, role)
            if not cell.strip("-") or cell == "R$":
                continue
            value = values.priced(cell, mark)
            if value is None:
                return None, balance, cell
            total = (total or Decimal("0.00")) + (value if sign > 0 else -abs(value))
        return (-total if total and columns.is_inverted else total), balance, ""

    def _side(self, row: Sequence[str]) -> int:
        if "side" not in self.columns.single:
            return 0
        cell = self.columns.cell(row, "side")
        word = folded(cell)
        return -1 if word in DEBIT or cell == "-" else 1 if word in CREDIT or cell == "+" else 0

    def _text(self, row: Sequence[str]) -> str:
        said: list[str] = []
        for place in self.columns.texts:
            cell = row[place] if place < len(row) else ""
            if cell and cell not in ("-", "--") and not any(cell in other for other in said):
                said.append(cell)
        text = " ".join(said)
        place = self.columns.single.get("kind", -1)
        if (
            0 <= place < len(row)
            and self.columns.headings
            and self.columns.headings[place].startswith(("TIPO", "TYPE"))
        ):
            kind = row[place]
            text = f"{kind} {text}".strip() if kind.lower() not in text.lower() else text
        return text

    def _balance_row(self, number: int, on: date | None, amount: Decimal | None, text: str) -> Iterator[Event]:
        on = on or self.last_on
        if amount is None or on is None:
            return
        if values.is_opening(text):
            if not self.tally.found and self.opening is None:
                self.opening = amount
            self.balances.stated(amount)
        elif values.is_closing(text):
            self.balances.stated(amount)
        yield self.tally.line(f"line {number}", on, amount, text or "SALDO")

    def _without_date(
        self, number: int, row: Sequence[str], cell: str, text: str, amount: Decimal | None, unreadable: str
    ) -> Iterator[Event]:
        said = text or " ".join(filter(None, row))
        if folded(" ".join(filter(None, row))).startswith("TOTA"):
            yield from self.release()
        elif not cell and amount is not None and amount and self.last_on and text:
            yield from self.release()
            yield from self._take(number, row, self.last_on, amount, None, text)
        elif amount is not None or (cell and unreadable and any(mark.isdigit() for mark in unreadable)):
            yield from self.release()
            yield self.tally.quarantine(f"line {number}", NO_DATE, {"value": cell}, ";".join(row))
        elif not cell and self.held and self.continued < MOST_CONTINUATIONS and not unreadable:
            self.continued += 1
            self.held = self.held._replace(text=f"{self.held.text} {said}"[:1_000])
        elif cell and self.tally.found == 0 and not self.held:
            return
        elif cell:
            yield from self.release()

    def _take(
        self, number: int, row: Sequence[str], on: date, amount: Decimal, balance: Decimal | None, text: str
    ) -> Iterator[Event]:
        cell = self.columns.cell
        payer = cell(row, "payer")
        document = cell(row, "document") if cell(row, "document").strip("0 -") else ""
        more: dict[str, Any] = {
            "valued_on": self.layout.order.read(cell(row, "valued")),
            "payer": payer,
            "payer_tax_id": _tax_id(cell(row, "tax_id")),
            "kind": cell(row, "kind")[:20],
            "reference": cell(row, "reference") or document,
            "document": document,
            "pending": self.pending or bool(_NOT_BOOKED.match(folded(cell(row, "status")))),
        }
        foreign = self._foreign(row, amount)
        if "fee" in self.columns.single and (parts := self._with_fee(row, amount)):
            gross, fee = parts
            amount = gross + fee
            yield self.tally.line(f"line {number}", on, gross, text or payer, **more)
            more["document"] = more["reference"]
            self.held = self.tally.line(f"line {number} fee", on, fee, f"{text} Fee".strip(), **more)
        else:
            self.held = self.tally.line(f"line {number}", on, amount, text or payer or more["kind"], **more, **foreign)
        self.continued = 0
        if self.held.parked:
            return
        if self.is_daily:
            self._close_day(on)
            self.of_day = (on, balance) if balance is not None else None
            balance = None
        self.balances.movement(amount, balance, f"line {number}")

    def _close_day(self, following: date | None) -> None:
        """A balance of the day stands beside each of its rows, and holds after the last."""
        if self.of_day and self.of_day[0] != following:
            self.balances.stated(self.of_day[1])

    def _with_fee(self, row: Sequence[str], amount: Decimal) -> tuple[Decimal, Decimal] | None:
        mark = self.layout.decimal
        gross, fee = (values.priced(self.columns.cell(row, role), mark) for role in ("gross", "fee"))
        if fee and "fee_beside" in self.columns.single:
            return amount, -abs(fee)
        if not gross or not fee:
            return None
        return next(((gross, signed) for signed in (fee, -fee) if gross + signed == amount), None)

    def _foreign(self, row: Sequence[str], amount: Decimal) -> dict[str, Any]:
        columns = self.columns
        original = values.priced(columns.cell(row, "original_amount"), self.layout.decimal)
        currency = columns.cell(row, "original_currency") or columns.cell(row, "currency")
        if not original or not currency:
            return {}
        return {"original_amount": abs(original) * (1 if amount > 0 else -1), "original_currency": currency.upper()[:3]}


def _tax_id(cell: str) -> str:
    bare = "".join(filter(str.isalnum, cell)).upper()
    return bare if len(bare) in (11, 14) else ""


def _group(columns: Columns, row: Sequence[str]) -> tuple[str, str]:
    """Account and currency of a row. A currency beside an original amount is that amount's."""
    currency = "" if _is_originals(columns) else columns.cell(row, "currency").upper()[:3]
    return columns.cell(row, "account"), currency


def _is_originals(columns: Columns) -> bool:
    """Whether the column of currencies belongs to the original amounts."""
    return "original_amount" in columns.single and "original_currency" not in columns.single


def _groups(layout: Layout, rows: Iterator[Row], wanted: str) -> list[tuple[str, str]]:
    columns = layout.columns
    if not {"account", "currency"} & set(columns.single):
        return [("", wanted)]
    seen: dict[tuple[str, str], None] = {}
    for number, row in rows:
        if number > layout.heading and layout.order.read(columns.cell(row, "date")):
            seen[_group(columns, row)] = None
            if len(seen) > MOST_PARTS:
                raise Refusal(MANY_PARTS, most=MOST_PARTS)
    named = (
        [group for group in seen if group[1] == wanted] if wanted and any(group[1] for group in seen) else list(seen)
    )
    return named or [("", wanted)]


def _table(
    kind: str, source: Source, mapping: Mapping[str, object] | None
) -> tuple[Layout, Callable[[], Iterator[Row]]] | None:
    """The layout, and the rows as often as they are needed."""
    if kind == "csv":
        layout = find(list(islice(csv_rows(source), SAMPLE)), mapping)
        return (layout, lambda: csv_rows(source)) if layout else None
    for place, rows in enumerate(workbook_sheets(source)):
        if layout := find(list(islice(rows, SAMPLE)), mapping):
            return layout, lambda: next(islice(workbook_sheets(source), place, None))  # noqa: B023 (returned at once)
    return None


def read(source: Source, *, kind: str, mapping: Mapping[str, object] | None, today: date) -> Iterator[Event]:
    yield Head(kind, XLSX_READER if kind == "xlsx" else CSV_READER, source.name)
    table = _table(kind, source, mapping)
    if table is None:
        raise Refusal(NO_TABLE)
    layout, rows = table
    wanted = str((mapping or {}).get("only_currency") or "").upper()
    taken = 0
    for group in _groups(layout, rows(), wanted):
        part = _Part(layout, group, today)
        begun = False
        for number, row in rows():
            if number <= layout.heading or (len(row) > 1 and not _belongs(layout, row, group)):
                continue
            for event in part.row(number, row):
                if not begun:
                    begun = True
                    yield Begin(part.part())
                yield event
        ending = list(part.end())
        tally = part.tally
        if tally.found or tally.parked or tally.quarantined:
            taken += 1
            if not begun:
                yield Begin(part.part())
            yield from ending
    if not taken:
        raise Refusal(NO_ROWS)
    if layout.is_guessed:
        yield Notice(GUESSED)
    if layout.is_ambiguous:
        yield Notice(AMBIGUOUS, {"order": str(layout.order)})
    yield from source.notices


def _belongs(layout: Layout, row: Sequence[str], group: tuple[str, str]) -> bool:
    """Whether a row is of this account and currency; rows that are no movement go with every group."""
    columns = layout.columns
    if not {"account", "currency"} & set(columns.single) or not columns.cell(row, "date"):
        return True
    account, currency = _group(columns, row)
    return account == group[0] and (currency == group[1] or _is_originals(columns) or not currency)
