"""The stage: one temporary table per table of a source, filled by COPY, gone with its transaction."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from .files import Sheet
from .registry import SQL_TYPES, Column, Refusal, Source, Table, normal
from .values import ColumnConverter, Converted, find_formats

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

MAX_FAILURES = 50_000
MAX_FAILURE_CHARS = 32_000_000
WRONG_WIDTH = gettext_noop("The row has %(found)s cells, not as many as the headings.")


@dataclass
class Failure:
    """One row that is not taken."""

    table: str
    sheet: int
    line: int
    cells: list[str]
    column: str
    found: str
    reason: str


@dataclass
class Load:
    """One sheet on its way into a table: which heading feeds which column."""

    position: int
    sheet: Sheet
    table: Table
    columns: dict[str, int]  # column name → index of its heading
    formats: dict[str, str] = field(default_factory=dict)  # column name → how it is written, for people
    rows: int = 0


class Failures(list[Failure]):
    """The refused rows, up to the point where the file is plainly another kind of file."""

    def __init__(self) -> None:
        super().__init__()
        self.chars = 0

    def add(self, failure: Failure) -> None:
        self.append(failure)
        self.chars += sum(map(len, failure.cells))
        if len(self) > MAX_FAILURES or self.chars > MAX_FAILURE_CHARS:
            raise Refusal(
                _("More than %(count)s rows cannot be read; this looks like another kind of file. First: %(first)s")
                % {"count": len(self) - 1, "first": f"{self[0].line}, {self[0].column}: {self[0].found[:80]}"}
            )


def columns_of(table: Table, headings: Sequence[str], mapping: dict[str, str] | None = None) -> dict[str, int]:
    """Column name → index of the heading that feeds it: by the person's mapping, else by name, title and aliases."""
    places = {normal(heading): place for place, heading in reversed(list(enumerate(headings)))}
    if mapping is not None:
        wanted = {column.name: normal(mapping.get(column.name, "")) for column in table.columns}
        return {name: places[heading] for name, heading in wanted.items() if heading in places}
    found: dict[str, int] = {}
    for column in table.columns:
        names = [column.name, str(column.title), *column.aliases]
        place = next((places[normal(name)] for name in names if name and normal(name) in places), None)
        if place is not None:
            found[column.name] = place
    return found


def create(cursor: "CursorWrapper", source: Source) -> None:
    """Make the empty stage tables; they vanish at commit, or when the same transaction runs the next import."""
    cursor.execute("SET LOCAL default_statistics_target = 20")  # ANALYZE here is for joins of keys, which need no more
    usual = source.usual_action(cursor)
    default = f" DEFAULT '{usual}'" if usual else ""
    for table in source.tables:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table.stage}")
        columns = "".join(f'"{column.name}" {SQL_TYPES[column.kind]}, ' for column in table.columns)
        cursor.execute(
            f"CREATE TEMPORARY TABLE {table.stage} ({columns} file smallint NOT NULL, line int NOT NULL,"
            f' problem text, problem_column text, action "char"{default}) ON COMMIT DROP'
        )


def load(cursor: "CursorWrapper", load: Load, failures: Failures, told: Callable[[int], None]) -> None:
    """Read one sheet into its stage table; rows that cannot be read become failures."""
    table, width = load.table, len(load.sheet.headings)
    present = [column for column in table.columns if column.name in load.columns]
    converters: list[tuple[int, Column, ColumnConverter]] = []
    names = ", ".join(f'"{column.name}"' for column in present)
    statement = f"COPY {table.stage} ({names}, file, line) FROM STDIN WITH (FORMAT text, NULL '')"
    file_cell = str(load.position)
    with uncollected(), cursor.copy(statement) as copy:
        for lines, rows in load.sheet.chunks():
            told(len(rows))
            if set(map(len, rows)) != {width}:
                lines, rows = _well_formed(load, lines, rows, failures)
                if not rows:
                    continue
            if not converters:
                converters = _converters(load, present, rows)
            columns = list(zip(*rows, strict=True))
            converted = [converter.convert(columns[place]) for place, _column, converter in converters]
            keep = _problems(load, lines, rows, [column for _place, column, _c in converters], converted, failures)
            cells = [one.cells for one in converted]
            numbers: list[str] = list(map(str, lines))
            load.rows += len(numbers)
            records = zip(*cells, [file_cell] * len(numbers), numbers, strict=True)
            if keep is not None:
                records = (record for record, good in zip(records, keep, strict=True) if good)  # type: ignore[assignment]
            data = "\n".join(map("\t".join, records))
            if data:
                copy.write(data + "\n")


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the search for cycles: rows of text have none, and it would look at every row again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _converters(load: Load, present: list[Column], rows: list[list[str]]) -> list[tuple[int, Column, ColumnConverter]]:
    sample = list(zip(*rows, strict=True))
    pairs = [(column, sample[load.columns[column.name]]) for column in present]
    formats = find_formats(pairs, delimiter=load.sheet.delimiter)
    found = []
    for column, form in zip(present, formats, strict=True):
        converter = ColumnConverter(column, form)
        load.formats[column.name] = converter.words
        found.append((load.columns[column.name], column, converter))
    return found


def _well_formed(
    load: Load, lines: list[int], rows: list[list[str]], failures: Failures
) -> tuple[list[int], list[list[str]]]:
    """Set rows aside that have more or fewer cells than the headings."""
    width = len(load.sheet.headings)
    good_lines, good_rows = [], []
    for line, row in zip(lines, rows, strict=True):
        if len(row) == width:
            good_lines.append(line)
            good_rows.append(row)
        else:
            load.rows += 1
            failures.add(Failure(load.table.name, load.position, line, row, "", str(len(row)), WRONG_WIDTH))
    return good_lines, good_rows


def _problems(
    load: Load,
    lines: list[int],
    rows: list[list[str]],
    columns: list[Column],
    converted: list[Converted],
    failures: Failures,
) -> list[bool] | None:
    """Turn problems into failures, one per row (its first column); which rows are good, or None when all are."""
    if not any(one.problems for one in converted):
        return None
    keep = [True] * len(rows)
    for column, one in zip(columns, converted, strict=True):
        place = load.columns[column.name]
        for i, reason in one.problems.items():
            if keep[i]:
                keep[i] = False
                heading, cell = load.sheet.headings[place], rows[i][place]
                failures.add(Failure(load.table.name, load.position, lines[i], rows[i], heading, cell[:500], reason))
    return keep
