"""The measures: what each number is, to the letter. Targets, owners and thresholds are `MeasureSetting`, in the admin.

A measure reads one of three ways:

- a sum or count: `numerator` alone; with no fact it is 0;
- a rate, share or average: `numerator` over `denominator`; with an empty denominator it has no value;
- a median: `middle` names a series of durations; with no fact it has no value. Such a measure has no numerator.

To add one: write its sentence here, see that `services/facts.py` writes its series, test a month computed by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Literal, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backoffice.core.money import CENT

from .series import DIMS, SERIES, Quantity

Text = str | Promise


class Unit(Enum):
    COUNT = "count"
    MONEY = "BRL"
    RATE = "rate"  # a fraction of one
    HOURS = "hours"
    DAYS = "days"
    POINTS = "points"


class Good(Enum):
    """The direction that is welcome."""

    HIGH = "high"
    LOW = "low"
    NEITHER = "neither"


@dataclass(frozen=True)
class Part:
    """One figure of a bucket: how many facts (`n`), how many hits, or the sum of their quantity."""

    series: str
    reads: Literal["n", "hits", "sum"]


class Cell(NamedTuple):
    """What the live facts of one series add up to somewhere."""

    n: int = 0
    hits: int = 0
    sum: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    p50: Decimal | None = None
    p90: Decimal | None = None


class Reading(NamedTuple):
    """A measure somewhere, in its own unit. `value` is None when the measure has none there."""

    value: Decimal | None
    numerator: Decimal | int | None
    denominator: Decimal | int | None
    n: int
    p50: Decimal | None = None
    p90: Decimal | None = None


NO_FACTS = Cell()
ZERO, HOUR, DAY = Decimal(0), Decimal(3600), Decimal(86400)


@dataclass(frozen=True)
class Measure:
    key: str
    title: Text
    sentence: Text
    numerator_says: Text
    denominator_says: Text
    zero_says: Text
    area: str  # read with the right `kpis.<area>.read`
    unit: Unit
    good: Good
    numerator: Part | None = None
    denominator: Part | None = None
    middle: str = ""
    share_of: str = ""  # a mix: the dim whose values are set against all of them

    @property
    def right(self) -> str:
        return f"kpis.{self.area}.read"

    @cached_property
    def main(self) -> str:
        """The series whose facts are listed first and counted as `n`."""
        return self.numerator.series if self.numerator else self.middle

    @cached_property
    def series(self) -> tuple[str, ...]:
        """Every series it reads, the main one first."""
        names = [self.main] + ([self.denominator.series] if self.denominator else [])
        return tuple(dict.fromkeys(names))

    @property
    def dims(self) -> tuple[str, ...]:
        """What it can be split by: the dims that all its series have."""
        return tuple(dim for dim in SERIES[self.main].dims if all(dim in SERIES[key].dims for key in self.series))

    @property
    def dated(self) -> Text:
        return SERIES[self.main].dated

    @cached_property
    def spreads(self) -> bool:
        """Whether p50 and p90 of single facts mean something beside the value."""
        return bool(self.middle) or SERIES[self.main].quantity is Quantity.SCORE

    def read(self, cells: Mapping[str, Cell], whole: Mapping[str, Cell] | None = None) -> Reading:
        """The measure over some cells, one per series; a series without cell has no facts there.

        whole: for a mix, the cells of all values together, the denominator of each.
        """
        main = cells.get(self.main, NO_FACTS)
        p50, p90 = (self._scaled(main.p50), self._scaled(main.p90)) if self.spreads else (None, None)
        if self.numerator is None:
            return Reading(p50, None, None, main.n, p50, p90)
        above = self._figure(self.numerator, cells)
        if self.denominator is None:
            return Reading(Decimal(above), above, None, main.n, p50, p90)
        below = self._figure(self.denominator, whole if self.share_of and whole is not None else cells)
        value = Decimal(above) / Decimal(below) if below else None
        return Reading(value, above, below, cells.get(self.denominator.series, NO_FACTS).n, p50, p90)

    def _figure(self, part: Part, cells: Mapping[str, Cell]) -> Decimal | int:
        cell = cells.get(part.series, NO_FACTS)
        if part.reads == "n":
            return cell.n
        if part.reads == "hits":
            return cell.hits
        total = cell.sum if cell.sum is not None else ZERO
        return total.quantize(CENT) if SERIES[part.series].quantity is Quantity.MONEY else total

    def _scaled(self, seconds: Decimal | None) -> Decimal | None:
        if seconds is None or self.unit not in (Unit.HOURS, Unit.DAYS):
            return seconds
        return seconds / (HOUR if self.unit is Unit.HOURS else DAY)


NO_VALUE = _("No value.")
NOTHING = _("Zero.")

MEASURES: dict[str, Measure] = {
    measure.key: measure
    for measure in [
        Measure(
            key="logistics.processing_time",
            title=_("Order processing time"),
            sentence=_(
                "Median time from approval of the payment to hand-over to the carrier, of the orders handed over in "
                "the period. Hand-overs stamped before their approval count with their negative time."
            ),
            numerator_says=_("Median of hand-over − approval; p90 beside it."),
            denominator_says=_("None: orders with both stamps, whatever their state."),
            zero_says=NO_VALUE,
            area="logistics",
            unit=Unit.HOURS,
            good=Good.LOW,
            middle="orders.processed",
        ),
        Measure(
            key="finance.transaction_error_rate",
            title=_("Error rate of order payments"),
            sentence=_(
                "Share of the orders bought in the period whose payments differ by more than BRL 0.01, either way, "
                "from their items plus freight."
            ),
            numerator_says=_("Orders with |paid − (items + freight)| > 0.01."),
            denominator_says=_("Orders with at least one item and at least one payment."),
            zero_says=NO_VALUE,
            area="finance",
            unit=Unit.RATE,
            good=Good.LOW,
            numerator=Part("orders.checked", "hits"),
            denominator=Part("orders.checked", "n"),
        ),
        Measure(
            key="finance.reconciliation_error_rate",
            title=_("Error rate of financial transactions"),
            sentence=_(
                "Share of the bank lines booked in the period whose match was undone later or that still wait more "
                "than 7 days after their booking, among those that are or were reconciled or wait that long."
            ),
            numerator_says=_("Bank lines with an undone match, or unreconciled after 7 days."),
            denominator_says=_("Bank lines that are or once were reconciled, or wait more than 7 days."),
            zero_says=NO_VALUE,
            area="finance",
            unit=Unit.RATE,
            good=Good.LOW,
            numerator=Part("lines.judged", "hits"),
            denominator=Part("lines.judged", "n"),
        ),
        Measure(
            key="finance.automatic_share",
            title=_("Lines matched automatically"),
            sentence=_("Share of the bank lines booked in the period that the engine matched whole, without a person."),
            numerator_says=_("Bank lines whose standing matches are all automatic and leave nothing open."),
            denominator_says=_("Bank lines."),
            zero_says=NO_VALUE,
            area="finance",
            unit=Unit.RATE,
            good=Good.HIGH,
            numerator=Part("lines.booked", "hits"),
            denominator=Part("lines.booked", "n"),
        ),
        Measure(
            key="finance.match_undo_rate",
            title=_("Matches undone"),
            sentence=_("Share of the matches made in the period that were undone, whenever that was."),
            numerator_says=_("Matches whose entry was reversed."),
            denominator_says=_("Matches made, automatic and by people."),
            zero_says=NO_VALUE,
            area="finance",
            unit=Unit.RATE,
            good=Good.LOW,
            numerator=Part("matches.made", "hits"),
            denominator=Part("matches.made", "n"),
        ),
        Measure(
            key="finance.back_office_cost",
            title=_("Cost of the back office"),
            sentence=_(
                "What was posted on general and administrative expense accounts for the period, reversals taken off."
            ),
            numerator_says=_("Sum of the postings, BRL."),
            denominator_says=_("None."),
            zero_says=NOTHING,
            area="finance",
            unit=Unit.MONEY,
            good=Good.LOW,
            numerator=Part("books.back_office", "sum"),
        ),
        Measure(
            key="finance.back_office_cost_per_order",
            title=_("Back-office cost per order"),
            sentence=_(
                "General and administrative expenses of the period, reversals taken off, over the orders bought in it."
            ),
            numerator_says=_("Sum of the postings on general and administrative expense accounts, BRL."),
            denominator_says=_("Orders bought in the period, in any state."),
            zero_says=NO_VALUE,
            area="finance",
            unit=Unit.MONEY,
            good=Good.LOW,
            numerator=Part("books.back_office", "sum"),
            denominator=Part("orders.placed", "n"),
        ),
        Measure(
            key="logistics.review_score",
            title=_("Review score"),
            sentence=_(
                "Average score, 1 to 5, of the reviews given in the period; a review that covers several orders counts "
                "once for each."
            ),
            numerator_says=_("Sum of the scores."),
            denominator_says=_("Reviews."),
            zero_says=NO_VALUE,
            area="logistics",
            unit=Unit.POINTS,
            good=Good.HIGH,
            numerator=Part("reviews.scored", "sum"),
            denominator=Part("reviews.scored", "n"),
        ),
        Measure(
            key="logistics.answer_time",
            title=_("Review answer time"),
            sentence=_("Median time from sending the survey to its answer, of the reviews answered in the period."),
            numerator_says=_("Median of answer − sending; p90 beside it."),
            denominator_says=_("None: reviews with both stamps."),
            zero_says=NO_VALUE,
            area="logistics",
            unit=Unit.HOURS,
            good=Good.LOW,
            middle="reviews.answered",
        ),
        Measure(
            key="finance.freight_share",
            title=_("Operating cost: freight share"),
            sentence=_(
                "Freight of the orders bought in the period over the price of their items: the part of the operating "
                "cost that the orders themselves show."
            ),
            numerator_says=_("Sum of freight, BRL."),
            denominator_says=_("Sum of item prices without freight, BRL, cancelled orders included."),
            zero_says=NO_VALUE,
            area="finance",
            unit=Unit.RATE,
            good=Good.LOW,
            numerator=Part("orders.freight", "sum"),
            denominator=Part("orders.placed", "sum"),
        ),
        Measure(
            key="logistics.orders",
            title=_("Orders"),
            sentence=_("Orders bought in the period, in any state."),
            numerator_says=_("Orders."),
            denominator_says=_("None."),
            zero_says=NOTHING,
            area="logistics",
            unit=Unit.COUNT,
            good=Good.HIGH,
            numerator=Part("orders.placed", "n"),
        ),
        Measure(
            key="finance.gmv",
            title=_("GMV"),
            sentence=_("Price of the items of all orders bought in the period, without freight, cancelled included."),
            numerator_says=_("Sum of item prices, BRL."),
            denominator_says=_("None."),
            zero_says=NOTHING,
            area="finance",
            unit=Unit.MONEY,
            good=Good.HIGH,
            numerator=Part("orders.placed", "sum"),
        ),
        Measure(
            key="finance.average_ticket",
            title=_("Average ticket"),
            sentence=_("Price of the items, without freight, per order bought in the period that has items."),
            numerator_says=_("Sum of item prices, BRL."),
            denominator_says=_("Orders with at least one item."),
            zero_says=NO_VALUE,
            area="finance",
            unit=Unit.MONEY,
            good=Good.HIGH,
            numerator=Part("orders.placed", "sum"),
            denominator=Part("orders.placed", "hits"),
        ),
        Measure(
            key="logistics.late_by_date",
            title=_("Late deliveries, by date"),
            sentence=_("Share of the orders delivered in the period that arrived on a later civil day than promised."),
            numerator_says=_("Orders whose day of delivery is after the promised day."),
            denominator_says=_("Orders in state delivered, or returned since, with a delivery stamp and a promise."),
            zero_says=NO_VALUE,
            area="logistics",
            unit=Unit.RATE,
            good=Good.LOW,
            numerator=Part("orders.late_by_date", "hits"),
            denominator=Part("orders.late_by_date", "n"),
        ),
        Measure(
            key="logistics.late_by_stamp",
            title=_("Late deliveries, by stamp"),
            sentence=_(
                "Share of the orders delivered in the period that arrived after the promised instant; a promise given "
                "as a day means its midnight, so arriving during that day counts as late."
            ),
            numerator_says=_("Orders delivered after the promised stamp."),
            denominator_says=_("Orders in state delivered, or returned since, with a delivery stamp and a promise."),
            zero_says=NO_VALUE,
            area="logistics",
            unit=Unit.RATE,
            good=Good.LOW,
            numerator=Part("orders.late_by_stamp", "hits"),
            denominator=Part("orders.late_by_stamp", "n"),
        ),
        Measure(
            key="logistics.delivery_time",
            title=_("Delivery time"),
            sentence=_("Median time from purchase to delivery, of the orders delivered in the period."),
            numerator_says=_("Median of delivery − purchase; p90 beside it."),
            denominator_says=_("None: orders with a delivery stamp, whatever their state."),
            zero_says=NO_VALUE,
            area="logistics",
            unit=Unit.HOURS,
            good=Good.LOW,
            middle="orders.delivered",
        ),
        Measure(
            key="logistics.cancellation_rate",
            title=_("Cancellations"),
            sentence=_("Share of the orders bought in the period that are cancelled, whenever that was."),
            numerator_says=_("Orders in state cancelled."),
            denominator_says=_("Orders."),
            zero_says=NO_VALUE,
            area="logistics",
            unit=Unit.RATE,
            good=Good.LOW,
            numerator=Part("orders.cancelled", "hits"),
            denominator=Part("orders.cancelled", "n"),
        ),
        Measure(
            key="finance.payments_received",
            title=_("Payments received"),
            sentence=_("Amount of the payments of orders bought in the period, cancelled orders included."),
            numerator_says=_("Sum of payment amounts, BRL."),
            denominator_says=_("None."),
            zero_says=NOTHING,
            area="finance",
            unit=Unit.MONEY,
            good=Good.HIGH,
            numerator=Part("payments.received", "sum"),
        ),
        Measure(
            key="finance.payment_mix",
            title=_("Payment mix"),
            sentence=_("Share of each payment method in the amount paid for orders bought in the period."),
            numerator_says=_("Sum of the payments by that method, BRL."),
            denominator_says=_("Sum of all payments, BRL."),
            zero_says=NO_VALUE,
            area="finance",
            unit=Unit.RATE,
            good=Good.NEITHER,
            numerator=Part("payments.received", "sum"),
            denominator=Part("payments.received", "sum"),
            share_of="method",
        ),
        Measure(
            key="marketing.leads",
            title=_("Leads"),
            sentence=_("Leads first contacted in the period."),
            numerator_says=_("Leads."),
            denominator_says=_("None."),
            zero_says=NOTHING,
            area="marketing",
            unit=Unit.COUNT,
            good=Good.HIGH,
            numerator=Part("leads.captured", "n"),
        ),
        Measure(
            key="marketing.deals",
            title=_("Deals won"),
            sentence=_("Deals won in the period."),
            numerator_says=_("Won deals."),
            denominator_says=_("None."),
            zero_says=NOTHING,
            area="marketing",
            unit=Unit.COUNT,
            good=Good.HIGH,
            numerator=Part("deals.won", "n"),
        ),
        Measure(
            key="marketing.conversion",
            title=_("Lead conversion"),
            sentence=_("Share of the leads first contacted in the period that were won, whenever that was."),
            numerator_says=_("Leads with a won deal."),
            denominator_says=_("Leads."),
            zero_says=NO_VALUE,
            area="marketing",
            unit=Unit.RATE,
            good=Good.HIGH,
            numerator=Part("leads.captured", "hits"),
            denominator=Part("leads.captured", "n"),
        ),
        Measure(
            key="marketing.days_to_win",
            title=_("Days to win"),
            sentence=_(
                "Median time from first contact to winning, of the deals won in the period; a deal won before its "
                "lead's first contact counts with its negative time."
            ),
            numerator_says=_("Median of winning − first contact; p90 beside it."),
            denominator_says=_("None: won deals."),
            zero_says=NO_VALUE,
            area="marketing",
            unit=Unit.DAYS,
            good=Good.LOW,
            middle="deals.won",
        ),
    ]
}


def dim_title(dim: str) -> Text:
    return DIMS[dim]
