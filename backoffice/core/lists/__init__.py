"""The list machine: one way to filter, order, page, choose columns, act on many and export.

    @entrance("logistics.order.read")
    class OrderList(ListPage):
        key = "logistics.orders"            # names the list in URLs, saved views and preferences
        url_name = "orders"
        title = _("Orders")
        filters = OrderFilters              # a ListFilters: the only keys the URL may carry
        search_fields = ["number"]
        columns = [
            Column("number", _("Order"), order=("number", "pk")),
            Column("amount", _("Amount"), kind="money", total=Sum("amount")),
        ]
        default_order = "-number"
        detail_url = "order"                # the first column links there

        def queryset(self, user: User) -> QuerySet[Order]:
            return Order.objects.select_related("customer")

`lists.url_for("logistics.orders", state="late", exact=True)` builds the address of a filtered list from anywhere.
"""

from .bulk import BulkAction
from .columns import Column
from .filters import ListFilters, MoneyRangeFilter, PeriodFilter
from .page import CAP, Action, ListPage, Tab
from .registry import UnknownFilter, get, url_for

__all__ = [
    "CAP",
    "Action",
    "BulkAction",
    "Column",
    "ListFilters",
    "ListPage",
    "MoneyRangeFilter",
    "PeriodFilter",
    "Tab",
    "UnknownFilter",
    "get",
    "url_for",
]
