"""One door for every format: look at the first bytes, choose the reader, give its events or the whole."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import BinaryIO

from . import archives, camt, cnab, foreign, mt940, ofx, qif, sheets
from .markup import root_of
from .shapes import (
    AccountPart,
    Begin,
    End,
    Event,
    Head,
    Line,
    Notice,
    Quarantined,
    Reading,
    Refusal,
    Totals,
    gettext_noop,
)
from .sources import HEAD, Source, opened

FORMATS = ("ofx", "cnab240", "camt053", "camt054", "mt940", "qif", "csv", "xlsx", "zip")

UNKNOWN = gettext_noop("The file is in no format that can be read as a statement.")
NO_SUCH_FORMAT = gettext_noop("There is no format “%(format)s”. Known are: %(known)s.")

_BY_LOOK: dict[str, Callable[[str], bool]] = {  # in this order: almost anything looks like a table
    "cnab240": cnab.looks_like,
    "mt940": mt940.looks_like,
    "qif": qif.looks_like,
    "csv": sheets.looks_like,
}


def sniff(path_or_stream: str | Path | BinaryIO, *, name: str = "") -> str:
    """The format of the file; raises Refusal naming what it is instead."""
    with opened(path_or_stream, name) as source:
        return _sniff(source)


def _sniff(source: Source) -> str:
    raw = source.head()
    if raw.startswith(archives.MAGIC):
        return archives.kind_of(source)
    foreign.refuse_bytes(raw)
    head = next(source.text(), "")[:HEAD].lstrip("\ufeff")
    if ofx.looks_like(head):
        return "ofx"
    foreign.refuse_page(head)
    if head.lstrip().startswith("<"):
        space, root = root_of(source)
        if kind := camt.kind_of(space, root, head):
            return kind
        foreign.refuse_xml(space, root)
    cnab.refuse_400(head)
    head = head.replace("\r\n", "\n").replace("\r", "\n")
    for name, looks_like in _BY_LOOK.items():
        if looks_like(head):
            return name
    raise Refusal(UNKNOWN)


def _events(
    source: Source, as_format: str | None, mapping: Mapping[str, object] | None, today: date
) -> Iterator[Event]:
    match as_format or _sniff(source):
        case "ofx":
            return ofx.read(source, today=today)
        case "cnab240":
            cnab.refuse_400(next(source.text(), "")[:HEAD])
            return cnab.read(source, today=today)
        case "camt053" | "camt054":
            return camt.read(source, today=today)
        case "mt940":
            return mt940.read(source, today=today)
        case "qif":
            return qif.read(source, today=today)
        case "csv" | "xlsx" as kind:
            return sheets.read(source, kind=kind, mapping=mapping, today=today)
        case "zip":
            return archives.read(source, partial(_events, as_format=None, mapping=mapping, today=today))
        case other:
            raise Refusal(NO_SUCH_FORMAT, format=other, known=", ".join(FORMATS))


def stream(
    path_or_stream: str | Path | BinaryIO,
    *,
    name: str = "",
    as_format: str | None = None,
    mapping: Mapping[str, object] | None = None,
    today: date | None = None,
) -> Iterator[Event]:
    """The file's events, one at a time, in flat memory. Raises Refusal at the start, or on the way for what shows late.

    today: lines after it are parked as future; the caller's calendar day if missing.
    """
    with opened(path_or_stream, name) as source:
        day = today or datetime.now().astimezone().date()
        yield from _events(source, as_format, mapping, day)


def read(
    path_or_stream: str | Path | BinaryIO,
    *,
    name: str = "",
    as_format: str | None = None,
    mapping: Mapping[str, object] | None = None,
    today: date | None = None,
) -> Reading:
    """The whole file in memory. A file in which nothing can be read is a Refusal too."""
    heads: list[Head] = []
    accounts: list[AccountPart] = []
    quarantined: list[Quarantined] = []
    warnings: list[Notice] = []
    lines: list[Line] = []
    found, total, parked = 0, Decimal("0.00"), 0
    for event in stream(path_or_stream, name=name, as_format=as_format, mapping=mapping, today=today):
        match event:
            case Line():
                lines.append(event)
            case Quarantined():
                quarantined.append(event)
            case Notice():
                warnings.append(event)
            case Head():
                heads.append(event)
            case Begin():
                lines = []
            case End():
                accounts.append(replace(event.part, lines=lines))
                found, total, parked = found + event.found, total + event.sum, parked + event.parked
    totals = Totals(found, total, parked, len(quarantined))
    return Reading(heads[0].format, heads[0].reader, accounts, quarantined, warnings, totals)
