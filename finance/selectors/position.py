"""How the money stands today: in banks and cash, with what is due, and the oldest line that nobody has reconciled."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

# Closed months come frozen, the rest from the postings; the oldest open line of each bank is the first of its index.
_POSITION = """
WITH purse AS (SELECT id FROM finance_account WHERE cash_flow = 'cash' AND NOT is_group),
    frontier AS (SELECT coalesce(max(ends_on), '0001-01-01') AS "on" FROM finance_period WHERE state = 'closed')
SELECT coalesce((SELECT sum(b.debit - b.credit) FROM finance_periodbalance b
                 WHERE b.account_id IN (SELECT id FROM purse)), 0)
     + coalesce((SELECT sum(p.amount) FROM purse JOIN finance_posting p ON p.account_id = purse.id
                 WHERE p."on" >= (SELECT "on" FROM frontier) AND p."on" <= %(today)s), 0),
    coalesce(due.receivable, 0), coalesce(due.payable, 0),
    (SELECT min(first."on") FROM finance_bankaccount a CROSS JOIN LATERAL (
        SELECT l."on" FROM finance_statementline l WHERE l.bank_account_id = a.id AND l.open_amount <> 0
        ORDER BY l."on" LIMIT 1) first),
    EXISTS (SELECT FROM finance_posting)
FROM (
    SELECT sum(i.balance) FILTER (WHERE t.direction = 'receivable') AS receivable,
           -sum(i.balance) FILTER (WHERE t.direction = 'payable') AS payable
    FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id
    WHERE i.balance <> 0 AND i.due_on <= %(until)s AND (i.amount > 0) = (t.direction = 'receivable')
) due
"""


@dataclass(frozen=True)
class Position:
    """All in BRL. receivable, payable: open of titles due until then or overdue, credits left out."""

    cash: Decimal
    receivable: Decimal
    payable: Decimal
    until: date
    oldest_open_on: date | None
    has_books: bool

    @property
    def projected(self) -> Decimal:
        return self.cash + self.receivable - self.payable


def position(*, today: date, days: int = 30) -> Position:
    """One statement."""
    until = today + timedelta(days=days)
    with connection.cursor() as cursor:
        cursor.execute(_POSITION, {"today": today, "until": until})
        cash, receivable, payable, oldest, has_books = cursor.fetchone()
    return Position(cash, receivable, payable, until, oldest, has_books)
