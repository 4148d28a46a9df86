"""Civil time without a clock: business days in Brazil and half-open periods.

National holidays come from the `holidays` package; state and city holidays are not known here. Banks also rest on
Carnival Monday and Tuesday and on Corpus Christi (ANBIMA calendar), which are no national holidays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import holidays
from dateutil.easter import easter  # type: ignore[import-untyped]

Grain = Literal["day", "week", "month", "quarter", "year", "span"]
SATURDAY = 5
DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def national_holidays(year: int) -> dict[date, str]:
    """National holidays of a year with their Portuguese names."""
    return dict(holidays.country_holidays("BR", years=year, language="pt_BR"))


@lru_cache(maxsize=64)
def bank_holidays(year: int) -> frozenset[date]:
    """Days on which banks rest: national holidays, Carnival Monday and Tuesday, Corpus Christi."""
    sunday = easter(year)
    return frozenset(national_holidays(year)) | {sunday - 48 * DAY, sunday - 47 * DAY, sunday + 60 * DAY}


def is_business_day(day: date, *, bank: bool = False) -> bool:
    """Whether offices (or banks) work on `day`."""
    resting = bank_holidays(day.year) if bank else national_holidays(day.year)
    return day.weekday() < SATURDAY and day not in resting


def on_or_after(day: date, *, bank: bool = False) -> date:
    """`day`, or the next business day when it is none: how a due date moves."""
    while not is_business_day(day, bank=bank):
        day += DAY
    return day


def on_or_before(day: date, *, bank: bool = False) -> date:
    """`day`, or the business day before it."""
    while not is_business_day(day, bank=bank):
        day -= DAY
    return day


def add_business_days(day: date, count: int, *, bank: bool = False) -> date:
    """The business day `count` business days after `day` (before it when negative); 0 rolls forward to one."""
    if count == 0:
        return on_or_after(day, bank=bank)
    step = DAY if count > 0 else -DAY
    for _ in range(abs(count)):
        day += step
        day = on_or_after(day, bank=bank) if count > 0 else on_or_before(day, bank=bank)
    return day


def business_days(start: date, end: date, *, bank: bool = False) -> int:
    """How many business days lie in `[start, end)`; negative when end comes first."""
    if end < start:
        return -business_days(end, start, bank=bank)
    weeks, rest = divmod((end - start).days, 7)
    working = weeks * 5 + sum((start + i * DAY).weekday() < SATURDAY for i in range(rest))
    for year in range(start.year, end.year + 1):
        resting = bank_holidays(year) if bank else national_holidays(year)
        working -= sum(start <= day < end and day.weekday() < SATURDAY for day in resting)
    return working


@dataclass(frozen=True, order=True)
class Period:
    """The days from `start` up to, not including, `end`; `grain` says how it moves."""

    start: date
    end: date
    grain: Grain = "span"

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("a period has at least one day")

    @classmethod
    def of(cls, grain: Grain, day: date) -> "Period":
        """The day, week (from Monday), month, quarter or year that holds `day`."""
        start = floor(day, grain)
        return cls(start, _next(start, grain), grain)

    @classmethod
    def last(cls, days: int, *, before: date) -> "Period":
        """The `days` days that end with the day before `before`."""
        return cls(before - days * DAY, before)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        return self.end - DAY

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def previous(self) -> "Period":
        """The period of the same kind just before; for a span, as many days."""
        if self.grain == "span":
            return Period(self.start - (self.end - self.start), self.start)
        return Period(floor(self.start - DAY, self.grain), self.start, self.grain)

    def next(self) -> "Period":
        if self.grain == "span":
            return Period(self.end, self.end + (self.end - self.start))
        return Period(self.end, _next(self.end, self.grain), self.grain)

    def last_year(self) -> "Period":
        """The same period a year before; a week moves 52 weeks, so that weekdays stay; 29 February becomes the 28th."""
        if self.grain == "week":
            return Period(self.start - 364 * DAY, self.end - 364 * DAY, "week")
        start = _year_before(self.start)
        if self.grain == "span":
            return Period(start, _year_before(self.last_day) + DAY)
        return Period.of(self.grain, start)

    def parts(self, grain: Grain) -> Iterator["Period"]:
        """The days, weeks … that touch this period, cut to it."""
        start = self.start
        while start < self.end:
            end = min(_next(floor(start, grain), grain), self.end)
            yield Period(start, end, grain if floor(start, grain) == start and end == _next(start, grain) else "span")
            start = end

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """First instant, and the first one after, on the clock of `zone`."""
        return datetime.combine(self.start, time.min, zone), datetime.combine(self.end, time.min, zone)


def floor(day: date, grain: Grain) -> date:
    """The first day of the week, month, quarter or year that holds `day`."""
    if grain == "week":
        return day - day.weekday() * DAY
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    if grain == "year":
        return date(day.year, 1, 1)
    return day


def _next(start: date, grain: Grain) -> date:
    if grain == "week":
        return start + 7 * DAY
    months = {"month": 1, "quarter": 3, "year": 12}.get(grain)
    if months is None:
        return start + DAY
    month = start.month - 1 + months
    return date(start.year + month // 12, month % 12 + 1, 1)


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
