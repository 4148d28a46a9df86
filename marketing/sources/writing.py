"""What every source of leads does with its staged rows, in set-based SQL: tell new from changed from equal, then write.

A source says how its stage reads as leads and as deals (two SELECTs with the columns below); all else is the same.
`key` is unique within each once `check` has refused the second row of a kind.
"""

# ruff: noqa: S608 (statements are put together from this package's own constants, never from a person's text)

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_noop as msgid

from backoffice.core import events
from backoffice.core.imports import changes

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from backoffice.core.models import ImportBatch

LEAD = ("first_contact_on", "landing_page", "origin")
DEAL = (
    "won_at", "won_on", "seller_key", "qualified_by", "closed_by", "segment", "lead_type", "behaviour", "business_type",
    "has_company", "has_gtin", "average_stock", "catalogue_size", "declared_revenue",
)  # fmt: skip

TWICE = msgid("The lead %(found)s stands in this file before.")
NO_LEAD = msgid("There is no lead %(found)s. Import the leads first, or both files together.")
NOT_YES_OR_NO = msgid("“%(found)s” is neither True nor False.")


def differs(columns: tuple[str, ...], kept: str, row: str = "r") -> str:
    """SQL that says whether any column of the kept row is unlike the staged one; NULL equals NULL."""
    return " OR ".join(f"{kept}.{name} IS DISTINCT FROM {row}.{name}" for name in columns)


def refuse_twice(cursor: "CursorWrapper", stage: str, column: str) -> None:
    cursor.execute(
        f"""
        UPDATE {stage} AS s SET problem = %s, problem_column = %s FROM (
            SELECT ctid, row_number() OVER (PARTITION BY {column} ORDER BY file, line) AS nth FROM {stage}
        ) AS n WHERE n.ctid = s.ctid AND n.nth > 1 AND s.problem IS NULL
        """,
        [TWICE, column],
    )


def mark(cursor: "CursorWrapper", stage: str, column: str, known: str) -> None:
    """Set the action of the good rows: `known` is a query of the keys that exist and whether the row changes them."""
    cursor.execute(f"UPDATE {stage} SET action = 'c' WHERE problem IS NULL")
    cursor.execute(
        f"""
        UPDATE {stage} AS s SET action = CASE WHEN k.changes THEN 'u' ELSE 's' END
        FROM ({known}) AS k (key, changes) WHERE s.{column} = k.key AND s.problem IS NULL
        """
    )


def write(
    cursor: "CursorWrapper", batch: "ImportBatch | None", *, source: str, leads: str, deals: str
) -> dict[str, Any]:
    """Write both sets and tell the floors above; counts what people ask about.

    leads, deals: SELECTs of `key` and the columns above; `source` is the source's own constant, never a person's text.
    """
    old = f"SELECT l.id FROM marketing_lead AS l JOIN ({leads}) AS r USING (key) WHERE l.source = '{source}'"
    if batch:
        changes.keep_before(cursor, batch, "marketing_lead", f"{old} AND ({differs(LEAD, 'l')})")
    cursor.execute(
        f"""
        UPDATE marketing_lead AS l SET {", ".join(f"{name} = r.{name}" for name in LEAD)} FROM ({leads}) AS r
        WHERE l.source = '{source}' AND l.key = r.key AND ({differs(LEAD, "l")})
        """
    )
    cursor.execute("SELECT coalesce(max(id), 0) FROM marketing_lead")
    last_lead = cursor.fetchone()[0]
    cursor.execute(
        f"""
        INSERT INTO marketing_lead (source, key, {", ".join(LEAD)}, created_at)
        SELECT '{source}', r.key, {", ".join(f"r.{name}" for name in LEAD)}, now() FROM ({leads}) AS r
        ORDER BY r.first_contact_on, r.key ON CONFLICT (source, key) DO NOTHING
        """
    )
    if batch:
        mine = f"SELECT l.id FROM marketing_lead AS l JOIN ({leads}) AS r USING (key)"
        changes.keep_created(
            cursor, batch, "marketing_lead", f"{mine} WHERE l.source = '{source}' AND l.id > {last_lead}"
        )
    counts = _write_deals(cursor, batch, source=source, deals=deals)
    events.record("marketing.leads_changed", **({"batch_id": batch.pk} if batch else {"source": source}))
    return counts


def _write_deals(cursor: "CursorWrapper", batch: "ImportBatch | None", *, source: str, deals: str) -> dict[str, Any]:
    rows = (
        "SELECT l.id AS lead_id, l.first_contact_on, r.* FROM marketing_lead AS l"
        f" JOIN ({deals}) AS r USING (key) WHERE l.source = '{source}'"
    )
    if batch:
        old = f"SELECT d.id FROM marketing_deal AS d JOIN ({rows}) AS r USING (lead_id) WHERE {differs(DEAL, 'd')}"
        changes.keep_before(cursor, batch, "marketing_deal", old)
    cursor.execute(
        f"""
        UPDATE marketing_deal AS d SET {", ".join(f"{name} = r.{name}" for name in DEAL)} FROM ({rows}) AS r
        WHERE d.lead_id = r.lead_id AND ({differs(DEAL, "d")})
        """
    )
    cursor.execute("SELECT coalesce(max(id), 0) FROM marketing_deal")
    last_deal = cursor.fetchone()[0]
    cursor.execute(
        f"""
        INSERT INTO marketing_deal (lead_id, {", ".join(DEAL)})
        SELECT r.lead_id, {", ".join(f"r.{name}" for name in DEAL)} FROM ({rows}) AS r
        ORDER BY r.won_at, r.lead_id ON CONFLICT (lead_id) DO NOTHING
        """
    )
    created = cursor.rowcount
    if batch:
        mine = f"SELECT d.id FROM marketing_deal AS d JOIN ({rows}) AS r USING (lead_id) WHERE d.id > {last_deal}"
        changes.keep_created(cursor, batch, "marketing_deal", mine)
    cursor.execute(f"SELECT count(*), count(*) FILTER (WHERE r.won_on < r.first_contact_on) FROM ({rows}) AS r")
    total, before_contact = cursor.fetchone()
    return {"deals": total, "deals_created": created, "won_before_first_contact": before_contact}


def talked_about(cursor: "CursorWrapper", batch: "ImportBatch") -> int:
    """How many leads that the batch made carry comments, tasks or files."""
    cursor.execute(
        """
        SELECT count(*) FROM core_importchange AS c
        WHERE c.batch_id = %s AND c."table" = 'marketing_lead' AND c.before IS NULL AND (
            EXISTS (SELECT 1 FROM core_comment WHERE subject = 'marketing.lead:' || c.key)
            OR EXISTS (SELECT 1 FROM core_task WHERE subject = 'marketing.lead:' || c.key)
            OR EXISTS (SELECT 1 FROM core_attachment WHERE subject = 'marketing.lead:' || c.key AND removed_at IS NULL))
        """,
        [batch.pk],
    )
    return int(cursor.fetchone()[0])
