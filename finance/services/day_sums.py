"""Sums of days: what reports read instead of the postings, made anew by the clock for the days that were posted to."""

from django.db import connection

MOST = 5_000  # entries since; with more, reading the postings is quicker
SOME = 500  # entries since the last time, before which it is not worth the while

# How many entries were sealed since.
BEHIND = """
SELECT coalesce(sum(h.seq - coalesce((s.marks ->> h.journal_id::text)::bigint, 0)), 0)
FROM finance_journalhead h LEFT JOIN finance_daysummary s ON true
"""

# Their postings, walked from the few new seals by key: LIMIT and OFFSET keep the planner from reading the books.
FRESH = """fresh AS MATERIALIZED (
    SELECT p.* FROM (
        SELECT h.journal_id, h.seq, coalesce((s.marks ->> h.journal_id::text)::bigint, 0) AS mark
        FROM finance_journalhead h LEFT JOIN finance_daysummary s ON true
    ) h
    CROSS JOIN LATERAL (
        SELECT s.entry_id FROM finance_entryseal s WHERE s.journal_id = h.journal_id AND s.seq > h.mark
        ORDER BY s.journal_id, s.seq LIMIT h.seq - h.mark
    ) s
    CROSS JOIN LATERAL (
        SELECT p.entry_id, p."on", p.account_id, p.cost_centre_id, p.amount FROM finance_posting p
        WHERE p.entry_id = s.entry_id OFFSET 0
    ) p
)"""


def behind() -> int:
    """How many entries the sums do not hold."""
    with connection.cursor() as cursor:
        cursor.execute(BEHIND)
        return int(cursor.fetchone()[0])


def sum_up() -> int:
    """Sum anew the days that were posted to since; how many. In a transaction that reads what is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT finance_sum_days()")
        return int(cursor.fetchone()[0])
