"""Planning the budget."""

from datetime import date
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from backoffice.core.access import entrance
from backoffice.core.forms import once
from backoffice.core.http import PersonRequest
from finance.forms.budget import BudgetGrid
from finance.models import Account, BudgetLine, CostCentre
from finance.reports import budget as reading
from finance.reports import centres, dre, tree
from finance.reports.asking import month_name
from finance.services import budgets

YEARS = range(1990, 2101)


@entrance(get="finance.budget.read", post="finance.budget.edit")
@require_http_methods(["GET", "POST"])
@once
def grid(request: PersonRequest) -> HttpResponse:
    """One section of the plan of one year; `fill=actual` offers the year before."""
    asked = request.GET
    today = timezone.localdate()
    year = int(asked["year"]) if asked.get("year", "").isdecimal() and int(asked["year"]) in YEARS else today.year
    section = asked.get("section") or Account.Section.GROSS_REVENUE
    if section not in Account.Section.values:
        raise Http404
    centre = None
    if asked.get("centre", "").isdecimal():
        centre = get_object_or_404(CostCentre, pk=int(asked["centre"][:18])).pk
    plan, months = tree.read(), [date(year, month, 1) for month in range(1, 13)]
    nodes = [node for node in dre.result_accounts(plan) if node.section == section]
    held = BudgetLine.objects.filter(month__in=months, cost_centre_id=centre, account__in=[node.pk for node in nodes])
    cells = {(line.account_id, line.month): line.amount for line in held}
    is_filled = asked.get("fill") == "actual"
    if is_filled:
        cells = reading.last_year(months, centre, plan) | cells
    form = BudgetGrid(nodes, months, cells, request.POST or None)

    def here(**changes: object) -> str:
        query = {"year": year, "section": section, "centre": centre} | changes
        return "?" + urlencode({key: value for key, value in query.items() if value})

    if request.method == "POST" and form.is_valid():
        changed = budgets.plan(cells=form.cells(), cost_centre=centre, by=request.user)
        messages.success(request, ngettext("%(n)s figure changed.", "%(n)s figures changed.", changed) % {"n": changed})
        return redirect(reverse("finance:budget") + here())
    may_edit = request.user.may("finance.budget.edit")
    context = {
        "form": form,
        "rows": form.rows(),
        "months": [month_name(month).partition(" ")[0] for month in months],
        "year": str(year),
        "is_filled": is_filled,
        "may_edit": may_edit,
        "fill_url": here(fill="actual"),
        "here": here(),
        "previous_url": here(year=year - 1),
        "next_url": here(year=year + 1),
        "sections": [
            {"label": label, "url": here(section=key), "current": key == section}
            for key, label in Account.Section.choices
        ],
        "centres": _centres(here, centre),
        "report_url": reverse("finance:report", args=["budget"]) + f"?period=year&day={year}-01-01",
        "import_url": reverse("import_send", args=["finance.budget"])
        if request.user.may("finance.budget.create")
        else "",
        "crumbs": [(_("Budget"), "")],
    }
    return render(request, "finance/budget/grid.html", context, status=422 if form.errors else 200)


def _centres(here: "object", chosen: int | None) -> list[dict[str, object]]:
    found = centres.active()
    if not found:
        return []
    choices = [(_("No cost centre"), None), *((str(one), one.pk) for one in found)]
    return [{"label": label, "url": here(centre=pk), "current": pk == chosen} for label, pk in choices]  # type: ignore[operator]
