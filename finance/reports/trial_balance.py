"""The trial balance (balancete): what every account held, moved and holds, groups summed.

Debits equal credits in every column, because every entry balances.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from . import balances, centres, links, tree
from .asking import Asked, Column
from .balances import ALL, Span
from .sheets import Cell, Head, Row, Sheet
from .tree import ZERO, Node, Tree


@dataclass(frozen=True)
class Line:
    """One account or group. opening and closing: debit positive. debit and credit: not below zero."""

    account: Node
    opening: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit


@dataclass(frozen=True)
class TrialBalance:
    """lines: accounts that ever moved and their groups, in the order of the plan. Totals are of the accounts."""

    lines: list[Line]
    opening: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit


def trial_balance(start: date, end: date, cost_centre: int | None = None, *, plan: Tree | None = None) -> TrialBalance:
    """The days from `start` up to, not including, `end`. cost_centre: an id, `balances.NONE`, or None for all."""
    plan = plan or tree.read()
    centre = ALL if cost_centre is None else cost_centre
    moves = balances.moved([Span(None, start), Span(start, end)], cost_centre=centre)
    return of_moves(plan, moves, {0}, {1})


def of_moves(
    plan: Tree, moves: balances.Moves, before: Collection[int], within: Collection[int], centre: int | None = None
) -> TrialBalance:
    """The same from moves read before: the places of the spans before, and within; of one cost centre or all."""
    opening: dict[int, Decimal] = {}
    debit: dict[int, Decimal] = {}
    credit: dict[int, Decimal] = {}
    for (place, account, at), move in moves.items():
        if centre is not None and at != centre:
            continue
        if place in before:
            opening[account] = opening.get(account, ZERO) + move.net
        elif place in within:
            debit[account] = debit.get(account, ZERO) + move.debit
            credit[account] = credit.get(account, ZERO) + move.credit
    openings, debits, credits = plan.summed(opening), plan.summed(debit), plan.summed(credit)
    lines = [
        Line(node, openings.get(node.pk, ZERO), debits.get(node.pk, ZERO), credits.get(node.pk, ZERO))
        for node in plan
        if node.pk in openings or node.pk in debits
    ]
    totals = [sum(column.values(), ZERO) for column in (opening, debit, credit)]
    return TrialBalance(lines, *totals)


def sheet(asked: Asked) -> Sheet:
    """The balance as it is shown: four columns, or the closing balances of several months or cost centres."""
    plan = tree.read()
    columns, found = _read(asked, plan)
    is_full = asked.against in ("", "previous", "year")
    by_account = [{line.account.pk: line for line in one.lines} for one in found]
    rows = []
    for node in shown(plan, {pk for lines in by_account for pk in lines}, asked):
        lines = [lines.get(node.pk, Line(node, ZERO, ZERO, ZERO)) for lines in by_account]
        rows.append(
            Row(
                node.name,
                _cells(lines, columns, node.pk, is_full=is_full),
                code=node.code,
                level=node.depth - 1,
                style="group" if node.is_group else "leaf",
                fold=fold(asked, node) if node.is_group else "",
                is_folded=node.pk in asked.folded,
            )
        )
    if rows:
        totals = [Line(next(iter(plan)), one.opening, one.debit, one.credit) for one in found]
        rows.append(Row(_("Total"), _cells(totals, columns, None, is_full=is_full), style="total"))
    return Sheet(
        title=_("Trial balance"),
        lead=_("What every account held, moved and holds, in reais. Dr is debit, Cr is credit."),
        heads=_heads(columns, is_full=is_full),
        rows=rows,
        first=_("Account"),
        empty=_("Nothing was posted up to this day."),
        is_proven=all(not one.closing for one in found)
        if asked.centre is None and asked.against != "centres"
        else None,
        proof=_("Debits equal credits."),
    )


def shown(plan: Tree, moved: set[int], asked: Asked) -> list[Node]:
    """The accounts that moved, to the depth asked for, without what is folded away."""
    hidden: set[int] = set()
    nodes = []
    for node in plan:
        if node.parent in hidden or (asked.level and node.depth > asked.level):
            hidden.add(node.pk)
            continue
        if node.pk in asked.folded:
            hidden |= set(plan.children.get(node.pk, ()))
        if node.pk in moved:
            nodes.append(node)
    return nodes


def fold(asked: Asked, node: Node) -> str:
    """The address that hides or shows what is below a group; none where nothing below it is shown anyway."""
    if asked.level and node.depth >= asked.level:
        return ""
    return f"?{asked.but(folded=asked.folded ^ {node.pk}).query}"


def _read(asked: Asked, plan: Tree) -> tuple[list[Column], list[TrialBalance]]:
    """The columns asked for and a balance for each. Every day is read once, whatever columns share it."""
    by_centre = asked.against == "centres"
    columns = [column for column in asked.columns() if by_centre or not column.is_total]
    edges = sorted({day for column in columns for day in (column.period.start, column.period.end)})
    spans = [Span(low, high) for low, high in zip([None, *edges], edges, strict=False)]
    centre = ALL if asked.centre is None or by_centre else asked.centre
    moves = balances.moved(spans, cost_centre=centre, by_centre=by_centre)
    if by_centre:
        columns = asked.columns(centres.of({at for _place, _account, at in moves}))
    found = []
    for column in columns:
        before = {place for place, span in enumerate(spans) if span.end <= column.period.start}
        within = {place for place, span in enumerate(spans) if span.end <= column.period.end} - before
        found.append(of_moves(plan, moves, before, within, column.centre if by_centre else None))
    return columns, found


def _heads(columns: list[Column], *, is_full: bool) -> list[Head]:
    if not is_full:
        return [Head(column.label, "side") for column in columns]
    heads = [Head(_("Opening"), "side"), Head(_("Debits")), Head(_("Credits")), Head(_("Closing"), "side")]
    if len(columns) > 1:
        heads += [
            Head(_("Closing, %(when)s") % {"when": columns[1].label}, "side"),
            Head(_("Difference"), "side", quiet=True),
        ]
    return heads


def _cells(lines: list[Line], columns: list[Column], account: int | None, *, is_full: bool) -> list[Cell]:
    def closing(line: Line, column: Column) -> Cell:
        return Cell(line.closing, links.postings(end=column.period.end, account=account, centre=column.centre))

    if not is_full:
        return [closing(line, column) for line, column in zip(lines, columns, strict=True)]
    line, column = lines[0], columns[0]
    period, centre = column.period, column.centre
    cells = [
        Cell(line.opening, links.postings(end=period.start, account=account, centre=centre)),
        Cell(line.debit, links.within(period, account=account, centre=centre, side="debit")),
        Cell(line.credit, links.within(period, account=account, centre=centre, side="credit")),
        closing(line, column),
    ]
    if len(lines) > 1:
        cells += [closing(lines[1], columns[1]), Cell(line.closing - lines[1].closing)]
    return cells
