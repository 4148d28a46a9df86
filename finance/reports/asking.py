"""What a report is asked: which days, against what, whose; read from its address and kept in its links.

?period=month&day=2026-05-01   also quarter, year, 12m (the twelve months that end with `day`'s)
?from=2026-05-04&to=2026-05-20 any days, both inside
&against=previous              also year, months, centres
&centre=3                      one cost centre; `none` what names none
&level=2&fold=14               the plan to that depth; accounts whose parts are hidden
&account=7&party=12&after=…    one account, one party; where a long report goes on
&part=closing.1.3              what one figure is made of, where no list of postings can say it
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, cast
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.calendar import DAY, Period, floor
from backoffice.core.keys import is_key
from backoffice.core.templatetags import display
from finance.models import CostCentre

from .balances import NONE

Kind = Literal["month", "quarter", "year", "12m", "custom"]
Against = Literal["", "previous", "year", "months", "centres"]
KINDS: dict[str, str | Promise] = {
    "month": gettext_lazy("Month"),
    "quarter": gettext_lazy("Quarter"),
    "year": gettext_lazy("Year"),
    "12m": gettext_lazy("12 months"),
}
AGAINST: dict[str, str | Promise] = {
    "": gettext_lazy("Nothing"),
    "previous": gettext_lazy("Period before"),
    "year": gettext_lazy("Year before"),
    "months": gettext_lazy("Months"),
    "centres": gettext_lazy("Cost centres"),
}
MOST_DAYS = 3660
MONTHS_BACK = 6  # beside a single month
MOST_MONTHS = 24


@dataclass(frozen=True)
class Column:
    """One column of figures. centre: None for all. is_total: adds up the columns before it."""

    label: str
    period: Period
    centre: int | None = None
    is_total: bool = False


@dataclass(frozen=True)
class Asked:
    """The question. today: the day it is asked."""

    period: Period
    kind: Kind
    today: date
    against: Against = ""
    centre: int | None = None
    level: int = 0  # 0: all the way down
    folded: frozenset[int] = frozenset()
    account: int | None = None
    party: int | None = None
    after: str = ""  # where a long report goes on
    part: str = ""  # a figure of the report that is opened
    problem: bool = False  # the address held what is no period; the month of today is shown

    @property
    def last_day(self) -> date:
        """The day as of which a position is shown."""
        return self.period.last_day

    @property
    def query(self) -> str:
        """The part of an address that asks this again."""
        if self.kind == "custom":
            asked = {"from": self.period.start.isoformat(), "to": self.period.last_day.isoformat()}
        else:
            day = self.period.last_day if self.kind == "12m" else self.period.start
            asked = {"period": self.kind, "day": day.isoformat()}
        if self.against:
            asked["against"] = self.against
        if self.centre is not None:
            asked["centre"] = str(self.centre or "none")
        if self.level:
            asked["level"] = str(self.level)
        if self.folded:
            asked["fold"] = ",".join(str(pk) for pk in sorted(self.folded))
        for key, value in (
            ("account", self.account),
            ("party", self.party),
            ("after", self.after),
            ("part", self.part),
        ):
            if value:
                asked[key] = str(value)
        return urlencode(asked, safe=",")

    def but(self, **changes: object) -> "Asked":
        """The same question with something else, from its beginning."""
        return replace(self, **{"after": "", **changes})  # type: ignore[arg-type]

    def around(self, kind: Kind) -> "Asked":
        """Another kind of period around the end of this one, not beyond today."""
        day = min(self.period.last_day, max(self.today, self.period.start))
        return self.but(kind=kind, period=around(kind, day))

    def columns(self, centres: Sequence[CostCentre] = ()) -> list[Column]:
        """The columns of figures; with a comparison of two, the asked one first. centres: those that moved."""
        main = Column(name(self.period), self.period, self.centre)
        if self.against == "previous":
            earlier = before(self.period)
            return [main, Column(name(earlier), earlier, self.centre)]
        if self.against == "year":
            return [main, Column(name(self.period.last_year()), self.period.last_year(), self.centre)]
        if self.against == "months":
            months = self.months()
            whole = Period(months[0].start, months[-1].end)
            parts = [Column(capfirst(month_name(month.start)), month, self.centre) for month in months]
            return [*parts, Column(_("Total"), whole, self.centre, is_total=True)] if len(parts) > 1 else parts
        if self.against == "centres":
            parts = [Column(str(centre), self.period, centre.pk) for centre in centres]
            return [
                *parts,
                Column(_("No cost centre"), self.period, NONE),
                Column(_("Total"), self.period, None, is_total=True),
            ]
        return [main]

    def months(self) -> list[Period]:
        """The months of the period, cut to it; for a period within one month, that month and those before it."""
        months = list(self.period.parts("month"))[-MOST_MONTHS:]
        if len(months) > 1:
            return months
        back = [Period.of("month", self.period.start)]
        while len(back) < MONTHS_BACK:
            back.insert(0, back[0].previous())
        return back


def around(kind: Kind, day: date) -> Period:
    """The period of a kind that holds `day`; twelve months end with the month of `day`."""
    if kind in ("month", "custom"):
        return Period.of("month", day)
    if kind == "12m":
        end = Period.of("month", day).end
        return Period(end.replace(year=end.year - 1), end)
    return Period.of(cast("Literal['quarter', 'year']", kind), day)


def before(period: Period) -> Period:
    """The period just before; of several whole months, as many months."""
    if period.grain != "span" or period.start.day != 1 or period.end.day != 1:
        return period.previous()
    start, end = (day.year * 12 + day.month - 1 for day in (period.start, period.end))
    year, month = divmod(2 * start - end, 12)
    return Period(date(year, month + 1, 1), period.start)


def read(query: QueryDict, today: date) -> Asked:
    """What an address asks; the month of today when it asks for nothing or for nonsense."""
    against = query.get("against", "")
    level = query.get("level", "")
    rest = Asked(
        Period.of("month", today),
        "month",
        today,
        against=cast("Against", against) if against in AGAINST else "",
        centre=_centre(query.get("centre", "")),
        level=int(level) if level in {"1", "2", "3", "4", "5"} else 0,
        folded=frozenset(int(pk) for pk in query.get("fold", "").split(",")[:200] if is_key(pk)),
        account=_key(query.get("account", "")),
        party=_key(query.get("party", "")),
        after=query.get("after", "")[:60],
        part=query.get("part", "")[:60],
    )
    try:
        if query.get("from") or query.get("to"):
            return replace(rest, period=_span(query.get("from", ""), query.get("to", "")), kind="custom")
        kind = query.get("period", "month")
        day = parse_date(query.get("day", "")) if query.get("day") else today
        if kind in KINDS and day is not None and 1970 <= day.year <= 2200:
            return replace(rest, period=around(cast("Kind", kind), day), kind=cast("Kind", kind))
    except ValueError:
        pass
    return replace(rest, problem=True)


def _key(text: str) -> int | None:
    return int(text) if is_key(text) and int(text) else None


def _centre(text: str) -> int | None:
    if text == "none":
        return NONE
    return _key(text)


def _span(start: str, last: str) -> Period:
    first_day, last_day = parse_date(start), parse_date(last)
    if first_day is None or last_day is None or not 1970 <= first_day.year <= last_day.year <= 2200:
        raise ValueError("not two days")
    period = Period(first_day, last_day + DAY)
    if period.days > MOST_DAYS:
        raise ValueError("too long")
    return period


def month_name(day: date) -> str:
    """`May 2026`, short."""
    return display.short_date(day, year=True).split(display.NBSP, 1)[1].replace(display.NBSP, " ")


def name(period: Period) -> str:
    """A period as people say it: `May 2026`, `2nd quarter 2026`, `2026`, `4 May – 20 May 2026`."""
    start, end = period.start, period.end
    if period == Period.of("month", start) or (start.day == 1 and end == Period.of("month", start).end):
        return str(capfirst(display.month(start)))
    if start == floor(start, "year") and end == Period.of("year", start).end:
        return str(start.year)
    if start == floor(start, "quarter") and end == Period.of("quarter", start).end:
        return _("Quarter %(n)s of %(year)s") % {"n": (start.month + 2) // 3, "year": start.year}
    if start.day == 1 and end.day == 1:
        return f"{month_name(start)} – {month_name(period.last_day)}"
    if period.days == 1:
        return display.short_date(start, year=True)
    return (
        f"{display.short_date(start, year=start.year != end.year)} – {display.short_date(period.last_day, year=True)}"
    )
