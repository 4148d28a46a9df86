"""Tables whose columns no reader understands: a person says which holds what, once for files with these headings."""

from itertools import islice
from pathlib import Path
from typing import Any

from backoffice.core.imports import Refusal, Source, mapping
from backoffice.core.imports.files import Sheet, open_file
from backoffice.core.models import ImportMapping, User
from finance.formats.door import UNKNOWN
from finance.formats.sheets import NO_TABLE

NOT_UNDERSTOOD = (UNKNOWN, NO_TABLE)
SAMPLE_ROWS = 5


class ColumnsNeeded(Refusal):
    """The table's columns must be named by a person; `preview` is what that person is shown."""

    def __init__(self, reason: str, preview: dict[str, Any]) -> None:
        super().__init__(reason)
        self.preview = preview


def table_of(path: Path, name: str) -> Sheet | None:
    """The file as a table with headings, if it is one."""
    try:
        sheets = open_file(path, name)
    except Refusal:
        return None
    return next((sheet for sheet in sheets if len([heading for heading in sheet.headings if heading]) > 1), None)


def kind_of(sheet: Sheet) -> str:
    return "csv" if sheet.delimiter else "xlsx"


def remembered(source: Source, sheet: Sheet) -> dict[str, Any] | None:
    """What a person once said about files with these headings: role → number of the column, from 1."""
    row = ImportMapping.objects.filter(source=source.key, headings=mapping.fingerprint(sheet.headings)).first()
    return dict(row.mapping) if row else None


def remember(source: Source, headings: list[str], chosen: dict[str, int], by: User) -> None:
    mapping.remember(source, headings, chosen, by)  # type: ignore[arg-type]


def preview_of(sheet: Sheet) -> dict[str, Any]:
    _numbers, rows = next(sheet.chunks(), ([], []))
    return {
        "name": sheet.name,
        "headings": list(sheet.headings),
        "raw": [row[: len(sheet.headings)] for row in islice(rows, SAMPLE_ROWS)],
    }
