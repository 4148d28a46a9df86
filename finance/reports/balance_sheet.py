"""The balance sheet: what the company has and owes on a day, and what is left to its owners.

What was earned since the last closing of a year still stands on the result accounts; it is shown as a part of equity,
so that both sides are equal on any day. Cost centres alone need not balance: what one owes another is said in a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from backoffice.core.templatetags import display

from . import balances, centres, links, tree
from .asking import Asked, Column
from .balances import ALL
from .sheets import Cell, Head, Row, Sheet, change, change_heads
from .tree import ZERO, Tree
from .trial_balance import fold, shown

RESULTS = ["revenue", "expense"]


@dataclass(frozen=True)
class Position:
    """One day. accounts: groups too; assets debit positive, liabilities and equity credit positive.

    earlier, year: what the result accounts hold from before the year of the day, and from the year itself.
    """

    accounts: dict[int, Decimal]
    assets: Decimal
    liabilities: Decimal
    equity: Decimal
    earlier: Decimal
    year: Decimal

    @property
    def financed(self) -> Decimal:
        """Liabilities and equity, the result with it."""
        return self.liabilities + self.equity + self.earlier + self.year

    @property
    def between(self) -> Decimal:
        """What other cost centres gave to this one; zero for the company."""
        return self.assets - self.financed


def balance_sheet(days: Sequence[date], cost_centre: int | None = None, *, plan: Tree | None = None) -> list[Position]:
    """The position at the beginning of each day. cost_centre: an id, `balances.NONE`, or None for all."""
    plan = plan or tree.read()
    edges = {edge for day in days for edge in (day, _year_of(day))}
    held = balances.standing(sorted(edges), cost_centre=ALL if cost_centre is None else cost_centre)
    return [_position(plan, balances.total(held[day]), balances.total(held[_year_of(day)])) for day in days]


def _year_of(day: date) -> date:
    """The first day of the year that the day before `day` lies in."""
    return date.fromordinal(day.toordinal() - 1).replace(month=1, day=1)


def _position(plan: Tree, held: dict[int, Decimal], before: dict[int, Decimal]) -> Position:
    sums = dict.fromkeys(("asset", "liability", "equity"), ZERO)
    own: dict[int, Decimal] = {}
    year = earlier = ZERO
    for account, amount in held.items():
        kind = plan.nodes[account].kind
        if kind in RESULTS:
            past = before.get(account, ZERO)
            earlier -= past
            year -= amount - past
            continue
        own[account] = amount if kind == "asset" else -amount
        sums[kind] += own[account]
    return Position(plan.summed(own), sums["asset"], sums["liability"], sums["equity"], earlier, year)


def sheet(asked: Asked) -> Sheet:
    """Assets, liabilities and equity as of the last day asked for, beside other days or by cost centre."""
    plan = tree.read()
    columns, found = _read(asked, plan)
    seen = {pk for one in found for pk, amount in one.accounts.items() if amount or not asked.level}
    nodes = [node for node in shown(plan, seen, asked) if node.kind not in RESULTS]
    rows: list[Row] = []

    def add(label: str, amounts: list[Decimal], urls: list[str], **more: object) -> None:
        rows.append(Row(label, _cells(amounts, urls), **more))  # type: ignore[arg-type]

    for kind in ("asset", "liability", "equity"):
        for node in nodes:
            if node.kind == kind:
                add(
                    node.name,
                    [one.accounts.get(node.pk, ZERO) for one in found],
                    [
                        links.postings(end=column.period.end, account=node.pk, centre=column.centre)
                        for column in columns
                    ],
                    code=node.code,
                    level=node.depth - 1,
                    style="group" if node.is_group else "leaf",
                    fold=fold(asked, node) if node.is_group else "",
                    is_folded=node.pk in asked.folded,
                )
        if kind == "asset":
            add(_("Total assets"), [one.assets for one in found], _kind_links(columns, ["asset"]), style="total")
    if any(one.earlier for one in found):
        urls = [
            links.postings(end=_year_of(column.period.end), kind=RESULTS, centre=column.centre) for column in columns
        ]
        add(_("Result of earlier years, not yet transferred"), [one.earlier for one in found], urls, level=1)
    urls = [
        links.postings(start=_year_of(column.period.end), end=column.period.end, kind=RESULTS, centre=column.centre)
        for column in columns
    ]
    add(_("Result of the year"), [one.year for one in found], urls, level=1)
    is_whole = asked.centre is None and asked.against != "centres"
    if not is_whole:
        add(_("Between cost centres"), [one.between for one in found], [""] * len(found), level=1)
    add(
        _("Total liabilities and equity"),
        [one.financed if is_whole else one.assets for one in found],
        _kind_links(columns, ["liability", "equity", *RESULTS]) if is_whole else [""] * len(found),
        style="total",
    )
    return Sheet(
        title=_("Balance sheet"),
        lead=_("What the company has and owes, in reais."),
        heads=_heads(asked, columns),
        rows=rows if any(one.accounts for one in found) else [],
        first=_("Account"),
        empty=_("Nothing was posted up to this day."),
        is_proven=all(not one.between for one in found) if is_whole else None,
        proof=_("Both sides are equal."),
    )


def _read(asked: Asked, plan: Tree) -> tuple[list[Column], list[Position]]:
    end = asked.period.end
    if asked.against == "centres":
        held = balances.standing([_year_of(end), end], by_centre=True)
        now, before = held[end], held[_year_of(end)]
        columns = asked.columns(centres.of({centre for _account, centre in now}))
        return columns, [
            _position(plan, balances.total(now, column.centre), balances.total(before, column.centre))
            for column in columns
        ]
    columns = [column for column in asked.columns() if not column.is_total]
    return columns, balance_sheet([column.period.end for column in columns], asked.centre, plan=plan)


def _kind_links(columns: list[Column], kinds: list[str]) -> list[str]:
    return [links.postings(end=column.period.end, kind=kinds, centre=column.centre) for column in columns]


def _heads(asked: Asked, columns: list[Column]) -> list[Head]:
    if asked.against == "centres":
        return [Head(column.label) for column in columns]
    heads = [Head(display.short_date(column.period.last_day, year=True)) for column in columns]
    return heads + (change_heads() if len(columns) == 2 else [])


def _cells(amounts: list[Decimal], urls: list[str]) -> list[Cell]:
    cells = [Cell(amount, url) for amount, url in zip(amounts, urls, strict=True)]
    return cells + (change(*amounts) if len(amounts) == 2 else [])
