"""The questions that the lists of titles, bills and invoices answer."""

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.core import lists
from finance.models import Bill, Invoice, Title

STATES = [
    ("open", pgettext_lazy("title", "Open")),
    ("overdue", pgettext_lazy("title", "Overdue")),
    ("settled", _("Settled")),
]
AGES = [
    ("not_due", _("Not due yet")),
    ("30", _("1 to 30 days late")),
    ("60", _("31 to 60 days late")),
    ("90", _("61 to 90 days late")),
    ("over", _("More than 90 days late")),
]


class InstalmentFilters(lists.ListFilters):
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, method="by_state")
    age = django_filters.ChoiceFilter(label=_("Age"), choices=AGES, method="by_age")
    due = lists.PeriodFilter(field_name="due_on", label=pgettext_lazy("title", "Due"), civil=True)
    amount = lists.MoneyRangeFilter(field_name="size", label=_("Amount"))
    kind = django_filters.ChoiceFilter(field_name="title__kind", label=_("Kind"), choices=Title.Kind.choices)
    party = django_filters.NumberFilter(field_name="party_id", label=_("Party number"))
    number = django_filters.CharFilter(field_name="title__number", label=_("Document number"), lookup_expr="iexact")
    batch = django_filters.NumberFilter(field_name="title__batch_id", label=_("Import"))

    def by_state(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "settled":
            return queryset.filter(balance=0)
        queryset = queryset.exclude(balance=0)
        return queryset.filter(due_on__lt=timezone.localdate()) if value == "overdue" else queryset

    def by_age(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        today = timezone.localdate()
        ages = {"not_due": (None, 0), "30": (1, 30), "60": (31, 60), "90": (61, 90), "over": (91, None)}
        least, most = ages[value]
        found = ~Q(balance=0)
        if least is not None:
            found &= Q(due_on__lte=today - timedelta(days=least))
        if most is not None:
            found &= Q(due_on__gte=today - timedelta(days=most))
        return queryset.filter(found)


class BillFilters(lists.ListFilters):
    state = django_filters.ChoiceFilter(label=_("State"), choices=Bill.State.choices)
    due = lists.PeriodFilter(field_name="first_due_on", label=pgettext_lazy("title", "Due"), civil=True)
    issued = lists.PeriodFilter(field_name="issued_on", label=_("Issued"), civil=True)
    total = lists.MoneyRangeFilter(field_name="total", label=_("Amount"))
    party = django_filters.NumberFilter(field_name="party_id", label=_("Party number"))
    recurring = django_filters.NumberFilter(field_name="recurring_id", label=_("Recurring bill"))


class InvoiceFilters(lists.ListFilters):
    state = django_filters.ChoiceFilter(label=_("State"), choices=Invoice.State.choices)
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Invoice.Kind.choices)
    issued = lists.PeriodFilter(field_name="issued_on", label=_("Issued"), civil=True)
    total = lists.MoneyRangeFilter(field_name="total", label=_("Amount"))
    party = django_filters.NumberFilter(field_name="party_id", label=_("Party number"))
