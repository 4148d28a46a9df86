"""The reconciliation of one account and month, as an accountant signs it: the statement, the books, what is between."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import DateField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from finance.models import BankAccount, Period, Statement

ZERO = Decimal("0.00")
SHOWN = 2000  # rows of each table; the count says how many there are

# What the bank says before the month (the last closing before it, else the opening of its first statement), and at the
# end of it.
_TOLD = """
WITH told AS (
    SELECT id, ends_on, opening, closing FROM finance_statement WHERE bank_account_id = %(bank)s AND undone_at IS NULL
), before AS (
    SELECT closing FROM told WHERE closing IS NOT NULL AND ends_on < %(first)s ORDER BY ends_on DESC, id DESC LIMIT 1
), begun AS (
    SELECT opening FROM told WHERE opening IS NOT NULL AND ends_on BETWEEN %(first)s AND %(last)s
    ORDER BY ends_on, id LIMIT 1
), ended AS (
    SELECT closing, ends_on FROM told WHERE closing IS NOT NULL AND ends_on BETWEEN %(first)s AND %(last)s
    ORDER BY ends_on DESC, id DESC LIMIT 1
)
SELECT coalesce((SELECT closing FROM before), (SELECT opening FROM begun)), ended.closing, ended.ends_on
FROM (SELECT) always LEFT JOIN ended ON true
"""

_SUMS = """
WITH frozen AS (
    SELECT coalesce(max(ends_on), '-infinity') AS until FROM finance_period
    WHERE state = 'closed' AND ends_on <= %(last)s::date + 1
)
SELECT count(*) FILTER (WHERE amount > 0), coalesce(sum(amount) FILTER (WHERE amount > 0), 0),
       count(*) FILTER (WHERE amount < 0), coalesce(sum(amount) FILTER (WHERE amount < 0), 0),
       (SELECT coalesce(sum(b.debit - b.credit), 0)
        FROM finance_periodbalance b JOIN finance_period p ON p.id = b.period_id
        WHERE b.account_id = %(account)s AND p.ends_on <= (SELECT until FROM frozen))
     + (SELECT coalesce(sum(amount), 0) FROM finance_posting
        WHERE account_id = %(account)s AND "on" >= (SELECT until FROM frozen) AND "on" <= %(last)s)
FROM finance_statementline
WHERE bank_account_id = %(bank)s AND NOT is_void AND "on" >= %(first)s AND "on" <= %(last)s
"""

# What lines up to the last day still held in transit by then: what is open now, and what was matched only later.
_WAITING = """
WITH later AS (
    SELECT line_id, sum(amount) AS moved FROM finance_posting
    WHERE account_id = %(transit)s AND "on" > %(last)s AND line_id IS NOT NULL GROUP BY line_id
), held AS (
    SELECT l.id, l."on", l.payer, l.text, l.kind, l.amount, l.open_amount + coalesce(t.moved, 0) AS held
    FROM finance_statementline l LEFT JOIN later t ON t.line_id = l.id
    WHERE l.bank_account_id = %(bank)s AND l.open_amount <> 0 AND l."on" <= %(last)s
    UNION ALL
    SELECT l.id, l."on", l.payer, l.text, l.kind, l.amount, t.moved
    FROM later t JOIN finance_statementline l ON l.id = t.line_id WHERE l.open_amount = 0 AND l."on" <= %(last)s
)
SELECT h.id, h."on", coalesce(nullif(h.payer, ''), nullif(h.text, ''), h.kind), h.amount, h.held, i.reason,
       count(*) OVER (), sum(h.held) OVER ()
FROM held h LEFT JOIN finance_ignoredline i ON i.line_id = h.id
WHERE h.held <> 0 ORDER BY h."on", h.id LIMIT %(shown)s
"""

# Entries on the bank's account that no statement line brought.
_LOOSE = """
SELECT e.id, p."on", e.text, p.amount, count(*) OVER (), sum(p.amount) OVER ()
FROM finance_posting p JOIN finance_journalentry e ON e.id = p.entry_id
WHERE p.account_id = %(account)s AND p.line_id IS NULL AND p."on" <= %(last)s AND p."on" >= %(first)s
ORDER BY p."on", p.id LIMIT %(shown)s
"""

_LINES = """
SELECT l.id, l."on", coalesce(nullif(l.payer, ''), nullif(l.text, ''), l.kind), l.amount,
       (SELECT string_agg(DISTINCT e.text, '; ') FROM finance_posting p
        JOIN finance_match m ON m.entry_id = p.entry_id JOIN finance_journalentry e ON e.id = m.entry_id
        WHERE p.line_id = l.id AND p."on" <= %(last)s
              AND NOT EXISTS (SELECT FROM finance_journalentry r WHERE r.reverses_id = e.id AND r."on" <= %(last)s)),
       (SELECT string_agg(DISTINCT coalesce(u.name, ''), ', ') FROM finance_posting p
        JOIN finance_match m ON m.entry_id = p.entry_id LEFT JOIN core_user u ON u.id = m.by_id
        WHERE p.line_id = l.id AND p."on" <= %(last)s AND NOT EXISTS (
            SELECT FROM finance_journalentry r WHERE r.reverses_id = m.entry_id AND r."on" <= %(last)s))
FROM finance_statementline l
WHERE l.bank_account_id = %(bank)s AND NOT l.is_void AND l."on" >= %(first)s AND l."on" <= %(last)s
ORDER BY l."on", l.id LIMIT %(shown)s
"""


@dataclass(frozen=True)
class Waiting:
    """A line that waits in transit. held: BRL, how much of it."""

    pk: int
    on: date
    name: str
    amount: Decimal
    held: Decimal
    aside: str  # why it was set aside


@dataclass(frozen=True)
class Loose:
    pk: int
    on: date
    text: str
    amount: Decimal


@dataclass(frozen=True)
class Met:
    """A line of the month. met: what it was matched with; by: who did (empty: the program)."""

    pk: int
    on: date
    name: str
    amount: Decimal
    met: str | None
    by: str | None


@dataclass
class Reconciliation:
    """Amounts in BRL. opening, closing: as the bank says; None where no statement tells."""

    account: BankAccount
    first: date
    last: date
    opening: Decimal | None
    closing: Decimal | None
    closing_on: date | None
    in_count: int = 0
    money_in: Decimal = ZERO
    out_count: int = 0
    money_out: Decimal = ZERO
    ledger: Decimal = ZERO
    waiting: list[Waiting] = field(default_factory=list)
    waiting_count: int = 0
    waiting_sum: Decimal = ZERO
    loose: list[Loose] = field(default_factory=list)
    loose_count: int = 0
    loose_sum: Decimal = ZERO
    lines: list[Met] = field(default_factory=list)

    @property
    def computed(self) -> Decimal | None:
        """Where the lines lead from the opening."""
        return None if self.opening is None else self.opening + self.money_in + self.money_out

    @property
    def off(self) -> Decimal | None:
        """What the statement says beyond its own lines."""
        return None if self.closing is None or self.computed is None else self.closing - self.computed

    @property
    def transit(self) -> Decimal:
        """The balance of the transit account that these lines make."""
        return -self.waiting_sum

    @property
    def explained(self) -> Decimal:
        return self.ledger - self.waiting_sum

    @property
    def difference(self) -> Decimal | None:
        return None if self.closing is None else self.closing - self.explained

    @property
    def unexplained(self) -> Decimal | None:
        """The difference without the lines that wait."""
        return None if self.difference is None else self.difference - self.waiting_sum

    @property
    def is_reconciled(self) -> bool:
        return self.difference == 0 and not self.waiting_count

    @property
    def line_count(self) -> int:
        return self.in_count + self.out_count


def reconciliation(account: BankAccount, month: date, *, shown: int = SHOWN) -> Reconciliation:
    """The month that begins on `month`, by its last day."""
    last = (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    asked: dict[str, Any] = {
        "bank": account.pk,
        "account": account.account_id,
        "transit": account.transit_id,
        "first": month,
        "last": last,
        "shown": shown,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, asked)
        opening, closing, closing_on = cursor.fetchone()
    found = Reconciliation(account, month, closing_on or last, opening, closing, closing_on)
    _read(found, asked | {"last": found.last})
    return found


def _read(found: Reconciliation, asked: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, asked)
        found.in_count, found.money_in, found.out_count, found.money_out, found.ledger = cursor.fetchone()
        cursor.execute(_WAITING, asked)
        rows = cursor.fetchall()
        found.waiting = [
            Waiting(pk, on, name, amount, held, aside or "") for pk, on, name, amount, held, aside, *_n in rows
        ]
        found.waiting_count, found.waiting_sum = rows[0][6:] if rows else (0, ZERO)
        cursor.execute(_LOOSE, asked)
        rows = cursor.fetchall()
        found.loose = [Loose(*row[:4]) for row in rows]
        found.loose_count, found.loose_sum = rows[0][4:] if rows else (0, ZERO)
        cursor.execute(_LINES, asked)
        found.lines = [Met(*row) for row in cursor.fetchall()]


def months(account: BankAccount, *, today: date) -> list[Period]:
    """The months to choose from, newest first."""
    return list(Period.objects.filter(starts_on__lte=today).order_by("-starts_on")[:24])


def accounts(*, today: date) -> QuerySet[BankAccount]:
    """Bank accounts with what the report names, and `newest`: a day in the month of the last statement that tells a
    balance, else today."""
    told = Statement.objects.filter(bank_account=OuterRef("pk"), closing__isnull=False, undone_at=None)
    newest = Coalesce(Subquery(told.order_by("-ends_on").values("ends_on")[:1]), today, output_field=DateField())
    return BankAccount.objects.select_related("account", "transit").annotate(newest=newest)
