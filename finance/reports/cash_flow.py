"""The cash flow by the direct method: where money came from and went to, told by the other side of its entries.

Money is what stands on cash and bank accounts. A statement line reaches the bank's account at once and waits on its
transit account until it is matched; so bank and transit are looked at together, and what still waits is a line of its
own. Hence opening + flows = closing, whatever is reconciled. By cost centre it is that of the other side's postings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from backoffice.core.calendar import Period
from finance.models import Account

from . import balances, cash, centres, links, tree
from .asking import Asked, Column
from .balances import Move, Moves
from .sheets import Cell, Head, Row, Sheet, Style, change, change_heads
from .tree import ZERO, Tree

Place = Account.CashFlow
PLACES = [Place.OPERATING, Place.INVESTING, Place.FINANCING]


@dataclass(frozen=True)
class Flow:
    """One period. flows: account → money in against it (out: negative). waiting: bank lines not placed yet.

    Of one cost centre, flows and waiting are those of its postings; cash is not kept by cost centre, so it begins with
    nothing and ends with what the centre moved.
    """

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
SELECT {place}, p.account_id, {centre}, -sum(p.amount)
FROM finance_posting p
WHERE p."on" >= %s AND p."on" < %s AND NOT p.account_id = ANY(%s) AND p.entry_id IN (
    SELECT c.entry_id FROM finance_posting c WHERE c.account_id = ANY(%s) AND c."on" >= %s AND c."on" < %s)
GROUP BY 2, 3
"""


def cash_flow(
    periods: Sequence[Period],
    cost_centre: int | None = None,
    *,
    plan: Tree | None = None,
    money: tuple[list[int], list[int]] | None = None,
    stood: Moves | None = None,
) -> list[Flow]:
    """What moved the company's money in each period.

    cost_centre: of the other side of the entries; an id, `balances.NONE`, or None for all. money: `cash.accounts`,
    stood: `standing_moves`, where they are known already.
    """
    held, transits = money or cash.accounts(plan or tree.read())
    if cost_centre is not None:
        return [parts.get(cost_centre, _part({}, ZERO)) for parts in by_centre(periods, (held, transits))]
    moves = standing_moves(periods, (held, transits)) if stood is None else stood
    at = balances.piled(balances.between(_edges(periods)), moves)
    flows = _flows(periods, [*held, *transits])
    found = []
    for place, period in enumerate(periods):
        before, after = (balances.total(at[day]) for day in (period.start, period.end))
        waiting = sum((before.get(pk, ZERO) - after.get(pk, ZERO) for pk in transits), ZERO)
        opening, closing = (sum((one.get(pk, ZERO) for pk in held), ZERO) for one in (before, after))
        found.append(Flow(opening, balances.nets(flows, place), waiting, closing))
    return found


def standing_moves(periods: Sequence[Period], money: tuple[list[int], list[int]]) -> Moves:
    """What the accounts of money moved before and between the first and last days of periods."""
    held, transits = money
    return balances.moved(balances.between(_edges(periods)), accounts=[*held, *transits]) if held or transits else {}


def _edges(periods: Sequence[Period]) -> list[date]:
    return [day for period in periods for day in (period.start, period.end)]


def by_centre(periods: Sequence[Period], money: tuple[list[int], list[int]]) -> list[dict[int, Flow]]:
    """Cost centre or NONE → what it moved in each period; together they are what the whole moved."""
    held, transits = money
    flows = _flows(periods, [*held, *transits], by_centre=True)
    spans = [balances.Span(period.start, period.end) for period in periods]
    waits = balances.moved(spans, accounts=transits, by_centre=True) if transits else {}
    found = []
    for at in range(len(periods)):
        moved: dict[int, dict[int, Decimal]] = {}
        for (place, account, centre), move in flows.items():
            if place == at:
                moved.setdefault(centre, {})[account] = move.net
        waiting: dict[int, Decimal] = {}
        for (place, _account, centre), move in waits.items():
            if place == at:
                waiting[centre] = waiting.get(centre, ZERO) - move.net
        found.append({pk: _part(moved.get(pk, {}), waiting.get(pk, ZERO)) for pk in {*moved, *waiting}})
    return found


def _part(flows: dict[int, Decimal], waiting: Decimal) -> Flow:
    return Flow(ZERO, flows, waiting, sum(flows.values(), ZERO) + waiting)


def _flows(periods: Sequence[Period], both: list[int], *, by_centre: bool = False) -> Moves:
    """Money in against each account in each period: as the days were summed, else from the postings."""
    if not both:
        return {}
    spans = [balances.Span(period.start, period.end) for period in periods]
    summed = balances.flows(spans, both, by_centre=by_centre)
    if summed is not None:
        return summed
    flows: Moves = {}
    cells: list[date | list[int]] = []
    for period in periods:
        cells += [period.start, period.end, both, both, period.start, period.end]
    centre = "coalesce(p.cost_centre_id, 0)" if by_centre else "0"
    with connection.cursor() as cursor:
        parts = [_FLOWS.format(place=place, centre=centre) for place in range(len(periods))]
        cursor.execute(" UNION ALL ".join(parts), cells)
        for place, account, centre_id, amount in cursor.fetchall():
            if amount:
                flows[place, account, centre_id] = Move(amount, ZERO)
    return flows


def sheet(asked: Asked) -> Sheet:
    """Opening, what came and went by activity, closing; one period or several, or by cost centre."""
    plan = tree.read()
    money = cash.accounts(plan)
    has_accounts = not asked.against and asked.centre is None
    stood = standing_moves([asked.period], money) if has_accounts else None
    columns, found, is_proven = _read(asked, money, stood)
    periods = [column.period for column in columns]
    rows: list[Row] = []
    stands = [column.centre is None for column in columns]  # cash itself is not kept by cost centre

    def add_standing(label: str, amounts: list[Decimal], urls: list[str], style: Style) -> None:
        cells = [
            Cell(amount, url) if stood else Cell(None) for amount, url, stood in zip(amounts, urls, stands, strict=True)
        ]
        rows.append(Row(label, cells + (change(*amounts) if _has_change(columns) else []), style=style))

    if any(stands):
        urls = [links.postings(end=p.start, flow="cash") for p in periods]
        add_standing(_("Cash and banks, opening"), [one.opening for one in found], urls, "step")
    for place in PLACES:
        rows += _place(plan, place, asked, columns, found)
    if any(one.waiting for one in found):
        urls = [links.within(column.period, flow="transit", centre=column.centre) for column in columns]
        label = _("Bank lines not yet reconciled")
        rows.append(Row(label, _cells([one.waiting for one in found], urls, columns), style="section"))
    urls = [
        links.within(column.period, flow="cash")
        if column.centre is None
        else links.within(column.period, flow="beside", centre=column.centre)
        for column in columns
    ]
    rows.append(Row(_("Change in cash"), _cells([one.change for one in found], urls, columns), style="step"))
    if any(stands):
        urls = [links.postings(end=p.end, flow="cash") for p in periods]
        add_standing(_("Cash and banks, closing"), [one.closing for one in found], urls, "total")
    return Sheet(
        title=_("Cash flow"),
        lead=_("Where money came from and went to, by the other side of its entries, in reais."),
        heads=[Head(column.label) for column in columns] + (change_heads() if _has_change(columns) else []),
        rows=rows if any(one.opening or one.flows or one.waiting or one.closing for one in found) else [],
        first=_("Activity"),
        tables=[_by_account(plan, money[0], asked.period, stood)] if stood is not None else [],
        empty=_("No money moved up to this day."),
        is_proven=is_proven,
        proof=_("Opening and flows make the closing balance."),
        notes=[]
        if all(stands)
        else [_("By the cost centre of the other side; cash itself is not kept by cost centre.")],
    )


def _read(
    asked: Asked, money: tuple[list[int], list[int]], stood: Moves | None
) -> tuple[list[Column], list[Flow], bool | None]:
    """The columns asked for, a flow for each, and whether these prove themselves."""
    if asked.against != "centres":
        columns = asked.columns()
        found = cash_flow([column.period for column in columns], asked.centre, money=money, stood=stood)
        return columns, found, all(one.is_proven for one in found) if asked.centre is None else None
    (parts,) = by_centre([asked.period], money)
    (whole,) = cash_flow([asked.period], money=money)
    columns = asked.columns(centres.of(parts))
    found = [whole if column.centre is None else parts.get(column.centre, _part({}, ZERO)) for column in columns]
    return columns, found, whole.is_proven and sum((one.change for one in parts.values()), ZERO) == whole.change


def _has_change(columns: Sequence[Column]) -> bool:
    """Whether the columns are two of a kind, with their difference beside them."""
    return len(columns) == 2 and columns[0].centre == columns[1].centre


def _place(plan: Tree, place: str, asked: Asked, columns: list[Column], found: list[Flow]) -> list[Row]:
    """One activity and the accounts against which money moved."""
    nodes = [node for node in plan if node.cash_flow == place and any(node.pk in one.flows for one in found)]
    if not nodes:
        return []
    amounts = [sum((one.flows.get(node.pk, ZERO) for node in nodes), ZERO) for one in found]
    urls = [links.within(column.period, flow=f"other-{place}", centre=column.centre) for column in columns]
    rows = [Row(str(Place(place).label), _cells(amounts, urls, columns), style="section")]
    if asked.level == 1:
        return rows
    for node in nodes:
        urls = [links.within(column.period, flow="other", account=node.pk, centre=column.centre) for column in columns]
        amounts = [one.flows.get(node.pk, ZERO) for one in found]
        rows.append(Row(node.name, _cells(amounts, urls, columns), code=node.code, level=1))
    return rows


def _by_account(plan: Tree, held: list[int], period: Period, moves: Moves) -> Sheet:
    """The same opening and closing, account by account."""
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


def _cells(amounts: list[Decimal], urls: list[str], columns: list[Column]) -> list[Cell]:
    cells = [Cell(amount, url) for amount, url in zip(amounts, urls, strict=True)]
    return cells + (change(*amounts) if _has_change(columns) else [])
