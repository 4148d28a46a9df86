"""In which order a file writes day, month and year: decided by what all its dates allow, not by the first one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import islice

from . import values
from .shapes import gettext_noop

AMBIGUOUS = gettext_noop("The dates can be read in more than one order; %(order)s was taken. Check the first lines.")

_PARTS = re.compile(
    r"\s*([0-9]{1,4})\s*[-/.' ]\s*([0-9]{1,2}|[A-Za-zçÇäÄéÉûÛôÔ]{3,10})\.?\s*[-/.' ]\s*'?([0-9]{1,4})(?![0-9])"
)
_COMPACT = re.compile(r"\s*([0-9]{8})(?![0-9])")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan janeiro january januar januari janvier janv ene enero gen gennaio",
            "fev feb fevereiro february februar februari février févr fevr febrero febbraio",
            "mar março marco march mär märz mrz maart mrt mars marzo",
            "abr apr abril april avril avr aprile",
            "mai may maio mei mayo mag maggio maj",
            "jun junho june juni juin junio giu giugno",
            "jul julho july juli juillet juil julio lug luglio",
            "ago aug agosto august augustus août aout augusti",
            "set sep sept setembro september septembre septiembre settembre",
            "out oct outubro october okt oktober octobre octubre ott ottobre",
            "nov novembro november novembre noviembre",
            "dez dec dezembro december dezember déc décembre dic diciembre dicembre",
        ),
        1,
    )
    for name in names.split()
}
_PLACES = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}  # where year, month, day stand


@dataclass(frozen=True, slots=True)
class Order:
    """One order: `dmy`, `mdy` or `ymd`."""

    name: str

    def __str__(self) -> str:
        return {"dmy": "DD/MM/YYYY", "mdy": "MM/DD/YYYY", "ymd": "YYYY-MM-DD"}[self.name]

    def suits(self, parts: tuple[str, str, str]) -> bool:
        """Whether digits and names stand where this order has them."""
        if self.name == "ymd":
            return len(parts[0]) == 2 >= len(parts[2])
        return self.name == "dmy" or parts[1].isdigit()

    def read(self, text: str) -> date | None:
        """The day a text names in this order; hours behind it are not looked at."""
        found = _parts(text)
        if found is None:
            return None
        places = _PLACES["ymd" if len(found[0]) == 4 else self.name]
        year, month, of_month = (found[place] for place in places)
        if len(year) == 3:
            return None
        full = int(year) if len(year) == 4 else values.century(int(year))
        if not month.isdigit():
            named = _MONTHS.get(month.lower())
            return values.day(full, named, int(of_month)) if named else None
        if not of_month.isdigit():
            return None
        return values.day(full, int(month), int(of_month))


def _parts(text: str) -> tuple[str, str, str] | None:
    if found := _PARTS.match(text):
        return found[1], found[2], found[3]
    if found := _COMPACT.match(text):
        digits = found[1]
        if "1900" <= digits[:4] <= "2199" and digits[4:6] <= "12":
            return digits[:4], digits[4:6], digits[6:]
        return digits[:2], digits[2:4], digits[4:]
    return None


def order_of(dates: Iterable[str], *, by_span: bool = False) -> tuple[Order, bool]:
    """The order that reads most of the dates, and whether another one reads as many. Brazil's order wins a tie.

    Dates that begin with four digits are read as they are and have no vote.
    With years of two digits an order that stretches the file over years loses to one that does not; by_span: so does,
    whatever the years, one that spreads over months what another one holds within a few weeks.
    """
    orders = [Order(name) for name in _PLACES]
    read: dict[str, list[date]] = {name: [] for name in _PLACES}
    short_years = international = quicken = False
    for text in islice(dates, 20_000):
        parts = _parts(text)
        if parts is None:
            continue
        if len(parts[0]) == 4:
            international = True
            continue
        quicken = quicken or "'" in text
        short_years = short_years or len(parts[0]) <= 2 >= len(parts[2])
        for order in orders:
            if order.suits(parts) and (on := order.read(text)):
                read[order.name].append(on)
    best = max(map(len, read.values()))
    if not best and international:
        return Order("ymd"), False
    tied = [order for order in orders if best and len(read[order.name]) == best] or orders[:1]
    if short_years and len(tied) > 1:
        tied.sort(key=lambda order: _stretch(read[order.name]) > 3 * 366)
    if quicken:  # `1/ 5'01` is an American program's spelling
        tied.sort(key=lambda order: order.name != "mdy")
    elif by_span and len(tied) > 1 and len(set(read[tied[0].name])) > 2:
        tied.sort(key=lambda order: _stretch(read[order.name]) > 45)
    return tied[0], len(tied) > 1


def _stretch(days: list[date]) -> int:
    return (max(days) - min(days)).days
