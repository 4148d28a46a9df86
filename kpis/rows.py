"""The facts behind a number: one page of them, and what they add up to, so that anyone can see the two agree."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, Sum
from django.utils.dateparse import parse_datetime

from backoffice.core import refs
from backoffice.core.calendar import Period
from backoffice.core.keys import is_key
from backoffice.core.models import User

from . import cells, selectors
from .definitions import Cell, Measure, Part, Reading
from .models import LiveFact
from .series import SERIES, Quantity

PAGE = 50
SUMS = {Quantity.MONEY: "amount", Quantity.SCORE: "score"}


@dataclass(frozen=True)
class Row:
    """One fact as a line: the record it is about, when, and what it carries."""

    label: str
    url: str  # empty when the reader may not open the record
    at: datetime
    amount: Decimal | None
    seconds: timedelta | None
    score: int | None
    hit: bool | None
    dims: list[str]


@dataclass(frozen=True)
class Facts:
    part: str  # numerator or denominator
    reading: Reading  # of all facts asked for, read from them and not from the rollup
    dims: tuple[str, ...]
    quantity: Quantity
    shows_hit: bool
    rows: list[Row]
    after: str  # where the next page begins, empty at the end


def parts(measure: Measure) -> list[str]:
    """What there is to list: both sides of a ratio, else the one."""
    if measure.numerator is None or measure.denominator is None or measure.numerator == measure.denominator:
        return ["numerator"]
    return ["numerator", "denominator"]


def facts(
    measure: Measure, period: Period, user: User, *, by: str = "", value: str = "", part: str = "", after: str = ""
) -> Facts:
    """One page, newest first. Five statements: one or two for the total, one for the rows, one or two for their names.

    Raises KeyError for a dim the measure does not have.
    """
    part = part if part in parts(measure) else "numerator"
    side = measure.numerator if part == "numerator" else measure.denominator
    series = SERIES[side.series if side else measure.middle]
    wanted = LiveFact.objects.filter(_inside(measure, side, period, by, value))
    place = _cursor(after)
    if place:
        at, pk = place
        wanted = wanted.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=pk))
    page = list(wanted.order_by("-occurred_at", "-pk")[: PAGE + 1])
    cards = refs.resolve({fact.entity for fact in page[:PAGE]})
    rows = []
    for fact in page[:PAGE]:
        card = cards.get(fact.entity)
        rows.append(
            Row(
                label=card.label if card else fact.entity,
                url=card.url if card and card.is_open_to(user) else "",
                at=fact.occurred_at,
                amount=fact.amount,
                seconds=timedelta(seconds=float(fact.seconds)) if fact.seconds is not None else None,
                score=fact.score,
                hit=fact.hit,
                dims=[fact.dim1, fact.dim2, fact.dim3][: len(series.dims)],
            )
        )
    last = page[PAGE - 1] if len(page) > PAGE else None
    return Facts(
        part=part,
        reading=total(measure, period, by=by, value=value),
        dims=series.dims,
        quantity=series.quantity,
        shows_hit=bool(side and side.reads != "hits" and measure.denominator and _has_hits(measure, series.key)),
        rows=rows,
        after=f"{last.occurred_at.isoformat()}~{last.pk}" if last else "",
    )


def total(measure: Measure, period: Period, *, by: str = "", value: str = "") -> Reading:
    """The measure over exactly these facts, added up from them and not read from the rollup."""
    if measure.numerator is None:
        points = selectors.series(measure, period, "total", by=by)
        return next((point.reading for point in points if point.dim == value), measure.read({}))
    if measure.share_of and not by:
        paid = _added(measure.main, period, "", "")
        return Reading(None, paid.sum, paid.sum, paid.n)
    found = {key: _added(key, period, by, value) for key in measure.series}
    whole = {key: _added(key, period, "", "") for key in measure.series} if measure.share_of else None
    return measure.read(found, whole)


def _added(series: str, period: Period, by: str, value: str) -> Cell:
    quantity = SUMS.get(SERIES[series].quantity)
    sums = {"total": Sum(quantity)} if quantity else {}
    found = LiveFact.objects.filter(_of(series, period, by, value)).aggregate(
        n=Count("pk"), hits=Count("pk", filter=Q(hit=True)), **sums
    )
    return Cell(found["n"], found["hits"], found.get("total"))


def _of(series: str, period: Period, by: str, value: str) -> Q:
    start, end = cells.instants(period)
    inside = Q(series=series, occurred_at__gte=start, occurred_at__lt=end)
    return inside & Q(**{f"dim{SERIES[series].dim(by)}": value}) if by else inside


def _inside(measure: Measure, side: Part | None, period: Period, by: str, value: str) -> Q:
    series = side.series if side else measure.middle
    of_all = measure.share_of and side is measure.denominator
    inside = _of(series, period, "" if of_all else by, value)
    if side and side.reads == "hits":
        inside &= Q(hit=True)
    return inside


def _has_hits(measure: Measure, series: str) -> bool:
    return any(
        side and side.series == series and side.reads == "hits" for side in (measure.numerator, measure.denominator)
    )


def _cursor(after: str) -> tuple[datetime, int] | None:
    at, _tilde, pk = after.partition("~")
    try:
        when = parse_datetime(at)
    except ValueError:
        return None
    if when is None or when.tzinfo is None or not is_key(pk):
        return None
    return when, int(pk)
