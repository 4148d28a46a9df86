"""XLSX workbooks, read row by row after their zip directory was found harmless."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
from django.utils.translation import gettext as _

from .files import CHUNK_CHARS, CHUNK_ROWS, MAX_HEADINGS, MB, Chunk
from .registry import Refusal

MAX_STRINGS = 24 * MB  # the shared strings are the one part that must be held in memory
MAX_PARTS = 512 * MB


def open_workbook(path: Path, name: str, entries: list[zipfile.ZipInfo]) -> list["Worksheet"]:
    """The worksheets that have headings. Raises Refusal."""
    names = {entry.filename: entry for entry in entries}
    if "xl/workbook.xml" not in names:
        raise Refusal(_("%(name)s is not an XLSX workbook. Send CSV or XLSX.") % {"name": name})
    strings = names.get("xl/sharedStrings.xml")
    if strings is not None and strings.file_size > MAX_STRINGS:
        raise Refusal(
            _("%(name)s holds %(size)s MB of texts; at most %(most)s MB are read from XLSX. Save it as CSV.")
            % {"name": name, "size": round(strings.file_size / MB), "most": MAX_STRINGS // MB}
        )
    if sum(entry.file_size for entry in entries) > MAX_PARTS:
        raise Refusal(_("%(name)s is too large for XLSX. Save it as CSV.") % {"name": name})
    with _opened(path, name) as book:
        heights = {sheet.title: sheet.max_row or 0 for sheet in book.worksheets}
    sheets = [
        Worksheet.open(path, name if len(heights) == 1 else f"{name}/{title}", title, height)
        for title, height in heights.items()
    ]
    found = [sheet for sheet in sheets if sheet.headings]
    if not found:
        raise Refusal(_("%(name)s has no headings in its first row.") % {"name": name})
    return found


@dataclass
class Worksheet:
    """One worksheet; its first row that is not empty holds the headings."""

    name: str
    path: Path
    title: str
    lines: int
    headings: list[str]
    heading_row: int

    delimiter = ""

    @classmethod
    def open(cls, path: Path, name: str, title: str, lines: int) -> "Worksheet":
        sheet = cls(name, path, title, lines, [], 0)
        for row, cells in sheet._rows():
            sheet.headings, sheet.heading_row = cells, row
            break
        if len(sheet.headings) > MAX_HEADINGS:
            raise Refusal(
                _("%(name)s has %(count)s columns; at most %(most)s are read.")
                % {"name": name, "count": len(sheet.headings), "most": MAX_HEADINGS}
            )
        return sheet

    @property
    def words(self) -> str:
        return f"XLSX, {self.title}"

    def chunks(self) -> Iterator[Chunk]:
        width = len(self.headings)
        lines: list[int] = []
        chunk: list[list[str]] = []
        chars = 0
        for row, cells in self._rows():
            if row <= self.heading_row:
                continue
            cells += [""] * (width - len(cells))
            lines.append(row)
            chunk.append(cells)
            chars += sum(map(len, cells))
            if len(chunk) >= CHUNK_ROWS or chars > CHUNK_CHARS:
                yield lines, chunk
                lines, chunk, chars = [], [], 0
        if chunk:
            yield lines, chunk

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Row number and cells, without empty rows and without empty cells at the end."""
        with _opened(self.path, self.name) as book:
            sheet = book[self.title]
            sheet.reset_dimensions()
            for number, values in enumerate(sheet.iter_rows(values_only=True, max_col=MAX_HEADINGS + 1), 1):
                cells = [_text(value) for value in values]
                while cells and not cells[-1]:
                    cells.pop()
                if cells:
                    yield number, cells


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Any]:
    """The workbook, by file and not by path: kept files have no suffix, and the reader asks for one."""
    with path.open("rb") as file:
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                yield book
            finally:
                book.close()
        except Refusal:
            raise
        except Exception as problem:  # whatever a broken workbook makes the reader raise
            raise Refusal(_("%(name)s is a damaged XLSX workbook.") % {"name": name}) from problem


def _text(value: object) -> str:
    """A cell as a person reads it, in one fixed form: ISO dates, a point for decimals."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        shown = f"{value:.15g}"  # what Excel shows; the sixteenth digit is noise
        return shown if "e" not in shown else f"{value:f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        stamp = value.replace(microsecond=0).isoformat(" ")
        return stamp.removesuffix(" 00:00:00")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).strip()
