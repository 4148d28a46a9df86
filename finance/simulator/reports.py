"""The reports against the world and against each other, to the cent."""

from datetime import timedelta
from itertools import pairwise

from backoffice.core.calendar import Period
from finance.reports import balance_sheet, balances, dre

from .world import World


def disagreements(world: World) -> list[str]:
    """Trial balance = world, and sums to nothing; the sheet balances each month; what was earned is what it grew by."""
    wrong: list[str] = []
    edges = [month.starts_on for month in world.months] + [world.today + timedelta(days=1)]
    positions = balance_sheet.balance_sheet(edges)
    held = balances.total(balances.standing([edges[-1]])[edges[-1]])
    for account in sorted(set(held) | set(world.ledger)):
        if held.get(account, 0) != world.ledger[account]:
            wrong.append(f"trial balance: account {account} holds {held.get(account)}, told {world.ledger[account]}")
    if sum(held.values()):
        wrong.append("the trial balance does not sum to zero")
    wrong += [
        f"balance sheet: {one.assets} of assets on {day}, financed {one.financed}"
        for day, one in zip(edges, positions, strict=True)
        if one.between
    ]
    months = [Period(start, end) for start, end in pairwise(edges)]
    for place, (month, statement) in enumerate(zip(months, dre.dre(months), strict=True)):
        before, after = positions[place], positions[place + 1]
        grown = after.earlier + after.year - before.earlier - before.year
        if statement.result != grown:
            wrong.append(f"DRE of {month.start}: {statement.result}, equity grew by {grown}")
    return wrong
