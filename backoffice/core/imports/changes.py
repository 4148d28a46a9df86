"""What an import did to our rows, kept so that it can be taken back: ids of what it created, images of what it changed.

A source calls these inside `write`, before it changes rows and after it created some; all are single statements.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from psycopg import sql

from .registry import NotUndoable

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from backoffice.core.models import ImportBatch

_KEEP = 'INSERT INTO core_importchange (batch_id, "table", key, before) '


def keep_created(cursor: "CursorWrapper", batch: "ImportBatch", table: str, ids: str) -> int:
    """Remember the rows that `ids`, a query of one bigint column, says the import created in `table`."""
    cursor.execute(
        f"{_KEEP} SELECT %s, %s, new.id, NULL FROM ({ids}) AS new (id) ON CONFLICT DO NOTHING",  # noqa: S608
        [batch.pk, table],
    )
    return int(cursor.rowcount)


def keep_before(cursor: "CursorWrapper", batch: "ImportBatch", table: str, ids: str) -> int:
    """Remember how the rows of `table` named by the query `ids` stand now, before the import changes them."""
    cursor.execute(
        sql.SQL(
            "{keep} SELECT %s, %s, t.id, to_jsonb(t) FROM {table} AS t WHERE t.id IN ({ids}) ON CONFLICT DO NOTHING"
        ).format(keep=sql.SQL(_KEEP), table=sql.Identifier(table), ids=sql.SQL(ids)),
        [batch.pk, table],
    )
    return int(cursor.rowcount)


def refuse_if_changed_later(cursor: "CursorWrapper", batch: "ImportBatch") -> None:
    """Raise NotUndoable when a later import touched the same rows."""
    cursor.execute(
        """
        SELECT later.batch_id, count(*) FROM core_importchange AS ours
        JOIN core_importchange AS later USING ("table", key)
        JOIN core_importbatch AS b ON b.id = later.batch_id AND b.state = 'committed'
        WHERE ours.batch_id = %s AND later.batch_id > %s GROUP BY 1 ORDER BY 1 DESC LIMIT 1
        """,
        [batch.pk, batch.pk],
    )
    if found := cursor.fetchone():
        later, count = found
        raise NotUndoable(
            ngettext(
                "Import %(later)s changed %(count)s of these rows later. Undo that one first.",
                "Import %(later)s changed %(count)s of these rows later. Undo that one first.",
                count,
            )
            % {"later": later, "count": count}
        )


def take_back(cursor: "CursorWrapper", batch: "ImportBatch", order: Sequence[str]) -> int:
    """Put changed rows back and remove created ones, in the given order of tables (children first); how many rows."""
    cursor.execute('SELECT DISTINCT "table" FROM core_importchange WHERE batch_id = %s', [batch.pk])
    tables = sorted((name for (name,) in cursor.fetchall()), key=lambda t: order.index(t) if t in order else len(order))
    count = 0
    try:
        with transaction.atomic():
            for table in tables:
                count += _put_back(cursor, batch, table)
            for table in tables:
                cursor.execute(
                    sql.SQL(
                        "DELETE FROM {} WHERE id IN (SELECT key FROM core_importchange"
                        ' WHERE batch_id = %s AND "table" = %s AND before IS NULL)'
                    ).format(sql.Identifier(table)),
                    [batch.pk, table],
                )
                count += cursor.rowcount
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError as problem:
        raise NotUndoable(
            _("Something made since then depends on what this import wrote, so it stays. Nothing was changed.")
        ) from problem
    return count


def _put_back(cursor: "CursorWrapper", batch: "ImportBatch", table: str) -> int:
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' AND attname <> 'id' ORDER BY attnum",
        [table],
    )
    columns = [sql.Identifier(name) for (name,) in cursor.fetchall()]
    cursor.execute(
        sql.SQL(
            "UPDATE {table} AS t SET ({columns}) = (SELECT {columns} FROM jsonb_populate_record(t, c.before))"
            ' FROM core_importchange AS c WHERE c.batch_id = %s AND c."table" = %s AND c.before IS NOT NULL'
            " AND c.key = t.id"
        ).format(table=sql.Identifier(table), columns=sql.SQL(", ").join(columns)),
        [batch.pk, table],
    )
    return int(cursor.rowcount)
