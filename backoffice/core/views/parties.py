"""Whom we deal with: the list, one party, a new one, a change."""

from typing import Any

import django_filters
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from .. import party_doors, recent, selectors
from ..access import entrance
from ..documents import bare, format_tax_id, kind_of, mask_tax_id
from ..forms import once, show_conflict
from ..http import PersonRequest
from ..lists import Action, Column, ListFilters, ListPage, PeriodFilter, Tab
from ..models import Party, PartyAddress, PartyRole, User
from ..party_forms import AddressFormSet, PartyForm, rows_of
from ..services import party_records


class PartyFilters(ListFilters):
    role = django_filters.ChoiceFilter(
        label=gettext_lazy("Role"), choices=PartyRole.Role.choices, field_name="roles__role"
    )
    kind = django_filters.ChoiceFilter(label=gettext_lazy("Kind"), choices=Party.Kind.choices)
    created = PeriodFilter(field_name="created_at", label=gettext_lazy("Since"))


def _roles(party: Party) -> str:
    return ", ".join(str(role.get_role_display()) for role in party.roles.all())


@entrance("core.party.read")
class PartyList(ListPage):
    key = "core.parties"
    url_name = "parties"
    detail_url = "party"
    title = gettext_lazy("Parties")
    lead = gettext_lazy("Customers, suppliers and sellers: one entry each, whatever they are to us.")
    filters = PartyFilters
    search_fields = ["search__contains"]
    search_label = gettext_lazy("Name, CPF or CNPJ")
    search_is_sensitive = True
    default_order = "name"
    export_right = "core.party.export"
    has_personal_data = True
    empty_text = gettext_lazy("Nobody here yet. Parties come with imported orders, or one by one.")
    tabs = [
        Tab("customers", gettext_lazy("Customers"), {"role": "customer"}),
        Tab("suppliers", gettext_lazy("Suppliers"), {"role": "supplier"}),
        Tab("sellers", gettext_lazy("Sellers"), {"role": "seller"}),
    ]
    columns = [
        Column("name", gettext_lazy("Name"), order=("name", "pk")),
        Column("roles", gettext_lazy("Roles"), value=_roles),
        Column("tax_id", gettext_lazy("CPF or CNPJ"), value=lambda party: mask_tax_id(party.tax_id)),
        Column("email", gettext_lazy("E-mail")),
        Column("phone", gettext_lazy("Phone"), optional=True),
        Column("kind", gettext_lazy("Kind"), value=Party.get_kind_display, optional=True),
        Column("created_at", gettext_lazy("Since"), kind="stamp", order=("created_at", "pk")),
    ]

    def queryset(self, user: User) -> QuerySet[Party]:
        return Party.objects.defer("search").prefetch_related("roles")

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By the whole tax id where the text has the length of one, else by words of the name."""
        tax_id = bare(text)
        if kind_of(tax_id) and sum(sign.isdigit() for sign in tax_id) >= 9:
            return queryset.filter(tax_id=tax_id)
        return super().search(queryset, text)

    def actions(self, user: User) -> list[Action]:
        if not user.may("core.party.create"):
            return []
        return [Action(_("New party"), reverse("party_create"), is_primary=True)]


@entrance("core.party.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    party = get_object_or_404(Party, pk=pk)
    return _show(request, party, mask_tax_id(party.tax_id))


@entrance(post="core.party.edit")
@require_POST
def reveal(request: PersonRequest, pk: int) -> HttpResponse:
    party = get_object_or_404(Party, pk=pk)
    return _show(request, party, format_tax_id(party_records.show_tax_id(party=party, by=request.user)))


def _show(request: PersonRequest, party: Party, tax_id: str) -> HttpResponse:
    recent.visited(request.user.pk, party.ref)
    context = {
        "party": party,
        "tax_id": tax_id,
        "is_masked": "*" in tax_id,
        "roles": party.roles.order_by("role"),
        "addresses": party.addresses.order_by("pk"),
        "keys": party.keys.order_by("source", "pk")[:10],
        "doors": party_doors.doors(party, request.user),
        "may_edit": request.user.may("core.party.edit"),
        "activity": selectors.activity(party.ref, request.user),
    }
    return render(request, "core/parties/detail.html", context)


@entrance("core.party.create")
@once
def create(request: PersonRequest) -> HttpResponse:
    form = PartyForm(request.POST or None)
    addresses = AddressFormSet(request.POST or None, queryset=PartyAddress.objects.none(), prefix="address")
    if request.method == "POST" and form.is_valid() and addresses.is_valid():
        party = party_records.create(
            values=form.values, roles=form.kept_roles, addresses=rows_of(addresses), by=request.user
        )
        messages.success(request, _("%(name)s is kept.") % {"name": party})
        return redirect("party", party.pk)
    context = {"form": form, "addresses": addresses, "cancel_url": reverse("parties")}
    return render(request, "core/parties/form.html", context, status=422 if request.method == "POST" else 200)


@entrance("core.party.edit")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    party = get_object_or_404(Party, pk=pk)
    if request.method == "GET" and kind_of(party.tax_id) == "cpf":
        party_records.show_tax_id(party=party, by=request.user)
    form = PartyForm(request.POST or None, instance=party)
    addresses = AddressFormSet(request.POST or None, queryset=party.addresses.order_by("pk"), prefix="address")
    context = {"form": form, "addresses": addresses, "party": party, "cancel_url": reverse("party", args=[pk])}
    if request.method == "POST" and form.is_valid() and addresses.is_valid():
        try:
            party_records.change(
                party_id=pk,
                version=form.version or 0,
                values=form.values,
                roles=form.kept_roles,
                addresses=rows_of(addresses),
                by=request.user,
            )
        except party_records.Changed as problem:
            return show_conflict(request, form, problem.party, "core/parties/form.html", context)
        return redirect("party", pk)
    return render(request, "core/parties/form.html", context, status=422 if request.method == "POST" else 200)
