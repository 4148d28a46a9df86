# ruff: noqa: S608
"""Read cells: what live facts add up to, from the buckets where they hold it, else from the facts themselves.

The statements are few and set-based: any number of series, periods and days in one round trip.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.cache import caches
from django.db import connection

from backoffice.core.calendar import Period

from . import aggregates
from .definitions import Cell
from .periods import BucketGrain, Slice, coarsest, is_bucket, slices
from .series import SERIES, Quantity

log = logging.getLogger(__name__)

Axis = tuple[str, int]  # a series and the number of one of its dims, 0 for all
ByValue = dict[str, dict[str, Cell]]  # dim value → series → cell
Timed = dict[tuple[datetime, str], dict[str, Cell]]  # (start, dim value) → series → cell


def zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def instants(period: Period) -> tuple[datetime, datetime]:
    """First instant, and the first one after, in UTC: Python never finds a skipped midnight equal to an instant of
    another zone, and rows from the database come in UTC."""
    start, end = period.instants(zone())
    return start.astimezone(UTC), end.astimezone(UTC)


@lru_cache(maxsize=128)
def starts(period: Period, grain: BucketGrain) -> tuple[datetime, ...]:
    """The first instant of every whole bucket of a period."""
    if grain == "hour":
        at, end = instants(period)
        return tuple(at + timedelta(hours=hour) for hour in range(int((end - at) / timedelta(hours=1))))
    return tuple(instants(part.period)[0] for part in slices(period, grain) if part.whole)


# A CTE also keeps the planner from starting parallel workers, which take longer than the whole answer.
_AXIS = """
WITH axis (series, dim) AS MATERIALIZED (SELECT * FROM unnest(%(series)s::text[], %(dims)s::int[]))
"""
# One row per period and series: sums of the coarsest buckets; percentiles when the period is one bucket. Starts travel
# as seconds, which are read ten times faster; the two ANY are what the index needs to hear.
_TOTAL = """
SELECT true, {place}, b.series, NULL::bigint, b.value,
    sum(b.n)::bigint, sum(b.hits)::bigint, sum(b.sum), min(b.low), max(b.high),
    CASE WHEN %(one{place})s THEN max(b.p50) END, CASE WHEN %(one{place})s THEN max(b.p90) END, max(b.as_of)
FROM kpis_bucket b
JOIN axis ON (b.series, b.dim) = (axis.series, axis.dim)
WHERE b.series = ANY(%(series)s) AND b.dim = ANY(%(any_dim)s) AND b.grain = %(grain{place})s
AND b.start >= %(start{place})s AND b.start < %(end{place})s
GROUP BY b.series, b.value
"""
_POINT = """
SELECT false, {place}, b.series, extract(epoch FROM b.start)::bigint, b.value,
    b.n, b.hits, b.sum, b.low, b.high, b.p50, b.p90, NULL::timestamptz
FROM kpis_bucket b
JOIN axis ON (b.series, b.dim) = (axis.series, axis.dim)
WHERE b.series = ANY(%(series)s) AND b.dim = ANY(%(any_dim)s) AND b.grain = %(point_grain{place})s
AND b.start >= %(start{place})s AND b.start < %(end{place})s
"""
# Percentiles do not add up: a period that is no bucket reads them from the facts, once while its buckets stand.
_MIDDLE = """
SELECT {place}, '{series}', {value} AS value,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY f.seconds::float8)
FROM kpis_livefact f
WHERE f.series = '{series}' AND f.occurred_at >= %(start{place})s AND f.occurred_at < %(end{place})s GROUP BY 1, 2, 3
"""
MIDDLE_SECONDS = 7 * 86400


@dataclass(frozen=True)
class Ask:
    """Totals of one period, and, with `points`, its buckets of that grain."""

    period: Period
    points: BucketGrain | None = None
    totals: bool = True


@dataclass
class Answer:
    totals: ByValue
    points: Timed


def read(series: Sequence[Axis], asks: Sequence[Ask]) -> list[Answer]:
    """The cells of every series in every period, in one statement; in two where medians of free periods are new."""
    parameters: dict[str, Any] = {
        "series": [key for key, _ in series],
        "dims": [dim for _, dim in series],
        "any_dim": sorted({dim for _, dim in series}),
    }
    texts = []
    for place, ask in enumerate(asks):
        start, end = instants(ask.period)
        parameters |= {
            f"start{place}": start,
            f"end{place}": end,
            f"grain{place}": coarsest(ask.period),
            f"point_grain{place}": ask.points,
            f"one{place}": is_bucket(ask.period),
        }
        if ask.totals:
            texts.append(_TOTAL.format(place=place))
        if ask.points:
            texts.append(_POINT.format(place=place))
    answers = [Answer(defaultdict(dict), defaultdict(dict)) for _ in asks]
    stamps: dict[tuple[int, str], tuple[datetime, int]] = {}  # when the cells of a period last changed, and their n
    moments: dict[int, datetime] = {}
    for is_total, place, key, epoch, value, *figures, as_of in _fetch(_AXIS + " UNION ALL ".join(texts), parameters):
        cell = Cell(*figures)
        if not is_total:
            start = moments.get(epoch) or moments.setdefault(epoch, datetime.fromtimestamp(epoch, UTC))
            answers[place].points[(start, value)][key] = cell
            continue
        answers[place].totals[value][key] = cell
        if SERIES[key].quantity is Quantity.DURATION and not parameters[f"one{place}"]:
            changed, n = stamps.get((place, key), (as_of, 0))
            stamps[(place, key)] = max(changed, as_of), n + cell.n
    if stamps:
        for (place, key), values in _middles(dict(series), stamps, parameters).items():
            for value, (p50, p90) in values.items():
                row = answers[place].totals[value]
                if key in row:
                    row[key] = row[key]._replace(p50=p50, p90=p90)
    return answers


Middles = dict[str, tuple[Decimal, Decimal]]  # dim value → p50, p90


def _middles(
    dims: dict[str, int], stamps: dict[tuple[int, str], tuple[datetime, int]], parameters: dict[str, Any]
) -> dict[tuple[int, str], Middles]:
    """Percentiles of the periods and series in `stamps`, remembered under the moment their buckets last changed,
    so a changed fact is always a new name and nothing remembered is ever out of date."""
    names = {
        (place, key): f"kpis.middle:{key}:{dims[key]}:{parameters[f'start{place}']:%Y%m%d%H%M}"
        f":{parameters[f'end{place}']:%Y%m%d%H%M}:{changed.timestamp():.6f}:{n}"
        for (place, key), (changed, n) in stamps.items()
    }
    remembered = _remembered(list(names.values()))
    found = {at: remembered[name] for at, name in names.items() if name in remembered}
    missing = [at for at in names if at not in found]
    if missing:
        text = " UNION ALL ".join(
            _MIDDLE.format(place=place, series=key, value=f"f.dim{dims[key]}" if dims[key] else "''::text")
            for place, key in missing
        )
        fresh: dict[tuple[int, str], Middles] = {at: {} for at in missing}
        for place, key, value, (p50, p90) in _fetch(text, parameters):
            fresh[(place, key)][value] = _microseconds(p50), _microseconds(p90)
        _remember({names[at]: middles for at, middles in fresh.items()})
        found |= fresh
    return found


def _microseconds(seconds: float) -> Decimal:
    return Decimal(seconds).quantize(Decimal("0.000001"))


def _remembered(names: list[str]) -> dict[str, Middles]:
    """What the cache knows; nothing when it is away, it only saves time."""
    try:
        return caches["short"].get_many(names)
    except Exception:  # whatever the cache's client raises
        log.warning("kpis.cache_unreachable")
        return {}


def _remember(middles: dict[str, Middles]) -> None:
    try:
        caches["short"].set_many(middles, MIDDLE_SECONDS)
    except Exception:
        log.warning("kpis.cache_unreachable")


def timed(
    series: Sequence[Axis], period: Period, grain: BucketGrain | Literal["total"], *, wall: bool = False
) -> Timed:
    """The cells of every series in every bucket of a period, exactly: buckets that the period cuts are read from facts.

    Hours of a dim, the whole as `total`, and durations by the wall clock have no buckets and are read from facts too.
    """
    if wall or grain == "total" or (grain == "hour" and any(dim for _, dim in series)):
        return _live(series, period, grain, wall=wall)
    if grain == "hour":
        return read(series, [Ask(period, points="hour", totals=False)])[0].points
    parts = list(slices(period, grain))
    found: Timed = defaultdict(dict)
    for cut in _cuts(parts):
        for (_, value), cells in _live(series, cut.period, "total").items():
            found[(instants(Period.of(grain, cut.label))[0], value)] |= cells
    whole = [part for part in parts if part.whole]
    if whole:
        inner = Period(whole[0].period.start, whole[-1].period.end)
        for at, cells in read(series, [Ask(inner, points=grain, totals=False)])[0].points.items():
            found[at] |= cells
    return found


def _cuts(parts: Iterable[Slice]) -> list[Slice]:
    return [part for part in parts if not part.whole]


def _live(
    series: Sequence[Axis], period: Period, grain: BucketGrain | Literal["total"], *, wall: bool = False
) -> Timed:
    start, end = instants(period)
    found: Timed = defaultdict(dict)
    for key, dim in series:
        known = SERIES[key]
        label = "%(start)s::timestamptz" if grain == "total" else aggregates.label(grain, "f.occurred_at")
        begins = "label" if grain == "total" else aggregates.start(grain, "label")
        value = f"f.dim{dim}" if dim else "''::text"
        rows = _fetch(
            f"SELECT {begins}, value, {aggregates.UNPACKED} FROM ("
            f"SELECT {label} AS label, {value} AS value, {aggregates.readings(known, wall=wall)} FROM kpis_livefact f"
            " WHERE f.series = %(series)s AND f.occurred_at >= %(start)s AND f.occurred_at < %(end)s"
            " GROUP BY 1, 2) packed",
            {"series": key, "start": start, "end": end, "zone": settings.TIME_ZONE},
        )
        for begin, found_value, *figures in rows:
            found[(begin, found_value)][key] = Cell(*figures)
    return found


@dataclass(frozen=True)
class Freshness:
    """How far a series is complete, and between which days it has facts at all."""

    as_of: datetime
    first: datetime | None
    last: datetime | None


_FRESHNESS = """
SELECT series, least(
        now(),
        (SELECT min(at) FROM kpis_dirtybucket d WHERE d.series = asked.series),
        (SELECT min(e.at) FROM core_delivery d JOIN core_event e ON e.id = d.event_id
         WHERE d.state = 'waiting' AND d.handler LIKE 'kpis.%%')
    ),
    (SELECT min(start) FROM kpis_bucket b WHERE b.series = asked.series AND b.grain = 'day' AND b.dim = 0),
    (SELECT max(start) FROM kpis_bucket b WHERE b.series = asked.series AND b.grain = 'day' AND b.dim = 0)
FROM unnest(%(series)s::text[]) AS asked (series)
"""


def freshness(series: Iterable[str]) -> dict[str, Freshness]:
    """Complete up to: the oldest thing not yet counted, an event not yet turned into facts or a fact not yet in its
    buckets; now when there is none."""
    return {key: Freshness(*rest) for key, *rest in _fetch(_FRESHNESS, {"series": list(series)})}


def _fetch(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
