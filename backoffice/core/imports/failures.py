"""The refused rows as a file: the same headings and order, a reason behind, safe to open and ready to send again."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from ..models import ImportBatch, ImportFailure

XLSX_ROWS = 5_000  # above it a workbook takes too long for a page; CSV instead

_FORMULA = re.compile(r"[=+\-@\t\r]").match
_PLAIN_NUMBER = re.compile(r"[+-]?(?:R\$ ?)?[0-9][0-9.,]*%?").fullmatch


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs; numbers stay numbers, and an import takes the apostrophe off again."""
    return f"'{cell}" if _FORMULA(cell) and not _PLAIN_NUMBER(cell) else cell


def sentence(failure: ImportFailure) -> str:
    """Why the row was refused, in the reader's language."""
    reason = in_words(failure.reason, failure.found)
    return f"{failure.column}: {reason}" if failure.column else reason


def in_words(reason: str, found: str) -> str:
    """A reason as stored, translated and filled in."""
    try:
        return _(reason) % {"found": found}
    except (ValueError, KeyError, TypeError):  # a source's sentence with a stray percent sign
        return _(reason)


def failures_file(batch: ImportBatch) -> tuple[str, bytes]:
    """Name and content: one CSV or XLSX, or a zip of one per sheet."""
    parts: list[tuple[str, bytes]] = []
    for position in sorted(set(batch.failures.values_list("sheet", flat=True))):
        sheet: dict[str, Any] = batch.preview[position]
        rows = batch.failures.filter(sheet=position).order_by("line", "pk")
        head = [*map(harmless, sheet["headings"]), _("Reason")]
        body = ([*map(harmless, _fitted(row.cells, len(head) - 1)), harmless(sentence(row))] for row in rows.iterator())
        stem = re.sub(r"[^\w.-]+", "_", re.sub(r"(\.csv|\.gz|\.xlsx|\.zip|\.txt|\.tsv)+(?=/|$)", "", sheet["name"]))
        if not sheet["delimiter"] and rows.count() <= XLSX_ROWS:
            parts.append((f"{stem}-failed.xlsx", _xlsx(head, body)))
        else:
            parts.append((f"{stem}-failed.csv", _csv(head, body, sheet["delimiter"] or ",")))
    if len(parts) == 1:
        return parts[0]
    return f"import-{batch.pk}-failed.zip", _zip(parts)


def _fitted(cells: Sequence[str], width: int) -> Iterator[str]:
    """As many cells as headings; what hung over the end stands in the last one."""
    yield from cells[: width - 1] if len(cells) > width else cells
    if len(cells) > width:
        yield " ".join(cells[width - 1 :])
    yield from [""] * (width - len(cells))


def _csv(head: list[str], body: Iterable[list[str]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows(body)
    return text.getvalue().encode("utf-8-sig")


def _xlsx(head: list[str], body: Iterable[list[str]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (head, *body):
        cells = []
        for text in row:
            cell = WriteOnlyCell(sheet, value=re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", text[:32_767]))
            cell.data_type = "s"  # never a formula
            cells.append(cell)
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _zip(parts: list[tuple[str, bytes]]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return content.getvalue()
