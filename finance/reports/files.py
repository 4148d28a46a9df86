"""A report taken along: CSV, a workbook with typed cells, a sheet of paper."""

from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import Outline, PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from backoffice.core import lists, pdf
from backoffice.core.lists.export import csv_lines

from .sheets import Row, Sheet

FORMATS = {
    "money": "#,##0.00;-#,##0.00;0.00",
    "percent": "0.0%",
    "number": "#,##0",
    "text": "General",
}
BOLD = {"group", "section", "step", "total"}


def as_csv(sheet: Sheet) -> Iterator[bytes]:
    """The rows with plain numbers: balances signed, debit positive. Further tables follow after an empty line."""
    columns = [lists.Column("code", _("Code")), lists.Column("name", sheet.first)]
    columns += [
        lists.Column(f"c{n}", head.label, kind="money" if head.kind in ("money", "side") else "text")
        for n, head in enumerate(sheet.heads)
    ]
    yield from csv_lines((_plain(sheet, row) for row in sheet.rows), columns, style="reader")
    for part in sheet.tables:
        yield b"\r\n"
        yield from (line.replace(b"\xef\xbb\xbf", b"") for line in as_csv(part))


def _plain(sheet: Sheet, row: Row) -> list[Any]:
    cells: list[Any] = [row.code, row.label]
    for head, cell in zip(sheet.heads, row.cells, strict=False):
        value = cell.value
        if isinstance(value, Decimal) and head.kind == "percent":
            value = value.quantize(Decimal("0.0001"))
        cells.append(value)
    return cells + [None] * (len(sheet.heads) + 2 - len(cells))


def as_workbook(sheet: Sheet, *, company: str, period: str) -> bytes:
    """One worksheet: title, headings that stay in sight, rows that fold by level, ready to be printed."""
    book = Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    page.title = sheet.title[:31].translate(str.maketrans("", "", "[]:*?/\\"))
    _text(page.cell(1, 1), company).font = Font(color="566164")
    _text(page.cell(2, 1), sheet.title).font = Font(bold=True, size=14)
    _text(page.cell(3, 1), period).font = Font(color="566164")
    at = _table(page, sheet, 5)
    page.freeze_panes = "C6"
    for part in sheet.tables:
        _text(page.cell(at + 1, 1), part.title).font = Font(bold=True)
        at = _table(page, part, at + 2)
    page.column_dimensions["A"].width = 14
    page.column_dimensions["B"].width = 44
    for n in range(len(sheet.heads)):
        page.column_dimensions[get_column_letter(n + 3)].width = 18
    page.sheet_properties.outlinePr = Outline(summaryBelow=False)
    page.page_setup.orientation = "landscape" if sheet.is_wide else "portrait"
    page.page_setup.paperSize = page.PAPERSIZE_A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.print_title_rows = "5:5"
    page.oddFooter = HeaderFooterItem(right=_HeaderFooterPart(text="&P / &N"))
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _table(page: Worksheet, sheet: Sheet, at: int) -> int:
    """Write headings and rows from row `at` on; the first free row after them."""
    line = Side(style="thin", color="8B979A")
    for n, label in enumerate([_("Code"), sheet.first, *(head.label for head in sheet.heads)], start=1):
        head = _text(page.cell(at, n), label)
        head.font, head.border = Font(bold=True, color="566164"), Border(bottom=line)
        head.alignment = Alignment(horizontal="right" if n > 2 else "left", wrap_text=True)
    for row in sheet.rows:
        at += 1
        bold = Font(bold=row.style in BOLD)
        _text(page.cell(at, 1), row.code).font = bold
        name = _text(page.cell(at, 2), row.label)
        name.font, name.alignment = bold, Alignment(indent=row.level)
        for n, (column, value) in enumerate(zip(sheet.heads, row.cells, strict=False), start=3):
            cell = page.cell(at, n)
            if isinstance(value.value, Decimal):
                cell.value = value.value
                cell.number_format = _side() if column.kind == "side" else FORMATS[column.kind]
            elif value.value:
                _text(cell, value.value)
            cell.font = bold
            if row.style in ("step", "total"):
                cell.border = Border(top=line)
        if row.level:
            page.row_dimensions[at].outlineLevel = min(row.level, 7)
    return at + 1


def _side() -> str:
    """A signed number shown by its size and its side."""
    debit, credit = _("Dr"), _("Cr")
    return f'#,##0.00" {debit}";#,##0.00" {credit}";0.00'


def _text(cell: Any, text: str) -> Cell:
    """Text that stays text whatever it begins with."""
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)[:32_767]
    cell.data_type = "s"
    return cell  # type: ignore[no-any-return]


def as_pdf(sheet: Sheet, *, period: str) -> bytes:
    """The sheet on paper, in the language that is active. In workers only."""
    return pdf.render("print/report.html", {"sheet": sheet, "period": period})
