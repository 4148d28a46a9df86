"""What the page of a report is given: the sheet, and everything one may ask it next."""

from dataclasses import replace
from typing import Any, cast
from urllib.parse import parse_qsl

from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.core.calendar import Period
from backoffice.core.models import User

from . import centres
from .asking import AGAINST, KINDS, Against, Asked, Kind
from .balances import NONE
from .catalogue import REPORTS, Report
from .sheets import Sheet


def context(report: Report, asked: Asked, sheet: Sheet, user: User) -> dict[str, Any]:
    if sheet.door_right and not user.may(sheet.door_right):
        sheet = replace(sheet, door="", hint="", empty_url="")
    return {
        "report": report,
        "sheet": sheet,
        "asked": asked,
        "when": report.when(asked),
        "choice": choice(asked),
        "kept": [(key, value) for key, value in parse_qsl(asked.query) if key not in ("period", "day", "from", "to")],
        "against": [
            {
                "label": AGAINST[key],
                "url": _here(asked.but(against=cast("Against", key))),
                "current": asked.against == key,
            }
            for key in report.against
        ],
        "centres": _centres(asked) if report.has_centre and asked.against != "centres" else [],
        "levels": _levels(report, asked),
        "can_export": user.may("finance.report.export"),
        "file_url": f"{reverse('finance:report_file', args=[report.key])}?{asked.query}",
        "crumbs": [(report.title, "")],
        "others": [
            {
                "label": one.tab or one.title,
                "url": f"{reverse('finance:report', args=[one.key])}?{_shared(asked)}",
                "current": one is report,
            }
            for one in REPORTS.values()
        ],
    }


def _here(asked: Asked) -> str:
    return f"?{asked.query}"


def _shared(asked: Asked) -> str:
    """What another report takes over of the question: the days."""
    return asked.but(against="", centre=None, level=0, folded=frozenset(), account=None, part="").query


def choice(asked: Asked) -> dict[str, Any]:
    """The period chooser: kinds, one step back and on, any days."""
    period, following = asked.period, asked.period.next()
    back = period.previous()
    if asked.kind == "12m":
        back, following = _year_off(asked, -1), _year_off(asked, 1)
    return {
        "kinds": [
            {"label": label, "url": _here(asked.around(cast("Kind", key))), "current": asked.kind == key}
            for key, label in KINDS.items()
        ],
        "back": _here(asked.but(period=back)),
        "on": _here(asked.but(period=following)) if following.start <= asked.today else "",
        "from": period.start.isoformat(),
        "to": period.last_day.isoformat(),
        "problem": asked.problem,
    }


def _year_off(asked: Asked, years: int) -> Period:
    return Period(
        asked.period.start.replace(year=asked.period.start.year + years),
        asked.period.end.replace(year=asked.period.end.year + years),
    )


def _centres(asked: Asked) -> list[dict[str, Any]]:
    """Choices of one cost centre; none where the company has none."""
    found = centres.active()
    if not found:
        return []
    choices: list[tuple[str, int | None]] = [(_("All cost centres"), None)]
    choices += [(str(one), one.pk) for one in found]
    choices.append((_("No cost centre"), NONE))
    return [
        {"label": label, "url": _here(asked.but(centre=pk)), "current": asked.centre == pk} for label, pk in choices
    ]


def _levels(report: Report, asked: Asked) -> list[dict[str, Any]]:
    if not report.levels:
        return []
    return [
        {
            "label": str(level) if level else _("All"),
            "url": _here(asked.but(level=level, folded=frozenset())),
            "current": asked.level == level,
        }
        for level in (*range(1, report.levels + 1), 0)
    ]
