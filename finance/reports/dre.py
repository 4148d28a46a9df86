"""The income statement (DRE) in the order of Lei 6.404/1976, art. 187: revenue down to the net result.

What closes a year (the closing journal) is left out: else every closed year would have earned nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from backoffice.core.calendar import Period
from finance.models import Account

from . import balances, tree
from .balances import ALL, Moves, Span
from .tree import ZERO, Node, Tree

Section = Account.Section
UNPLACED = ""  # result accounts that nobody gave a place yet: they count, and are shown

# Subtotal → the sections it adds up, each with all before it.
STEPS: list[tuple[str, tuple[str, ...]]] = [
    ("net_revenue", (Section.GROSS_REVENUE, Section.DEDUCTIONS)),
    ("gross_profit", (Section.COST,)),
    ("operating", (Section.SELLING, Section.ADMINISTRATIVE, Section.OTHER, UNPLACED)),
    ("before_tax", (Section.FINANCIAL_INCOME, Section.FINANCIAL_EXPENSE)),
    ("net_result", (Section.INCOME_TAX,)),
]


@dataclass(frozen=True)
class Statement:
    """One column. accounts, sections, steps: what came in is positive, what went out negative."""

    accounts: dict[int, Decimal]
    sections: dict[str, Decimal]
    steps: dict[str, Decimal]

    @property
    def result(self) -> Decimal:
        return self.steps["net_result"]

    def share(self, amount: Decimal) -> Decimal | None:
        """Of the net revenue, as a fraction; None without revenue."""
        base = self.steps["net_revenue"]
        return amount / base if base > 0 else None


def result_accounts(plan: Tree) -> list[Node]:
    return [node for node in plan if node.kind in ("revenue", "expense") and not node.is_group]


def dre(periods: Sequence[Period], cost_centre: int | None = None, *, plan: Tree | None = None) -> list[Statement]:
    """A statement for each period. cost_centre: an id, `balances.NONE`, or None for all."""
    plan = plan or tree.read()
    moves = balances.moved(
        [Span(period.start, period.end) for period in periods],
        accounts=[node.pk for node in result_accounts(plan)],
        cost_centre=ALL if cost_centre is None else cost_centre,
        without_closing=True,
    )
    return [of_moves(plan, moves, place) for place in range(len(periods))]


def of_moves(plan: Tree, moves: Moves, place: int, centre: int | None = None) -> Statement:
    """One column from moves read before; of one cost centre or all."""
    accounts: dict[int, Decimal] = {}
    for (at, account, cost_centre), move in moves.items():
        if (
            at == place
            and (centre is None or cost_centre == centre)
            and plan.nodes[account].kind in ("revenue", "expense")
        ):
            accounts[account] = accounts.get(account, ZERO) - move.net
    return of_amounts(plan, accounts)


def of_amounts(plan: Tree, accounts: dict[int, Decimal]) -> Statement:
    """A column from amounts by account, income positive."""
    sections: dict[str, Decimal] = {}
    for account, amount in accounts.items():
        section = plan.nodes[account].section
        sections[section] = sections.get(section, ZERO) + amount
    steps, running = {}, ZERO
    for name, parts in STEPS:
        running += sum((sections.get(part, ZERO) for part in parts), ZERO)
        steps[name] = running
    return Statement(accounts, sections, steps)
