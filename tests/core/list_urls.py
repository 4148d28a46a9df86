"""A list with everything a list can have, for the tests of the list machine."""

from collections.abc import Sequence
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet, Sum
from django.urls import include, path

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import Form
from backoffice.core.models import Party, User


class Rename(lists.BulkAction):
    key = "rename"
    label = "Rename parties"
    right = "core.party.edit"

    class form(Form):
        name = forms.CharField(label="Name", max_length=40)

    def refusals(self, rows: Sequence[Any], *, by: User, **answers: Any) -> dict[Any, str]:
        return {row.pk: "Locked." for row in rows if row.phone == "locked"}

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        Party.objects.filter(pk__in=pks).update(name=answers["name"])


class Filters(lists.ListFilters):
    kind = django_filters.ChoiceFilter(label="Kind", choices=Party.Kind.choices)
    tax_id = django_filters.CharFilter(label="CPF")
    created = lists.PeriodFilter(field_name="created_at", label="Since")
    worth = lists.MoneyRangeFilter(field_name="version", label="Worth")
    sensitive = frozenset({"tax_id"})


@entrance("core.party.read")
class Everything(lists.ListPage):
    key = "test.parties"
    url_name = "test_parties"
    detail_url = "party"
    title = "Everything"
    filters = Filters
    search_fields = ["name"]
    search_is_sensitive = True
    default_order = "name"
    export_right = "core.party.export"
    page_size = 10
    bulk = [Rename()]
    tabs = [lists.Tab("people", "People", {"kind": "person"})]
    columns = [
        lists.Column("name", "Name", order=("name", "pk")),
        lists.Column("version", "Worth", kind="number", total=Sum("version"), order=("version", "pk")),
        lists.Column("created_at", "Since", kind="stamp", order=("created_at", "pk")),
        lists.Column("email", "E-mail", optional=True),
        lists.Column("tax_id", "CPF", right="core.party.export"),
    ]

    def queryset(self, user: User) -> QuerySet[Party]:
        return Party.objects.all()


urlpatterns = [
    path("test-parties/", Everything.as_view(), name="test_parties"),
    path("account/", include("backoffice.core.account_urls")),
    path("", include("backoffice.core.urls")),
]
handler400 = "backoffice.core.views.errors.bad_request"
handler403 = "backoffice.core.views.errors.forbidden"
