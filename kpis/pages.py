"""What the templates of the numbers are given: plain dictionaries and links, put together from what was read."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.core import charts
from backoffice.core.calendar import DAY, Period, floor
from backoffice.core.models import User
from backoffice.core.templatetags import display

from . import cells, position, reading, selectors, words
from .boards import BOARDS, Board
from .chosen import KINDS, Against, Chosen, Kind
from .definitions import MEASURES, Measure, Unit, dim_title
from .models import Grain, MeasureAlert
from .periods import spark_grain
from .reading import Shown
from .rows import Facts, parts
from .selectors import Tile
from .series import SERIES, Quantity

LONG = 10  # a figure of more characters is set smaller


def open_to(user: User) -> list[Board]:
    """The dashboards this person may open, the directors' first."""
    return [board for board in BOARDS.values() if user.may(board.right)]


def board(board: Board, chosen: Chosen, shown: Shown, user: User, today: date) -> dict[str, Any]:
    last = shown.last_day()
    return {
        "board": board,
        "tabs": [
            {
                "label": one.title,
                "url": f"{reverse('kpis:board', args=[one.key])}?{chosen.query}",
                "current": one is board,
            }
            for one in open_to(user)
        ],
        "choice": choice(chosen, today),
        "chosen": chosen,
        "period_name": words.period_name(chosen.period),
        "tiles": [tile(one, chosen) for one in shown.tiles],
        "position": position.tiles(user, today) if board.has_position else [],
        "charts": [] if shown.is_empty else shown.charts,
        "alerts": [alert(one) for one in shown.alerts],
        "is_empty": shown.is_empty,
        "last_url": f"?{Chosen(_around(chosen, last), chosen.kind, chosen.against).query}" if last else "",
        "last_name": words.period_name(_around(chosen, last)) if last else "",
        "as_of": min((one.as_of for one in shown.tiles), default=None),
        "crumbs": [(board.title, "")],
    }


def tile(tile: Tile, chosen: Chosen) -> dict[str, Any]:
    """What `components/tile.html` shows of one measure."""
    measure = tile.measure
    number, unit = words.figure(measure.unit, tile.value)
    last = tile.last_period() if tile.is_empty else None
    state, tone = standing(tile)
    return {
        "label": measure.title,
        "url": tile.drill_url,
        "value": display.NOTHING if tile.is_empty else number,
        "unit": "" if tile.is_empty else unit,
        "is_long": len(number) > LONG,
        "tone": tone,
        "state": state,
        "target": words.value_of(measure.unit, tile.target) if tile.target is not None else "",
        "changes": [] if tile.is_empty else changes(tile),
        "spark": "" if tile.is_empty else charts.sparkline([point.value for point in tile.points]),
        "as_of": tile.as_of,
        "definition": measure.sentence,
        "owner": tile.owner,
        "about_url": f"{reverse('kpis:measure', args=[measure.key])}?{chosen.query}",
        "note": _("No data in %(period)s.") % {"period": words.period_name(tile.period)} if tile.is_empty else "",
        "note_url": f"?{chosen.moved(last)}" if last else "",
        "note_label": words.period_name(last) if last else "",
    }


def standing(tile: Tile) -> tuple[str, str]:
    """Where the value stands, as a word and its tone: a crossed threshold first, then the target."""
    if tile.is_empty:
        return "", ""
    if tile.status == "alarm":
        return _("alarm"), "wrong"
    if tile.status == "attention":
        return _("attention"), "attention"
    if tile.meets_target is None:
        return (_("good"), "good") if tile.status else ("", "")
    return (_("met"), "good") if tile.meets_target else (_("missed"), "attention")


def changes(tile: Tile) -> list[dict[str, str]]:
    """How the value moved since the period before and since the year before."""
    pairs = [(tile.previous, tile.compared), (tile.last_year, tile.compared_last_year)]
    if tile.compared == tile.compared_last_year:
        del pairs[1]
    shown = []
    for then, period in pairs:
        told = words.change(tile.measure, tile.value, then.value)
        text, tone = told or (display.NOTHING, "quiet")
        shown.append({"text": text, "tone": tone, "against": _("to %(period)s") % {"period": words.against(period)}})
    return shown


def choice(chosen: Chosen, today: date) -> dict[str, Any]:
    """The period chooser: kinds, one step back and on, any days, and what to compare with."""
    period = chosen.period
    following = period.next()
    return {
        "kinds": [
            {"label": label, "url": f"?{chosen.as_kind(cast('Kind', key))}", "current": chosen.kind == key}
            for key, label in KINDS.items()
        ],
        "name": words.period_name(period),
        "back": f"?{chosen.moved(period.previous())}",
        "on": f"?{chosen.moved(following)}" if following.start <= today else "",
        "from": period.start.isoformat(),
        "to": period.last_day.isoformat(),
        "is_custom": chosen.kind == "custom",
        "problem": chosen.problem,
        "against": [
            {
                "label": label,
                "url": f"?{chosen.set_against(cast('Against', key))}",
                "current": chosen.against == key,
            }
            for key, label in (("previous", _("Period before")), ("year", _("Year before")))
        ],
    }


def alert(alert: MeasureAlert) -> dict[str, Any]:
    known = MEASURES[alert.setting.measure]
    day = alert.start.astimezone(cells.zone()).date()
    period = Period.of(cast("Literal['day', 'week', 'month']", alert.setting.grain), day)
    sentence, tone = _("%(what)s: %(value)s in %(period)s, past the alarm of %(threshold)s."), "wrong"
    if alert.level == MeasureAlert.Level.ATTENTION:
        sentence = _("%(what)s: %(value)s in %(period)s, past the attention threshold of %(threshold)s.")
        tone = "attention"
    said = {
        "what": known.title,
        "value": words.value_of(known.unit, alert.value),
        "threshold": words.value_of(known.unit, alert.threshold),
        "period": words.period_name(period),
    }
    url = selectors.drill_url(known, period)
    return {"tone": tone, "text": sentence % said, "url": url, "label": _("Open the rows")}


def measure(measure: Measure, chosen: Chosen, query: QueryDict, user: User, today: date) -> dict[str, Any]:
    """One number at length: its definition, its line at the chosen grain, its split by one dim."""
    one = selectors.tile(measure, chosen.period, today=today)
    grain = _grain(query.get("grain", ""), chosen.period)
    by = query.get("by", "") if query.get("by") in measure.dims else next(iter(measure.dims), "")
    asked = {"grain": grain, "by": by}

    def here(**more: str) -> str:
        return f"?{chosen.query}&{urlencode(asked | more)}"

    snapped = _snapped(chosen.period, grain)
    points = selectors.series(measure, snapped, grain) if not measure.share_of else []
    slices = selectors.breakdown(measure, chosen.period, by, at_most=30) if by else []
    return {
        "measure": measure,
        "tile": tile(one, chosen),
        "is_empty": one.is_empty,
        "meets": one.meets_target,
        "setting": one.setting,
        "attention": words.value_of(measure.unit, one.setting.attention) if one.setting else "",
        "alarm": words.value_of(measure.unit, one.setting.alarm) if one.setting else "",
        "may_set": user.is_staff,
        "choice": choice(chosen, today),
        "chosen": chosen,
        "period_name": words.period_name(chosen.period),
        "facts_url": one.drill_url,
        "grains": [
            {"label": Grain(name).label, "url": here(grain=name), "current": name == grain}
            for name in _grains(chosen.period)
        ],
        "chart": reading.long_line(measure, points, grain, one) if points else None,
        "dims": [{"label": dim_title(dim), "url": here(by=dim), "current": dim == by} for dim in measure.dims],
        "slices": [
            {
                "name": words.dim_value(by, row.value),
                "value": words.value_of(measure.unit, row.reading.value),
                "share": row.share,
                "n": row.reading.n,
                "url": row.url,
            }
            for row in slices
        ],
        "has_share": any(row.share is not None for row in slices),
        "board_url": f"{reverse('kpis:board', args=[measure.area])}?{chosen.query}",
        "board": BOARDS[measure.area],
        "crumbs": [(BOARDS[measure.area].title, reverse("kpis:board", args=[measure.area])), (measure.title, "")],
    }


def facts(measure: Measure, chosen: Chosen, found: Facts, by: str, value: str, query: QueryDict) -> dict[str, Any]:
    """The list behind a number and the arithmetic that makes the number of it."""
    kept = {"by": by, "value": value} if by else {}
    read = found.reading
    sides = {"numerator": read.numerator, "denominator": read.denominator}
    says = {"numerator": measure.numerator_says, "denominator": measure.denominator_says}
    names = parts(measure)
    return {
        "measure": measure,
        "found": found,
        "value": words.value_of(measure.unit, read.value) if read.value is not None else "",
        "above": _side(measure, read.numerator),
        "below": _side(measure, read.denominator) if len(names) > 1 else "",
        "above_says": measure.numerator_says,
        "below_says": measure.denominator_says,
        "n": read.n,
        "p90": words.value_of(measure.unit, read.p90) if read.p90 is not None else "",
        "period_name": words.period_name(chosen.period),
        "only": (dim_title(by), words.dim_value(by, value)) if by else None,
        "all_url": f"?{_span(chosen.period)}",
        "tabs": [
            {
                "label": str(says[name]).rstrip("."),
                "url": f"?{_span(chosen.period)}&{urlencode(kept | {'part': name})}",
                "current": name == found.part,
                "count": _side(measure, sides[name]),
            }
            for name in names
        ]
        if len(names) > 1
        else [],
        "dated": capfirst(str(measure.dated)),
        "dims": [dim_title(dim) for dim in found.dims],
        "next_url": f"?{_span(chosen.period)}&{urlencode(kept | {'part': found.part, 'after': found.after})}"
        if found.after
        else "",
        "first_url": f"?{_span(chosen.period)}&{urlencode(kept | {'part': found.part})}" if query.get("after") else "",
        "is_money": measure.unit is Unit.MONEY,
        "crumbs": [(measure.title, reverse("kpis:measure", args=[measure.key])), (_("Rows"), "")],
    }


def _side(measure: Measure, value: Decimal | int | None) -> str:
    """One side of a ratio as it stands: an amount of money, or a count."""
    if value is None:
        return ""
    return display.money(value) if isinstance(value, Decimal) and _is_money(measure) else display.number(value)


def _is_money(measure: Measure) -> bool:
    return SERIES[measure.main].quantity is Quantity.MONEY


def _span(period: Period) -> str:
    return urlencode({"from": period.start.isoformat(), "to": period.last_day.isoformat()})


def _around(chosen: Chosen, day: date) -> Period:
    """A period of the chosen kind that ends with or holds `day`."""
    if chosen.kind in ("90d", "custom"):
        return Period.last(chosen.period.days, before=day + DAY)
    return Period.of(chosen.period.grain, day)


def _grains(period: Period) -> list[Literal["day", "week", "month"]]:
    """The grains that draw this period with at most some two hundred points."""
    grains: list[Literal["day", "week", "month"]] = ["day"] if period.days <= charts.LINKED_POINTS else []
    if period.days >= 14:
        grains.append("week")
    if period.days >= 59:
        grains.append("month")
    return grains


def _grain(asked: str, period: Period) -> Literal["day", "week", "month"]:
    able = _grains(period)
    found = [grain for grain in able if grain == asked]
    usual = spark_grain(period)
    return found[0] if found else next((grain for grain in able if grain == usual), able[0])


def _snapped(period: Period, grain: Literal["day", "week", "month"]) -> Period:
    """The period widened to whole weeks or months, so that every point of a line is a whole bucket."""
    return Period(floor(period.start, grain), Period.of(grain, period.last_day).end)
