"""Numbers without gaps: whoever takes one holds the row until their transaction ends, and a rollback gives it back."""

from django.db import connection, transaction


class NoTransaction(RuntimeError):
    """A number was asked outside a transaction, where it could be lost."""


def next_number(key: str, *, year: int = 0) -> int:
    """The number after the last one of `key`, from 1; with `year`, each year starts anew.

    Joins the caller's transaction and makes others who want the same key wait for its end, so ask for it last.
    Raises NoTransaction.
    """
    if not connection.in_atomic_block:
        raise NoTransaction(key)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_sequence AS kept (key, year, last) VALUES (%s, %s, 1)"
            " ON CONFLICT (key, year) DO UPDATE SET last = kept.last + 1 RETURNING last",
            [key, year],
        )
        return int(cursor.fetchone()[0])
