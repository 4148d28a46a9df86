"""Budget against actual: the DRE with what was planned beside it, in whole months."""

from datetime import date
from decimal import Decimal

from django.db.models import Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.core.calendar import Period
from finance.models import BudgetLine

from . import balances, dre, links, tree
from .asking import Asked, name
from .balances import NONE
from .sheets import Cell, Head, Row, Sheet, Style
from .tree import ZERO, Tree


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
    """Planned, actual, what differs and how much of the plan is used, by section and account."""
    plan, months = tree.read(), whole_months(asked.period)
    planned = budget(months, asked.centre, plan=plan)
    (actual,) = dre.dre([months], asked.centre, plan=plan)
    without = balances.closing_journals()
    rows: list[Row] = []
    added: list[str] = []

    def link(**what: object) -> str:
        closing = "without" if without else None
        return links.within(months, centre=asked.centre, closing=closing, **what)  # type: ignore[arg-type]

    def add(
        label: str, plans: Decimal, real: Decimal, url: str, *, edit: str = "", style: Style = "leaf", code: str = ""
    ) -> None:
        cells = [Cell(plans, edit), Cell(real, url), Cell(real - plans), Cell(real / plans if plans else None)]
        rows.append(Row(label, cells, code=code, level=1 if style == "leaf" else 0, style=style))

    for step, parts in dre.STEPS:
        for section in parts:
            if section not in planned.sections and section not in actual.sections:
                continue
            url = link(section=[section], kind=["revenue", "expense"])
            edit = _grid(months.start.year, section, asked.centre)
            label = dre.section_name(section)
            figures = planned.sections.get(section, ZERO), actual.sections.get(section, ZERO)
            add(label, *figures, url, edit=edit, style="section")
            if asked.level == 1:
                continue
            for node in plan:
                if node.section == section and (planned.accounts.get(node.pk) or actual.accounts.get(node.pk)):
                    figures = planned.accounts.get(node.pk, ZERO), actual.accounts.get(node.pk, ZERO)
                    add(node.name, *figures, link(account=node.pk), edit=edit, code=node.code)
        added += parts
        style: Style = "total" if step == "net_result" else "step"
        url = link(section=list(added), kind=["revenue", "expense"])
        add(str(dre.STEP_NAMES[step]), planned.steps[step], actual.steps[step], url, style=style)
    is_empty = not planned.accounts
    return Sheet(
        title=_("Budget against actual"),
        lead=_("What was planned and what came of it, in reais. Costs are below zero."),
        heads=[
            Head(_("Budget")),
            Head(_("Actual")),
            Head(_("Difference")),
            Head(_("Actual of budget"), "percent", quiet=True),
        ],
        rows=[] if is_empty else rows,
        first=_("Account"),
        door="" if is_empty else _grid(months.start.year, "", asked.centre),
        door_label=_("Plan %(year)s") % {"year": months.start.year},
        empty=_("No budget for %(period)s yet.") % {"period": name(months)},
        hint=_("Plan month by month, beginning with last year's actual figures, or import a file."),
        empty_url=_grid(months.start.year, "", asked.centre),
        empty_label=_("Plan %(year)s") % {"year": months.start.year},
    )


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
