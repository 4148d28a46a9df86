"""Statement files in a stage: TEMP tables that fill while the files stream; memory stays flat at a million lines.

stage_line     the movements, numbered in the order of the files, with what their texts name
stage_parked   balances, future lines, zeros and what could not be read
"""

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from backoffice.core.hands import Hand
from finance.formats.cells import Raw, cell, rows
from finance.formats.keys import key_of
from finance.formats.shapes import AccountPart, Begin, End, Event, Head, Line, Notice, Quarantined, gettext_noop

from .copyist import Copyist

BATCH = 4_096  # lines sent to the database at a time
SHARED_FROM = 1_000_000  # bytes of a file, from which a second process is worth its start
FIRST_DAY = date(1994, 7, 1)  # of the real: an earlier day is a misprint
MOST = Decimal(10) ** 15  # so is an amount of it or more
RAW_CHARS = 2_000

TOO_OLD = gettext_noop("%(found)s lies before the real of July 1994.")
TOO_LARGE = gettext_noop("%(found)s is more than any account holds.")

_TABLES = """
DROP TABLE IF EXISTS stage_line, stage_parked;
CREATE TEMP TABLE stage_line (
    seq int NOT NULL, part int NOT NULL, "on" date NOT NULL, valued_on date, amount numeric(18, 2) NOT NULL,
    text text NOT NULL, payer text NOT NULL, payer_tax_id text NOT NULL, kind text NOT NULL, reference text NOT NULL,
    key bytea NOT NULL, tokens text[] NOT NULL  -- each `kind value`
);
CREATE TEMP TABLE stage_parked (
    seq int NOT NULL, part int, place text NOT NULL, reason text NOT NULL, words jsonb NOT NULL, "on" date,
    amount numeric(18, 2), text text NOT NULL, facts jsonb NOT NULL, key bytea
);
"""
_INDEXES = """
CREATE INDEX ON stage_line (part, "on");
ANALYZE stage_line (part, "on", key), stage_parked;
"""


@dataclass
class Part:
    """One account's part of the files, as staged. found and sum: of its movements."""

    number: int
    facts: AccountPart
    format: str
    reader: str
    file: int  # its position in the batch
    account: int | None = None  # our bank account, when recognised
    found: int = 0
    sum: Decimal = Decimal("0.00")
    parked: int = 0
    unreadable: int = 0
    first: date | None = None  # days of the movements
    last: date | None = None
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Staged:
    """What the files held. Lines of no account (a file that broke before its first) are counted as unreadable."""

    parts: list[Part] = field(default_factory=list)
    unreadable: int = 0
    warnings: list[dict[str, Any]] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)


Recognise = Callable[[Part], int | None]


def begin() -> None:
    """Have the tables, empty."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)


def give(hand: Hand, part: int, since: date) -> None:
    """Have the later lines of a part in the stage of another connection too."""
    hand.begin(begin)
    hand.give(f"SELECT * FROM stage_line WHERE part = {part} AND \"on\" >= '{since.isoformat()}'", "stage_line")  # noqa: S608
    hand.begin(finish)


def finish() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)


def drop() -> None:
    """Give the room back; the tables would last as long as the connection."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS stage_line, stage_parked")


class Loader:
    """Takes the events of one file after another into the stage."""

    def __init__(self, staged: Staged, recognise: Recognise, told: Callable[[int], None]) -> None:
        self.staged, self.recognise, self.told = staged, recognise, told
        self.seq = 0
        self.head: Head | None = None
        self.part: Part | None = None
        self.account = ""
        self.on: date | None = None  # the day of the line before, and how it is written
        self.day, self.ordinal = "", 0
        self.lines: list[Raw] = []
        self.parked: list[str] = []
        self.open: ExitStack | None = None  # the COPY of lines, which lasts until something else must be sent
        self.copy: Any = None
        self.copyist: Copyist | None = None  # lasts as long as a long file

    def take(self, events: Iterable[Event], *, file: int, size: int = 0) -> None:
        """Stage one file of so many bytes. Raises finance.formats.shapes.Refusal."""
        with Copyist() if size >= SHARED_FROM else nullcontext() as self.copyist:
            try:
                self._take(events, file)
            except BaseException as problem:
                if self.open:
                    self.open.__exit__(type(problem), problem, None)
                    self.open = None
                raise

    def _take(self, events: Iterable[Event], file: int) -> None:
        for event in events:
            if isinstance(event, Line):
                self._line(event)
            elif isinstance(event, Quarantined):
                self._quarantined(event)
            elif isinstance(event, Begin):
                self._begin(event.part, file)
            elif isinstance(event, End):
                self._end(event.part)
            elif isinstance(event, Head):
                self.head = event
                self.staged.formats.append(event.format)
            elif isinstance(event, Notice):
                where = self.part.warnings if self.part else self.staged.warnings
                where.append({"text": event.text, "data": _plain(event.data)})
        self.part = None
        self._send_lines()
        self._send_parked()

    def _end(self, facts: AccountPart) -> None:
        if self.part:
            self.part.facts = facts
        self.part = None

    def _begin(self, facts: AccountPart, file: int) -> None:
        format_, reader = (self.head.format, self.head.reader) if self.head else ("", "")
        self.part = Part(len(self.staged.parts), facts, format_, reader, file)
        self.part.account = self.recognise(self.part)
        self.account = str(self.part.account or "")
        self.staged.parts.append(self.part)

    def _line(self, line: Line) -> None:
        part = self.part
        assert part is not None
        if not line.on >= FIRST_DAY or not -MOST < line.amount < MOST:
            wrong = (TOO_OLD, line.on) if line.on < FIRST_DAY else (TOO_LARGE, line.amount)
            return self._quarantined(Quarantined(line.place, wrong[0], {"found": str(wrong[1])}, _raw(line)))
        if line.parked:
            return self._parked(line)
        part.found += 1
        part.sum += line.amount
        if part.first is None or line.on < part.first:
            part.first = line.on
        if part.last is None or line.on > part.last:
            part.last = line.on
        self.seq = seq = self.seq + 1
        if line.on != self.on:
            self.on, self.day, self.ordinal = line.on, line.on.isoformat(), line.on.toordinal()
        self.lines.append(
            (
                seq,
                part.number,
                self.account,
                self.ordinal,
                self.day,
                str(line.valued_on) if line.valued_on else "",
                str(line.amount),
                line.text,
                line.payer,
                line.payer_tax_id,
                line.kind,
                line.reference,
                line.document,
            )
        )
        if len(self.lines) >= BATCH:
            self._send_lines()
        return None

    def _parked(self, line: Line) -> None:
        part = self.part
        assert part is not None
        part.parked += 1
        facts = {name: getattr(line, name) for name in ("payer", "payer_tax_id", "kind", "reference")}
        facts = {name: value for name, value in facts.items() if value}
        if line.valued_on:
            facts["valued_on"] = line.valued_on.isoformat()
        key = f"\\\\x{key_of(self.account, line).hex()}"
        self._keep(part.number, line.place, line.parked, {}, line.on, line.amount, line.text, facts, key)

    def _quarantined(self, line: Quarantined) -> None:
        if self.part:
            self.part.unreadable += 1
        else:
            self.staged.unreadable += 1
        words = {"text": line.reason, "data": _plain(line.data)}
        number = self.part.number if self.part else None
        self._keep(number, line.where, "unreadable", words, None, None, line.raw, {}, "\\N")

    def _keep(
        self,
        part: int | None,
        place: str,
        reason: str,
        words: dict[str, Any],
        on: date | None,
        amount: Decimal | None,
        text: str,
        facts: dict[str, Any],
        key: str,
    ) -> None:
        self.seq += 1
        cells = [
            str(self.seq),
            "\\N" if part is None else str(part),
            cell(place, 60),
            reason,
            _json(words),
            on.isoformat() if on else "\\N",
            "\\N" if amount is None else str(amount),
            cell(text, RAW_CHARS),
            _json(facts),
            key,
        ]
        self.parked.append("\t".join(cells) + "\n")
        if len(self.parked) >= BATCH:
            self._send_parked()

    def _send_lines(self) -> None:
        """Give the lines to a COPY that stays open: the database takes them while the next ones are read."""
        if not self.lines:
            return
        self.told(len(self.lines))
        if self.open is None:
            self.open = ExitStack()
            cursor = self.open.enter_context(connection.cursor())
            self.copy = self.open.enter_context(cursor.copy("COPY stage_line FROM STDIN"))
        for made in self.copyist.add(self.lines) if self.copyist else [rows(self.lines)]:
            self.copy.write(made)
        self.lines = []

    def _send_parked(self) -> None:
        """End the COPY of lines, and send what was set aside."""
        if self.open:
            for made in self.copyist.rest() if self.copyist else ():
                self.copy.write(made)
            self.open.close()
            self.open = None
        if self.parked:
            self.told(len(self.parked))
            with connection.cursor() as cursor, cursor.copy("COPY stage_parked FROM STDIN") as copy:
                copy.write("".join(self.parked))
            self.parked = []


def _json(value: dict[str, Any]) -> str:
    if not value:
        return "{}"
    return json.dumps(value, cls=DjangoJSONEncoder).replace("\\u0000", "").replace("\\", "\\\\")


def _plain(data: Any) -> dict[str, Any]:
    """Data of a sentence as JSON keeps it."""
    return {str(name): value if isinstance(value, int) else str(value)[:200] for name, value in dict(data).items()}


def _raw(line: Line) -> str:
    return " ".join(str(cell) for cell in line[1:] if cell)
