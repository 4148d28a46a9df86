"""The Olist marketing funnel: qualified leads, and the deals some of them became.

Stamps are read as the shop's own clock, as in the order files of the same publisher. Contact has a date only, so the
days to win are counted between two dates as written. An empty origin stays empty; "unknown" is an origin.
"""

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

KEY = "olist_funnel"

LEADS = Table(
    "leads",
    _("Qualified leads"),
    [
        Column("mql_id", required=True, title=_("Lead"), max_length=80),
        Column("first_contact_date", "date", required=True, title=_("First contact")),
        Column("landing_page_id", title=_("Landing page"), max_length=200),
        Column("origin", title=_("Origin"), max_length=60),
    ],
    signature=["mql_id", "first_contact_date", "landing_page_id"],
)
DEALS = Table(
    "deals",
    _("Won deals"),
    [
        Column("mql_id", required=True, title=_("Lead"), max_length=80),
        Column("seller_id", title=_("Seller"), max_length=80),
        Column("sdr_id", title=_("Qualified by"), max_length=80),
        Column("sr_id", title=_("Closed by"), max_length=80),
        Column("won_date", "local_datetime", required=True, title=_("Won at")),
        Column("business_segment", title=_("Segment"), max_length=60),
        Column("lead_type", title=_("Lead type"), max_length=40),
        Column("lead_behaviour_profile", title=_("Behaviour"), max_length=40),
        Column("has_company", title=_("Has a company"), max_length=5),
        Column("has_gtin", title=_("Has product codes"), max_length=5),
        Column("average_stock", title=_("Average stock"), max_length=20),
        Column("business_type", title=_("Business type"), max_length=40),
        Column("declared_product_catalog_size", "decimal", title=_("Declared products")),
        Column("declared_monthly_revenue", "money", title=_("Declared monthly revenue")),
    ],
    signature=["mql_id", "seller_id", "won_date"],
)

_LEADS = """
    SELECT mql_id AS key, first_contact_date AS first_contact_on, coalesce(landing_page_id, '') AS landing_page, origin
    FROM stage_leads WHERE problem IS NULL
"""
_DEALS = f"""
    SELECT mql_id AS key, won_date AT TIME ZONE '{settings.TIME_ZONE}' AS won_at, won_date::date AS won_on,
        coalesce(seller_id, '') AS seller_key, coalesce(sdr_id, '') AS qualified_by, coalesce(sr_id, '') AS closed_by,
        coalesce(business_segment, '') AS segment, coalesce(lead_type, '') AS lead_type,
        coalesce(lead_behaviour_profile, '') AS behaviour, coalesce(business_type, '') AS business_type,
        lower(has_company) = 'true' AS has_company, lower(has_gtin) = 'true' AS has_gtin,
        coalesce(average_stock, '') AS average_stock, declared_product_catalog_size AS catalogue_size,
        declared_monthly_revenue AS declared_revenue
    FROM stage_deals WHERE problem IS NULL
"""


class OlistFunnel(LeadSource):
    key = KEY
    title = _("Olist funnel: leads and won deals")
    help = _("The two files of the published data set, together or one after the other, leads first.")
    tables = [LEADS, DEALS]

    def check(self, cursor: "CursorWrapper") -> None:
        writing.refuse_twice(cursor, "stage_leads", "mql_id")
        writing.refuse_twice(cursor, "stage_deals", "mql_id")
        for column in ("has_company", "has_gtin"):
            cursor.execute(
                f"UPDATE stage_deals SET problem = %s, problem_column = %s"
                f" WHERE problem IS NULL AND lower({column}) NOT IN ('true', 'false')",
                [writing.NOT_YES_OR_NO, column],
            )
        cursor.execute(
            """
            UPDATE stage_deals AS s SET problem = %s, problem_column = 'mql_id'
            WHERE problem IS NULL
                AND NOT EXISTS (SELECT 1 FROM stage_leads AS l WHERE l.mql_id = s.mql_id AND l.problem IS NULL)
                AND NOT EXISTS (SELECT 1 FROM marketing_lead AS l WHERE l.source = %s AND l.key = s.mql_id)
            """,
            [writing.NO_LEAD, KEY],
        )
        writing.mark(
            cursor,
            "stage_leads",
            "mql_id",
            f"""
            SELECT r.key, {writing.differs(writing.LEAD, "l")} FROM ({_LEADS}) AS r
            JOIN marketing_lead AS l ON l.source = '{KEY}' AND l.key = r.key
        """,
        )
        writing.mark(
            cursor,
            "stage_deals",
            "mql_id",
            f"""
            SELECT r.key, {writing.differs(writing.DEAL, "d")} FROM ({_DEALS}) AS r
            JOIN marketing_lead AS l ON l.source = '{KEY}' AND l.key = r.key
            JOIN marketing_deal AS d ON d.lead_id = l.id
        """,
        )

    def write(self, cursor: "CursorWrapper", batch: "ImportBatch | None") -> dict[str, Any]:
        return writing.write(cursor, batch, source=KEY, leads=_LEADS, deals=_DEALS)
