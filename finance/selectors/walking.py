"""Entries by what their postings say, found along an index of the postings and in the order of the list.

A busy account has a hundred thousand postings in few entries, or one in each of a million; neither is known before it
is asked. Whoever walks the index takes one step for each entry that is shown, however many postings lie between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
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

# How many debits have such an amount, and in how many entries, as far as it is told.
_DEBITS = """
SELECT count(*), count(DISTINCT entry_id) FROM (
    SELECT p.entry_id FROM finance_posting p WHERE {amount}{within} LIMIT %(most)s
) few
"""
# Few are put in order; of many, the first are met soon among the entries in their order.
_FEW = """
SELECT entry_id FROM (SELECT DISTINCT p."on", p.entry_id FROM finance_posting p WHERE {amount}{within}{beyond}) p
ORDER BY "on" {way}, entry_id {way} LIMIT %(limit)s
"""
_MANY = """
SELECT p.entry_id FROM (SELECT id AS entry_id, "on" FROM finance_journalentry) p
WHERE EXISTS (SELECT FROM finance_posting m WHERE m.entry_id = p.entry_id AND {debit} OFFSET 0){within}{beyond}
ORDER BY p."on" {way}, p.entry_id {way} LIMIT %(limit)s
"""
MOST = 20_000  # debits that are put in order; one in so many of a million is met soon

Place = Sequence[Any]  # the day and the key of an entry


@dataclass(frozen=True)
class Walk:
    """first, end: days of the entries, half-open; None where there is no bound."""

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
        raise NotImplementedError

    def _ask(self, statement: str, limit: int, start: Place | None, down: bool, **asked: Any) -> list[int]:
        sign, way = ("<", "DESC") if down else (">", "ASC")
        beyond = "" if start is None else f' AND (p."on", p.entry_id) {sign} (%(day)s, %(key)s)'
        if start is not None:
            asked |= {"day": start[0], "key": start[1]}
        statement = statement.replace("{sign}", sign).replace("{way}", way).replace("{beyond}", beyond)
        with connection.cursor() as cursor:
            cursor.execute(self._within(statement), asked | self._days | {"limit": limit})
            return [key for (key,) in cursor.fetchall()]

    def _within(self, statement: str) -> str:
        low = "" if self.first is None else ' AND p."on" >= %(first)s'
        return statement.replace("{within}", low + ("" if self.end is None else ' AND p."on" < %(end)s'))

    @property
    def _days(self) -> dict[str, Any]:
        return {"first": self.first, "end": self.end}


@dataclass(frozen=True)
class OnAccount(Walk):
    """Entries with a posting on an account."""

    account: int

    def keys(self, limit: int, start: Place | None = None, *, down: bool = True) -> list[int]:
        return self._ask(_ACCOUNT, limit, start, down, account=self.account)


@dataclass(frozen=True)
class WithAmount(Walk):
    """Entries with a posting between two amounts, on whichever side: what balances has it on both."""

    least: Decimal | None
    most: Decimal | None

    @cached_property
    def is_rare(self) -> bool:
        """Whether so few debits are of these amounts that they can be put in order."""
        return self._debits[0] <= MOST

    @property
    def count(self) -> int:
        """Many debits are in many entries, or else in a few large ones."""
        return CAP + 1 if self._debits[1] > CAP else super().count

    @cached_property
    def _debits(self) -> tuple[int, int]:
        with connection.cursor() as cursor:
            cursor.execute(self._within(self._amounts(_DEBITS)), self._asked | self._days | {"most": MOST + 1})
            debits, entries = cursor.fetchone()
        return debits, entries

    def keys(self, limit: int, start: Place | None = None, *, down: bool = True) -> list[int]:
        return self._ask(self._amounts(_FEW if self.is_rare else _MANY), limit, start, down, **self._asked)

    @property
    def _asked(self) -> dict[str, Any]:
        return {"least": self.least, "greatest": self.most}

    def _amounts(self, statement: str) -> str:
        def written(name: str) -> str:
            low = "" if self.least is None else f" AND {name}.amount >= %(least)s"
            return f"{name}.amount > 0{low}" + ("" if self.most is None else f" AND {name}.amount <= %(greatest)s")

        return statement.replace("{amount}", written("p")).replace("{debit}", written("m"))
