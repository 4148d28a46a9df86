"""Leads from any CSV: a person names the columns once. A row with a date of winning is a won deal too."""

# ruff: noqa: S608 (statements are put together from this package's own constants, never from a person's text)

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.core.imports import Column, Table

from . import writing
from .base import LeadSource

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from backoffice.core.models import ImportBatch

KEY = "leads_csv"

ROWS = Table(
    "leads",
    _("Leads"),
    [
        Column("lead", required=True, title=_("Lead"), aliases=["id", "lead id", "código"], max_length=80),
        Column(
            "first_contact", "date", required=True, title=_("First contact"), aliases=["date", "data", "created at"]
        ),
        Column("landing_page", title=_("Landing page"), aliases=["page", "página"], max_length=200),
        Column("origin", title=_("Origin"), aliases=["source", "utm source", "origem"], max_length=60),
        Column("won", "date", title=_("Won"), aliases=["won date", "closed at", "ganho em"]),
        Column("seller", title=_("Seller"), aliases=["customer", "cliente"], max_length=80),
        Column("segment", title=_("Segment"), aliases=["segmento"], max_length=60),
        Column("revenue", "money", title=_("Declared monthly revenue"), aliases=["faturamento"]),
    ],
)

_LEADS = """
    SELECT lead AS key, first_contact AS first_contact_on, coalesce(landing_page, '') AS landing_page, origin
    FROM stage_leads WHERE problem IS NULL
"""
_DEALS = f"""
    SELECT lead AS key, won::timestamp AT TIME ZONE '{settings.TIME_ZONE}' AS won_at, won AS won_on,
        coalesce(seller, '') AS seller_key, '' AS qualified_by, '' AS closed_by, coalesce(segment, '') AS segment,
        '' AS lead_type, '' AS behaviour, '' AS business_type, NULL::boolean AS has_company, NULL::boolean AS has_gtin,
        '' AS average_stock, NULL::numeric AS catalogue_size, revenue AS declared_revenue
    FROM stage_leads WHERE problem IS NULL AND won IS NOT NULL
"""


class LeadsCsv(LeadSource):
    key = KEY
    title = _("Leads from a CSV file")
    help = _("One row per lead; a row with a date of winning is a won deal too. You name the columns once.")
    tables = [ROWS]
    mapped = True

    def check(self, cursor: "CursorWrapper") -> None:
        writing.refuse_twice(cursor, "stage_leads", "lead")
        deal_differs = writing.differs(writing.DEAL, "d", "won")
        writing.mark(
            cursor,
            "stage_leads",
            "lead",
            f"""
            SELECT r.key, ({writing.differs(writing.LEAD, "l")}) OR (won.key IS NOT NULL AND ({deal_differs}))
            FROM ({_LEADS}) AS r JOIN marketing_lead AS l ON l.source = '{KEY}' AND l.key = r.key
            LEFT JOIN ({_DEALS}) AS won ON won.key = r.key LEFT JOIN marketing_deal AS d ON d.lead_id = l.id
        """,
        )

    def write(self, cursor: "CursorWrapper", batch: "ImportBatch | None") -> dict[str, Any]:
        return writing.write(cursor, batch, source=KEY, leads=_LEADS, deals=_DEALS)
