"""A report taken along: CSV, a workbook with typed cells, a sheet of paper."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import Outline, PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from backoffice.core import lists, pdf
from backoffice.core.lists.export import SHEET_ROWS, csv_lines
from backoffice.core.templatetags import display

from .sheets import Row, Sheet

FORMATS = {
    "money": "#,##0.00;-#,##0.00;0.00",
    "percent": "0.0%",
    "number": "#,##0",
    "text": "General",
}
BOLD = {"group", "section", "step", "total"}
PALE, LARGE = Font(color="566164"), Font(bold=True, size=14)
BOLD_FONT, HEAD_FONT = Font(bold=True), Font(bold=True, color="566164")
UNDER, OVER = Border(bottom=Side(style="thin", color="8B979A")), Border(top=Side(style="thin", color="8B979A"))
TO_THE_LEFT, TO_THE_RIGHT = (Alignment(horizontal=side, wrap_text=True) for side in ("left", "right"))
PAGE_TOP = 4  # rows over the headings
PAPER_ROWS = 5_000  # of a table on paper; files hold all


def as_csv(sheet: Sheet) -> Iterator[bytes]:
    """The rows with plain numbers: balances signed, debit positive. Further tables follow after an empty line."""
    columns = [lists.Column("code", _("Code")), lists.Column("name", sheet.first)]
    columns += [
        lists.Column(f"c{n}", head.label, kind="money" if head.kind in ("money", "side") else "text")
        for n, head in enumerate(sheet.heads)
    ]
    yield from csv_lines((_plain(sheet, row) for row in sheet.each), columns, style="reader")
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
    file = BytesIO()
    _book(sheet, company, period).save(file)
    return file.getvalue()


def write(path: Path, kind: str, sheet: Sheet, *, company: str, period: str) -> None:
    """Write a long report, row by row: csv or xlsx."""
    if kind == "xlsx":
        _book(sheet, company, period).save(path)
        return
    with path.open("wb") as file:
        file.writelines(as_csv(sheet))


def _book(sheet: Sheet, company: str, period: str) -> Workbook:
    """The workbook; what does not fit on one worksheet goes on on the next."""
    book = Workbook(write_only=True)
    title = sheet.title[:25].translate(str.maketrans("", "", "[]:*?/\\"))
    page, at = _page(book, title, sheet, company, period), PAGE_TOP
    for n, part in enumerate([sheet, *sheet.tables]):
        if n:
            page.append([])
            page.append([_text(page, part.title, BOLD_FONT)])
            at += 2
        page.append(_headings(page, part))
        at += 1
        for row in part.each:
            if at >= SHEET_ROWS:
                page, at = _page(book, f"{title} {len(book.worksheets) + 1}", sheet, company, period), PAGE_TOP + 1
                page.append(_headings(page, part))
            at += 1
            if row.level:
                page.row_dimensions[at].outlineLevel = min(row.level, 7)
            page.append(_cells(page, part, row))
    return book


def _page(book: Workbook, title: str, sheet: Sheet, company: str, period: str) -> Any:
    """A worksheet up to where its table begins."""
    page: Any = book.create_sheet(title)
    page.freeze_panes = "C6"
    page.column_dimensions["A"].width = 14
    page.column_dimensions["B"].width = 44
    for n in range(max(len(part.heads) for part in (sheet, *sheet.tables))):
        page.column_dimensions[get_column_letter(n + 3)].width = 18
    page.sheet_properties.outlinePr = Outline(summaryBelow=False)
    page.page_setup.orientation = "landscape" if sheet.is_wide else "portrait"
    page.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.print_title_rows = "5:5"
    page.oddFooter = HeaderFooterItem(right=_HeaderFooterPart(text="&P / &N"))
    page.append([_text(page, company, PALE)])
    page.append([_text(page, sheet.title, LARGE)])
    page.append([_text(page, period, PALE)])
    page.append([])
    return page


def _headings(page: Any, sheet: Sheet) -> list[Any]:
    cells = []
    for n, label in enumerate([_("Code"), sheet.first, *(head.label for head in sheet.heads)]):
        head = _text(page, label, HEAD_FONT)
        head.border, head.alignment = UNDER, TO_THE_RIGHT if n > 1 else TO_THE_LEFT
        cells.append(head)
    return cells


def _cells(page: Any, sheet: Sheet, row: Row) -> list[Any]:
    font = BOLD_FONT if row.style in BOLD else None
    name = _text(page, row.label, font)
    if row.level:
        name.alignment = Alignment(indent=row.level)
    cells = [_text(page, row.code, font), name]
    for column, value in zip(sheet.heads, row.cells, strict=False):
        if isinstance(value.value, Decimal):
            cell: Any = WriteOnlyCell(page)
            cell.value = value.value
            cell.number_format = _side() if column.kind == "side" else FORMATS[column.kind]
            if font:
                cell.font = font
        else:
            cell = _text(page, value.value or "", font)
        if row.style in ("step", "total"):
            cell.border = OVER
        cells.append(cell)
    return cells


def _side() -> str:
    """A signed number shown by its size and its side."""
    debit, credit = _("Dr"), _("Cr")
    return f'#,##0.00" {debit}";#,##0.00" {credit}";0.00'


def _text(page: Any, text: str, font: Font | None = None) -> Any:
    """Text that stays text whatever it begins with."""
    cell: Any = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub("", text)[:32_767])
    cell.data_type = "s"
    if font:
        cell.font = font
    return cell


def as_pdf(sheet: Sheet, *, period: str, rows: int = 0) -> bytes:
    """The sheet on paper, in the language that is active; of a long table its beginning, said so. In workers only.

    rows: how many the whole has, where these may be more than paper takes.
    """
    sheet = sheet.held(PAPER_ROWS)
    if rows > PAPER_ROWS:
        cut = _("The first %(n)s of %(rows)s rows are printed; the XLSX and CSV files hold all.") % {
            "n": display.number(PAPER_ROWS),
            "rows": display.number(rows),
        }
        sheet = replace(sheet, lead=f"{sheet.lead} {cut}".strip())
    return pdf.render("print/report.html", {"sheet": sheet, "period": period})
