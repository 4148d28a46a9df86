"""How a period (`core.calendar.Period`) is read from buckets, as pure functions. A week begins on Monday (ISO 8601)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from backoffice.core.calendar import DAY, Period, floor

BucketGrain = Literal["hour", "day", "week", "month"]


@dataclass(frozen=True)
class Slice:
    """One day, week or month bucket as far as it lies in a period."""

    label: date  # first day of the whole bucket
    period: Period
    whole: bool


def slices(period: Period, grain: Literal["day", "week", "month"]) -> Iterator[Slice]:
    """The buckets of a period in order; the first and the last may be cut by it."""
    for part in period.parts(grain):
        yield Slice(floor(part.start, grain), part, whole=part.grain == grain)


def coarsest(period: Period) -> Literal["day", "week", "month"]:
    """The coarsest grain whose buckets make up the period exactly."""
    if period.start.day == 1 and period.end.day == 1:
        return "month"
    return "week" if period.start.weekday() == 0 and period.days % 7 == 0 else "day"


def is_bucket(period: Period) -> bool:
    """Whether the period is one day, one week or one month, so that a bucket holds its percentiles."""
    return Period.of(coarsest(period), period.start).end == period.end


def spark_grain(period: Period) -> BucketGrain:
    """The grain that draws a period with some 20 to 90 points."""
    if period.days <= 2:
        return "hour"
    if period.days <= 92:
        return "day"
    return "week" if period.days <= 550 else "month"


def elapsed(period: Period, *, today: date, of: Period) -> Period:
    """As much of `period` as has passed of `of` by the end of `today`: a running month is set against as many days."""
    if today not in of or today == of.last_day:
        return period
    passed = (today - of.start).days + 1
    return Period(period.start, min(period.start + passed * DAY, period.end))
