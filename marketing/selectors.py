"""Leads, ready to show."""

from dataclasses import dataclass

from django.urls import reverse

from backoffice.core.search import Hit, Query

from .models import Deal, Lead


@dataclass(frozen=True)
class LeadCard:
    lead: Lead
    deal: Deal | None
    days: int | None  # from first contact to winning, negative when it was won before
    same_page: int  # how many leads came through the same landing page, this one included


def lead(pk: int) -> LeadCard | None:
    """One lead with its deal, in two queries."""
    found = Lead.objects.select_related("deal").filter(pk=pk).first()
    if found is None:
        return None
    same = Lead.objects.filter(landing_page=found.landing_page).count() if found.landing_page else 0
    return LeadCard(found, deal_of(found), days_to_win(found), same)


def deal_of(lead: Lead) -> Deal | None:
    """The deal a lead became; none is no error."""
    return getattr(lead, "deal", None)


def days_to_win(lead: Lead) -> int | None:
    deal = deal_of(lead)
    return days_of(deal) if deal else None


def days_of(deal: Deal) -> int:
    """Civil days from first contact to winning, both dates as their source wrote them."""
    return (deal.won_on - deal.lead.first_contact_on).days


def find_leads(query: Query, limit: int) -> list[Hit]:
    """Leads whose key begins as typed."""
    if len(query.written) < 3:
        return []
    rows = Lead.objects.filter(key__startswith=query.written).order_by("key", "pk")[:limit]
    return [Hit(row.key, reverse("marketing:lead", args=[row.pk]), row.origin or "") for row in rows]
