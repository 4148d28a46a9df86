"""A list as a file: exactly the rows its address shows, typed cells, nothing a spreadsheet would run.

Small lists stream from a server-side cursor; larger ones are a job whose file waits for the person who asked.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import strip_tags
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from ..money import format_number, marks
from .columns import Column

Style = Literal["reader", "machine"]
DIRECT_ROWS = 5_000
FETCH = 1_000
SHEET_ROWS = 1_048_575

# A cell that begins with one of = + - @ tab CR LF is a formula to some spreadsheet; so is what follows a separator or a
# quote when a file is opened with other separators than it was written with.
_FORMULA = re.compile(r"""(^|[;,|\t\r\n"'])(?=\s*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20])""")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def safe_text(text: str) -> str:
    """Text that no spreadsheet reads as a formula: an apostrophe stands before what could begin one."""
    return _FORMULA.sub(r"\1'", _CONTROL.sub("", text))


def value_of(column: Column, row: Any) -> Any:
    """The typed value of a cell; text for what has no type of its own."""
    value = column.read(row)
    if value is None or isinstance(value, bool | int | Decimal | date | datetime):
        return value
    return strip_tags(str(value)) if isinstance(value, Promise) or not isinstance(value, str) else value


def rows_of(queryset: QuerySet[Any], columns: Sequence[Column]) -> Iterator[list[Any]]:
    """Typed rows, a thousand at a time from a cursor of the server."""
    for row in queryset.iterator(chunk_size=FETCH):
        yield [value_of(column, row) for column in columns]


def as_text(value: Any, column: Column, style: Style, language: str) -> str:
    """One CSV cell. Numbers stay numbers, also negative ones; only text is made harmless."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return ("true" if value else "false") if style == "machine" else (_("Yes") if value else _("No"))
    if isinstance(value, datetime):
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        if style == "machine":
            return local.isoformat()
        return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat() if style == "machine" else formats.date_format(value, "SHORT_DATE_FORMAT")
    if isinstance(value, int | Decimal):
        if style == "machine":
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        places = 2 if column.kind == "money" else None
        plain = format_number(value, language, places).replace("\u2212", "-")
        return plain.replace(marks(language)[0], "")
    return safe_text(value)


def csv_lines(rows: Iterable[list[Any]], columns: Sequence[Column], *, style: Style) -> Iterator[bytes]:
    """UTF-8 with a byte order mark; a semicolon where the reader's decimal mark is a comma."""
    language = get_language() or "en"
    comma = style == "reader" and marks(language)[1] == ","
    page = io.StringIO()
    writer = csv.writer(page, delimiter=";" if comma else ",", quoting=csv.QUOTE_MINIMAL)
    page.write("\ufeff")
    writer.writerow([column.key if style == "machine" else safe_text(str(column.label)) for column in columns])
    for count, row in enumerate(rows, start=1):
        writer.writerow([as_text(value, column, style, language) for value, column in zip(row, columns, strict=True)])
        if count % FETCH == 0:
            yield _drain(page)
    yield _drain(page)


def _drain(page: io.StringIO) -> bytes:
    text = page.getvalue().encode("utf-8", "replace")
    page.seek(0)
    page.truncate()
    return text


def write_xlsx(path: Path, rows: Iterable[list[Any]], columns: Sequence[Column], *, style: Style) -> None:
    """A workbook with typed cells; text cells are text whatever they begin with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Rows"))
    sheet.freeze_panes = "B2"
    head = []
    for column in columns:
        cell = _text_cell(sheet, column.key if style == "machine" else str(column.label))
        cell.font = Font(bold=True)
        head.append(cell)
    sheet.append(head)
    for row in rows:
        sheet.append([_cell(sheet, value, column) for value, column in zip(row, columns, strict=True)])
    book.save(path)


def _cell(sheet: Any, value: Any, column: Column) -> Any:
    if isinstance(value, str):
        return _text_cell(sheet, value)
    if isinstance(value, datetime):
        value = timezone.localtime(value).replace(tzinfo=None) if timezone.is_aware(value) else value
    cell = WriteOnlyCell(sheet, value)
    if column.kind == "money":
        cell.number_format = "#,##0.00"
    elif isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm"
    elif isinstance(value, date | time):
        cell.number_format = "yyyy-mm-dd"
    return cell


def _text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, _CONTROL.sub("", text)[:32_767])
    cell.data_type = "s"
    return cell


def write(path: Path, kind: str, rows: Iterable[list[Any]], columns: Sequence[Column], *, style: Style) -> None:
    """Write the file of an export job."""
    if kind == "xlsx":
        write_xlsx(path, rows, columns, style=style)
        return
    with path.open("wb") as file:
        file.writelines(csv_lines(rows, columns, style=style))
