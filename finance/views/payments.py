"""What customers paid."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists, refs
from backoffice.core.access import entrance
from backoffice.core.lists import Column
from backoffice.core.models import User
from finance.filters.payments import PaymentFilters
from finance.models import Payment


@entrance("finance.payment.read")
class PaymentList(lists.ListPage):
    key = "finance.payments"
    url_name = "finance:payments"
    title = _("Payments")
    lead = _("What customers paid, part by part, as their channel reported it.")
    filters = PaymentFilters
    search_fields = ("order_key",)
    search_label = _("Order number")
    default_order = "-ordered_at"
    export_right = "finance.payment.export"
    empty_text = _("No payment yet. They come with the orders of your shop.")
    columns = (
        lists.Column("order_key", _("Order"), kind="code"),
        lists.Column("ordered_at", _("Ordered"), kind="stamp", order=("ordered_at", "pk")),
        lists.Column("seq", _("Part"), kind="number"),
        lists.Column("method", _("Method"), value=Payment.get_method_display),
        lists.Column("instalments", _("Instalments"), kind="number"),
        lists.Column("amount", _("Amount"), kind="money", order=("amount", "pk"), total=Sum("amount")),
        lists.Column("currency", _("Currency"), optional=True),
        lists.Column("source", _("Channel"), optional=True),
    )

    def queryset(self, user: User) -> QuerySet[Payment]:
        return Payment.objects.all()

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(order_key=text.strip())

    def body(self, rows: Sequence[Any], columns: list[Column], *, can_pick: bool) -> SafeString:
        """Finance knows no orders: the addresses behind the origins are asked of the references, in one query."""
        cards = refs.resolve({row.origin for row in rows})
        user = getattr(self.request, "user", None)
        self.origins = {ref: card.url for ref, card in cards.items() if user and card.is_open_to(user)}
        return super().body(rows, columns, can_pick=can_pick)

    def row_url(self, row: Payment) -> str:
        return self.origins.get(row.origin, "")
