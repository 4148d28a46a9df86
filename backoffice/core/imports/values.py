"""From cells to values, a column at a time: the format is found from the first rows, then whole chunks are converted.

A chunk whose cells are all plain passes by C-speed checks and keeps its text; where one is not, each cell is looked at.
What cannot be read is a problem with its sentence, never a guess: `1.234` under a comma for decimals is 1234.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext_noop as _

from .registry import Column

Marks = Literal["comma", "point"]  # what stands before the decimals
Order = Literal["dmy", "mdy"]
T = TypeVar("T")


@dataclass(frozen=True)
class Format:
    """How numbers and dates are written in one column."""

    marks: Marks = "point"
    order: Order = "dmy"
    is_iso: bool = False  # no date of the first rows was written in another way


@dataclass
class Converted:
    """A column of a chunk: text for COPY, and problems by row."""

    cells: list[str]
    problems: dict[int, str]


# --- finding the format -------------------------------------------------------------------------------------------

_PAINT = re.compile(r"(?:R\$|US\$|\$|€|BRL|%)|[\s\xa0]")
_ISO = re.compile(
    r"((?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?))?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY = re.compile(
    r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]((?:19|20|21)?[0-9]{2})"
    r"(?:[ ,T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ?([AaPp])\.?[Mm]\.?)?)?"
)


def find_formats(columns: Sequence[tuple[Column, Sequence[str]]], *, delimiter: str) -> list[Format]:
    """The format of each column of a sheet from its first rows. What a column does not show, its neighbours do."""
    marks = [_marks(cells) if column.kind in ("money", "decimal") else Counter() for column, cells in columns]
    weak = [_thousands(cells) if column.kind == "money" else Counter() for column, cells in columns]
    orders = [_orders(cells) if column.kind in ("date", "local_datetime") else Counter() for column, cells in columns]
    prior: Marks = "comma" if delimiter == ";" else "point"
    common: Marks = _winner(sum(marks, Counter()), _winner(sum(weak, Counter()), prior))
    order: Order = _winner(sum(orders, Counter()), "dmy")
    return [
        Format(
            marks=_winner(marks[i], _winner(weak[i], common)),
            order=_winner(orders[i], order),
            is_iso=not any(map(_DAY.fullmatch, map(str.strip, cells))),
        )
        for i, (_column, cells) in enumerate(columns)
    ]


def _winner(votes: Counter[T], otherwise: T) -> T:
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return otherwise
    return ranked[0][0]


def _marks(cells: Iterable[str]) -> Counter[Marks]:
    """Votes of the cells that can be read in one way only."""
    votes: Counter[Marks] = Counter()
    for cell in cells:
        number = _PAINT.sub("", cell)
        point, comma = number.rfind("."), number.rfind(",")
        if point >= 0 and comma >= 0:
            votes["comma" if comma > point else "point"] += 1
        elif comma >= 0 and (number.count(",") > 1 or len(number) - comma != 4):
            votes["point" if number.count(",") > 1 else "comma"] += 1
        elif point >= 0 and (number.count(".") > 1 or len(number) - point != 4):
            votes["comma" if number.count(".") > 1 else "point"] += 1
    return votes


def _thousands(cells: Iterable[str]) -> Counter[Marks]:
    """Votes of amounts like `1.234`: money has no third decimal, so the mark separates thousands."""
    votes: Counter[Marks] = Counter()
    for cell in cells:
        number = _PAINT.sub("", cell)
        if len(number) > 4 and number[-4] in ".,":
            votes["comma" if number[-4] == "." else "point"] += 1
    return votes


def _orders(cells: Iterable[str]) -> Counter[Order]:
    votes: Counter[Order] = Counter()
    for cell in cells:
        if found := _DAY.fullmatch(cell.strip()):
            first, second = int(found[1]), int(found[2])
            if first > 12 >= second:
                votes["dmy"] += 1
            elif second > 12 >= first:
                votes["mdy"] += 1
    return votes


# --- converting ---------------------------------------------------------------------------------------------------

REQUIRED = _("A value is missing.")
TOO_LONG = _("The text is longer than this column holds.")
PROBLEMS = {
    ("money", "comma"): _("“%(found)s” is not an amount like 1.234,56."),
    ("money", "point"): _("“%(found)s” is not an amount like 1,234.56."),
    ("decimal", "comma"): _("“%(found)s” is not a number like 1.234,5."),
    ("decimal", "point"): _("“%(found)s” is not a number like 1,234.5."),
    ("integer", ""): _("“%(found)s” is not a whole number."),
    ("date", "dmy"): _("“%(found)s” is not a date like 31/12/2024 or 2024-12-31."),
    ("date", "mdy"): _("“%(found)s” is not a date like 12/31/2024 or 2024-12-31."),
    ("local_datetime", "dmy"): _("“%(found)s” is not a moment like 31/12/2024 23:59 or 2024-12-31 23:59."),
    ("local_datetime", "mdy"): _("“%(found)s” is not a moment like 12/31/2024 11:59 PM or 2024-12-31 23:59."),
}
FORMATS = {
    ("money", "comma"): "1.234,56",
    ("money", "point"): "1,234.56",
    ("decimal", "comma"): "1.234,5",
    ("decimal", "point"): "1,234.5",
    ("date", "dmy"): _("day/month/year"),
    ("date", "mdy"): _("month/day/year"),
    ("local_datetime", "dmy"): _("day/month/year, hour:minute"),
    ("local_datetime", "mdy"): _("month/day/year, hour:minute"),
}
ISO_FORMATS = {"date": _("year-month-day"), "local_datetime": _("year-month-day hour:minute")}
_MONEY = re.compile(r"(?:-?[0-9]{1,16}(?:\.[0-9]{1,2})?)?").fullmatch
_DECIMAL = re.compile(r"(?:-?[0-9]{1,18}(?:\.[0-9]{1,18})?)?").fullmatch
_INTEGER = re.compile(r"(?:-?[0-9]{1,18})?").fullmatch
_WALL = re.compile(
    r"(?:(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?)?"
).fullmatch
_CIVIL = re.compile(r"(?:(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2})?").fullmatch
_NUMBER = {
    "comma": re.compile(r"([+-]?)([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]*))?").fullmatch,
    "point": re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]*))?").fullmatch,
}
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:(?:\.[0-9]{3}){1,5}|(?:,[0-9]{3}){1,5})").fullmatch
_SPECIAL = re.compile(r"[\\\t\n\r]").search
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_DEFUSED = ("'=", "'+", "'-", "'@", "'\t", "'\r")


class ColumnConverter:
    """Turn the cells of one column into text that COPY reads as the column's type; empty means NULL."""

    def __init__(self, column: Column, form: Format) -> None:
        self.column, self.format = column, form
        self._fast, self._slow = _CONVERTERS[column.kind]
        if form.marks == "comma" and column.kind in ("money", "decimal"):
            self._fast = _all(_INTEGER)
        key = (column.kind, form.marks if column.kind in ("money", "decimal") else form.order)
        self.problem = PROBLEMS.get(key) or PROBLEMS.get((column.kind, ""), "")
        self.words = ISO_FORMATS.get(column.kind, "") if form.is_iso else ""
        self.words = self.words or FORMATS.get(key, "")

    def convert(self, cells: Sequence[str]) -> Converted:
        stripped = list(map(str.strip, cells))
        problems: dict[int, str] = {}
        if self.column.kind == "text":
            converted = self._text(stripped, problems)
        elif self._fast(stripped):
            converted = stripped
        else:
            converted = stripped
            for i, cell in enumerate(stripped):
                value = self._slow(cell, self.format) if cell else ""
                if value is None:
                    problems[i], value = self.problem, ""
                converted[i] = value
        if self.column.required and "" in converted:
            for i, value in enumerate(converted):
                if not value:
                    problems.setdefault(i, REQUIRED)
        return Converted(converted, problems)

    def _text(self, cells: list[str], problems: dict[int, str]) -> list[str]:
        joined = "\x1f".join(cells)
        if "'" in joined:  # an apostrophe that an export put before a formula
            cells = [cell[1:] if cell.startswith(_DEFUSED) else cell for cell in cells]
        if len(joined) > self.column.max_length and max(map(len, cells)) > self.column.max_length:
            problems.update((i, TOO_LONG) for i, cell in enumerate(cells) if len(cell) > self.column.max_length)
        if any(mark in joined for mark in "\\\t\n\r"):
            cells = [cell.translate(_ESCAPES) if _SPECIAL(cell) else cell for cell in cells]
        return cells


def _all(pattern: Callable[[str], object]) -> Callable[[list[str]], bool]:
    return lambda cells: all(map(pattern, set(cells)))


def _all_real(pattern: Callable[[str], object]) -> Callable[[list[str]], bool]:
    """Written like a date, and a day that exists."""

    def check(cells: list[str]) -> bool:
        distinct = set(cells)
        if not all(map(pattern, distinct)):
            return False
        try:
            for _moment in map(datetime.fromisoformat, filter(None, distinct)):
                pass
        except ValueError:
            return False
        return True

    return check


def _number(cell: str, form: Format) -> tuple[str, str] | None:
    """Sign and digits, decimals without trailing zeros."""
    found = _NUMBER[form.marks](_PAINT.sub("", cell).replace("\u2212", "-"))
    if found is None:
        return None
    whole = found[2].replace(".", "").replace(",", "").lstrip("0") or "0"
    return ("-" if found[1] == "-" else "") + whole, (found[3] or "").rstrip("0")


def _money(cell: str, form: Format) -> str | None:
    parts = _number(cell, form)
    if parts is None or len(parts[1]) > 2 or len(parts[0]) > 16:
        return None
    return f"{parts[0]}.{parts[1] or '0'}"


def _decimal(cell: str, form: Format) -> str | None:
    parts = _number(cell, form)
    if parts is None or len(parts[1]) > 18 or len(parts[0]) > 18:
        return None
    return f"{parts[0]}.{parts[1] or '0'}"


def _integer(cell: str, form: Format) -> str | None:
    if _GROUPED(cell):
        return cell.replace(".", "").replace(",", "")
    for marks in (form.marks, "comma", "point"):
        parts = _number(cell, Format(marks))
        if parts is not None and not parts[1] and len(parts[0]) <= 18:
            return parts[0]
    return None


def _moment(cell: str, form: Format) -> datetime | None:
    """The wall clock of the cell; a stamp with an offset is moved to the company's clock."""
    try:
        if found := _ISO.fullmatch(cell):
            moment = datetime.fromisoformat(f"{found[1]} {found[2] or '00:00'}{found[3] or ''}")
            return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).replace(tzinfo=None) if moment.tzinfo else moment
        if found := _DAY.fullmatch(cell):
            first, second, year, hour = int(found[1]), int(found[2]), int(found[3]), int(found[4] or 0)
            day, month = (first, second) if form.order == "dmy" else (second, first)
            if year < 100:
                year += 2000 if year < 70 else 1900
            if found[7]:
                hour = hour % 12 + (12 if found[7] in "pP" else 0)
            return datetime(year, month, day, hour, int(found[5] or 0), int(found[6] or 0))  # noqa: DTZ001
    except ValueError:
        return None
    return None


def _stamp(cell: str, form: Format) -> str | None:
    moment = _moment(cell, form)
    return moment.isoformat(" ") if moment else None


def _date(cell: str, form: Format) -> str | None:
    moment = _moment(cell, form)
    if moment is None or moment.time().isoformat() != "00:00:00":
        return None
    return moment.date().isoformat()


def _nothing(cell: str, form: Format) -> str | None:
    return cell


_CONVERTERS: dict[str, tuple[Callable[[list[str]], bool], Callable[[str, Format], str | None]]] = {
    "text": (_all(str), _nothing),
    "money": (_all(_MONEY), _money),
    "decimal": (_all(_DECIMAL), _decimal),
    "integer": (_all(_INTEGER), _integer),
    "date": (_all_real(_CIVIL), _date),
    "local_datetime": (_all_real(_WALL), _stamp),
}
