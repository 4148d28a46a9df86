"""What customers paid."""

from typing import Any

from django.db.models import QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists, refs
from backoffice.core.access import entrance
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.selectors import activity
from finance.filters.payments import PaymentFilters
from finance.models import Payment, SaleBooking


@entrance("finance.payment.read")
class PaymentList(lists.ListPage):
    key = "finance.payments"
    url_name = "finance:payments"
    detail_url = "finance:payment"
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


@entrance("finance.payment.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    payment, user = get_object_or_404(Payment, pk=pk), request.user
    booking = SaleBooking.objects.select_related("title", "money_entry__journal").filter(pk=payment.origin).first()
    links: list[dict[str, Any]] = []
    for card in refs.resolve([payment.origin]).values():
        links.append({"kind": card.kind, "label": card.label[:24], "url": card.url if card.is_open_to(user) else ""})
    links.append({"kind": _("Payment"), "label": str(payment)[:24], "current": True})
    if booking and booking.title and user.may("finance.title.read"):
        url = reverse("finance:title", args=[booking.title.pk])
        links.append({"kind": _("Title"), "label": booking.title.number[:24], "url": url})
    if booking and booking.money_entry and user.may("finance.entry.read"):
        url = reverse("finance:entry", args=[booking.money_entry.pk])
        links.append({"kind": _("Settlement"), "label": str(booking.money_entry), "url": url})
    context = {
        "payment": payment,
        "booking": booking,
        "links": links,
        "others": Payment.objects.filter(origin=payment.origin).exclude(pk=pk).order_by("seq")[:50],
        "crumbs": [(str(payment), "")],
        "activity": activity(payment.ref, user),
    }
    return render(request, "finance/payments/detail.html", context)
