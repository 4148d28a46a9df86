"""Entries of an account, found along an index of its postings and in the order of the list.

A busy account has a hundred thousand postings in few entries, or one in each of a million; neither is known before it
is asked. Whoever walks the index takes one step for each entry that is shown, however many postings lie between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db import connection

from backoffice.core.lists import CAP

# From entry to entry: the next one is the first of the index beyond the last.
_ACCOUNT = """
WITH RECURSIVE walk AS (
    (SELECT p."on", p.entry_id FROM finance_posting p WHERE p.account_id = %(account)s{within}{beyond}
     ORDER BY p."on" {way}, p.entry_id {way} LIMIT 1)
    UNION ALL
    SELECT n."on", n.entry_id FROM walk w CROSS JOIN LATERAL (
        SELECT p."on", p.entry_id FROM finance_posting p
        WHERE p.account_id = %(account)s AND (p."on", p.entry_id) {sign} (w."on", w.entry_id){within}
        ORDER BY p."on" {way}, p.entry_id {way} LIMIT 1
    ) n
)
SELECT entry_id FROM walk LIMIT %(limit)s
"""

Place = Sequence[Any]  # the day and the key of an entry


@dataclass(frozen=True)
class Walk:
    """Entries with a posting on an account. first, end: their days, half-open; None where there is no bound."""

    account: int
    first: date | None
    end: date | None

    @cached_property
    def newest(self) -> list[int]:
        """The newest entries, at most `CAP + 1`."""
        return self.keys(CAP + 1)

    @property
    def count(self) -> int:
        """How many there are, at most `CAP + 1`."""
        return len(self.newest)

    def keys(self, limit: int, start: Place | None = None, *, down: bool = True) -> list[int]:
        """The first entries after a place, in the order of the list (down: the newest first)."""
        sign, way = ("<", "DESC") if down else (">", "ASC")
        asked: dict[str, Any] = {"account": self.account, "limit": limit, "first": self.first, "end": self.end}
        beyond = "" if start is None else f' AND (p."on", p.entry_id) {sign} (%(day)s, %(key)s)'
        if start is not None:
            asked |= {"day": start[0], "key": start[1]}
        within = "" if self.first is None else ' AND p."on" >= %(first)s'
        within += "" if self.end is None else ' AND p."on" < %(end)s'
        with connection.cursor() as cursor:
            cursor.execute(_ACCOUNT.format(sign=sign, way=way, beyond=beyond, within=within), asked)
            return [key for (key,) in cursor.fetchall()]
