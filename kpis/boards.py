"""What stands on each dashboard: the numbers, and one chart per question. Adding one is a line here."""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .definitions import MEASURES, Measure

Text = str | Promise


@dataclass(frozen=True)
class Trend:
    """One measure over the period, beside the period before it or the year before."""

    measure: str


@dataclass(frozen=True)
class Split:
    """One measure by the values of a dim. Each series stands in at most one split of a board: they are read together.

    finding: a sentence with %(name)s and %(value)s of the first slice.   least: slices of fewer facts are left out,
    unless all have fewer.
    """

    measure: str
    by: str
    question: Text
    finding: Text
    shape: Literal["ranked", "shares"] = "ranked"
    at_most: int = 8
    least: int = 1


@dataclass(frozen=True)
class Board:
    key: str  # its right is `kpis.<key>.read`
    title: Text
    lead: Text
    tiles: tuple[str, ...]
    charts: tuple[Trend | Split, ...]
    has_position: bool = False  # what the money is today, whatever the period

    @property
    def right(self) -> str:
        return f"kpis.{self.key}.read"

    @property
    def measures(self) -> list[Measure]:
        return [MEASURES[key] for key in self.tiles]


LATE_BY_STATE = Split(
    "logistics.late_by_date",
    "state",
    _("Share of deliveries after the promised day, by the customer's state."),
    _("%(name)s waits longest: %(value)s late"),
    least=20,
)
PAYMENT_MIX = Split(
    "finance.payment_mix",
    "method",
    _("How the money came in, by payment method."),
    _("%(name)s brings %(value)s of the money"),
    shape="shares",
    at_most=6,
)
CALIBRATION = Split(
    "finance.match_undo_rate",
    "band",
    _("Share of the matches of each confidence that were undone, whenever that was: is the engine rightly sure?"),
    _("Matches of confidence %(name)s are undone most: %(value)s"),
)
BOARDS: dict[str, Board] = {
    board.key: board
    for board in [
        Board(
            "directors",
            _("Directors"),
            _("The company in seven numbers."),
            (
                "logistics.orders",
                "finance.gmv",
                "logistics.processing_time",
                "finance.reconciliation_error_rate",
                "logistics.review_score",
                "finance.freight_share",
                "logistics.late_by_date",
            ),
            (Trend("finance.gmv"), Trend("logistics.processing_time"), LATE_BY_STATE, PAYMENT_MIX),
        ),
        Board(
            "logistics",
            _("Logistics"),
            _("From a paid order to a satisfied customer."),
            (
                "logistics.orders",
                "logistics.processing_time",
                "logistics.delivery_time",
                "logistics.late_by_date",
                "logistics.late_by_stamp",
                "logistics.cancellation_rate",
                "logistics.review_score",
                "logistics.answer_time",
            ),
            (
                Trend("logistics.orders"),
                Trend("logistics.late_by_date"),
                Trend("logistics.processing_time"),
                LATE_BY_STATE,
            ),
        ),
        Board(
            "finance",
            _("Finance"),
            _("What was sold and paid, what the bank says, and whether they agree."),
            (
                "finance.reconciliation_error_rate",
                "finance.automatic_share",
                "finance.match_undo_rate",
                "finance.back_office_cost",
                "finance.back_office_cost_per_order",
                "finance.gmv",
                "finance.payments_received",
                "finance.average_ticket",
                "finance.transaction_error_rate",
                "finance.freight_share",
            ),
            (
                Trend("finance.reconciliation_error_rate"),
                CALIBRATION,
                Trend("finance.back_office_cost_per_order"),
                Trend("finance.payments_received"),
                Trend("finance.transaction_error_rate"),
                Trend("finance.freight_share"),
                PAYMENT_MIX,
            ),
            has_position=True,
        ),
        Board(
            "marketing",
            _("Marketing"),
            _("Who asked about us, and who was won."),
            ("marketing.leads", "marketing.deals", "marketing.conversion", "marketing.days_to_win"),
            (
                Trend("marketing.leads"),
                Trend("marketing.deals"),
                Split(
                    "marketing.conversion",
                    "origin",
                    _("Share of the leads of each origin that were won, whenever that was."),
                    _("Leads from “%(name)s” are won most often: %(value)s"),
                    at_most=12,
                    least=20,
                ),
                Split(
                    "marketing.days_to_win",
                    "segment",
                    _("Median days from first contact to winning, by segment."),
                    _("“%(name)s” takes longest: %(value)s"),
                    at_most=12,
                    least=5,
                ),
            ),
        ),
    ]
}
