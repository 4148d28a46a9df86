"""The questions that the list of payments answers."""

import django_filters
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists
from finance.models import Payment


class PaymentFilters(lists.ListFilters):
    ordered = lists.PeriodFilter(field_name="ordered_at", label=_("Ordered"))
    method = django_filters.ChoiceFilter(label=_("Method"), choices=Payment.Method.choices)
    amount = lists.MoneyRangeFilter(field_name="amount", label=_("Amount"))
    instalments = django_filters.NumberFilter(label=_("Instalments"))
    order_number = django_filters.CharFilter(field_name="order_key", label=_("Order number"), lookup_expr="exact")
    source = django_filters.CharFilter(label=_("Channel"), lookup_expr="exact")
    batch = django_filters.NumberFilter(field_name="batch_id", label=_("Import"))
