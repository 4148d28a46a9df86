# ruff: noqa: S608
"""Keep the buckets true: claim what is dirty, lock, recompute from the facts, commit. Nothing is ever incremented.

One transaction handles one series in one local month. It deletes the dirty rows (SKIP LOCKED: workers share the work),
takes an advisory lock for each month it writes, in sorted order, and only then, in a statement of its own, reads the
facts. The order matters: at READ COMMITTED a statement sees what was committed when it began, so a recompute that began
before the lock was granted would overwrite a newer sum with an older one. REPEATABLE READ would bring that fault back.
A worker that dies rolls back, and the dirty rows are still there.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from .. import aggregates
from ..series import SERIES, Series

_PICK = "SELECT series, hour FROM kpis_dirtybucket ORDER BY id {order} LIMIT 1 FOR UPDATE SKIP LOCKED"

_CLAIM = """
DELETE FROM kpis_dirtybucket WHERE id IN (
    SELECT id FROM kpis_dirtybucket
    WHERE series = %(series)s
    AND date_trunc('month', hour AT TIME ZONE %(zone)s) = date_trunc('month', %(hour)s AT TIME ZONE %(zone)s)
    FOR UPDATE SKIP LOCKED
) RETURNING hour
"""

# What the claimed hours touch, and the name of its lock: the month in which a bucket starts (a week: perhaps the last).
_TARGETS = f"""
WITH hours AS (SELECT DISTINCT hour FROM unnest(%(hours)s::timestamptz[]) AS claimed (hour)),
ends AS ({aggregates.ENDS}),
target AS ({aggregates.TARGETS})
SELECT grain, start, "end", %(series)s || ' ' || to_char(start AT TIME ZONE %(zone)s, 'YYYY-MM') AS lock FROM target
"""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('kpis.bucket ' || %s, 0))"

_RECOMPUTE = """
WITH target AS (
    SELECT * FROM unnest(%(grains)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
    AS t (grain, start, "end")
), packed AS (
    SELECT t.grain, t.start, added_up.* FROM target t CROSS JOIN LATERAL (
        SELECT d.dim, d.value, {readings} FROM kpis_livefact f {dims}
        WHERE f.series = %(series)s AND f.occurred_at >= t.start AND f.occurred_at < t."end"
        GROUP BY d.dim, d.value
    ) AS added_up
    WHERE t.grain <> 'hour'
    UNION ALL  -- hours, up to 745 of them, in one reading of what lies between the first and the last
    SELECT 'hour', {hour}, 0, '', {readings} FROM kpis_livefact f
    WHERE f.series = %(series)s
    AND f.occurred_at >= %(first_hour)s AND f.occurred_at < %(last_hour)s + interval '1 hour'
    AND {hour} = ANY(%(hours)s)
    GROUP BY {hour}
), fresh AS MATERIALIZED (
    SELECT grain, dim, start, value, {unpacked} FROM packed
), gone AS (
    DELETE FROM kpis_bucket b USING target t
    WHERE b.series = %(series)s AND b.grain = t.grain AND b.start = t.start
    AND b.dim = ANY(%(dims)s) AND b.start >= %(first)s AND b.start <= %(last)s  -- what the index needs to hear
    AND NOT EXISTS (
        SELECT FROM fresh WHERE (fresh.grain, fresh.dim, fresh.start, fresh.value) = (b.grain, b.dim, b.start, b.value)
    )
)
INSERT INTO kpis_bucket AS b (series, grain, dim, start, value, {columns}, definition_version, as_of)
SELECT %(series)s, grain, dim, start, value, {columns}, %(version)s, clock_timestamp() FROM fresh
ON CONFLICT (series, grain, dim, start, value) DO UPDATE
SET (n, hits, sum, low, high, p50, p90, definition_version, as_of) = (
    EXCLUDED.n, EXCLUDED.hits, EXCLUDED.sum, EXCLUDED.low, EXCLUDED.high, EXCLUDED.p50, EXCLUDED.p90,
    EXCLUDED.definition_version, EXCLUDED.as_of)
"""


DIMS = [0, 1, 2, 3]


@dataclass(frozen=True)
class Unit:
    """What one transaction brought up to date."""

    series: str
    hours: int
    buckets: int


def roll_up() -> list[Unit]:
    """Recompute until nothing is dirty; newest and oldest work in turn, so that news never waits for a backlog."""
    units: list[Unit] = []
    while unit := roll_up_one(newest_first=len(units) % 2 == 0):
        units.append(unit)
    return units


@transaction.atomic
def roll_up_one(*, newest_first: bool = False) -> Unit | None:
    """Recompute the buckets of one series in one month; None when no dirty row is free."""
    zone = settings.TIME_ZONE
    with connection.cursor() as cursor:
        cursor.execute(_PICK.format(order="DESC" if newest_first else "ASC"))
        picked = cursor.fetchone()
        if picked is None:
            return None
        key, hour = picked
        series = known(key)
        cursor.execute(_CLAIM, {"series": key, "hour": hour, "zone": zone})
        hours: list[datetime] = [row[0] for row in cursor.fetchall()]
        cursor.execute(_TARGETS, {"series": key, "hours": hours, "zone": zone})
        targets = cursor.fetchall()
        for lock in sorted({target[3] for target in targets}):
            cursor.execute(_LOCK, [lock])
        cursor.execute(
            _RECOMPUTE.format(
                readings=aggregates.readings(series),
                dims=aggregates.dims(series),
                unpacked=aggregates.UNPACKED,
                columns=aggregates.COLUMNS,
                hour=aggregates.label("hour", "f.occurred_at"),
            ),
            {
                "series": key,
                "version": series.version,
                "grains": [target[0] for target in targets],
                "starts": [target[1] for target in targets],
                "ends": [target[2] for target in targets],
                "hours": hours,
                "first_hour": min(hours),
                "last_hour": max(hours),
                "dims": DIMS,
                "first": min(target[1] for target in targets),
                "last": max(target[1] for target in targets),
            },
        )
    return Unit(series=key, hours=len(hours), buckets=len(targets))


def known(key: str) -> Series:
    """The series as the code knows it; one that it forgot is counted, no more."""
    return SERIES.get(key) or Series(key, "", "")
