"""The trial balance (balancete): what every account held, moved and holds, groups summed.

Debits equal credits in every column, because every entry balances.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from . import balances, tree
from .balances import ALL, Span
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
    return of_moves(plan, moves, 0, 1)


def of_moves(plan: Tree, moves: balances.Moves, before: int, within: int, centre: int | None = None) -> TrialBalance:
    """The same from moves read before: places of the span before and of the span itself; of one cost centre or all."""
    opening: dict[int, Decimal] = {}
    debit: dict[int, Decimal] = {}
    credit: dict[int, Decimal] = {}
    for (place, account, at), move in moves.items():
        if centre is not None and at != centre:
            continue
        if place == before:
            opening[account] = opening.get(account, ZERO) + move.net
        elif place == within:
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
