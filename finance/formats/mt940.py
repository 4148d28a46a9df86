"""MT940, with what Dutch and German banks make of it: broken lines, headers of their own, structured field 86."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise

from . import values
from .shapes import AccountPart, Begin, Event, Head, Refusal, gettext_noop
from .sources import Source
from .tally import Tally

NAME, READER = "mt940", "mt940 1"

MOST_LINES = 200  # of a field
MOST_DETAILS = 4_000  # characters of a line's fields 86

NOT_A_FIELD = gettext_noop("“:%(tag)s:” is no field of MT940.")
NO_LINES = gettext_noop("The MT940 file holds no statement.")
UNREADABLE = gettext_noop("The line “%(value)s” cannot be read.")
NO_AMOUNT = gettext_noop("The amount “%(value)s” cannot be read.")
NO_DATE = gettext_noop("The date “%(value)s” cannot be read.")

_FIELD = re.compile(r":([0-9]{2}[A-Z]?|NS):(.*)", re.DOTALL)
_ANY_FIELD = re.compile(r":([0-9A-Za-z]{1,6}):")
_HEADER = re.compile(r":?940:?$|:?940 ?00$|0000 |\{|-\}?$|:?MT940:?$")
_LINE = re.compile(
    r"([0-9]{6})([0-9]{4})?\s*(R[CD]|E[CD]|[CD])([A-Z])?\s*([0-9][0-9.,' ]*)([A-Z][A-Z0-9]{3})?(.*)", re.DOTALL
)
_BALANCE = re.compile(r"([CD])\s*([0-9]{6})\s*([A-Z]{3})\s*([0-9.,]+)")
_CODE = re.compile(r"/(NAME|REMI|EREF|CNTP|BENM|ORDP|PREF|MARF|CSID|RTRN|ISDT|ADDR|TRCD|ID|PURP|ULTC|ULTD|IBAN|BIC)/")
_GERMAN = re.compile(r"[?>~]([0-9]{2})")
_STRUCTURED = re.compile(r"\s*[0-9]{3}\s*[?>~][0-9]{2}")


def looks_like(head: str) -> bool:
    text = head.removeprefix("ï»¿")
    return bool(re.search(r"^:20:", text, re.MULTILINE) and re.search(r"^:25[A-Z]?:", text, re.MULTILINE))


def _fields(source: Source) -> Iterator[tuple[int, str, str]]:
    """Each field with its line number, its tag and its lines."""
    start, tag, parts = 0, "", list[str]()
    for number, line in source.lines():
        found = _FIELD.match(line)
        if not tag and not found:
            if (other := _ANY_FIELD.match(line)) and not _HEADER.match(line.strip()):
                raise Refusal(NOT_A_FIELD, tag=other[1])
            continue
        if found or line.startswith(("-}", "{1:")):
            if tag:
                yield start, tag, _whole(parts, is_last=bool(found and found[1] == "20"))
            start, tag, parts = (number, found[1], [found[2]]) if found else (0, "", [])
        elif tag:
            parts.append(line)
            if len(parts) > MOST_LINES:
                raise Refusal(UNREADABLE, value=tag)
    if tag:
        yield start, tag, _whole(parts, is_last=True)


def _whole(parts: list[str], *, is_last: bool) -> str:
    """The lines of a field; of a message's last one without the `-` that ends it and the next message's header."""
    if is_last and "-" in (bare := [part.strip() for part in parts]):
        parts = parts[: len(bare) - 1 - bare[::-1].index("-")]
    return "\n".join(parts)


def _balance(text: str) -> tuple[Decimal | None, str, date | None]:
    found = _BALANCE.match(text.replace("\n", ""))
    if not found:
        return None, "", None
    amount = values.amount(found[4], ",")
    return (-amount if amount is not None and found[1] == "D" else amount), found[3], _short_day(found[2])


def _short_day(six: str) -> date | None:
    """YYMMDD."""
    return values.day(values.century(int(six[:2])), int(six[2:4]), int(six[4:]))


def _booked(valued: date, four: str) -> date | None:
    """MMDD in the year that brings it nearest to the value date."""
    days = [values.day(valued.year + shift, int(four[:2]), int(four[2:])) for shift in (0, -1, 1)]
    return min(filter(None, days), key=lambda day: abs(day - valued), default=None)


class _Message:
    """One statement: from :20: to the next."""

    def __init__(self, label: str, today: date) -> None:
        self.label, self.tally = label, Tally(today)
        self.account = self.currency = self.number = ""
        self.opening: Decimal | None = None
        self.closing: Decimal | None = None
        self.starts_on: date | None = None
        self.ends_on: date | None = None
        self.pending: tuple[int, str, str] | None = None
        self.is_begun = False

    def part(self) -> AccountPart:
        account = re.sub(r"\s+", "", self.account)
        if self.currency and account.endswith(self.currency):
            account = account[: -len(self.currency)].rstrip("/")
        bank, _, number = account.rpartition("/")
        return AccountPart(
            id=number,
            bank=bank,
            kind="checking",
            currency=self.currency,
            label=" ".join(filter(None, [self.label, self.number])),
            opening=self.opening,
            closing=self.closing,
            starts_on=self.tally.first or self.starts_on,
            ends_on=max(filter(None, (self.ends_on, self.tally.last)), default=None),
            balance_on=self.ends_on,
        )

    def field(self, number: int, tag: str, text: str) -> Iterator[Event]:
        if tag == "25":
            self.account = text
        elif tag[:2] == "28":
            self.number = text.replace("\n", "")
        elif tag[:2] == "60":
            opening, currency, on = _balance(text)
            if self.opening is None:
                self.opening, self.currency, self.starts_on = opening, currency, on
        elif tag == "61":
            yield from self.flush()
            self.pending = (number, text, "")
        elif tag in ("86", "NS") and self.pending and len(self.pending[2]) < MOST_DETAILS:
            details = _without_codes(text) if tag == "NS" else text
            self.pending = (*self.pending[:2], "\n".join(filter(None, [self.pending[2], details])))
        elif tag == "34F":
            self.currency = self.currency or text[:3]
        elif tag[:2] == "62":
            yield from self.flush()
            closing, currency, self.ends_on = _balance(text)
            self.closing, self.currency = closing, self.currency or currency

    def flush(self) -> Iterator[Event]:
        if not self.is_begun:
            self.is_begun = True
            yield Begin(self.part())
        if self.pending:
            yield self.line(*self.pending)
            self.pending = None

    def line(self, number: int, text: str, details: str) -> Event:
        where, tally, raw = f"line {number}", self.tally, f":61:{text}\n:86:{details}"
        found = _LINE.match(text)
        if not found:
            return tally.quarantine(where, UNREADABLE, {"value": text}, raw)
        amount, valued = values.amount(found[5].replace(" ", ""), ","), _short_day(found[1])
        if amount is None:
            return tally.quarantine(where, NO_AMOUNT, {"value": found[5]}, raw)
        if valued is None:
            return tally.quarantine(where, NO_DATE, {"value": found[1]}, raw)
        on = (_booked(valued, found[2]) if found[2] else None) or valued
        own, marked, banks = (found[7] or "").partition("//")
        own = own.split("\n")[0].strip()
        banks = banks.replace("\n", "") if marked else ""
        said = _details(details)
        bank_reference = banks.partition("/")[0].strip()
        known = said.get("EREF") or ("" if own in ("NONREF", "EREF", "PREF", "") else own) or bank_reference
        return tally.line(
            where,
            on,
            -amount if found[3] in ("D", "RC", "ED") else amount,
            said["text"] or known,
            valued_on=valued,
            payer=said.get("NAME", ""),
            kind=found[6] or "",
            reference=known,
            document=bank_reference or said.get("PREF", ""),
        )

    def end(self) -> Iterator[Event]:
        yield from self.flush()
        part = self.part()
        yield from self.tally.checked(part.opening, part.closing)
        yield self.tally.end(part)


def _without_codes(text: str) -> str:
    """Field NS, which some banks use in place of 86: each line begins with two digits that number it."""
    return " ".join(line[2:] if line[:2].isdigit() else line for line in text.split("\n"))


def _joined(text: str) -> str:
    """Lines are cut at 65 characters in the middle of words; shorter ones end a word."""
    lines = text.split("\n")
    glued = text.startswith(("/", "?"))
    rest = [line if glued or len(before) >= 60 else f" {line}" for before, line in pairwise(lines)]
    return "".join([lines[0], *rest]).strip()


def _details(text: str) -> dict[str, str]:
    """Field 86: `text` and, where it is structured, NAME, EREF, PREF."""
    whole = _joined(text)
    if (_STRUCTURED.match(whole) or whole[:1] == "?") and (german := _GERMAN.split(whole)[1:]):
        pairs = list(zip(german[::2], german[1::2], strict=False))
        said = {
            "text": values.tidy("".join(value for code, value in pairs if "20" <= code <= "29" or "60" <= code <= "63"))
        }
        said["NAME"] = values.tidy("".join(value for code, value in pairs if code in ("32", "33")))
        return said
    codes = _CODE.split(whole)
    if len(codes) < 3:
        return {"text": values.tidy(whole)}
    said = dict[str, str]()
    for code, value in zip(codes[1::2], codes[2::2], strict=False):
        said.setdefault(code, value.strip("/").strip())
    if "NAME" not in said and said.get("CNTP", "").count("/") >= 2:
        said["NAME"] = said["CNTP"].split("/")[2].strip()
    remittance = re.sub(r"^(?:USTD|STRD)/+", "", said.get("REMI", ""))
    said["text"] = values.tidy(remittance.strip("/")) or values.tidy(whole)
    return said


def read(source: Source, *, today: date) -> Iterator[Event]:
    yield Head(NAME, READER, source.name)
    message: _Message | None = None
    for number, tag, text in _fields(source):
        if tag == "20":
            if message:
                yield from message.end()
            message = _Message(values.tidy(text), today)
        elif message:
            yield from message.field(number, tag, text)
    if message is None:
        raise Refusal(NO_LINES)
    yield from message.end()
    yield from source.notices
