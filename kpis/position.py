"""The money of today on a dashboard: three tiles that no period changes."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.core.models import User
from backoffice.core.templatetags import display
from finance.selectors.position import position

from . import words
from .definitions import Unit

LATE_DAYS = 7


def tiles(user: User, today: date) -> list[dict[str, Any]]:
    """Cash, cash in thirty days, oldest open line; none for who may not read the reports, or without books."""
    if not user.may("finance.report.read"):
        return []
    now = position(today=today)
    if not now.has_books:
        return []
    balance = reverse("finance:report", args=["balance-sheet"])
    return [
        _money(_("Cash position"), now.cash, balance, _("What banks and cash hold by the books, today.")),
        _money(
            _("Cash in 30 days"),
            now.projected,
            f"{reverse('finance:report', args=['projection'])}?part=due",
            _(
                "The cash position, plus what customers owe and less what suppliers get, due until %(day)s or overdue;"
                " credits are left out."
            )
            % {"day": display.short_date(now.until, year=False)},
        ),
        _oldest(now.oldest_open_on, today),
    ]


def _money(label: str, amount: Decimal, url: str, definition: str) -> dict[str, Any]:
    number, unit = words.figure(Unit.MONEY, amount)
    tone = {"tone": "wrong", "note": _("Below zero")} if amount < 0 else {}
    return {
        "label": label, "url": url, "value": number, "unit": unit, "is_long": len(number) > 10,
        "definition": definition, **tone,
    }  # fmt: skip


def _oldest(on: date | None, today: date) -> dict[str, Any]:
    days = (today - on).days if on else 0
    late = {"tone": "attention", "note": _("More than %(days)s days") % {"days": LATE_DAYS}} if days > LATE_DAYS else {}
    return {
        "label": _("Oldest open bank line"),
        "url": reverse("finance:reconcile_accounts"),
        "value": display.number(days) if on else display.NOTHING,
        "unit": _("days") if on else "",
        "definition": _("Days since the booking of the oldest bank line that is not wholly reconciled."),
        **late,
    }
