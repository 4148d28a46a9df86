"""Budget against actual: the DRE with what was planned beside it, in whole months."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.core.calendar import Period
from finance.models import BudgetLine

from . import balances, dre, links, tree
from .asking import Asked, Column, name
from .balances import NONE
from .sheets import Cell, Head, Row, Sheet, Style
from .tree import ZERO, Tree

Of = Callable[[dre.Statement], Decimal]  # one figure of a column


def budget(period: Period, cost_centre: int | None = None, *, plan: Tree | None = None) -> dre.Statement:
    """What was planned for the months of a period, income positive. cost_centre: an id, `balances.NONE`, or None."""
    plan = plan or tree.read()
    lines = BudgetLine.objects.filter(month__gte=period.start, month__lt=period.end)
    if cost_centre == NONE:
        lines = lines.filter(cost_centre=None)
    elif cost_centre is not None:
        lines = lines.filter(cost_centre_id=cost_centre)
    sums = lines.order_by().values_list("account_id").annotate(Sum("amount"))
    return dre.of_amounts(plan, {account: -amount for account, amount in sums})


def whole_months(period: Period) -> Period:
    """The months that a period touches."""
    last = Period.of("month", period.last_day)
    return Period(period.start.replace(day=1), last.end)


def sheet(asked: Asked) -> Sheet:
    """Planned, actual, what differs and how much of the plan is used, by section and account; beside other months.

    Of several columns (months, cost centres) each has what was planned and what came; their total all four.
    """
    plan, months = tree.read(), whole_months(asked.period)
    columns, planned, actual = _read(asked.but(period=months), plan)
    without = balances.closing_journals()
    is_short = [not column.is_total and asked.against in ("months", "centres") for column in columns]
    rows: list[Row] = []
    added: list[str] = []

    def add(label: str, of: Of, what: dict[str, Any], *, section: str | None, style: Style, code: str = "") -> None:
        cells: list[Cell] = []
        for column, short, plans, real in zip(columns, is_short, map(of, planned), map(of, actual), strict=True):
            edit = "" if section is None else _grid(column.period.start.year, section, column.centre)
            closing = "without" if without else None
            url = links.within(column.period, centre=column.centre, closing=closing, **what)
            cells += [Cell(plans, edit), Cell(real, url)]
            if not short:
                cells += [Cell(real - plans), Cell(real / plans if plans else None)]
        rows.append(Row(label, cells, code=code, level=1 if style == "leaf" else 0, style=style))

    both = [*planned, *actual]
    result = ["revenue", "expense"]
    for step, parts in dre.STEPS:
        for section in parts:
            if not any(section in one.sections for one in both):
                continue
            what: dict[str, Any] = {"section": [section], "kind": result}
            add(dre.section_name(section), partial(_of_section, section), what, section=section, style="section")
            if asked.level == 1:
                continue
            for node in plan:
                if node.section == section and any(one.accounts.get(node.pk) for one in both):
                    of, what = partial(_of_account, node.pk), {"account": node.pk}
                    add(node.name, of, what, section=section, style="leaf", code=node.code)
        added += parts
        what = {"section": list(added), "kind": result}
        style: Style = "total" if step == "net_result" else "step"
        add(str(dre.STEP_NAMES[step]), partial(_of_step, step), what, section=None, style=style)
    is_empty = not any(one.accounts for one in planned)
    return Sheet(
        title=_("Budget against actual"),
        lead=_("What was planned and what came of it, in reais. Costs are below zero."),
        heads=_heads(columns, is_short),
        rows=[] if is_empty else rows,
        first=_("Account"),
        door="" if is_empty else _grid(months.start.year, "", asked.centre),
        door_label=_("Plan %(year)s") % {"year": months.start.year},
        door_right="finance.budget.read",
        empty=_("No budget for %(period)s yet.") % {"period": name(months)},
        hint=_("Plan month by month, beginning with last year's actual figures, or import a file."),
        empty_url=_grid(months.start.year, "", asked.centre),
        empty_label=_("Plan %(year)s") % {"year": months.start.year},
    )


def _read(asked: Asked, plan: Tree) -> tuple[list[Column], list[dre.Statement], list[dre.Statement]]:
    """The columns asked for; what was planned and what came in each."""
    periods = [column.period for column in asked.columns()]
    lines = BudgetLine.objects.filter(
        month__gte=min(period.start for period in periods), month__lt=max(period.end for period in periods)
    )
    kept = list(lines.order_by().values_list("month", "cost_centre_id", "account_id").annotate(Sum("amount")))
    columns, actual = dre.read(asked, plan, also={centre for _month, centre, _account, _amount in kept if centre})
    planned = []
    for column in columns:
        amounts: dict[int, Decimal] = {}
        for month, centre, account, amount in kept:
            if month in column.period and column.centre in (None, centre or NONE):
                amounts[account] = amounts.get(account, ZERO) - amount
        planned.append(dre.of_amounts(plan, amounts))
    return columns, planned, actual


def _heads(columns: list[Column], is_short: list[bool]) -> list[Head]:
    heads = []
    for column, short in zip(columns, is_short, strict=True):
        of = f", {column.label}" if len(columns) > 1 else ""
        heads += [Head(_("Budget") + of), Head(_("Actual") + of)]
        if not short:
            heads += [Head(_("Difference") + of), Head(_("Actual of budget") + of, "percent", quiet=True)]
    return heads


def _of_section(section: str, one: dre.Statement) -> Decimal:
    return one.sections.get(section, ZERO)


def _of_account(account: int, one: dre.Statement) -> Decimal:
    return one.accounts.get(account, ZERO)


def _of_step(step: str, one: dre.Statement) -> Decimal:
    return one.steps[step]


def _grid(year: int, section: str, centre: int | None) -> str:
    """Where the plan is written."""
    asked = f"?year={year}" + (f"&section={section}" if section else "") + (f"&centre={centre}" if centre else "")
    return reverse("finance:budget") + asked


def last_year(months: list[date], cost_centre: int | None, plan: Tree) -> dict[tuple[int, date], Decimal]:
    """Actual figures of the year before, put on the months of this one; debit positive."""
    periods = [Period.of("month", month.replace(year=month.year - 1)) for month in months]
    found = dre.dre(periods, NONE if cost_centre is None else cost_centre, plan=plan)
    return {
        (account, month): -amount
        for month, one in zip(months, found, strict=True)
        for account, amount in one.accounts.items()
        if amount
    }
