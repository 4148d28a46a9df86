"""The questions that the lists of logistics answer."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists

from .models import Order, OrderException, OrderItem, Product, ProductCategory

STATES = [
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA",
    "PB", "PE", "PI", "PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO",
]  # fmt: skip

GROUPS = {
    "to_ship": (_("To ship"), Order.TO_SHIP),
    "on_the_way": (_("On the way"), Order.ON_THE_WAY),
    "arrived": (_("Arrived"), Order.ARRIVED),
    "called_off": (_("Cancelled"), Order.CALLED_OFF),
}

EXCEPTION_STATES = [("open", _("Open")), ("waived", _("Waived")), ("closed", _("Closed"))]


def categories(request: Any = None) -> list[tuple[str, str]]:
    return sorted(((str(one.pk), str(one)) for one in ProductCategory.objects.all()), key=lambda pair: pair[1])


class OrderFilters(lists.ListFilters):
    purchased = lists.PeriodFilter(field_name="purchased_at", label=_("Purchased"))
    status = django_filters.ChoiceFilter(label=_("State"), choices=Order.Status.choices)
    group = django_filters.ChoiceFilter(
        label=_("Stage"), choices=[(key, label) for key, (label, _states) in GROUPS.items()], method="in_group"
    )
    exception = django_filters.ChoiceFilter(
        label=_("Exception"), choices=OrderException.Code.choices, method="with_exception"
    )
    state = django_filters.ChoiceFilter(
        field_name="customer_state", label=_("State of Brazil"), choices=[(one, one) for one in STATES]
    )
    total = lists.MoneyRangeFilter(field_name="total_amount", label=_("Total"))
    delivered = lists.PeriodFilter(field_name="delivered_at", label=_("Delivered"))
    promised = lists.PeriodFilter(field_name="promised_on", label=_("Promised for"), civil=True)
    source = django_filters.CharFilter(label=_("Channel"), lookup_expr="exact")
    customer = django_filters.NumberFilter(field_name="customer_id", label=_("Customer number"))
    batch = django_filters.NumberFilter(field_name="batch_id", label=_("Import"))

    def in_group(self, rows: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        return rows.filter(status__in=GROUPS[value][1])

    def with_exception(self, rows: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        found = OrderException.objects.filter(code=value, closed_at=None, waived_at=None)
        return rows.filter(pk__in=found.values("order_id"))


class ExceptionFilters(lists.ListFilters):
    state = django_filters.ChoiceFilter(label=_("Queue"), choices=EXCEPTION_STATES, method="in_state")
    code = django_filters.ChoiceFilter(label=_("What is wrong"), choices=OrderException.Code.choices)
    department = django_filters.ChoiceFilter(
        label=_("Department"), choices=[("finance", _("Finance")), ("logistics", _("Logistics"))]
    )
    mine = django_filters.BooleanFilter(label=_("Mine"), method="of_reader")
    due = lists.PeriodFilter(field_name="due_at", label=_("Due"))
    opened = lists.PeriodFilter(field_name="opened_at", label=_("Opened"))
    amount = lists.MoneyRangeFilter(field_name="amount", label=_("Amount"))
    batch = django_filters.NumberFilter(field_name="order__batch_id", label=_("Import"))

    def in_state(self, rows: QuerySet[OrderException], name: str, value: str) -> QuerySet[OrderException]:
        if value == "closed":
            return rows.filter(closed_at__isnull=False)
        return rows.filter(closed_at=None, waived_at__isnull=value == "open")

    def of_reader(self, rows: QuerySet[OrderException], name: str, value: bool) -> QuerySet[OrderException]:
        mine = {"owner": getattr(self.request, "user", None)}
        return rows.filter(**mine) if value else rows.exclude(**mine)


class ReviewFilters(lists.ListFilters):
    written = lists.PeriodFilter(field_name="created_at", label=_("Written"))
    score = django_filters.ChoiceFilter(label=_("Score"), choices=[(str(n), str(n)) for n in range(1, 6)])
    answered = django_filters.BooleanFilter(
        label=_("Answered"), field_name="answered_at", lookup_expr="isnull", exclude=True
    )


class ProductFilters(lists.ListFilters):
    category = django_filters.ChoiceFilter(label=_("Category"), choices=categories, field_name="category_id")
    uncategorised = django_filters.BooleanFilter(
        label=_("Without category"), field_name="category", lookup_expr="isnull"
    )
    sold = django_filters.BooleanFilter(label=_("Ever sold"), method="was_sold")

    def was_sold(self, rows: QuerySet[Product], name: str, value: bool) -> QuerySet[Product]:
        sold = Exists(OrderItem.objects.filter(product=OuterRef("pk")))
        return rows.filter(sold) if value else rows.filter(~sold)
