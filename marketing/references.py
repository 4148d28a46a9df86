"""How leads are named from outside."""

from django.urls import reverse

from backoffice.core import refs

from .models import Deal, Lead

refs.register(Lead, "marketing:lead", right="marketing.lead.read")
refs.register(Deal, right="marketing.lead.read", page=lambda deal: reverse("marketing:lead", args=[deal.lead_id]))
