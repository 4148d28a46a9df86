"""Leads, what became of them, and one lead as a page."""

from django.db.models import QuerySet, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.selectors import activity

from . import selectors
from .filters import DealFilters, LeadFilters
from .models import Deal, Lead


@entrance("marketing.lead.read")
class LeadList(lists.ListPage):
    key = "marketing.leads"
    url_name = "marketing:leads"
    detail_url = "marketing:lead"
    title = _("Leads")
    lead = _("Who asked about us, from where, and whether they were won.")
    filters = LeadFilters
    search_fields = ("key",)
    search_label = _("Lead")
    default_order = "-first_contact_on"
    export_right = "marketing.lead.export"
    empty_text = _("No lead yet. Import the leads of your pages or campaigns.")
    tabs = (lists.Tab("won", _("Won"), {"won": "true"}), lists.Tab("open", _("Not won"), {"won": "false"}))
    columns = (
        lists.Column("key", _("Lead"), kind="code"),
        lists.Column("first_contact_on", _("First contact"), kind="day", order=("first_contact_on", "pk")),
        lists.Column("origin", _("Origin"), order=("origin", "first_contact_on", "pk")),
        lists.Column("won_on", _("Won"), value="deal.won_on", kind="day"),
        lists.Column("days", _("Days to win"), value=selectors.days_to_win, kind="number"),
        lists.Column("segment", _("Segment"), value="deal.segment"),
        lists.Column("landing_page", _("Landing page"), kind="code", optional=True),
        lists.Column("source", _("Source"), optional=True),
    )

    def queryset(self, user: User) -> QuerySet[Lead]:
        return Lead.objects.select_related("deal")

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("marketing.lead_import.create"):
            return []
        return [lists.Action(_("Import leads"), reverse("import_new"), is_primary=True)]


@entrance("marketing.lead.read")
class DealList(lists.ListPage):
    key = "marketing.deals"
    url_name = "marketing:deals"
    detail_url = "marketing:lead"
    title = _("Won deals")
    lead = _("Leads that were won, and what they declared.")
    filters = DealFilters
    search_fields = ("seller_key", "lead__key")
    search_label = _("Seller or lead")
    default_order = "-won_on"
    export_right = "marketing.lead.export"
    empty_text = _("No deal won yet.")
    columns = (
        lists.Column("seller_key", _("Seller"), kind="code"),
        lists.Column("won_on", _("Won"), kind="day", order=("won_on", "pk")),
        lists.Column("days", _("Days to win"), value=selectors.days_of, kind="number"),
        lists.Column("origin", _("Origin"), value="lead.origin"),
        lists.Column("segment", _("Segment"), order=("segment", "won_on", "pk")),
        lists.Column("lead_type", _("Lead type")),
        lists.Column("declared_revenue", _("Declared a month"), kind="money", total=Sum("declared_revenue")),
        lists.Column("business_type", _("Business type"), optional=True),
    )

    def queryset(self, user: User) -> QuerySet[Deal]:
        return Deal.objects.select_related("lead")

    def row_url(self, row: Deal) -> str:
        return f"{self._door(0)}{row.lead_id}{self._door(1)}"


@entrance("marketing.lead.read")
def lead(request: PersonRequest, pk: int) -> HttpResponse:
    found = selectors.lead(pk)
    if found is None:
        raise Http404
    context = {
        "lead": found.lead,
        "deal": found.deal,
        "days": found.days,
        "same_page": found.same_page,
        "crumbs": [(found.lead.key, "")],
        "activity": activity(found.lead.ref, request.user),
    }
    return render(request, "marketing/leads/detail.html", context)
