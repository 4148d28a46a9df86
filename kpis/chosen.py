"""Which period a page shows: read from its address, kept in its links.

?period=month&day=2018-08-01   also quarter, year, 90d (the 90 days that end with `day`)
?from=2018-07-10&to=2018-08-20 any days, both inside
&against=year                  what a chart's second line is: `previous` (the default) or `year`
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal, cast
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backoffice.core.calendar import DAY, Period

Kind = Literal["month", "quarter", "90d", "year", "custom"]
Against = Literal["previous", "year"]
NINETY = 90
MOST_DAYS = 3660
KINDS: dict[str, str | Promise] = {
    "month": _("Month"),
    "quarter": _("Quarter"),
    "90d": _("90 days"),
    "year": _("Year"),
}


@dataclass(frozen=True)
class Chosen:
    period: Period
    kind: Kind
    against: Against = "previous"
    problem: bool = False  # the address held days that are none, or too many; the month of today is shown

    @property
    def query(self) -> str:
        """The part of an address that chooses this again."""
        return self._query(self.period, self.kind, self.against)

    def moved(self, period: Period) -> str:
        """The same kind of choice for another period."""
        return self._query(period, self.kind, self.against)

    def as_kind(self, kind: Kind) -> str:
        """Another kind of period around the end of this one."""
        return self._query(around(kind, self.period.last_day), kind, self.against)

    def set_against(self, against: Against) -> str:
        return self._query(self.period, self.kind, against)

    @staticmethod
    def _query(period: Period, kind: Kind, against: Against) -> str:
        if kind == "custom":
            asked = {"from": period.start.isoformat(), "to": period.last_day.isoformat()}
        else:
            asked = {"period": kind, "day": (period.last_day if kind == "90d" else period.start).isoformat()}
        return urlencode(asked if against == "previous" else asked | {"against": against})


def around(kind: Kind, day: date) -> Period:
    if kind in ("90d", "custom"):
        return Period.last(NINETY, before=day + DAY)
    return Period.of(cast("Literal['month', 'quarter', 'year']", kind), day)


def read(query: QueryDict, today: date) -> Chosen:
    """The period an address asks for; the month of today when it asks for none or for nonsense."""
    against: Against = "year" if query.get("against") == "year" else "previous"
    asked = any(query.get(name) for name in ("period", "day", "from", "to"))
    try:
        if query.get("from") or query.get("to"):
            return Chosen(_span(query.get("from", ""), query.get("to", "")), "custom", against)
        kind = query.get("period", "month")
        day = parse_date(query.get("day", "")) if query.get("day") else today
        if kind in KINDS and day is not None and 1970 <= day.year <= 2200:
            return Chosen(around(cast("Kind", kind), day), cast("Kind", kind), against)
    except ValueError:
        pass
    return Chosen(Period.of("month", today), "month", against, problem=asked)


def _span(start: str, last: str) -> Period:
    first_day, last_day = parse_date(start), parse_date(last)
    if first_day is None or last_day is None or not 1970 <= first_day.year <= last_day.year <= 2200:
        raise ValueError("not two days")
    period = Period(first_day, last_day + DAY)
    if period.days > MOST_DAYS:
        raise ValueError("too long")
    return period
