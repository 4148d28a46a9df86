"""Prove the buckets: make every one anew from all facts, by a road the rollup does not take, and compare.

The comparison reads one snapshot. Buckets whose dirty row still waits in that snapshot are not compared, they are known
to be behind; every other must be equal to the facts of the same snapshot, column by column.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from backoffice.core.models import Delivery, User
from backoffice.core.services import notices

from .. import aggregates
from ..models import Grain
from ..series import SERIES
from . import facts
from .rollup import known, roll_up

log = logging.getLogger(__name__)

_COMPARE = """
WITH hours AS (SELECT DISTINCT hour FROM kpis_dirtybucket WHERE series = %(series)s), ends AS ({ends}),
pending AS ({targets}),
cut AS (SELECT *, {label} AS label FROM kpis_livefact WHERE series = %(series)s),
packed AS (
    SELECT f.label, d.dim, d.value, {readings} FROM cut f {dims}
    WHERE d.dim = 0 OR %(grain)s <> 'hour'
    GROUP BY f.label, d.dim, d.value
),
fresh AS (SELECT {start} AS start, dim, value, %(version)s::smallint AS definition_version, {unpacked} FROM packed),
stored AS (SELECT * FROM kpis_bucket WHERE series = %(series)s AND grain = %(grain)s),
pair AS (
    SELECT coalesce(a.start, b.start) AS start, a.start IS NOT NULL AND b.start IS NOT NULL
        AND (a.n, a.hits, a.sum, a.low, a.high, a.p50, a.p90, a.definition_version) IS NOT DISTINCT FROM
            (b.n, b.hits, b.sum, b.low, b.high, b.p50, b.p90, b.definition_version) AS equal
    FROM fresh a FULL JOIN stored b ON (a.start, a.dim, a.value) = (b.start, b.dim, b.value)
)
SELECT count(*), count(*) FILTER (WHERE NOT equal),
    array_agg(DISTINCT start) FILTER (WHERE NOT equal)
FROM pair WHERE NOT EXISTS (SELECT FROM pending WHERE pending.grain = %(grain)s AND pending.start = pair.start)
"""


NOT_PROVEN = gettext_noop(
    "The nightly proof of the numbers found %(differences)s of %(compared)s buckets and %(facts)s facts wrong and "
    "made them anew."
)


@dataclass
class Proof:
    compared: int = 0
    differences: int = 0
    pending: int = 0  # hours whose recompute still waits
    drift: int = 0  # facts that were not what the business rows say
    wrong: list[tuple[str, str, datetime]] = field(default_factory=list)  # series, grain, start


def compare() -> Proof:
    """Compare all buckets with all facts, in one snapshot."""
    proof = Proof()
    with transaction.atomic(), connection.cursor() as cursor:
        if not connection.savepoint_ids:  # a caller's transaction keeps its own snapshot
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(DISTINCT (series, hour)) FROM kpis_dirtybucket")
        proof.pending = cursor.fetchone()[0]
        cursor.execute("SELECT DISTINCT series FROM kpis_bucket")
        for key in sorted({*SERIES, *(row[0] for row in cursor.fetchall())}):
            for grain in Grain.values:
                cursor.execute(_statement(key, grain), _parameters(key, grain))
                compared, differences, starts = cursor.fetchone()
                proof.compared += compared
                proof.differences += differences
                proof.wrong += [(key, grain, start) for start in starts or []]
    return proof


def prove_and_repair() -> Proof:
    """Bring facts in line with business rows, buckets with facts; what had to be repaired is told to who looks after
    the house. Facts of events that still wait for delivery are no fault and not counted."""
    waiting = _news_waits()
    drift = facts.sync_everything()
    roll_up()
    proof = compare()
    proof.drift = 0 if waiting else drift.added + drift.reversed
    if proof.differences:
        repair(proof)
    if proof.differences or proof.drift:
        log.error("kpis.not_proven", extra={"differences": proof.differences, "facts": proof.drift})
        notices.tell(
            User.objects.filter(groups__permissions__codename="core.job.read", is_active=True).values_list(
                "pk", flat=True
            ),
            kind="alert",
            subject="",
            text=NOT_PROVEN,
            key=f"kpis.proof:{timezone.localdate().isoformat()}",
            differences=proof.differences,
            compared=proof.compared,
            facts=proof.drift,
        )
    return proof


def _news_waits() -> bool:
    return Delivery.objects.filter(handler__startswith="kpis.", state=Delivery.State.WAITING).exists()


def repair(proof: Proof) -> None:
    """Mark what was found wrong as dirty and recompute it; an hour stands for the day, week and month it begins."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kpis_dirtybucket (series, hour, at)"
            " SELECT DISTINCT series, date_bin('1 hour', start, '2000-01-01 00:00:00+00'), clock_timestamp()"
            " FROM unnest(%s::text[], %s::timestamptz[]) AS wrong (series, start)",
            [[series for series, _, _ in proof.wrong], [start for _, _, start in proof.wrong]],
        )
    roll_up()


def _statement(key: str, grain: str) -> str:
    series = known(key)
    return _COMPARE.format(
        ends=aggregates.ENDS,
        targets=aggregates.TARGETS,
        label=aggregates.label(grain, "occurred_at"),
        start=aggregates.start(grain, "label"),
        readings=aggregates.readings(series),
        dims=aggregates.dims(series),
        unpacked=aggregates.UNPACKED,
    )


def _parameters(key: str, grain: str) -> dict[str, str | int]:
    return {"series": key, "grain": grain, "zone": settings.TIME_ZONE, "version": known(key).version}
