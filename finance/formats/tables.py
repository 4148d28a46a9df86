"""Rows of text from CSV and from workbooks: delimiter by evidence, cells of a workbook as plain text."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import count, islice
from typing import Any

from .archives import check_workbook
from .shapes import Refusal, gettext_noop
from .sources import Source

WIDEST = 500
LONGEST_CELL = 4_000
MOST_LINES_IN_CELL = 20
MOST_ROWS = 1 << 20  # of a sheet, as Excel has it

BROKEN_WORKBOOK = gettext_noop("The workbook cannot be read: %(reason)s.")

LONG_SHEET = gettext_noop("A sheet of the workbook has more than %(most)s rows.")

Row = tuple[int, list[str]]


def delimiter_of(lines: Iterable[str]) -> str:
    """The mark that splits most lines into as many cells as their neighbours."""
    sample = [line for line in islice(lines, 200) if line.strip()]
    best, score = ",", 0.0
    for mark in ";\t,|":
        widths = [width for line in sample if (width := len(_cells(line, mark))) > 1]
        if not widths:
            continue
        common = max(set(widths), key=widths.count)
        points = widths.count(common) * min(common, 12) * (1.0 if mark != "," else 0.8)
        if points > score:
            best, score = mark, points
    return best


def csv_rows(source: Source) -> Iterator[Row]:
    """Rows with the number of their first line. A quote that is not closed within a few lines ends with its line."""
    delimiter = delimiter_of(line for _, line in source.lines())
    for number, line in _whole_lines(source.lines(), delimiter):
        cells = _cells(line, delimiter)[:WIDEST]
        yield number, [_bare(cell) for cell in cells]


def _bare(cell: str) -> str:
    """Single spaces, without the ' that keeps a spreadsheet from taking a number for one."""
    text = " ".join(cell.split())[:LONGEST_CELL]
    return text.strip("'").strip() if text[:1] == "'" else text


def cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line that stands alone."""
    return [_bare(cell) for cell in _cells(line, delimiter)[:WIDEST]]


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    if line.count('"') % 2:
        return line.replace('"', "").split(delimiter)
    try:
        row = next(csv.reader([line], delimiter=delimiter), [])
        if len(row) == 1 and delimiter in row[0]:  # a whole line in quotes, as some sites write it
            row = next(csv.reader([row[0]], delimiter=delimiter), [])
    except csv.Error:
        return line.replace('"', "").split(delimiter)
    return row


def _is_sound(line: str, delimiter: str) -> bool:
    """Whether every quote in it stands at the edge of a cell."""
    try:
        next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return False
    return True


def _whole_lines(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, str]]:
    """Lines, joined where a quoted cell goes over several."""
    waiting: deque[tuple[int, str]] = deque()
    while True:
        number, line = waiting.popleft() if waiting else next(lines, (0, ""))
        if not number:
            return
        if line.count('"') % 2:
            whole = line
            for _ in range(MOST_LINES_IN_CELL - len(waiting)):
                following = next(lines, None)
                if following is None:
                    break
                waiting.append(following)
            for taken, (_, more) in enumerate(waiting, 1):
                whole = f"{whole} {more}"
                if more.count('"') % 2:
                    if not _is_sound(whole, delimiter):
                        break
                    line = whole
                    for _ in range(taken):
                        waiting.popleft()
                    break
        yield number, line


def workbook_sheets(source: Source) -> Iterator[Iterator[Row]]:
    """The rows of each sheet."""
    check_workbook(source)
    import openpyxl  # late: a workbook is the rare case, and the import takes a quarter of a second

    source.file.seek(0)
    with _refusing():
        book = openpyxl.load_workbook(source.file, read_only=True, data_only=True)
    for sheet in book.worksheets:
        sheet.reset_dimensions()
        yield _sheet_rows(sheet)
    book.close()


@contextmanager
def _refusing() -> Iterator[None]:
    """Openpyxl raises whatever its parts raise: KeyError, BadZipFile, ParseError, ValueError, …"""
    try:
        yield
    except Refusal:
        raise
    except Exception as problem:
        raise Refusal(BROKEN_WORKBOOK, reason=f"{type(problem).__name__} {problem}"[:120]) from problem


def _sheet_rows(sheet: Any) -> Iterator[Row]:
    rows = sheet.iter_rows(values_only=True)
    for number in count(1):
        with _refusing():
            row = next(rows, None)
        if row is None:
            return
        if number > MOST_ROWS:  # openpyxl makes up every row that the file leaves out
            raise Refusal(LONG_SHEET, most=MOST_ROWS)
        yield number, [_cell(value) for value in row[:WIDEST]]


def _cell(value: object) -> str:
    """A cell as text that the readers of amounts and dates take without doubt."""
    if value is None or isinstance(value, bool | time):
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float):
        cents = round(value, 2)
        return f"{cents:.2f}" if abs(value - cents) < 1e-6 and abs(value) < 1e15 else f"{value:.6f}"
    if isinstance(value, int):
        return str(value)
    return re.sub(r"\s+", " ", str(value)).strip()[:LONGEST_CELL]
