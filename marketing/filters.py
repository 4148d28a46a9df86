"""The questions that the lists of leads and of won deals answer."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists

from .models import Deal, Lead

NOT_GIVEN = "-"  # how an address says "no origin recorded", which is not the origin "unknown"


def origins(request: Any = None) -> list[tuple[str, Any]]:
    named = Lead.objects.exclude(origin=None).order_by("origin").values_list("origin", flat=True).distinct()
    return [(NOT_GIVEN, _("not given")), *((name, name) for name in named if name)]


def segments(request: Any = None) -> list[tuple[str, Any]]:
    named = Deal.objects.order_by("segment").values_list("segment", flat=True).distinct()
    return [(NOT_GIVEN, _("not given")) if not name else (name, name) for name in named]


class LeadFilters(lists.ListFilters):
    contact = lists.PeriodFilter(field_name="first_contact_on", label=_("First contact"), civil=True)
    origin = django_filters.ChoiceFilter(label=_("Origin"), choices=origins, method="of_origin")
    won = django_filters.BooleanFilter(label=_("Won"), field_name="deal", lookup_expr="isnull", exclude=True)
    landing_page = django_filters.CharFilter(label=_("Landing page"), lookup_expr="exact")

    def of_origin(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return rows.filter(origin=None if value == NOT_GIVEN else value)


class DealFilters(lists.ListFilters):
    won = lists.PeriodFilter(field_name="won_on", label=_("Won"), civil=True)
    origin = django_filters.ChoiceFilter(label=_("Origin"), choices=origins, method="of_origin")
    segment = django_filters.ChoiceFilter(label=_("Segment"), choices=segments, method="of_segment")
    seller = django_filters.CharFilter(field_name="seller_key", label=_("Seller"), lookup_expr="exact")

    def of_origin(self, rows: QuerySet[Deal], name: str, value: str) -> QuerySet[Deal]:
        return rows.filter(lead__origin=None if value == NOT_GIVEN else value)

    def of_segment(self, rows: QuerySet[Deal], name: str, value: str) -> QuerySet[Deal]:
        return rows.filter(segment="" if value == NOT_GIVEN else value)
