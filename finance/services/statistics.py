"""Statistics for the planner at once, where it is asked about many new rows before autovacuum comes by."""

from collections.abc import Sequence
from functools import partial

from django.db import connection

from backoffice.core import hands


def know(tables: Sequence[str]) -> None:
    """Measure these tables anew; of two or more a second connection takes every other one.

    By a role that may not, PostgreSQL leaves them as they are (below 17 without MAINTAIN).
    """
    if len(tables) < 2 or not hands.may_share():
        return _measure(tables)
    with hands.second() as hand:
        hand.begin(partial(_measure, tables[1::2]))
        _measure(tables[::2])
        hand.wait()
    return None


def _measure(tables: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ANALYZE {table}")
