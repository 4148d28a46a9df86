"""What screens show of the measures. See `kpis/README.md` for the signatures others build on.

Any number of tiles costs three statements: the cells, how fresh they are, and what people set as target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from backoffice.core.calendar import Period
from backoffice.core.models import User

from . import cells
from .cells import Ask, Axis
from .definitions import MEASURES, Cell, Good, Measure, Reading
from .models import MeasureSetting
from .periods import BucketGrain, elapsed, spark_grain
from .series import SERIES

Status = Literal["good", "attention", "alarm"]


class Point(NamedTuple):
    """One bucket of a measure. start: its first instant.   day: the civil date of that."""

    start: datetime
    day: date
    reading: Reading
    dim: str = ""

    @property
    def value(self) -> Decimal | None:
        return self.reading.value


@dataclass(frozen=True)
class Tile:
    """One measure over one period, with all that a card says about it."""

    measure: Measure
    period: Period
    compared: Period  # the previous period, as much of it as has passed of a running one
    compared_last_year: Period
    now: Reading
    previous: Reading
    last_year: Reading
    points: list[Point]
    as_of: datetime
    first_day: date | None  # the days between which the measure has data at all
    last_day: date | None
    setting: MeasureSetting | None

    @property
    def value(self) -> Decimal | None:
        return self.now.value

    @property
    def is_empty(self) -> bool:
        """No fact of the measure in this period."""
        return self.now.n == 0 and not self.now.numerator and not self.now.denominator

    @property
    def change(self) -> Decimal | None:
        """Relative change to the previous period, 0.1 is 10 % more; None when either has no value or it was 0."""
        return _change(self.now.value, self.previous.value)

    @property
    def change_last_year(self) -> Decimal | None:
        return _change(self.now.value, self.last_year.value)

    @property
    def is_judged(self) -> bool:
        """Whether target and thresholds apply: for a sum or count only over the length they were set for."""
        if not self.setting:
            return False
        grows = self.measure.denominator is None and not self.measure.middle
        return not grows or self.period.grain == self.setting.grain

    @property
    def target(self) -> Decimal | None:
        return self.setting.target if self.setting and self.is_judged else None

    @property
    def owner(self) -> User | None:
        return self.setting.owner if self.setting else None

    @property
    def status(self) -> Status | None:
        """Where the value stands against the thresholds; None when nobody set one or there is no value."""
        return judge(self.measure, self.setting, self.value) if self.is_judged else None

    @property
    def meets_target(self) -> bool | None:
        if self.value is None or self.target is None or self.measure.good is Good.NEITHER:
            return None
        return self.value >= self.target if self.measure.good is Good.HIGH else self.value <= self.target

    def last_period(self) -> Period | None:
        """The latest period of this length that has data, to offer when this one has none."""
        if self.last_day is None:
            return None
        if self.period.grain == "span":
            return Period.last(self.period.days, before=self.last_day + (self.period.end - self.period.last_day))
        return Period.of(self.period.grain, self.last_day)

    @property
    def drill_url(self) -> str:
        return drill_url(self.measure, self.period)


@dataclass(frozen=True)
class Slice:
    """One value of a dim over a whole period."""

    dim: str
    value: str  # "" where the record gives none
    reading: Reading
    share: Decimal | None  # of the numerator in the whole; None for medians and rates
    url: str


def tiles(measures: Sequence[Measure | str], period: Period, *, today: date | None = None) -> list[Tile]:
    """Every measure over the period, set against the one before and the year before. Three statements.

    today: in the company's zone; a period that is still running is compared with as many days of the others.
    """
    wanted = [_measure(measure) for measure in measures]
    today = today or timezone.localdate()
    before = elapsed(period.previous(), today=today, of=period)
    year = elapsed(period.last_year(), today=today, of=period)
    axes: list[Axis] = [(key, 0) for key in dict.fromkeys(key for measure in wanted for key in measure.series)]
    now_cells, before_cells, year_cells = cells.read(
        axes, [Ask(period, points=spark_grain(period)), Ask(before), Ask(year)]
    )
    fresh = cells.freshness([key for key, _ in axes])
    settings = {setting.measure: setting for setting in MeasureSetting.objects.select_related("owner")}
    days = {start: _day(start) for start in cells.starts(period, spark_grain(period))}
    days = {start: day for start, day in days.items() if day <= today}
    found = []
    for measure in wanted:
        ages = [fresh[key] for key in measure.series]
        last = [age.last for age in ages if age.last]
        first = [age.first for age in ages if age.first]
        found.append(
            Tile(
                measure=measure,
                period=period,
                compared=before,
                compared_last_year=year,
                now=measure.read(now_cells.totals[""]),
                previous=measure.read(before_cells.totals[""]),
                last_year=measure.read(year_cells.totals[""]),
                points=_filled(measure, now_cells.points, days),
                as_of=min(age.as_of for age in ages),
                first_day=_day(min(first)) if first else None,
                last_day=_day(max(last)) if last else None,
                setting=settings.get(measure.key),
            )
        )
    return found


def tile(measure: Measure | str, period: Period, *, today: date | None = None) -> Tile:
    return tiles([measure], period, today=today)[0]


def series(
    measure: Measure | str,
    period: Period,
    grain: BucketGrain | Literal["total"],
    *,
    by: str = "",
    wall: bool = False,
) -> list[Point]:
    """The measure in each bucket of the period that has facts, in order; by: split by that dim.

    The first and the last bucket count only what lies in the period.   wall: durations by the stamps as written.
    Raises KeyError for a dim the measure does not have.
    """
    known = _measure(measure)
    by = by or known.share_of
    found = cells.timed(_axes(known, by), period, grain, wall=wall)
    if not known.share_of:
        return _points(known, found)
    whole: dict[datetime, dict[str, Cell]] = {}
    for (start, _value), row in cells.timed(_axes(known, ""), period, grain, wall=wall).items():
        whole[start] = row
    return _points(known, found, whole)


def breakdown(measure: Measure | str, period: Period, by: str, *, at_most: int = 50) -> list[Slice]:
    """The measure for each value of a dim over the whole period, the largest first. One statement, two for a mix."""
    known = _measure(measure)
    everything = cells.read(_axes(known, ""), [Ask(period)])[0].totals[""]
    found = cells.read(_axes(known, by), [Ask(period)])[0].totals
    total = known.read(everything)
    slices = []
    for value, row in found.items():
        reading = known.read(row, everything)
        additive = known.denominator is None and total.numerator
        share = Decimal(reading.numerator or 0) / Decimal(total.numerator or 1) if additive else None
        if known.share_of:
            share = reading.value
        slices.append(Slice(by, value, reading, share, drill_url(known, period, by=by, value=value)))
    slices.sort(key=lambda row: (-(row.reading.numerator or row.reading.n), row.value))
    return slices[:at_most]


def drill_url(measure: Measure | str, period: Period, *, by: str = "", value: str = "", part: str = "") -> str:
    """The list of the very facts behind the number, whose total is the number.

    by, value: only one value of a dim.   part: `numerator` or `denominator` of a ratio; the page shows both totals.
    """
    known = _measure(measure)
    address = f"{_facts(known.key)}?from={period.start.isoformat()}&to={period.last_day.isoformat()}"
    more = ({"by": by, "value": value} if by else {}) | ({"part": part} if part else {})
    return f"{address}&{urlencode(more)}" if more else address


@lru_cache(maxsize=256)
def _facts(key: str) -> str:
    """A line of a chart asks for a hundred of these."""
    return reverse("kpis:facts", args=[key])


def judge(measure: Measure, setting: MeasureSetting | None, value: Decimal | None) -> Status | None:
    """Where a value stands: past the alarm, past the attention threshold, or good."""
    if setting is None or value is None or measure.good is Good.NEITHER:
        return None
    if setting.attention is None and setting.alarm is None:
        return None
    low = measure.good is Good.LOW
    levels: list[tuple[Status, Decimal | None]] = [("alarm", setting.alarm), ("attention", setting.attention)]
    for status, threshold in levels:
        if threshold is not None and (value >= threshold if low else value <= threshold):
            return status
    return "good"


def _measure(measure: Measure | str) -> Measure:
    return MEASURES[measure] if isinstance(measure, str) else measure


def _axes(measure: Measure, by: str) -> list[Axis]:
    return [(key, SERIES[key].dim(by) if by else 0) for key in measure.series]


def _points(measure: Measure, found: cells.Timed, whole: dict[datetime, dict[str, Cell]] | None = None) -> list[Point]:
    rows = (((start, value), row) for (start, value), row in found.items() if row.keys() & set(measure.series))
    return [
        Point(start, _day(start), measure.read(row, whole[start] if whole else None), value)
        for (start, value), row in sorted(rows, key=lambda item: item[0])
    ]


def _filled(measure: Measure, found: cells.Timed, days: dict[datetime, date]) -> list[Point]:
    """A point for every bucket in `days` (start → civil day), those without facts too: a day without orders is a zero,
    not a gap."""
    nothing: dict[str, Cell] = {}
    return [Point(start, day, measure.read(found.get((start, ""), nothing))) for start, day in days.items()]


def _day(start: datetime) -> date:
    return start.astimezone(cells.zone()).date()


def _change(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    if now is None or not then:
        return None
    return now / then - 1
