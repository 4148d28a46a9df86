"""The reports there are, by the key in their address."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.core.templatetags import display

from . import (
    aging,
    asking,
    balance_sheet,
    budget,
    cash_flow,
    dre,
    general_ledger,
    projection,
    projection_parts,
    trial_balance,
)
from .asking import Asked
from .sheets import Sheet


@dataclass(frozen=True)
class Report:
    """build: asked → sheet. against: comparisons it knows. levels: how deep it folds. as_of: a position on a day.

    question: what it answers, for the list of reports.
    """

    key: str
    title: str | Promise
    question: str | Promise
    build: Callable[[Asked], Sheet]
    against: tuple[str, ...] = ("", "previous", "year", "months", "centres")
    has_centre: bool = True
    levels: int = 0
    as_of: bool = False
    tab: str | Promise = ""  # its name where room is short
    has_period: bool = True  # else it begins today
    has_parts: bool = False  # whether figures open to a part of the report
    whole: Callable[[Asked], Sheet] | None = None  # for a file or paper, where the page shows only a part
    count: Callable[[Asked], int] | None = None  # the rows of the whole

    def fit(self, asked: Asked) -> Asked:
        """The question without what this report does not know."""
        return replace(
            asked,
            against=asked.against if asked.against in self.against else "",
            centre=asked.centre if self.has_centre else None,
            level=asked.level if asked.level <= self.levels else 0,
            part=asked.part if self.has_parts else "",
        )

    def when(self, asked: Asked) -> str:
        """The days in words."""
        if not self.has_period:
            return gettext("From %(day)s on") % {"day": display.short_date(asked.today, year=True)}
        if self.as_of:
            return gettext("As of %(day)s") % {"day": display.short_date(asked.last_day, year=True)}
        return asking.name(asked.period)


REPORTS = {
    report.key: report
    for report in (
        Report(
            "trial-balance",
            _("Trial balance"),
            _("What does every account hold, and what moved it?"),
            trial_balance.sheet,
            levels=4,
        ),
        Report(
            "general-ledger",
            _("General ledger"),
            _("What moved one account, and what did it hold after each posting?"),
            general_ledger.sheet,
            whole=partial(general_ledger.sheet, whole=True),
            count=general_ledger.count,
        ),
        Report(
            "dre",
            _("Income statement"),
            _("What did we earn, and where did it go?"),
            dre.sheet,
            levels=1,
        ),
        Report(
            "balance-sheet",
            _("Balance sheet"),
            _("What do we have, what do we owe, and what is left?"),
            balance_sheet.sheet,
            levels=4,
            as_of=True,
        ),
        Report(
            "cash-flow",
            _("Cash flow"),
            _("Where did money come from, and where did it go?"),
            cash_flow.sheet,
            levels=1,
        ),
        Report(
            "projection",
            _("Cash projection"),
            _("Will the money last, if customers pay as they are used to?"),
            projection.sheet,
            against=("", "previous", "year"),
            has_period=False,
            has_parts=True,
            whole=partial(projection.sheet, whole=True),
            count=projection_parts.count,
            tab=_("Projection"),
        ),
        Report(
            "budget",
            _("Budget against actual"),
            _("Did it come as planned?"),
            budget.sheet,
            levels=1,
            tab=_("Budget"),
        ),
        Report(
            "receivables",
            _("Receivables by age"),
            _("Who owes us, and how late are they?"),
            partial(aging.sheet, direction="receivable"),
            against=("", "previous", "year", "centres"),
            as_of=True,
            whole=partial(aging.sheet, direction="receivable", whole=True),
            count=partial(aging.count, direction="receivable"),
            tab=_("Receivables"),
        ),
        Report(
            "payables",
            _("Payables by age"),
            _("Whom do we owe, and how late are we?"),
            partial(aging.sheet, direction="payable"),
            against=("", "previous", "year", "centres"),
            as_of=True,
            whole=partial(aging.sheet, direction="payable", whole=True),
            count=partial(aging.count, direction="payable"),
            tab=_("Payables"),
        ),
    )
}
