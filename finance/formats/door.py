"""One door for every format: look at the first bytes, choose the reader, give its events or the whole."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from . import ofx
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
from .sources import Source, opened

FORMATS = ("ofx",)

UNKNOWN = gettext_noop("The file is in no format that can be read as a statement.")
NO_SUCH_FORMAT = gettext_noop("There is no format “%(format)s”. Known are: %(known)s.")


def sniff(path_or_stream: str | Path | BinaryIO, *, name: str = "") -> str:
    """The format of the file; raises Refusal naming what it is instead."""
    with opened(path_or_stream, name) as source:
        return _sniff(source)


def _sniff(source: Source) -> str:
    head = source.head().decode("cp1252", "replace").replace("\0", "")
    if ofx.looks_like(head):
        return "ofx"
    raise Refusal(UNKNOWN)


def stream(
    path_or_stream: str | Path | BinaryIO,
    *,
    name: str = "",
    as_format: str | None = None,
    mapping: dict[str, object] | None = None,
    today: date | None = None,
) -> Iterator[Event]:
    """The file's events, one at a time, in flat memory. Raises Refusal at the start or, for what shows late, on the way.

    today: lines after it are parked as future; the caller's calendar day if missing.
    """
    with opened(path_or_stream, name) as source:
        day = today or datetime.now().astimezone().date()
        if as_format and as_format not in FORMATS:
            raise Refusal(NO_SUCH_FORMAT, format=as_format, known=", ".join(FORMATS))
        as_format or _sniff(source)
        yield from ofx.read(source, today=day)


def read(
    path_or_stream: str | Path | BinaryIO,
    *,
    name: str = "",
    as_format: str | None = None,
    mapping: dict[str, object] | None = None,
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
