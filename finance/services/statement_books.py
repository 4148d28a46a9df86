"""From the stage into the books: lines that are not known yet, their tokens, the bank's entries; whole days at a time.

A line is known if its account holds as many live ones of its key as the file has so far (finance/formats/keys.py). Each
chunk is a transaction of its own that leaves everything consistent: a killed import begins again, finds its own lines
known and adds the rest. Of a large part a second connection takes the later days. Days are never split, so that a group
of equal lines is always counted whole. What is known is looked up by key alone: a line that a person took in may be
dated otherwise than its key. That is one look into `finance_line_once` for each key, which LATERAL holds the planner
to, however old its statistics.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from backoffice.core.jobs import Work
from backoffice.core.models import User
from finance.models import BankAccount, Journal, Statement

from . import ledger, periods
from .statement_stage import Part

CHUNK = 30_000  # lines of a transaction, or one day if it has more
SHARED_FROM = 4_000  # lines, from which a second connection is worth its while
ENTRY_LINES = 16_000  # postings of an entry are numbered by a smallint, and a line has two

# How many of each part's lines are new. Parts of one account are taken one after the other, so an earlier part counts.
_NEW = """
WITH filed AS (
    SELECT m.account, s.part, s.key, min(s."on") AS "on", min(s.seq) AS seq, count(*) AS n
    FROM stage_line s JOIN unnest(%(parts)s::int[], %(accounts)s::bigint[]) AS m (part, account) ON m.part = s.part
    GROUP BY 1, 2, 3
), held AS (
    SELECT d.account, d.key, k.n FROM (SELECT DISTINCT account, key FROM filed) d CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM finance_statementline l
        WHERE l.bank_account_id = d.account AND l.key = d.key AND NOT l.is_void) k
), before AS (
    SELECT f.*, greatest(h.n, coalesce(max(f.n) OVER earlier, 0)) AS known
    FROM filed f JOIN held h USING (account, key)
    WINDOW earlier AS (PARTITION BY account, key ORDER BY f.part ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
"""
_COUNT_NEW = f"""{_NEW}
SELECT part, date_trunc('month', "on")::date, sum(n - known)::bigint
FROM before WHERE n > known GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608
_DAYS = 'SELECT "on", count(*) FROM stage_line WHERE part = %s GROUP BY 1 ORDER BY 1'

_TAKING = """
CREATE TEMP TABLE IF NOT EXISTS taking (
    id bigint NOT NULL, seq int NOT NULL, "on" date NOT NULL, amount numeric(18, 2) NOT NULL, key bytea NOT NULL,
    occurrence int NOT NULL, place int NOT NULL  -- among the new ones of its day, from 0
) ON COMMIT DELETE ROWS;
TRUNCATE taking;
"""
_CHOOSE = """
INSERT INTO taking (id, seq, "on", amount, key, occurrence, place)
SELECT nextval(pg_get_serial_sequence('finance_statementline', 'id')), n.* FROM (
    SELECT f.seq, f."on", f.amount, f.key, coalesce(h.top, 0) + f.nth - h.n,
           row_number() OVER (PARTITION BY f."on" ORDER BY f.seq) - 1
    FROM (SELECT seq, "on", amount, key, row_number() OVER (PARTITION BY key ORDER BY seq) AS nth FROM stage_line
          WHERE part = %(part)s AND "on" BETWEEN %(first)s AND %(last)s) f
    JOIN (SELECT d.key, k.n, k.top FROM (SELECT DISTINCT key FROM stage_line
                                         WHERE part = %(part)s AND "on" BETWEEN %(first)s AND %(last)s) d
          CROSS JOIN LATERAL (SELECT count(*) AS n, max(occurrence) AS top FROM finance_statementline l
                              WHERE l.bank_account_id = %(account)s AND l.key = d.key AND NOT l.is_void) k) h
        USING (key)
    WHERE f.nth > h.n ORDER BY f."on", f.seq
) n
"""
_LINES = """
INSERT INTO finance_statementline (id, bank_account_id, statement_id, "on", valued_on, amount, open_amount, text, payer,
                                   payer_tax_id, kind, reference, key, occurrence, is_void)
SELECT t.id, %(account)s, %(statement)s, t."on", s.valued_on, t.amount, t.amount, s.text, s.payer, s.payer_tax_id,
       s.kind, s.reference, t.key, t.occurrence, false
FROM taking t JOIN stage_line s USING (seq) ORDER BY t.id
"""
_TOKENS = """
INSERT INTO finance_linetoken (line_id, kind, value)
SELECT t.id, split_part(named, ' ', 1), split_part(named, ' ', 2)
FROM taking t JOIN stage_line s USING (seq) CROSS JOIN unnest(s.tokens) AS named
"""
_ENTRIES = """
INSERT INTO incoming_entry (journal_id, "on", text, origin, made_by_id, batch_id, key)
SELECT %(journal)s, "on", %(text)s, %(origin)s, %(by)s, %(batch)s, place / %(most)s
FROM taking GROUP BY "on", place / %(most)s ORDER BY "on", 7
"""
_POSTINGS = """
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, line_id, role)
SELECT e.id, 2 * (t.place %% %(most)s) + leg.seq, CASE leg.seq WHEN 1 THEN %(bank)s ELSE %(transit)s END,
       CASE leg.seq WHEN 1 THEN t.amount ELSE -t.amount END, t.id, CASE leg.seq WHEN 1 THEN 'bank' ELSE 'transit' END
FROM taking t JOIN incoming_entry e ON e."on" = t."on" AND e.key = t.place / %(most)s
CROSS JOIN (VALUES (1), (2)) AS leg (seq)
"""
# A line that was parked as a future one, and now came as a movement.
_COME = """
UPDATE finance_parkedline p SET line_id = t.id
FROM taking t, finance_statement s
WHERE p.key = t.key AND p.line_id IS NULL AND t.occurrence = 1 AND s.id = p.statement_id
      AND s.bank_account_id = %(account)s
"""
_PARK = """
INSERT INTO finance_parkedline (batch_id, statement_id, place, reason, words, "on", amount, text, facts, key)
SELECT %(batch)s, %(statement)s, p.place, p.reason, p.words, p."on", p.amount, p.text, p.facts, p.key
FROM stage_parked p
WHERE p.part IS NOT DISTINCT FROM %(part)s AND NOT EXISTS (
    SELECT 1 FROM finance_parkedline o LEFT JOIN finance_statement s ON s.id = o.statement_id
    WHERE o.reason = p.reason AND o."on" IS NOT DISTINCT FROM p."on" AND o.amount IS NOT DISTINCT FROM p.amount
          AND o.text = p.text AND s.bank_account_id IS NOT DISTINCT FROM %(account)s AND s.undone_at IS NULL)
ORDER BY p.seq
"""


@dataclass(frozen=True)
class New:
    """Lines of one part and month that the account does not hold yet."""

    part: int
    month: date
    count: int


def new_lines(parts: list[Part]) -> list[New]:
    """What the staged parts of known accounts would add."""
    used = [part for part in parts if part.account and part.first and part.last]
    if not used:
        return []
    values: dict[str, Any] = {
        "parts": [part.number for part in used],
        "accounts": [part.account for part in used],
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_NEW, values)
        return [New(*row) for row in cursor.fetchall()]


Chunk = tuple[date, date, int]  # first day, last day, lines


@contextmanager
def alone(accounts: Iterable[int], work: Work) -> Iterator[None]:
    """Have these bank accounts to oneself: no other import or person adds lines to them meanwhile.

    Held by the connection and not by a transaction, so that two hands of one import may write side by side.
    """
    held = sorted(set(accounts))
    with connection.cursor() as cursor:
        taken: list[int] = []
        try:
            for account in held:
                while not _try(cursor, "pg_try_advisory_lock", account):
                    work.check()
                    time.sleep(0.2)
                taken.append(account)
            yield
        finally:
            if connection.is_usable():
                for account in taken:
                    cursor.execute("SELECT pg_advisory_unlock(hashtext('finance.lines'), hashint8(%s))", [account])


def alone_now(account: int) -> bool:
    """The same for the rest of the caller's transaction, or False when somebody else has it."""
    with connection.cursor() as cursor:
        return _try(cursor, "pg_try_advisory_xact_lock", account)


def _try(cursor: CursorWrapper, how: str, account: int) -> bool:
    cursor.execute(f"SELECT {how}(hashtext('finance.lines'), hashint8(%s))", [account])
    return bool(cursor.fetchone()[0])


def days(part: Part) -> list[Chunk]:
    """The part in chunks of whole days: first day, last day, lines."""
    most = min(CHUNK, max(SHARED_FROM // 2, part.found // 4))
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [part.number])
        found: list[tuple[date, int]] = cursor.fetchall()
    chunks: list[Chunk] = []
    for on, count in found:
        if chunks and chunks[-1][2] + count <= most:
            chunks[-1] = (chunks[-1][0], on, chunks[-1][2] + count)
        else:
            chunks.append((on, on, count))
    return chunks


def take_days(part: Part, statement: Statement, first: date, last: date, *, by: User | None) -> int:
    """Take the new lines of these days and post them; how many. In the caller's transaction, `alone`.

    Raises ledger.Refused.
    """
    account = BankAccount.objects.get(pk=statement.bank_account_id)
    values: dict[str, int | date | None] = {"part": part.number, "account": account.pk, "statement": statement.pk}
    values |= {"first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(_TAKING)
        cursor.execute(_CHOOSE, values)
        count = int(cursor.rowcount)
        if not count:
            return 0
        cursor.execute('ANALYZE taking (seq, "on", key)')
        cursor.execute(_LINES, values)
        cursor.execute(_TOKENS)
        cursor.execute(_COME, values)
        _post(cursor, account, statement, by)
    return count


def _post(cursor: CursorWrapper, account: BankAccount, statement: Statement, by: User | None) -> None:
    """One entry a day: the bank against its transit account, line by line."""
    cursor.execute('SELECT min("on"), max("on") FROM taking')
    periods.ensure(*cursor.fetchone())
    values: dict[str, Any] = {
        "journal": Journal.objects.filter(kind=Journal.Kind.BANK).order_by("pk").values_list("pk", flat=True)[0],
        "text": _("Statement of %(account)s") % {"account": account.name},
        "origin": statement.ref,
        "by": by.pk if by else None,
        "batch": statement.batch_id,
        "most": ENTRY_LINES,
        "bank": account.account_id,
        "transit": account.transit_id,
    }
    ledger.begin_set(cursor)
    cursor.execute(_ENTRIES, values)
    cursor.execute(_POSTINGS, values)
    ledger.post_set(cursor, rows_locked=True)


def park(part: Part | None, statement: Statement | None, batch_id: int) -> int:
    """Keep what was no movement, unless an earlier file brought it; how many. part: None for lines of no account."""
    values = {
        "batch": batch_id,
        "statement": statement.pk if statement else None,
        "part": part.number if part else None,
        "account": statement.bank_account_id if statement else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PARK, values)
        return int(cursor.rowcount)
