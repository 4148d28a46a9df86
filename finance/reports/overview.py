"""How the money stands, on one page: what is where, what falls due, what is to come."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.core.cache import caches
from django.db import connection
from django.db.models import Count, Max, Q
from redis.exceptions import RedisError

from backoffice.core.calendar import DAY
from finance.models import BankAccount, StatementLine

from . import balances, cash, tree
from .projection import Projection, projection
from .tree import ZERO

SOON = 7  # days
KEPT_SECONDS = 600  # how long a projection is shown again: habits change slowly

_DUE = """
SELECT t.direction, i.due_on < %(today)s, sum(abs(i.balance)), count(*)
FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id
WHERE i.balance <> 0 AND i.due_on <= %(last)s AND (i.amount > 0) = (t.direction = 'receivable')
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Bank:
    """One account of money. waiting: bank lines on it that are not reconciled, signed as the bank has them."""

    account: int
    name: str
    balance: Decimal
    bank: int | None
    waiting: Decimal = ZERO
    last_on: date | None = None
    open_lines: int = 0


@dataclass(frozen=True)
class Overview:
    """due, late: direction → (sum, parts) of what falls due within a week, and of what is overdue."""

    banks: list[Bank]
    due: dict[str, tuple[Decimal, int]]
    late: dict[str, tuple[Decimal, int]]
    ahead: Projection

    @property
    def cash(self) -> Decimal:
        return sum((bank.balance for bank in self.banks), ZERO)

    @property
    def waiting(self) -> int:
        return sum(bank.open_lines for bank in self.banks)


def overview(today: date) -> Overview:
    plan = tree.read()
    kept = BankAccount.objects.annotate(
        last_on=Max("statements__ends_on", filter=Q(statements__undone_at=None))
    ).order_by("name", "pk")
    banks = {bank.account_id: bank for bank in kept}
    transits = sorted(bank.transit_id for bank in banks.values())
    held = cash.held(plan, transits)
    stood = balances.total(balances.standing([today + DAY], accounts=[*held, *transits])[today + DAY])
    waiting = [bank.pk for bank in banks.values() if stood.get(bank.transit_id)]
    lines = dict(_open_lines(waiting)) if waiting else {}
    rows = []
    for pk in held:
        bank, balance = banks.get(pk), stood.get(pk, ZERO)
        if bank is None:
            if balance:
                rows.append(Bank(pk, plan.nodes[pk].name, balance, None))
        elif bank.is_active or balance:
            open_lines = lines.get(bank.pk, 0)
            wait = -stood.get(bank.transit_id, ZERO)
            rows.append(Bank(pk, bank.name, balance, bank.pk, wait, bank.last_on, open_lines))
    due: dict[str, tuple[Decimal, int]] = {}
    late: dict[str, tuple[Decimal, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"today": today, "last": today + timedelta(days=SOON)})
        for direction, is_late, amount, parts in cursor.fetchall():
            (late if is_late else due)[direction] = amount, parts
    return Overview(rows, due, late, _ahead(today, plan, held, sum((stood.get(pk, ZERO) for pk in held), ZERO)))


def _open_lines(banks: list[int]) -> list[tuple[int, int]]:
    rows = StatementLine.objects.filter(bank_account__in=banks).exclude(open_amount=0)
    return list(rows.order_by().values_list("bank_account").annotate(Count("pk")))


def _ahead(today: date, plan: tree.Tree, held: list[int], opening: Decimal) -> Projection:
    """The projection, kept for some minutes as long as the cash at hand is the same."""
    key = f"finance:ahead:{connection.settings_dict['NAME']}:{today}:{opening}"
    with suppress(RedisError):
        kept = caches["short"].get(key)
        if isinstance(kept, Projection):
            return kept
    made = projection(today, plan=plan, held=held, opening=opening)
    with suppress(RedisError):
        caches["short"].set(key, made, KEPT_SECONDS)
    return made
