"""A source of imports for tests: things with a code and an amount, in a table of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from backoffice.core.imports import Column, Source, Table, changes, register, registry

TABLE = """
CREATE TABLE IF NOT EXISTS test_thing (
    id bigserial PRIMARY KEY, code text NOT NULL UNIQUE, amount numeric(18, 2), day date, note text
)
"""
COLUMNS = [
    Column("code", required=True, max_length=20, aliases=["Código", "SKU"]),
    Column("amount", "money", aliases=["Valor", "Preço"]),
    Column("day", "date", aliases=["Data"]),
    Column("note"),
]
DIFFERS = "(t.amount, t.day, t.note) IS DISTINCT FROM (s.amount, s.day, s.note)"


class Things(Source):
    key, title = "things", "Things"
    right_create, right_post = "logistics.order_import.create", "logistics.order_import.post"
    tables = [Table("things", "Things", COLUMNS, signature=["code", "amount"])]
    undo_order = ["test_thing"]

    def check(self, cursor: Any) -> None:
        cursor.execute(
            "UPDATE stage_things SET problem = %s, problem_column = 'amount' WHERE amount < 0",
            ["Below zero: %(found)s"],
        )
        cursor.execute("UPDATE stage_things SET action = 'c'")
        cursor.execute(
            f"UPDATE stage_things s SET action = CASE WHEN {DIFFERS} THEN 'u' ELSE 's' END"
            " FROM test_thing t WHERE t.code = s.code"
        )

    def write(self, cursor: Any, batch: Any) -> dict[str, Any]:
        changed = "SELECT t.id FROM test_thing t JOIN stage_things s USING (code) WHERE s.action = 'u'"
        changes.keep_before(cursor, batch, "test_thing", changed)
        cursor.execute(
            "UPDATE test_thing t SET amount = s.amount, day = s.day, note = s.note FROM stage_things s"
            " WHERE s.code = t.code AND s.action = 'u'"
        )
        cursor.execute(
            "INSERT INTO test_thing (code, amount, day, note)"
            " SELECT code, amount, day, note FROM stage_things WHERE action = 'c' ORDER BY line"
        )
        created = "SELECT t.id FROM test_thing t JOIN stage_things s USING (code) WHERE s.action = 'c'"
        changes.keep_created(cursor, batch, "test_thing", created)
        return {}


class MappedThings(Things):
    key, title, mapped = "things_mapped", "Things by columns", True


@contextmanager
def things() -> Iterator[None]:
    """The table and both sources, for the time of a test."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    for source in (Things(), MappedThings()):
        register(source)
    try:
        yield
    finally:
        for key in ("things", "things_mapped"):
            registry._sources.pop(key, None)


def rows() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, amount::text, day::text, note FROM test_thing ORDER BY code")
        return cursor.fetchall()


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
