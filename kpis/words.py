"""Numbers as sentences: values in their unit, changes, findings, names of periods. Reads nothing, decides nothing."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from backoffice.core.calendar import Period
from backoffice.core.templatetags import display
from finance.models import Match, Payment

from .definitions import Good, Measure, Unit
from .models import Grain
from .selectors import Point, Tile

WHOLE: tuple[Literal["month", "quarter", "year"], ...] = ("month", "quarter", "year")
STILL = Decimal("0.005")  # a smaller relative change is none


def figure(unit: Unit, value: Decimal | int | None) -> tuple[str, str]:
    """The number and its unit apart, so that the page can set the unit quieter."""
    if value is None:
        return display.NOTHING, ""
    if unit is Unit.MONEY:
        return display.money(value), ""
    if unit is Unit.RATE:
        return display.number(Decimal(value) * 100, 2), "%"
    if unit is Unit.HOURS:
        return display.number(value, 1), _("h")
    if unit is Unit.DAYS:
        return display.number(value, 1), _("days")
    if unit is Unit.POINTS:
        return display.number(value, 2), _("of 5")
    return display.number(value), ""


def value_of(unit: Unit, value: Decimal | int | None) -> str:
    number, after = figure(unit, value)
    return f"{number}{display.NBSP}{after}" if after else number


def short(unit: Unit, value: Decimal | int) -> str:
    """A value beside a chart: no cents, no long tails."""
    if unit is Unit.MONEY:
        amount = Decimal(value)
        for limit, word in ((1_000_000, _("M")), (1_000, _("k"))):
            if abs(amount) >= limit:
                return f"{display.number(amount / limit, 1 if abs(amount) < 100 * limit else 0)}{display.NBSP}{word}"
        return display.number(amount, 0)
    if unit is Unit.RATE:
        return display.percent(value, 1)
    if unit is Unit.COUNT:
        return display.number(value)
    return display.number(value, 1)


def change(measure: Measure, now: Decimal | None, then: Decimal | None) -> tuple[str, str] | None:
    """How far `now` is from `then` in words, and its tone; None when one of them is missing."""
    if now is None or then is None or (measure.unit is not Unit.RATE and not then):
        return None
    difference = now - then
    text = display.points(difference, 2) if measure.unit is Unit.RATE else _relative(difference / then)
    is_still = abs(difference) <= abs(then) * STILL
    if is_still or measure.good is Good.NEITHER:
        return text, "quiet"
    return text, "good" if (difference > 0) == (measure.good is Good.HIGH) else "wrong"


def finding(tile: Tile) -> str:
    """What a line shows, as a sentence: "Late deliveries fell to 4.1 %"."""
    words = {"what": tile.measure.title, "value": value_of(tile.measure.unit, tile.value)}
    if tile.value is None:
        return _("%(what)s: no value") % words
    if tile.previous.value is None:
        return _("%(what)s: %(value)s") % words
    difference = tile.value - tile.previous.value
    if abs(difference) <= abs(tile.previous.value) * STILL:
        return _("%(what)s stayed at %(value)s") % words
    return (_("%(what)s rose to %(value)s") if difference > 0 else _("%(what)s fell to %(value)s")) % words


def period_name(period: Period) -> str:
    """`August 2018`, `Q3 2018`, `2018`, `1 Aug – 12 Sep 2018`."""
    start, last = period.start, period.last_day
    grain = next((grain for grain in WHOLE if _same(Period.of(grain, start), period)), "span")
    if grain == "month":
        return display.month(start)
    if grain == "quarter":
        return _("Q%(number)s %(year)s") % {"number": (start.month + 2) // 3, "year": start.year}
    if grain == "year":
        return str(start.year)
    if start == last:
        return _day(start, year=True)
    return f"{_day(start, year=start.year != last.year)} – {_day(last, year=True)}"


def against(period: Period) -> str:
    """The period a change is set against, short enough for a tile."""
    if _same(Period.of("month", period.start), period):
        return date_format(period.start, "M Y")
    return period_name(period)


def point_name(point: Point, grain: str) -> str:
    """The name of one bucket of a line."""
    return start_name(point.start, grain)


def start_name(start: datetime, grain: str) -> str:
    """The name of the bucket that begins at an instant."""
    return _start_name(start, grain, get_language() or "en")


@lru_cache(maxsize=4096)
def _start_name(start: datetime, grain: str, language: str) -> str:
    """Remembered, since every line of a dashboard names the same hundred days."""
    local = timezone.localtime(start)
    if grain == Grain.MONTH:
        return date_format(local, "M Y")
    if grain == Grain.HOUR:
        return f"{local:%H:%M}"
    return display.short_date(local.date(), year=False)


# Bands of confidence by where they begin, and who made a match.
_NAMES = {
    "band": {
        "1.00": _lazy("1.00"),
        "0.95": _lazy("0.95 to 0.99"),
        "0.90": _lazy("0.90 to 0.94"),
        "0.80": _lazy("0.80 to 0.89"),
        "0.00": _lazy("below 0.80"),
        "hand": _lazy("by hand"),
    },
    "how": {"automatic": _lazy("automatic"), "person": _lazy("by a person")},
}


def dim_value(dim: str, value: str) -> str:
    """A value of a dim for people; blank is what nobody recorded, which is not "unknown"."""
    if not value:
        return _("not given")
    if dim == "method":
        return str(dict(Payment.Method.choices).get(value, value))
    if dim == "stage":
        return str(dict(Match.Stage.choices).get(value, value))
    if dim in _NAMES:
        return str(_NAMES[dim].get(value, value))
    if dim in ("bank", "expense", "centre"):
        return value
    return value if dim == "state" else capfirst(value.replace("_", " "))


def _same(one: Period, other: Period) -> bool:
    return (one.start, one.end) == (other.start, other.end)


def _relative(share: Decimal) -> str:
    return f"{display.signed(share * 100, 1)}{display.NBSP}%"


def _day(day: date, *, year: bool) -> str:
    return display.short_date(day, year=year)
