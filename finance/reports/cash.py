"""Which accounts are money at hand, and which hold what the bank has said and nobody has placed yet."""

from collections.abc import Sequence

from finance.models import Account

from .tree import Tree


def accounts(plan: Tree) -> tuple[list[int], list[int]]:
    """Cash and bank accounts; transit accounts of banks."""
    transits = sorted(node.pk for node in plan if node.transit_of)
    return held(plan, transits), transits


def held(plan: Tree, transits: Sequence[int]) -> list[int]:
    """Cash and bank accounts."""
    money = plan.ids(cash_flow=Account.CashFlow.CASH, is_group=False)
    return [pk for pk in money if pk not in transits]
