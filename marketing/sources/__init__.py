"""What marketing takes in: the Olist funnel as it is published, and leads from any CSV whose columns a person names."""

from backoffice.core.imports import register

from .leads_csv import LeadsCsv
from .olist_funnel import OlistFunnel

register(OlistFunnel())
register(LeadsCsv())
