"""The cash flow by the direct method: where money came from and went to, told by the other side of its entries.

Money is what stands on cash and bank accounts. A statement line reaches the bank's account at once and waits on its
transit account until it is matched; so bank and transit are looked at together, and what still waits is a line of its
own. Hence opening + flows = closing, whatever is reconciled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from backoffice.core.calendar import Period
from finance.models import Account

from . import balances, cash, links, tree
from .asking import Asked, Column
from .sheets import Cell, Head, Row, Sheet, change, change_heads
from .tree import ZERO, Tree

Place = Account.CashFlow
PLACES = [Place.OPERATING, Place.INVESTING, Place.FINANCING]


@dataclass(frozen=True)
class Flow:
    """One period. flows: account → money in against it (out: negative). waiting: bank lines not placed yet."""

    opening: Decimal
    flows: dict[int, Decimal]
    waiting: Decimal
    closing: Decimal

    @property
    def change(self) -> Decimal:
        return sum(self.flows.values(), ZERO) + self.waiting

    @property
    def is_proven(self) -> bool:
        return self.opening + self.change == self.closing


_FLOWS = """
SELECT {place}, p.account_id, -sum(p.amount)
FROM finance_posting p
WHERE p."on" >= %s AND p."on" < %s AND NOT p.account_id = ANY(%s) AND p.entry_id IN (
    SELECT c.entry_id FROM finance_posting c WHERE c.account_id = ANY(%s) AND c."on" >= %s AND c."on" < %s)
GROUP BY p.account_id
"""


def cash_flow(
    periods: Sequence[Period], *, plan: Tree | None = None, money: tuple[list[int], list[int]] | None = None
) -> list[Flow]:
    """What moved the company's money in each period. money: `cash.accounts`, where they are known already."""
    held, transits = money or cash.accounts(plan or tree.read())
    edges = sorted({day for period in periods for day in (period.start, period.end)})
    stood = balances.standing(edges, accounts=[*held, *transits]) if held or transits else {}
    flows = _flows(periods, [*held, *transits]) if stood else [{} for _period in periods]
    found = []
    for period, moved in zip(periods, flows, strict=True):
        before, after = (balances.total(stood.get(day, {})) for day in (period.start, period.end))
        waiting = sum((before.get(pk, ZERO) - after.get(pk, ZERO) for pk in transits), ZERO)
        opening, closing = (sum((one.get(pk, ZERO) for pk in held), ZERO) for one in (before, after))
        found.append(Flow(opening, moved, waiting, closing))
    return found


def _flows(periods: Sequence[Period], both: list[int]) -> list[dict[int, Decimal]]:
    """Account → money in against it, for each period: as the days were summed, else from the postings."""
    summed = balances.flows([balances.Span(period.start, period.end) for period in periods], both)
    if summed is not None:
        return [balances.nets(summed, place) for place in range(len(periods))]
    flows: list[dict[int, Decimal]] = [{} for _period in periods]
    cells: list[date | list[int]] = []
    for period in periods:
        cells += [period.start, period.end, both, both, period.start, period.end]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(_FLOWS.format(place=n) for n in range(len(periods))), cells)
        for place, account, amount in cursor.fetchall():
            if amount:
                flows[place][account] = amount
    return flows


def sheet(asked: Asked) -> Sheet:
    """Opening, what came and went by activity, closing; one period or several."""
    plan = tree.read()
    columns = asked.columns()
    periods = [column.period for column in columns]
    money = cash.accounts(plan)
    found = cash_flow(periods, money=money)
    rows = [
        Row(
            _("Cash and banks, opening"),
            _cells([one.opening for one in found], [links.postings(end=p.start, flow="cash") for p in periods]),
            style="step",
        )
    ]
    for place in PLACES:
        rows += _place(plan, place, asked, columns, found)
    if any(one.waiting for one in found):
        rows.append(
            Row(
                _("Bank lines not yet reconciled"),
                _cells([one.waiting for one in found], [links.within(p, flow="transit") for p in periods]),
                style="section",
            )
        )
    rows.append(
        Row(
            _("Change in cash"),
            _cells([one.change for one in found], [links.within(p, flow="cash") for p in periods]),
            style="step",
        )
    )
    rows.append(
        Row(
            _("Cash and banks, closing"),
            _cells([one.closing for one in found], [links.postings(end=p.end, flow="cash") for p in periods]),
            style="total",
        )
    )
    heads = [Head(column.label) for column in columns] + (change_heads() if len(columns) == 2 else [])
    return Sheet(
        title=_("Cash flow"),
        lead=_("Where money came from and went to, by the other side of its entries, in reais."),
        heads=heads,
        rows=rows if any(one.opening or one.flows or one.closing for one in found) else [],
        first=_("Activity"),
        tables=[_by_account(plan, money[0], asked.period)] if not asked.against else [],
        empty=_("No money moved up to this day."),
        is_proven=all(one.is_proven for one in found),
        proof=_("Opening and flows make the closing balance."),
    )


def _place(plan: Tree, place: str, asked: Asked, columns: list[Column], found: list[Flow]) -> list[Row]:
    """One activity and the accounts against which money moved."""
    nodes = [node for node in plan if node.cash_flow == place and any(node.pk in one.flows for one in found)]
    if not nodes:
        return []
    amounts = [sum((one.flows.get(node.pk, ZERO) for node in nodes), ZERO) for one in found]
    urls = [links.within(column.period, flow=f"other-{place}") for column in columns]
    rows = [Row(str(Place(place).label), _cells(amounts, urls), style="section")]
    if asked.level == 1:
        return rows
    for node in nodes:
        urls = [links.within(column.period, flow="other", account=node.pk) for column in columns]
        amounts = [one.flows.get(node.pk, ZERO) for one in found]
        rows.append(Row(node.name, _cells(amounts, urls), code=node.code, level=1))
    return rows


def _by_account(plan: Tree, held: list[int], period: Period) -> Sheet:
    """The same opening and closing, account by account."""
    moves = balances.moved([balances.Span(None, period.start), balances.Span(period.start, period.end)], accounts=held)
    rows = []
    for pk in held:
        opening = moves.get((0, pk, 0), balances.Move(ZERO, ZERO)).net
        move = moves.get((1, pk, 0), balances.Move(ZERO, ZERO))
        if not (opening or move.debit or move.credit):
            continue
        cells = [
            Cell(opening, links.postings(end=period.start, account=pk)),
            Cell(move.debit, links.within(period, account=pk, side="debit")),
            Cell(-move.credit, links.within(period, account=pk, side="credit")),
            Cell(opening + move.net, links.postings(end=period.end, account=pk)),
        ]
        rows.append(Row(plan.nodes[pk].name, cells, code=plan.nodes[pk].code))
    heads = [Head(_("Opening")), Head(_("In")), Head(_("Out")), Head(_("Closing"))]
    return Sheet(
        title=_("By account"),
        lead="",
        heads=heads,
        rows=rows,
        first=_("Account"),
        empty=_("No account of money moved."),
    )


def _cells(amounts: list[Decimal], urls: list[str]) -> list[Cell]:
    cells = [Cell(amount, url) for amount, url in zip(amounts, urls, strict=True)]
    return cells + (change(*amounts) if len(amounts) == 2 else [])
