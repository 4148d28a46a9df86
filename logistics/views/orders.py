"""Orders: the list, one order, its state, what a person may change."""

from functools import cache
from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, QuerySet, Subquery, Sum, Value
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import once, show_conflict
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.selectors import activity
from backoffice.core.templatetags.display import badge

from .. import selectors
from ..filters import OrderFilters
from ..forms import OrderForm
from ..models import Order, OrderException
from ..services import orders


@cache
def _badges(status: str, has_exception: bool | None, language: str | None) -> str:
    """The state in words, made once per language: a list shows it fifty times."""
    shown = badge(selectors.TONES[status], Order.Status(status).label)
    return shown + badge("attention", _("Exception")) if has_exception else shown


def _state(order: Any) -> str:
    return _badges(order.status, order.has_exception, get_language())


def _place(order: Any) -> str:
    return ", ".join(part for part in (order.customer_city, order.customer_state) if part)


@entrance("logistics.order.read")
class OrderList(lists.ListPage):
    key = "logistics.orders"
    url_name = "logistics:orders"
    detail_url = "logistics:order"
    title = gettext_lazy("Orders")
    filters = OrderFilters
    search_fields = ("number", "search")
    search_label = gettext_lazy("Number, customer or city")
    default_order = "-purchased_at"
    export_right = "logistics.order.export"
    has_personal_data = True
    empty_text = gettext_lazy("No order yet. Import the orders of your shop.")
    tabs = (
        lists.Tab("to_ship", gettext_lazy("To ship"), {"group": "to_ship"}),
        lists.Tab("on_the_way", gettext_lazy("On the way"), {"group": "on_the_way"}),
        lists.Tab("late", gettext_lazy("Late"), {"exception": "late"}),
    )
    columns = (
        lists.Column("number", gettext_lazy("Order"), kind="code"),
        lists.Column("purchased_at", gettext_lazy("Purchased"), kind="stamp", order=("purchased_at", "pk")),
        lists.Column("status", gettext_lazy("State"), value=Order.get_status_display, cell=_state),
        lists.Column("customer_name", gettext_lazy("Customer")),
        lists.Column("place", gettext_lazy("Place"), value=_place),
        lists.Column(
            "total_amount",
            gettext_lazy("Total"),
            kind="money",
            order=("total_amount", "pk"),
            total=Sum("total_amount"),
        ),
        lists.Column(
            "paid_amount", gettext_lazy("Paid"), kind="money", order=("paid_amount", "pk"), total=Sum("paid_amount")
        ),
        lists.Column("promised_on", gettext_lazy("Promised for"), kind="day"),
        lists.Column("delivered_at", gettext_lazy("Delivered"), kind="stamp", optional=True),
        lists.Column("items_amount", gettext_lazy("Items"), kind="money", optional=True, total=Sum("items_amount")),
        lists.Column(
            "freight_amount", gettext_lazy("Freight"), kind="money", optional=True, total=Sum("freight_amount")
        ),
        lists.Column("item_count", gettext_lazy("Lines"), kind="number", optional=True),
        lists.Column("approved_at", gettext_lazy("Approved"), kind="stamp", optional=True),
        lists.Column("handed_over_at", gettext_lazy("Handed over"), kind="stamp", optional=True),
        lists.Column("source", gettext_lazy("Channel"), optional=True),
        lists.Column("source_status", gettext_lazy("State in the channel"), optional=True),
    )

    def queryset(self, user: User) -> QuerySet[Order]:
        # Not `Exists`: the planner answers that from a hash of all that is open, thousands of rows for a page of forty.
        wrong = OrderException.objects.filter(order=OuterRef("pk"), closed_at=None, waived_at=None)
        return Order.objects.annotate(has_exception=Subquery(wrong.values(found=Value(True))[:1]))

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return selectors.orders_with(queryset, text)

    def abounds(self, text: str) -> bool:
        return selectors.orders_abound(text, beyond=lists.CAP)

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("logistics.order_import.create"):
            return []
        return [lists.Action(_("Import orders"), reverse("import_new"), is_primary=True)]


@entrance("logistics.order.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    page = selectors.order_page(pk)
    if page is None:
        raise Http404
    user = request.user
    context = {
        "page": page,
        "order": page.order,
        "links": _chain(page, user),
        "may_edit": user.may("logistics.order.edit"),
        "may_see_payments": user.may("finance.payment.read"),
        "crumbs": [(page.order.number, "")],
        "activity": activity(page.order.ref, user),
    }
    return render(request, "logistics/orders/detail.html", context)


def _chain(page: selectors.OrderPage, user: User) -> list[dict[str, Any]]:
    """Customer, order, payments, exceptions: the documents around the order."""
    order = page.order
    links: list[dict[str, Any]] = []
    if order.customer:
        url = reverse("party", args=[order.customer_id]) if user.may("core.party.read") else ""
        links.append({"kind": _("Customer"), "label": order.customer_name or str(order.customer), "url": url})
    links.append(
        {
            "kind": _("Order"),
            "label": order.number[:12],
            "current": True,
            "state": order.get_status_display(),
            "tone": page.tone,
        }
    )
    if page.payments and user.may("finance.payment.read"):
        url = lists.url_for("finance.payments", order_number=order.number)
        links.append({"kind": _("Payments"), "label": str(len(page.payments)), "url": url})
    links += [
        {
            "kind": _("Exception"),
            "label": one.get_code_display(),
            "url": reverse("logistics:exception", args=[one.pk]),
            "state": _("Waived") if one.waived_at else _("Open"),
            "tone": "quiet" if one.waived_at else "attention",
        }
        for one in page.exceptions
        if not one.closed_at and user.may("logistics.exception.read")
    ]
    return links


@entrance(post="logistics.order.edit")
@require_POST
@once
def move(request: PersonRequest, pk: int) -> HttpResponse:
    order = get_object_or_404(Order, pk=pk)
    to = request.POST.get("to", "")
    if to not in Order.Status.values:
        raise Http404
    seen = request.POST.get("seen", "")
    if seen not in Order.Status.values:
        seen = ""
    try:
        orders.move(order_id=order.pk, to=to, by=request.user, now=timezone.now(), seen=seen)
    except orders.NotAllowed as problem:
        messages.error(request, str(problem))
    except orders.Changed as problem:
        messages.error(
            request,
            _("Somebody was faster: the order is “%(state)s” now.") % {"state": problem.order.get_status_display()},
        )
    else:
        messages.success(request, _("The order is “%(state)s” now.") % {"state": Order.Status(to).label})
    return redirect("logistics:order", pk)


@entrance("logistics.order.edit")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    order = get_object_or_404(Order, pk=pk)
    form = OrderForm(request.POST or None, instance=order)
    context = {"form": form, "order": order, "cancel_url": reverse("logistics:order", args=[pk])}
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in orders.EDITABLE}
        try:
            orders.edit(order_id=pk, version=form.version or 0, values=values, by=request.user, now=timezone.now())
        except orders.Changed as problem:
            return show_conflict(request, form, problem.order, "logistics/orders/form.html", context)
        return redirect("logistics:order", pk)
    return render(request, "logistics/orders/form.html", context, status=422 if request.method == "POST" else 200)
