"""The first page of finance."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from backoffice.core import queue, shell
from backoffice.core.access import entrance
from backoffice.core.calendar import DAY
from backoffice.core.http import PersonRequest
from backoffice.core.templatetags import display
from finance.reports import balances, links, projection
from finance.reports.overview import SOON, Overview, overview


@entrance("finance.report.read")
@require_GET
def home(request: PersonRequest) -> HttpResponse:
    """How the money stands, what needs this person, the doors to the rest."""
    today = timezone.localdate()
    lines = [line for line in queue.lines_for(request.user) if line.department == "finance" and line.count]
    with balances.one_look():
        found = overview(today)
    doors = next((one.links for one in shell.navigation(request.user, request.path) if one.key == "finance"), [])
    context = {
        "found": found,
        "figures": figures(found, today),
        "banks": [
            {
                "bank": bank,
                "url": links.postings(end=today + DAY, account=bank.account),
                "work_url": reverse("finance:reconcile", args=[bank.bank])
                if bank.bank and bank.open_lines and request.user.may("finance.match.read")
                else "",
            }
            for bank in found.banks
        ],
        "chart": projection.chart(found.ahead),
        "waiting": lines,
        "doors": [door for door in doors if not door.current],
        "today": today,
    }
    return render(request, "finance/home.html", context)


def figures(found: Overview, today: date) -> list[dict[str, Any]]:
    """The sentence of numbers: at hand, coming in, going out."""
    last = today + timedelta(days=SOON)
    shown: list[dict[str, Any]] = [
        {
            "label": _("Cash and banks"),
            "value": found.cash,
            "url": links.postings(end=today + DAY, flow="cash"),
            "note": "",
        }
    ]
    for direction, coming in (("receivable", _("To receive within a week")), ("payable", _("To pay within a week"))):
        amount, parts = found.due.get(direction, (None, 0))
        late, late_parts = found.late.get(direction, (None, 0))
        shown.append(
            {
                "label": coming,
                "value": amount or 0,
                "url": links.postings(direction=direction, part="claim", due_from=str(today), due_to=str(last))
                if parts
                else "",
                "note": ngettext("%(n)s part overdue: %(amount)s", "%(n)s parts overdue: %(amount)s", late_parts)
                % {"n": display.number(late_parts), "amount": display.money(late)}
                if late_parts
                else "",
                "note_url": links.postings(direction=direction, part="claim", due_to=str(today - DAY)),
            }
        )
    return shown
