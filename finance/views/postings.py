"""Postings: what every figure of a report opens to."""

from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.lists import Column
from backoffice.core.lists.cursor import Ordering, RowIsBeyond
from backoffice.core.lists.state import ListState
from backoffice.core.models import User
from finance.filters.postings import PostingFilters
from finance.models import Posting

ZERO = Decimal("0.00")


class _KeysFirst(Ordering):
    """The page's postings are found before what is shown with each is read: else it is read of all that are passed."""

    whole: QuerySet[Posting]

    def _fetch(self, queryset: QuerySet[Any], limit: int, start: list[Any] | None, backwards: bool) -> list[Any]:
        down = self.descending != backwards
        if start is not None:
            queryset = queryset.filter(RowIsBeyond(self.paths, start, self.fields, "<" if down else ">"))
        order = [f"-{path}" if down else path for path in self.paths]
        found = queryset.order_by(*order).values("pk")[:limit]
        return list(self.whole.filter(pk__in=found).order_by(*order))


@entrance("finance.report.read")
class PostingList(lists.ListPage):
    key = "finance.postings"
    url_name = "finance:postings"
    title = _("Postings")
    lead = _("Every line of every entry, as it was posted.")
    template_name = "finance/reports/postings.html"
    filters = PostingFilters
    default_order = "-on"
    reach = lists.CAP
    detail_url = "finance:entry"
    export_right = "finance.report.export"
    empty_text = _("No posting yet. They come with invoices, bills, statements and entries.")
    columns = (
        Column("entry", _("Entry"), value=lambda row: str(row.entry)),
        Column("on", _("Date"), kind="day", order=("on", "pk")),
        Column("account", _("Account"), value=lambda row: str(row.account)),
        Column("text", _("Text"), value=lambda row: row.text or row.entry.text),
        Column("party", _("Party"), value=lambda row: str(row.party or "")),
        Column("centre", _("Cost centre"), value=lambda row: str(row.cost_centre or ""), optional=True),
        Column(
            "debit",
            _("Debit"),
            kind="money",
            value=lambda row: row.amount if row.amount > 0 else None,
            total=Sum("amount", filter=Q(amount__gt=0), default=ZERO),
        ),
        Column(
            "credit",
            _("Credit"),
            kind="money",
            value=lambda row: -row.amount if row.amount < 0 else None,
            total=-Sum("amount", filter=Q(amount__lt=0), default=ZERO),
        ),
    )

    def queryset(self, user: User) -> QuerySet[Posting]:
        return Posting.objects.select_related("entry__journal", "account", "party", "cost_centre")

    def ordering(self, state: ListState, queryset: QuerySet[Any]) -> Ordering:
        order = _KeysFirst(queryset, self.orders()[state.order_key], descending=state.descending)
        order.whole = self.queryset(state.user)
        return order

    def row_url(self, row: Posting) -> str:
        return f"{self._door(0)}{row.entry_id}{self._door(1)}"

    def context(self, *args: Any) -> dict[str, Any]:
        """The sum of what is listed, as a report shows it: one figure and its side."""
        context = super().context(*args)
        totals = context["tally"].totals
        if "debit" in totals and "credit" in totals and context["rows"]:
            context["sum"] = {
                "debit": totals["debit"],
                "credit": totals["credit"],
                "balance": totals["debit"] - totals["credit"],
                "size": abs(totals["debit"] - totals["credit"]),
            }
        return context
