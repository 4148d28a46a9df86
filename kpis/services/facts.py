"""Facts from business rows: say what they should be, compare with those that count, reverse and add the difference.

Every scope is one SELECT of desired facts in set-based SQL over the tables of the floors below. A fact is known by
(series, entity, part); where anything else differs, the old one is reversed and a new one written. Running twice, or
twice at once, or for everything, changes nothing that is right already: one advisory lock per scope lets one writer
compare at a time, and the comparison is a statement that begins after the lock is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from . import book_facts

COLUMNS = "series, occurred_at, entity, part, amount, seconds, wall_seconds, score, hit, dim1, dim2, dim3"


@dataclass(frozen=True)
class Written:
    """How many facts a run added and how many it reversed."""

    added: int
    reversed: int


def _elapsed(later: str, earlier: str) -> str:
    """Seconds between two instants, and between the stamps as written (a stamp never written: the company's clock)."""

    def wall(name: str) -> str:
        return f"coalesce(o.{name}_wall, o.{name}_at AT TIME ZONE %(zone)s)"

    return (
        f"extract(epoch FROM o.{later}_at - o.{earlier}_at)::numeric(18, 6),"
        f" extract(epoch FROM {wall(later)} - {wall(earlier)})::numeric(18, 6)"
    )


_ORDER = "'logistics.order:' || o.id"
_DIMS = "o.customer_state, o.source, ''"
_ARRIVED = "o.status IN ('delivered', 'returned') AND o.delivered_at IS NOT NULL AND o.promised_on IS NOT NULL"

# series → what follows SELECT: occurred_at, entity, part, amount, seconds, wall_seconds, score, hit, dims FROM …
_ORDERS = {
    "orders.placed": f"""
        o.purchased_at, {_ORDER}, NULL, o.items_amount, NULL, NULL, NULL, o.item_count > 0, {_DIMS}
        FROM logistics_order o WHERE true""",
    "orders.freight": f"""
        o.purchased_at, {_ORDER}, NULL, o.freight_amount, NULL, NULL, NULL, NULL, {_DIMS}
        FROM logistics_order o WHERE o.item_count > 0""",
    "orders.cancelled": f"""
        o.purchased_at, {_ORDER}, NULL, NULL, NULL, NULL, NULL, o.status = 'cancelled', {_DIMS}
        FROM logistics_order o WHERE true""",
    "orders.checked": f"""
        o.purchased_at, {_ORDER}, NULL, o.paid_amount - o.items_amount - o.freight_amount, NULL, NULL, NULL,
            abs(o.paid_amount - o.items_amount - o.freight_amount) > 0.01, {_DIMS}
        FROM logistics_order o WHERE o.item_count > 0 AND o.payment_count > 0""",
    "orders.processed": f"""
        o.handed_over_at, {_ORDER}, NULL, NULL, {_elapsed("handed_over", "approved")}, NULL, NULL, {_DIMS}
        FROM logistics_order o WHERE o.handed_over_at IS NOT NULL AND o.approved_at IS NOT NULL""",
    "orders.delivered": f"""
        o.delivered_at, {_ORDER}, NULL, NULL, {_elapsed("delivered", "purchased")}, NULL, NULL, {_DIMS}
        FROM logistics_order o WHERE o.delivered_at IS NOT NULL""",
    "orders.late_by_date": f"""
        o.delivered_at, {_ORDER}, NULL, NULL, NULL, NULL, NULL,
            coalesce(o.delivered_wall, o.delivered_at AT TIME ZONE %(zone)s)::date > o.promised_on, {_DIMS}
        FROM logistics_order o WHERE {_ARRIVED}""",
    "orders.late_by_stamp": f"""
        o.delivered_at, {_ORDER}, NULL, NULL, NULL, NULL, NULL,
            o.delivered_at > coalesce(o.promised_at, kpis_day_start(o.promised_on, %(zone)s)), {_DIMS}
        FROM logistics_order o WHERE {_ARRIVED}""",
    "payments.received": """
        o.ordered_at, o.origin, o.id, o.amount, NULL, NULL, NULL, NULL, o.method, o.source, ''
        FROM finance_payment o WHERE o.origin LIKE 'logistics.order:%%'""",
    "reviews.scored": f"""
        coalesce(r.answered_at, r.created_at, o.purchased_at), {_ORDER}, r.id, NULL, NULL, NULL, r.score, NULL,
            {_DIMS}
        FROM logistics_review r JOIN logistics_order o ON o.id = r.order_id WHERE true""",
    "reviews.answered": f"""
        r.answered_at, {_ORDER}, r.id, NULL, extract(epoch FROM r.answered_at - r.created_at)::numeric(18, 6),
            extract(epoch FROM coalesce(r.answered_wall, r.answered_at AT TIME ZONE %(zone)s)
                - coalesce(r.created_wall, r.created_at AT TIME ZONE %(zone)s))::numeric(18, 6), NULL, NULL, {_DIMS}
        FROM logistics_review r JOIN logistics_order o ON o.id = r.order_id
        WHERE r.answered_at IS NOT NULL AND r.created_at IS NOT NULL""",
}
# A lead is dated by a civil day, so its days to a deal are civil days by either clock.
_LEADS = {
    "leads.captured": """
        kpis_day_start(l.first_contact_on, %(zone)s), 'marketing.lead:' || l.id, NULL, NULL, NULL, NULL, NULL,
            EXISTS (SELECT FROM marketing_deal d WHERE d.lead_id = l.id), coalesce(l.origin, ''), '', ''
        FROM marketing_lead l WHERE true""",
    "deals.won": """
        d.won_at, 'marketing.lead:' || l.id, d.id, NULL, (d.won_on - l.first_contact_on) * 86400,
            (d.won_on - l.first_contact_on) * 86400, NULL, NULL, coalesce(l.origin, ''), d.segment, ''
        FROM marketing_deal d JOIN marketing_lead l ON l.id = d.lead_id WHERE true""",
}


@dataclass(frozen=True)
class Scope:
    """What is compared together. table, key: its records, and the SQL of their key, for comparing only some."""

    series: dict[str, str]
    table: str = ""
    key: str = ""

    def narrowed(self, series: str) -> str:
        return (
            " AND o.origin = ANY(%(entities)s)" if series == "payments.received" else f" AND {self.key} = ANY(%(ids)s)"
        )


_SCOPES = {
    "orders": Scope(_ORDERS, "logistics.order", "o.id"),
    "leads": Scope(_LEADS),
    "lines": Scope(book_facts.LINES, "finance.statementline", "l.id"),
    "matches": Scope(book_facts.MATCHES, "finance.match", "m.id"),
    "costs": Scope(book_facts.COSTS, "finance.journalentry", "p.entry_id"),
}

# No row; it says the types, so that the NULLs below need not.
_TYPES = """SELECT ''::text, now(), ''::text, 0::bigint, 0::numeric(18, 2), 0::numeric(18, 6), 0::numeric(18, 6),
    0::int, true, ''::text, ''::text, ''::text WHERE false"""

_DIFFERENCE = """
WITH desired ({columns}) AS ({desired}),
held AS (SELECT id, {columns} FROM kpis_livefact WHERE series = ANY(%(series)s) {held}),
pair AS (
    SELECT held.id AS old, desired.series IS NOT NULL AS is_new, desired.*,
        row(held.occurred_at, held.amount, held.seconds, held.wall_seconds, held.score, held.hit,
            held.dim1, held.dim2, held.dim3)
        IS NOT DISTINCT FROM row(desired.occurred_at, desired.amount, desired.seconds, desired.wall_seconds,
            desired.score, desired.hit, desired.dim1, desired.dim2, desired.dim3) AS equal
    FROM desired FULL JOIN held ON (held.series, held.entity, coalesce(held.part, 0))
        = (desired.series, desired.entity, coalesce(desired.part, 0))
),
written AS (
    INSERT INTO kpis_fact ({columns}, reverses_id)
    SELECT f.series, f.occurred_at, f.entity, f.part, -f.amount, f.seconds, f.wall_seconds, f.score, f.hit,
        f.dim1, f.dim2, f.dim3, f.id
    FROM pair JOIN kpis_fact f ON f.id = pair.old WHERE NOT (pair.equal AND pair.is_new)
    UNION ALL
    SELECT {columns}, NULL FROM pair WHERE is_new AND NOT (equal AND old IS NOT NULL)
    ORDER BY 1, 2  -- as they will be read
    RETURNING reverses_id
)
SELECT count(*) FILTER (WHERE reverses_id IS NULL), count(*) FILTER (WHERE reverses_id IS NOT NULL) FROM written
"""


def sync_orders(order_ids: Sequence[int] | None = None) -> Written:
    """Bring the facts of these orders, or of all, in line with orders, items, payments and reviews.

    An order that no longer exists has its facts reversed.
    """
    return _sync("orders", order_ids)


def sync_leads() -> Written:
    """Bring the facts of all leads and deals in line."""
    return _sync("leads", None)


def sync_lines(line_ids: Sequence[int] | None = None) -> Written:
    """Bring the facts of these bank lines, or of all, in line with what matched them."""
    return _sync("lines", line_ids)


def sync_statements(statement_ids: Sequence[int]) -> Written:
    return sync_lines(_ids(book_facts.LINES_OF_STATEMENTS, list(statement_ids)))


def sync_matches(match_ids: Sequence[int] | None = None) -> Written:
    """Bring the facts of these matches and of their lines in line, or of all."""
    if match_ids is None:
        return _together([_sync("matches", None), sync_lines()])
    lines = _ids(book_facts.LINES_OF_MATCHES, list(match_ids))
    return _together([_sync("matches", match_ids), sync_lines(lines)])


def sync_match_run(run_id: int) -> Written:
    return sync_matches(_ids(book_facts.MATCHES_OF_RUN, run_id))


def sync_new_costs() -> Written:
    """Write the facts of what the newest entries cost the back office."""
    return _sync("costs", _ids(book_facts.NEW_COSTS))


def sync_costs() -> Written:
    return _sync("costs", None)


def sync_everything() -> Written:
    return _together([sync_orders(), sync_leads(), sync_matches(), sync_costs()])


def _ids(question: str, *asked: int | list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(question, list(asked))
        return [row[0] for row in cursor.fetchall()]


def _together(found: Sequence[Written]) -> Written:
    return Written(sum(one.added for one in found), sum(one.reversed for one in found))


def sync_order_batch(batch_id: int) -> Written:
    """The orders that one import created, changed or restored; all of them when it was undone and rows are gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM core_importbatch WHERE id = %s", [batch_id])
        found = cursor.fetchone()
        if found is None or found[0] != "committed":
            return sync_orders()
        cursor.execute("SELECT DISTINCT order_id FROM logistics_orderevent WHERE batch_id = %s", [batch_id])
        touched = [row[0] for row in cursor.fetchall()]
    return sync_orders(touched)


@transaction.atomic
def _sync(scope: str, ids: Sequence[int] | None) -> Written:
    which, some = _SCOPES[scope], ids is not None
    parameters = {
        "zone": settings.TIME_ZONE,
        "series": list(which.series),
        "ids": list(ids or []),
        "entities": [f"{which.table}:{key}" for key in ids or []],
    }
    desired = f"{_TYPES} UNION ALL " + " UNION ALL ".join(
        f"SELECT '{series}', {statement}{which.narrowed(series) if some else ''}"
        for series, statement in which.series.items()
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('kpis.facts ' || %s, 0))", [scope])
        cursor.execute(
            _DIFFERENCE.format(columns=COLUMNS, desired=desired, held="AND entity = ANY(%(entities)s)" if some else ""),
            parameters,
        )
        added, gone = cursor.fetchone()
    return Written(added, gone)
