"""What an import found, put into words and numbers for the person who decides: counts, samples, the refused rows."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ..models import ImportBatch
from . import stage
from .files import Sheet
from .registry import Action, Source
from .stage import Failure, Failures, Load

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

SAMPLE_ROWS = 20


def add_refused(cursor: "CursorWrapper", source: Source, loads: list[Load], failures: Failures) -> None:
    """Read the refused rows once more, for their cells."""
    wanted: dict[int, dict[int, tuple[str, str]]] = defaultdict(dict)
    for table in source.tables:
        cursor.execute(
            f"SELECT file, line, problem, coalesce(problem_column, '') FROM {table.stage}"  # noqa: S608
            " WHERE problem IS NOT NULL ORDER BY file, line LIMIT %s",
            [stage.MAX_FAILURES + 1],
        )
        for position, line, problem, column in cursor.fetchall():
            wanted[position][line] = (problem, column)
    for load in loads:
        lines = wanted[load.position]
        if not lines:
            continue
        for numbers, rows in load.sheet.chunks():
            for line, row in zip(numbers, rows, strict=True):
                if line in lines:
                    reason, column = lines.pop(line)
                    place = load.columns.get(column)
                    heading = load.sheet.headings[place] if place is not None else ""
                    found = row[place][:500] if place is not None else ""
                    failures.add(Failure(load.table.name, load.position, line, row, heading, found, reason))
            if not lines:
                break


def count(cursor: "CursorWrapper", source: Source, loads: list[Load], failures: Failures) -> dict[str, Any]:
    errors: dict[str, int] = defaultdict(int)
    for failure in failures:
        errors[failure.table] += 1
    entities: dict[str, Any] = {}
    for table in source.tables:
        if not any(load.table is table for load in loads):
            continue
        actions = ", ".join(f"count(*) FILTER (WHERE action = '{action}')" for action in Action)
        cursor.execute(f"SELECT {actions} FROM {table.stage} WHERE problem IS NULL")  # noqa: S608
        create, update, skip = cursor.fetchone()
        rows = sum(load.rows for load in loads if load.table is table)
        entities[table.name] = {
            "create": create, "update": update, "skip": skip, "error": errors[table.name], "rows": rows
        }  # fmt: skip
    primary = entities.get(source.primary or source.tables[0].name) or next(iter(entities.values()))
    return {key: primary[key] for key in ("create", "update", "skip", "error")} | {
        "entities": entities,
        "failures": len(failures),
        "rows": sum(entity["rows"] for entity in entities.values()),
    }


def preview(cursor: "CursorWrapper", position: int, sheet: Sheet, loads: list[Load]) -> dict[str, Any]:
    """What a person is shown of one sheet: how it was read, and its first rows as values."""
    load = next((load for load in loads if load.position == position), None)
    shown: dict[str, Any] = {
        "name": sheet.name,
        "words": sheet.words,
        "delimiter": sheet.delimiter,
        "headings": sheet.headings,
    }
    if load is None:
        return shown | {"table": ""}
    columns = [column for column in load.table.columns if column.name in load.columns]
    names = ", ".join(f'"{column.name}"::text' for column in columns)
    cursor.execute(
        f"SELECT line, action, problem, {names} FROM {load.table.stage} WHERE file = %s ORDER BY line LIMIT %s",  # noqa: S608
        [position, SAMPLE_ROWS],
    )
    rows = [
        {"line": row[0], "action": "" if row[2] else row[1] or "", "problem": row[2] or "", "values": row[3:]}
        for row in cursor.fetchall()
    ]
    return shown | {
        "table": load.table.name,
        "rows": load.rows,
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "heading": sheet.headings[load.columns[column.name]],
                "format": load.formats.get(column.name, ""),
            }
            for column in columns
        ],
        "sample": rows,
    }


def keep_failures(cursor: "CursorWrapper", batch: ImportBatch, failures: list[Failure]) -> None:
    cursor.execute("DELETE FROM core_importfailure WHERE batch_id = %s", [batch.pk])
    with cursor.copy(
        'COPY core_importfailure (batch_id, "table", sheet, line, cells, "column", found, reason) FROM STDIN'
    ) as copy:
        for one in sorted(failures, key=lambda failure: (failure.sheet, failure.line)):
            copy.write_row(
                (batch.pk, one.table, one.sheet, one.line, one.cells, one.column[:120], one.found, one.reason)
            )
