"""CNAB 240 statements (segment E, FEBRABAN 10). Other CNAB files are named and refused.

Real files are cut at the right, start with a byte-order mark, hold a character too many, or carry trailers that do not
count: short lines are padded, and what the trailers say is compared and reported, never required.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from . import values
from .banks import bank_name
from .shapes import AccountPart, Begin, Event, Head, Notice, Refusal, gettext_noop
from .sources import Source
from .tally import Tally

NAME, READER = "cnab240", "cnab240 1"
WIDTH = 240

RETURN_240 = gettext_noop("This is a collection return (CNAB 240) of %(bank)s, not a statement.")
PAYMENT_240 = gettext_noop("This is a payment return (CNAB 240) of %(bank)s, not a statement.")
DDA_240 = gettext_noop("This is a list of presented boletos (DDA, CNAB 240) of %(bank)s, not a statement.")
REMESSA_240 = gettext_noop("This is an outgoing file (CNAB 240 remessa) for %(bank)s; a statement comes from the bank.")
RETURN_400 = gettext_noop("This is a collection return (CNAB 400) of %(bank)s, not a statement.")
REMESSA_400 = gettext_noop("This is an outgoing file (CNAB 400 remessa) for %(bank)s; a statement comes from the bank.")
NO_LINES = gettext_noop("The CNAB 240 file of %(bank)s holds no statement (no segment E).")
NO_AMOUNT = gettext_noop("The amount “%(value)s” cannot be read.")
NO_DATE = gettext_noop("The date “%(value)s” cannot be read.")
NO_SIDE = gettext_noop("Neither debit nor credit is marked: “%(value)s”.")
NO_TRAILER = gettext_noop("The statement ends without its trailer, so its totals could not be checked.")
OFF_DEBITS = gettext_noop("The trailer says %(stated)s of debits, found were %(found)s.")
OFF_CREDITS = gettext_noop("The trailer says %(stated)s of credits, found were %(found)s.")
OFF_RECORDS = gettext_noop("The trailer says %(stated)s records, found were %(found)s.")
LEFT_OUT = gettext_noop("The file also holds %(count)s records of other segments (%(segments)s), which were left out.")

_CURRENCIES = {"BRL": "BRL", "R$": "BRL", "REAL": "BRL", "009": "BRL", "": "BRL", "02": "BRL", "01": "BRL"}
_240 = re.compile(r"[0-9]{3}(?:0000[01]|[0-9]{4}1[A-Z])")
_RETURN_400 = re.compile(r"02RETORNO|02 ?RETORNO", re.IGNORECASE)
_REMESSA_400 = re.compile(r"01REMESSA|DCB0", re.IGNORECASE)


def looks_like(head: str) -> bool:
    first = _first_line(head)
    return bool(_240.match(first)) and len(first.rstrip()) >= 60


def refuse_400(head: str) -> None:
    """Raise, if the file is a CNAB 400 one."""
    first = _first_line(head)
    bank = bank_name(first[76:79].strip()) or "?"
    if _RETURN_400.match(first):
        raise Refusal(RETURN_400, bank=bank)
    if _REMESSA_400.match(first):
        raise Refusal(REMESSA_400, bank=bank_name("070") if first.startswith("DCB0") else bank)


def _first_line(head: str) -> str:
    return head.removeprefix("ï»¿").lstrip("\r\n").split("\n", 1)[0].rstrip("\r")


def _records(source: Source) -> Iterator[tuple[int, str]]:
    """Each record, 240 characters, with its number. Some files have no line ends at all."""
    head = source.head()
    if b"\n" in head or b"\r" in head:
        for number, line in source.lines():
            if line.strip(" \x1a"):
                yield number, line.ljust(WIDTH)[:WIDTH]
        return
    rest, number = "", 0
    for chunk in source.text():
        text = rest + chunk
        whole = len(text) - len(text) % WIDTH
        for start in range(0, whole, WIDTH):
            number += 1
            yield number, text[start : start + WIDTH]
        rest = text[whole:]
    if rest.strip(" \x1a"):
        yield number + 1, rest.ljust(WIDTH)


def _money(field: str) -> Decimal | None:
    """18 digits, the last two cents. Blank is nothing, letters are unreadable."""
    field = field.strip()
    if not field.isdigit() or not field.isascii():
        return None
    return Decimal(int(field)).scaleb(-2) if int(field) < 10**17 else None


def _balance(record: str) -> Decimal | None:
    amount = _money(record[150:168])
    return -amount if amount is not None and record[168] == "D" else amount


def _day(field: str) -> date | None:
    """DDMMYYYY."""
    return values.day(int(field[4:]), int(field[2:4]), int(field[:2])) if re.fullmatch(r"[0-9]{8}", field) else None


class _Lot:
    """One account's lot: header, lines, trailer."""

    def __init__(self, header: str, today: date) -> None:
        self.header = header
        self.tally = Tally(today)
        self.records = 1
        self.closing: Decimal | None = None
        self.ends_on: date | None = None

    def part(self) -> AccountPart:
        header = self.header
        is_header = header[7] == "1"
        sequence = header[173:178].strip() if is_header else ""
        digit = header[70].strip()
        number = header[58:70].strip().lstrip("0")
        code = header[170:173].strip().upper() if is_header else ""
        return AccountPart(
            id=f"{number}-{digit}" if digit and number else number,
            bank=header[:3],
            branch=header[52:57].strip().lstrip("0"),
            kind="checking",
            currency=_CURRENCIES.get(code, code),
            label=sequence.lstrip("0"),
            opening=_balance(header) if is_header else None,
            closing=self.closing,
            starts_on=_day(header[142:150]) if is_header else self.tally.first,
            ends_on=self.ends_on or self.tally.last,
            balance_on=self.ends_on,
        )

    def line(self, number: int, record: str) -> Event:
        self.records += 1
        tally, where = self.tally, f"line {number}"
        amount, on, side = _money(record[150:168]), _day(record[142:150]), record[168].upper()
        if side not in "DC":
            side = {"1": "D", "2": "C"}.get(record[169], "")
        if amount is None:
            return tally.quarantine(where, NO_AMOUNT, {"value": record[150:168].strip()}, record.rstrip())
        if not side.strip():
            return tally.quarantine(where, NO_SIDE, {"value": record[168]}, record.rstrip())
        booked = _day(record[134:142])
        on = on or booked
        if on is None:
            return tally.quarantine(where, NO_DATE, {"value": record[142:150].strip()}, record.rstrip())
        words = [record[176:201], record[113:133] if record[111:113].strip("0 ") else ""]
        document = values.tidy(record[201:240])
        return tally.line(
            where,
            on,
            -amount if side == "D" else amount,
            values.tidy(" ".join(words)),
            valued_on=booked,
            kind=record[169:172].strip(),
            reference="" if not document.strip("0") else document,
        )

    def totals(self, trailer: str) -> Iterator[Notice]:
        """What the trailer says against what was found."""
        self.records += 1
        self.closing, self.ends_on = _balance(trailer), _day(trailer[142:150])
        debits, credits = _money(trailer[176:194]), _money(trailer[194:212])
        for text, stated, found in (
            (OFF_DEBITS, debits, -self.tally.debits),
            (OFF_CREDITS, credits, self.tally.credits),
        ):
            if stated is not None and stated != found and (stated or trailer[176:212].strip("0 ")):
                yield Notice(text, {"stated": str(stated), "found": str(found)})
        if trailer[170:176].isdigit() and int(trailer[170:176]) != self.records:
            yield Notice(OFF_RECORDS, {"stated": int(trailer[170:176]), "found": self.records})

    def end(self, *, trailer: bool) -> Iterator[Event]:
        part = self.part()
        if not trailer:
            yield Notice(NO_TRAILER)
        yield from self.tally.checked(part.opening, part.closing)
        yield self.tally.end(part)


class _Reader:
    def __init__(self, source: Source, today: date) -> None:
        self.source, self.today = source, today
        self.lot: _Lot | None = None
        self.segments: Counter[str] = Counter()
        self.bank = "?"
        self.is_outgoing = False
        self.records = self.lots = 0

    def run(self) -> Iterator[Event]:
        yield Head(NAME, READER, self.source.name)
        for number, record in _records(self.source):
            self.records += 1
            yield from self.record(number, record)
        yield from self.close()
        others = {segment: count for segment, count in self.segments.items() if segment != "E"}
        if not self.lots:
            self.refuse()
        elif others:
            yield Notice(LEFT_OUT, {"count": sum(others.values()), "segments": ", ".join(sorted(others))})
        yield from self.source.notices

    def record(self, number: int, record: str) -> Iterator[Event]:
        kind = record[7]
        if self.bank == "?" and record[:3].isdigit():
            self.bank = bank_name(record[:3])
        if kind == "0":
            self.is_outgoing = record[142] == "1"
        elif kind == "1":
            yield from self.close()
            self.is_outgoing = self.is_outgoing or record[8] == "R"
            if record[8] == "E" or record[9:11] == "04":
                self.lot = _Lot(record, self.today)
                self.lots += 1
                yield Begin(self.lot.part())
        elif kind == "3":
            segment = record[13].upper()
            self.segments[segment] += 1
            if segment == "E":
                if self.lot is None:
                    self.lot = _Lot(record, self.today)
                    self.lots += 1
                    yield Begin(self.lot.part())
                yield self.lot.line(number, record)
            elif self.lot:
                self.lot.records += 1
        elif kind == "5" and self.lot:
            yield from self.lot.totals(record)
            yield from self.close(trailer=True)
        elif kind == "9" and record[23:29].isdigit() and int(record[23:29]) != self.records and self.lots:
            yield Notice(OFF_RECORDS, {"stated": int(record[23:29]), "found": self.records})

    def close(self, *, trailer: bool = False) -> Iterator[Event]:
        if self.lot:
            yield from self.lot.end(trailer=trailer)
            self.lot = None

    def refuse(self) -> None:
        names = set(self.segments)
        if self.is_outgoing:
            raise Refusal(REMESSA_240, bank=self.bank)
        if names & set("TUY"):
            raise Refusal(RETURN_240, bank=self.bank)
        if names & set("GH"):
            raise Refusal(DDA_240, bank=self.bank)
        if names & set("ABJON"):
            raise Refusal(PAYMENT_240, bank=self.bank)
        raise Refusal(NO_LINES, bank=self.bank)


def read(source: Source, *, today: date) -> Iterator[Event]:
    return _Reader(source, today).run()
