"""How leads are named from outside, and how the palette finds them."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core import refs, search

from . import selectors
from .models import Deal, Lead

refs.register(Lead, "marketing:lead", right="marketing.lead.read")
refs.register(Deal, right="marketing.lead.read", page=lambda deal: reverse("marketing:lead", args=[deal.lead_id]))

search.searchable(
    "marketing.leads", label=_("Leads"), icon="user-plus", right="marketing.lead.read", find=selectors.find_leads
)
