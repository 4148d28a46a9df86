"""The reports against the world and against each other, to the cent."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from backoffice.core.calendar import Period
from finance.models import Title
from finance.reports import aging, balance_sheet, balances, cash, cash_flow, dre, general_ledger, tree, trial_balance

from .world import ZERO, World

DAY = timedelta(days=1)
LEDGERS = 5  # general ledgers read posting by posting, each time of other accounts
SIZE = 40  # rows of a page of them


def disagreements(world: World) -> list[str]:
    """What two reports, or a report and the world, say differently: of all months, and of days drawn by chance."""
    plan = tree.read()
    with balances.one_look():
        return [*_whole(world, plan), *_months(world, plan), *_span(world, plan), *_ages(world)]


def _whole(world: World, plan: tree.Tree) -> Iterator[str]:
    """The trial balance is what the world holds."""
    table = trial_balance.trial_balance(world.months[0].starts_on, world.today + DAY, plan=plan)
    held = {line.account.pk: line.closing for line in table.lines if not line.account.is_group}
    for account in sorted(set(held) | set(world.ledger)):
        if held.get(account, ZERO) != world.ledger[account]:
            yield f"trial balance: account {account} holds {held.get(account)}, told {world.ledger[account]}"
    if table.opening or table.closing or table.debit != table.credit:
        yield f"the trial balance differs: {table.opening}, {table.debit} and {table.credit}, {table.closing}"


def _months(world: World, plan: tree.Tree) -> Iterator[str]:
    """Each month: the sheet balances, equity grew by what was earned, money by what flowed, one after the other."""
    edges = [month.starts_on for month in world.months] + [world.today + DAY]
    months = [Period(start, end) for start, end in pairwise(edges)]
    sheets = balance_sheet.balance_sheet(edges, plan=plan)
    for day, one in zip(edges, sheets, strict=True):
        if one.between:
            yield f"balance sheet: {one.assets} of assets on {day}, financed {one.financed}"
    flows = cash_flow.cash_flow(months, plan=plan)
    for month, (before, after), earned, flow in zip(
        months, pairwise(sheets), dre.dre(months, plan=plan), flows, strict=True
    ):
        grown = after.earlier + after.year - before.earlier - before.year
        if earned.result != grown:
            yield f"DRE of {month.start}: {earned.result}, equity grew by {grown}"
        if not flow.is_proven:
            yield f"cash flow of {month.start}: {flow.opening} and {flow.change} are not {flow.closing}"
    for month, (before_flow, after_flow) in zip(months, pairwise(flows), strict=False):
        if before_flow.closing != after_flow.opening:
            yield f"cash flow: {month.start} ends with {before_flow.closing}, the next begins with {after_flow.opening}"


def _span(world: World, plan: tree.Tree) -> Iterator[str]:
    """Any span of days: trial balance, sheet, DRE, cash flow and general ledger, whole and by cost centre."""
    days = (world.today - world.months[0].starts_on).days
    start, end = sorted(world.months[0].starts_on + DAY * world.chance.randrange(days + 1) for _ in range(2))
    end += DAY
    period, name = Period(start, end), f"{start} to {end}"
    table = trial_balance.trial_balance(start, end, plan=plan)
    held = {line.account.pk: line for line in table.lines if not line.account.is_group}
    before, after = balance_sheet.balance_sheet([start, end], plan=plan)
    for account, amount in after.accounts.items():
        sign = 1 if plan.nodes[account].kind == "asset" else -1
        closing = held[account].closing if account in held else ZERO
        if not plan.nodes[account].is_group and closing != sign * amount:
            yield f"{name}: account {account} closes with {closing}, stands in the sheet with {amount}"
    (earned,) = dre.dre([period], plan=plan)
    moved = -sum(held[node.pk].debit - held[node.pk].credit for node in dre.result_accounts(plan) if node.pk in held)
    grown = after.earlier + after.year - before.earlier - before.year
    centres = [dre.dre([period], centre, plan=plan)[0].result for centre in (balances.NONE, *world.centres)]
    if not earned.result == grown == moved == sum(centres):
        yield f"{name}: earned {earned.result}, equity {grown}, accounts {moved}, cost centres {sum(centres)}"
    (flow,) = cash_flow.cash_flow([period], plan=plan)
    money, _transits = cash.accounts(plan)
    for told, of in ((flow.opening, "opening"), (flow.closing, "closing")):
        stood = sum((getattr(held[pk], of) for pk in money if pk in held), ZERO)
        if told != stood:
            yield f"{name}: {of} of the cash flow {told}, of its accounts {stood}"
    for account in world.chance.sample(sorted(held), min(LEDGERS, len(held))):
        yield from _ledger(held[account], plan, start, end)


def _ledger(line: trial_balance.Line, plan: tree.Tree, start: date, end: date) -> Iterator[str]:
    """The general ledger, page by page, comes from the trial balance's opening to its closing."""
    name = f"general ledger of {line.account.pk}, {start} to {end}"
    running, after = line.opening, None
    while True:
        page = general_ledger.general_ledger(plan, line.account.pk, start, end, after=after, size=SIZE)
        if (page.opening, page.debit, page.credit) != (line.opening, line.debit, line.credit):
            yield f"{name}: {page.opening}, {page.debit}, {page.credit}; the trial balance has {line}"
        if page.before != running:
            yield f"{name}: a page begins with {page.before}, the one before ended with {running}"
        running += sum((posting.amount for posting in page.postings), ZERO)
        if not page.has_more:
            break
        after = (page.postings[-1].on, page.postings[-1].pk)
    if running != line.closing:
        yield f"{name}: its postings end with {running}, the trial balance with {line.closing}"


def _ages(world: World) -> Iterator[str]:
    """What is owed by age is the control accounts, today and on a day drawn by chance; by party it is the world's."""
    days = (world.today - world.months[0].starts_on).days
    for on in (world.today, world.months[0].starts_on + DAY * world.chance.randrange(days + 1)):
        standing = balances.total(balances.standing([on + DAY])[on + DAY])
        for direction, accounts in world.controls.items():
            told = aging.aging(direction, on)
            sign = 1 if direction == Title.Direction.RECEIVABLE else -1
            held = sign * sum((standing.get(account, ZERO) for account in accounts), ZERO)
            if told.total != held:
                yield f"aging of {direction} on {on}: {told.total}, its accounts hold {held}"
            if on == world.today:
                yield from _parties(world, told, accounts, sign)  # the world knows no other day


def _parties(world: World, told: aging.Aged, accounts: list[int], sign: int) -> Iterator[str]:
    owed: dict[int, Decimal] = {}
    for part in world.parts.values():
        if part.balance and part.account in accounts:
            owed[part.party] = owed.get(part.party, ZERO) + sign * part.balance
    for party in sorted(set(owed) | set(told.parties)):
        aged = sum(told.parties.get(party, []), ZERO)
        if aged != owed.get(party, ZERO):
            yield f"aging: party {party} owes {aged}, told {owed.get(party, ZERO)}"
