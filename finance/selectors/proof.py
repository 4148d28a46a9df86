"""Does a bank account agree with its statement? The figures above every reconciliation, exact and quick.

A million postings are not added up for each page: sums are kept with the place in each journal's hash chain to which
they reach, and only what was sealed after it is added. If the chain no longer holds that place, all is added up anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db import connection

from backoffice.core.models import User
from finance.models import BankAccount

ZERO = Decimal("0.00")
FOREVER = date(9999, 12, 31)
MOST = 20_000  # entries since the mark; with more, adding up anew is quicker
CAP = 1000

_ANEW = """
WITH frozen AS (
    SELECT coalesce(max(ends_on), '-infinity') AS until FROM finance_period
    WHERE state = 'closed' AND ends_on <= %(day)s::date + 1
)
SELECT
    (SELECT coalesce(sum(b.debit - b.credit), 0)
     FROM finance_periodbalance b JOIN finance_period p ON p.id = b.period_id
     WHERE b.account_id = %(account)s AND p.ends_on <= (SELECT until FROM frozen))
    + (SELECT coalesce(sum(amount), 0) FROM finance_posting
       WHERE account_id = %(account)s AND "on" >= (SELECT until FROM frozen) AND "on" <= %(day)s),
    (SELECT ARRAY[coalesce(sum(open_amount) FILTER (WHERE amount > 0), 0),
                  coalesce(sum(open_amount) FILTER (WHERE amount < 0), 0)]
     FROM finance_statementline WHERE bank_account_id = %(bank)s AND open_amount <> 0 AND "on" <= %(day)s),
    (SELECT json_agg(json_build_array(journal_id, seq, encode(hash, 'hex'))) FROM finance_journalhead)
"""

# Walked from the few new seals to their postings by key: LIMIT and OFFSET keep the planner from reading the books.
_SINCE = """
WITH mark AS (
    SELECT * FROM unnest(%(journals)s::bigint[], %(seqs)s::bigint[], %(hashes)s::text[]) AS m (journal_id, seq, hash)
), head AS (
    SELECT h.journal_id, h.seq, h.hash, coalesce(m.seq, 0) AS was, coalesce(m.seq, 0) = 0 OR m.hash = (
               SELECT encode(s.hash, 'hex') FROM finance_entryseal s WHERE s.journal_id = m.journal_id AND s.seq = m.seq
           ) AS holds
    FROM finance_journalhead h LEFT JOIN mark m USING (journal_id)
), moved AS (
    SELECT p.account_id, p.amount, p.posted_on, l.amount AS line_amount, l."on" AS line_on
    FROM head h
    CROSS JOIN LATERAL (
        SELECT s.entry_id FROM finance_entryseal s WHERE s.journal_id = h.journal_id AND s.seq > h.was
        ORDER BY s.journal_id, s.seq
        LIMIT CASE WHEN (SELECT sum(seq - was) FROM head) <= %(most)s THEN h.seq - h.was ELSE 0 END
    ) s
    CROSS JOIN LATERAL (
        SELECT p.account_id, p.amount, p.line_id, p."on" AS posted_on FROM finance_posting p
        WHERE p.entry_id = s.entry_id OFFSET 0
    ) p
    LEFT JOIN LATERAL (SELECT l.amount, l."on" FROM finance_statementline l WHERE l.id = p.line_id OFFSET 0) l ON true
    WHERE p.account_id IN (%(account)s, %(transit)s)
)
SELECT (SELECT bool_and(coalesce(holds, false)) AND sum(seq - was) <= %(most)s FROM head),
       (SELECT coalesce(sum(amount), 0) FROM moved WHERE account_id = %(account)s AND posted_on <= %(day)s),
       (SELECT ARRAY[coalesce(-sum(amount) FILTER (WHERE line_amount > 0), 0),
                     coalesce(-sum(amount) FILTER (WHERE line_amount < 0), 0)]
        FROM moved WHERE account_id = %(transit)s AND line_on <= %(day)s),
       (SELECT json_agg(json_build_array(journal_id, seq, encode(hash, 'hex'))) FROM head)
"""

_BESIDE = """
WITH last AS (
    SELECT id, label, ends_on, closing FROM finance_statement
    WHERE bank_account_id = %(bank)s AND closing IS NOT NULL AND undone_at IS NULL AND ends_on <= %(until)s
    ORDER BY ends_on DESC, id DESC LIMIT 1
), here AS (SELECT coalesce((SELECT ends_on FROM last), %(until)s) AS day)
SELECT
    (SELECT ARRAY[id::text, label, ends_on::text, closing::text] FROM last),
    (SELECT ARRAY[coalesce(sum(l.open_amount) FILTER (WHERE l.amount > 0), 0),
                  coalesce(sum(l.open_amount) FILTER (WHERE l.amount < 0), 0), count(*)]
     FROM finance_ignoredline i JOIN finance_statementline l ON l.id = i.line_id
     WHERE l.bank_account_id = %(bank)s AND l.open_amount <> 0 AND l."on" <= (SELECT day FROM here)),
    (SELECT count(*) FROM (SELECT FROM finance_statementline WHERE bank_account_id = %(bank)s AND open_amount <> 0
                           AND "on" <= (SELECT day FROM here) LIMIT %(cap)s) few),
    (SELECT count(*) FROM (SELECT FROM finance_statementline WHERE bank_account_id = %(bank)s AND open_amount <> 0
                           AND "on" > (SELECT day FROM here) LIMIT %(cap)s) few),
    (SELECT min("on") FROM finance_statementline WHERE bank_account_id = %(bank)s AND open_amount <> 0),
    (SELECT array_agg(DISTINCT u.name ORDER BY u.name)
     FROM finance_lineclaim c JOIN finance_statementline l ON l.id = c.line_id JOIN core_user u ON u.id = c.person_id
     WHERE l.bank_account_id = %(bank)s AND c.until > statement_timestamp() AND u.id IS DISTINCT FROM %(reader)s)
"""


@dataclass(frozen=True)
class Closing:
    """The statement that tells the balance."""

    pk: int
    label: str
    ends_on: date
    closing: Decimal


@dataclass(frozen=True)
class Position:
    """balance: of the bank's ledger account, BRL.   open_in, open_out: what its lines still hold in transit."""

    balance: Decimal
    open_in: Decimal
    open_out: Decimal


@dataclass(frozen=True)
class Proof:
    """A statement against the books, up to its last day. Amounts in BRL; `waiting` without what was set aside."""

    account: BankAccount
    statement: Closing | None
    position: Position
    ignored: Decimal
    ignored_count: int
    waiting_in: Decimal
    waiting_out: Decimal
    waiting_count: int  # at most CAP + 1
    later_count: int  # open lines after the statement's last day; at most CAP + 1
    oldest_on: date | None
    others: list[str]  # who else works on its lines now

    @property
    def statement_balance(self) -> Decimal | None:
        return self.statement.closing if self.statement else None

    @property
    def ledger(self) -> Decimal:
        """The bank's account together with its transit account: what the books explain."""
        return self.position.balance - self.position.open_in - self.position.open_out

    @property
    def difference(self) -> Decimal | None:
        return None if self.statement_balance is None else self.statement_balance - self.ledger

    @property
    def unexplained(self) -> Decimal | None:
        """What not even open lines explain: lines that never came in, or entries without a line."""
        return None if self.statement_balance is None else self.statement_balance - self.position.balance

    @property
    def is_reconciled(self) -> bool:
        return self.difference == 0 and not self.waiting_count and not self.ignored_count


def proof(account: BankAccount, *, until: date | None = None, reader: User | None = None) -> Proof:
    """The account against its last statement that tells a balance (by `until`)."""
    asked: dict[str, Any] = {
        "bank": account.pk,
        "until": until or FOREVER,
        "cap": CAP + 1,
        "reader": reader.pk if reader else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BESIDE, asked)
        last, (ignored_in, ignored_out, ignored_count), count, later, oldest, others = cursor.fetchone()
    statement = None
    if last:
        pk, label, ends_on, closing = last
        statement = Closing(int(pk), label, date.fromisoformat(ends_on), Decimal(closing))
    found = position(account, statement.ends_on if statement else until or FOREVER)
    return Proof(
        account=account,
        statement=statement,
        position=found,
        ignored=ignored_in + ignored_out,
        ignored_count=int(ignored_count),
        waiting_in=found.open_in - ignored_in,
        waiting_out=found.open_out - ignored_out,
        waiting_count=max(0, count - int(ignored_count)),
        later_count=later,
        oldest_on=oldest,
        others=others or [],
    )


def position(account: BankAccount, day: date) -> Position:
    """What the books hold by the end of `day`, exact at every moment."""
    key = f"finance.position:{account.pk}:{day}"
    asked: dict[str, Any] = {
        "account": account.account_id,
        "transit": account.transit_id,
        "bank": account.pk,
        "day": day,
        "most": MOST,
    }
    kept = cache.get(key)
    row = _since(asked, kept) if kept else None
    if row is None:
        with connection.cursor() as cursor:
            cursor.execute(_ANEW, asked)
            balance, (open_in, open_out), heads = cursor.fetchone()
    else:
        balance, open_in, open_out, heads = row
    if kept is None or row is None or heads != kept[0]:
        cache.set(key, (heads, str(balance), str(open_in), str(open_out)), 7 * 86400)
    return Position(balance or ZERO, open_in or ZERO, open_out or ZERO)


def _since(asked: dict[str, Any], kept: Sequence[Any]) -> tuple[Decimal, Decimal, Decimal, Any] | None:
    """The kept sums and what came after them; None when they cannot be built on."""
    heads, balance, open_in, open_out = kept
    journals, seqs, hashes = zip(*heads, strict=True) if heads else ((), (), ())
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, asked | {"journals": list(journals), "seqs": list(seqs), "hashes": list(hashes)})
        holds, moved, (moved_in, moved_out), now = cursor.fetchone()
    if not holds:
        return None
    return Decimal(balance) + moved, Decimal(open_in) + moved_in, Decimal(open_out) + moved_out, now
