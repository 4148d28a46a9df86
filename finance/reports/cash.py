"""Which accounts are money at hand, and which hold what the bank has said and nobody has placed yet."""

from finance.models import Account, BankAccount

from .tree import Tree


def accounts(plan: Tree) -> tuple[list[int], list[int]]:
    """Cash and bank accounts; transit accounts of banks."""
    transits = sorted(BankAccount.objects.values_list("transit_id", flat=True))
    held = [
        node.pk
        for node in plan
        if node.cash_flow == Account.CashFlow.CASH and not node.is_group and node.pk not in transits
    ]
    return held, transits
