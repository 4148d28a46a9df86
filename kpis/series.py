"""The series of facts: what one fact of each is, which stamp dates it, what it carries; `services/facts.py` writes.

Raising `version` says that the buckets of older facts no longer hold; the nightly recompute then makes them anew.
"""

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Quantity(Enum):
    """What `sum`, `p50` and `p90` of a series speak of."""

    NONE = "none"
    MONEY = "money"  # BRL, exact; a percentile is an amount that occurred
    DURATION = "duration"  # seconds; percentiles are interpolated
    SCORE = "score"  # points, 1 to 5


@dataclass(frozen=True)
class Series:
    key: str
    sentence: Text  # what one fact is
    dated: Text  # the stamp that dates it
    quantity: Quantity = Quantity.NONE
    dims: tuple[str, ...] = ()  # names of dim1, dim2, dim3
    part: str = ""  # the table of `Fact.part`
    version: int = 1

    def dim(self, name: str) -> int:
        """The column behind a dim's name; KeyError when the series has no such dim."""
        try:
            return self.dims.index(name) + 1
        except ValueError:
            raise KeyError(name) from None


DIMS: dict[str, Text] = {
    "state": _("State of Brazil"),
    "channel": _("Channel"),
    "method": _("Payment method"),
    "origin": _("Origin"),
    "segment": _("Segment"),
    "bank": _("Bank account"),
    "band": _("Confidence"),
    "stage": _("Evidence"),
    "how": _("How"),
    "expense": _("Account"),
    "centre": _("Cost centre"),
}

_PURCHASE = _("purchase")
_ORDER = ("state", "channel")

SERIES: dict[str, Series] = {
    series.key: series
    for series in [
        Series(
            "orders.placed",
            _("An order; carries the price of its items without freight, hit when it has items."),
            _PURCHASE,
            Quantity.MONEY,
            _ORDER,
        ),
        Series("orders.freight", _("An order with items; carries its freight."), _PURCHASE, Quantity.MONEY, _ORDER),
        Series("orders.cancelled", _("An order; hit when it is cancelled."), _PURCHASE, Quantity.NONE, _ORDER),
        Series(
            "orders.checked",
            _(
                "An order with items and payments; carries paid − (items + freight), hit when that is off by more "
                "than 0.01 either way."
            ),
            _PURCHASE,
            Quantity.MONEY,
            _ORDER,
        ),
        Series(
            "orders.processed",
            _("An order approved and handed to the carrier; carries the time between."),
            _("hand-over to the carrier"),
            Quantity.DURATION,
            _ORDER,
        ),
        Series(
            "orders.delivered",
            _("An order with a delivery stamp; carries the time from purchase to delivery."),
            _("delivery"),
            Quantity.DURATION,
            _ORDER,
        ),
        Series(
            "orders.late_by_date",
            _("A delivered (or since returned) order with delivery stamp and promise; hit when it came a later day."),
            _("delivery"),
            Quantity.NONE,
            _ORDER,
        ),
        Series(
            "orders.late_by_stamp",
            _("A delivered (or since returned) order with delivery stamp and promise; hit when it came after it."),
            _("delivery"),
            Quantity.NONE,
            _ORDER,
        ),
        Series(
            "payments.received",
            _("A payment of an order; carries its amount."),
            _("purchase of the order it pays"),
            Quantity.MONEY,
            ("method", "channel"),
            part="finance.payment",
        ),
        Series(
            "reviews.scored",
            _("A review on an order; carries its score."),
            _("answer of the survey, else its sending, else purchase"),
            Quantity.SCORE,
            _ORDER,
            part="logistics.review",
        ),
        Series(
            "reviews.answered",
            _("A review with both stamps; carries the time from sending the survey to its answer."),
            _("answer of the survey"),
            Quantity.DURATION,
            _ORDER,
            part="logistics.review",
        ),
        Series(
            "leads.captured",
            _("A lead; hit when it was won, whenever that was."),
            _("first contact"),
            Quantity.NONE,
            ("origin",),
        ),
        Series(
            "deals.won",
            _("A won deal; carries the time from the lead's first contact."),
            _("winning"),
            Quantity.DURATION,
            ("origin", "segment"),
            part="marketing.deal",
        ),
        Series(
            "lines.booked",
            _("A line of a bank statement; carries its amount, hit when the engine matched all of it by itself."),
            _("booking day of the bank"),
            Quantity.MONEY,
            ("bank",),
        ),
        Series(
            "lines.judged",
            _(
                "A line of a bank statement that is reconciled, was once, or waits more than 7 days; hit when a match "
                "of it was undone or it still waits."
            ),
            _("booking day of the bank"),
            Quantity.MONEY,
            ("bank",),
        ),
        Series(
            "matches.made",
            _("A match; hit when it was undone, whenever that was."),
            _("the match"),
            Quantity.NONE,
            ("band", "stage", "how"),
        ),
        Series(
            "books.back_office",
            _("A posting on a general or administrative expense account; carries its amount, negative when reversed."),
            _("competence"),
            Quantity.MONEY,
            ("expense", "centre"),
            part="finance.posting",
        ),
    ]
}
