"""`manage.py bench kpis --facts N`: fill, roll up, a late fact, tiles from the rollup and by GROUP BY, a drill-down."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection, connections

from backoffice.core.bell import CHANNEL, private_connection
from backoffice.core.bench import Say, bench, percentile
from backoffice.core.calendar import Period
from backoffice.core.models import User

from . import (
    bench_pages,  # noqa: F401 (its measurement)
    cells,
    rows,
    selectors,
)
from .cells import Ask
from .definitions import MEASURES
from .series import SERIES, Quantity
from .services import proof, rollup

FIRST, YEARS_SECONDS = datetime(2024, 1, 1, 3, tzinfo=UTC), 731 * 86400  # two civil years in São Paulo
CHUNK = 250_000
# Twelve indicators over twelve series, four of them with medians.
TWELVE = [
    "logistics.orders",
    "finance.freight_share",
    "logistics.cancellation_rate",
    "finance.transaction_error_rate",
    "logistics.processing_time",
    "logistics.delivery_time",
    "logistics.late_by_date",
    "logistics.late_by_stamp",
    "finance.payments_received",
    "logistics.review_score",
    "logistics.answer_time",
    "marketing.conversion",
]
KEYS = sorted({key for measure in TWELVE for key in MEASURES[measure].series})
LAST_DAY = date(2025, 12, 20)
PERIOD = Period.last(90, before=LAST_DAY)

# Facts in the order of time, as life writes them, an hour's noise included; the quantity is what the series carries.
_FILL = """
INSERT INTO kpis_fact (series, occurred_at, entity, part, amount, seconds, wall_seconds, score, hit, dim1, dim2, dim3)
SELECT series, %(first)s::timestamptz + make_interval(secs => %(span)s * g / %(facts)s + noise * 3600),
    'logistics.order:' || g, NULL,
    CASE WHEN series = ANY(%(money)s) THEN (10 + noise * 490)::numeric(18, 2) END,
    CASE WHEN series = ANY(%(timed)s) THEN (3600 * (1 + noise * 200))::int END,
    CASE WHEN series = ANY(%(timed)s) THEN (3600 * (1 + noise * 200))::int END,
    CASE WHEN series = ANY(%(scored)s) THEN 1 + (noise * 4)::int END,
    g %% 17 = 0, (%(states)s::text[])[1 + g %% 8], 'bench', ''
FROM (SELECT g, (%(series)s::text[])[1 + g %% %(kinds)s] AS series, random() AS noise
      FROM generate_series(%(low)s::bigint, %(high)s::bigint) g) drawn
"""

# The same answer without rollup: n, sum, p50 and p90 of every series and day, in both periods.
_GROUP_BY = """
SELECT f.series, (f.occurred_at AT TIME ZONE %(zone)s)::date, count(*), count(*) FILTER (WHERE f.hit),
    sum(coalesce(f.amount, f.seconds, f.score)),
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY coalesce(f.amount, f.seconds, f.score)::float8)
FROM kpis_livefact f
WHERE f.series = ANY(%(series)s) AND f.occurred_at >= %(start)s AND f.occurred_at < %(end)s
GROUP BY 1, 2
"""


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--facts", type=int, default=1_000_000, metavar="N", help="how many facts (1,000,000)")
    parser.add_argument("--rounds", type=int, default=100, help="how often tiles are read (100)")
    parser.add_argument("--prove", action="store_true", help="also recompute every bucket and count differences")


@bench("kpis", arguments=add_arguments)
def kpis(options: dict[str, Any], say: Say) -> dict[str, Any]:
    """facts, rollups, tiles, drill-down"""
    facts, rounds = options["facts"], options["rounds"]
    say(f"writing {facts} facts")
    fill = _timed(lambda: _fill(facts))
    say("rolling up")
    rolling = _timed(_roll_up_on_two_connections)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE kpis_fact")
        cursor.execute("VACUUM ANALYZE kpis_bucket")
        cursor.execute("SELECT count(*) FROM kpis_bucket")
        buckets = cursor.fetchone()[0]
    say("a late fact")
    late = [_late_fact(day) for day in (5, 33, 61)]
    say("tiles")
    days = [_timed(_days) for _ in range(rounds + 3)][3:]
    cold = _timed(_tiles)
    tiles = [_timed(_tiles) for _ in range(rounds + 3)][3:]
    say("the same by GROUP BY over the facts")
    grouped = [_timed(_group_by) for _ in range(5)]
    say("drill-down")
    drills = [_timed(lambda day=day: _drill(day)) for day in range(50)]  # type: ignore[misc]
    answer: dict[str, Any] = {
        "facts": facts,
        "fill_s": round(fill, 2),
        "rollup_s": round(rolling, 2),
        "buckets": buckets,
        "late_fact_ms": _ms(max(late)),
        "tiles_p50_ms": _ms(percentile(days, 0.5)),
        "tiles_p95_ms": _ms(percentile(days, 0.95)),
        "tiles_page_first_ms": _ms(cold),
        "tiles_page_p50_ms": _ms(percentile(tiles, 0.5)),
        "tiles_page_p95_ms": _ms(percentile(tiles, 0.95)),
        "group_by_p50_ms": _ms(percentile(grouped, 0.5)),
        "drill_p50_ms": _ms(percentile(drills, 0.5)),
        "drill_p95_ms": _ms(percentile(drills, 0.95)),
    }
    answer["times_faster"] = round(answer["group_by_p50_ms"] / answer["tiles_p50_ms"], 1)
    if options["prove"]:
        say("proof")
        found = proof.compare()
        answer |= {"compared": found.compared, "differences": found.differences}
    return answer


def _fill(facts: int) -> None:
    by_quantity = {
        quantity: [key for key in KEYS if SERIES[key].quantity is quantity]
        for quantity in (Quantity.MONEY, Quantity.DURATION, Quantity.SCORE)
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        for low in range(0, facts, CHUNK):
            cursor.execute(
                _FILL,
                {
                    "first": FIRST,
                    "span": YEARS_SECONDS - 7200,
                    "facts": facts,
                    "low": low,
                    "high": min(low + CHUNK, facts) - 1,
                    "series": KEYS,
                    "kinds": len(KEYS),
                    "states": ["SP", "RJ", "MG", "RS", "PR", "SC", "BA", "DF"],
                    "money": by_quantity[Quantity.MONEY],
                    "timed": by_quantity[Quantity.DURATION],
                    "scored": by_quantity[Quantity.SCORE],
                },
            )
        cursor.execute("ANALYZE kpis_fact")


def _roll_up_on_two_connections() -> None:
    """As two workers do."""

    def work() -> None:
        try:
            rollup.roll_up()
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _late_fact(day: int) -> float:
    """From the commit of a fact of long ago to the tile that counts it: NOTIFY, rollup, read. Seconds."""
    listening, rung = threading.Event(), threading.Event()

    def worker() -> None:
        try:
            with private_connection() as line:
                line.execute(f"LISTEN {CHANNEL}")
                listening.set()
                for _ in line.notifies(stop_after=1, timeout=30):
                    rung.set()
            rollup.roll_up()
        finally:
            connections.close_all()

    thread = threading.Thread(target=worker)
    thread.start()
    listening.wait()
    period = Period.of("day", FIRST.date() + timedelta(days=day))

    def counted() -> int:
        return selectors.tile("logistics.orders", period).now.n

    before = counted()
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kpis_fact (series, occurred_at, entity, amount, hit)"
            " VALUES ('orders.placed', %s, 'late:1', 1, true)",
            [cells.instants(period)[0] + timedelta(hours=12)],
        )
    while counted() == before:
        time.sleep(0.002)
    took = time.perf_counter() - began
    thread.join()
    return took


def _axes() -> list[cells.Axis]:
    return [(key, 0) for key in KEYS]


def _days() -> None:
    """n, hits, sum, p50, p90 of each of the twelve series on each day of both periods: what GROUP BY answers below."""
    cells.read(_axes(), [Ask(PERIOD, points="day", totals=False), Ask(PERIOD.previous(), points="day", totals=False)])


def _tiles() -> None:
    """What a dashboard asks: values, comparison with the previous period and last year, line, freshness, targets."""
    selectors.tiles(TWELVE, PERIOD, today=LAST_DAY)


def _group_by() -> None:
    with connection.cursor() as cursor:
        for period in (PERIOD, PERIOD.previous()):
            start, end = cells.instants(period)
            cursor.execute(_GROUP_BY, {"series": KEYS, "start": start, "end": end, "zone": cells.zone().key})
            cursor.fetchall()


def _drill(day: int) -> None:
    """Fifty rows behind one day of one number, and what all of them add up to."""
    rows.facts(MEASURES["finance.payments_received"], Period.of("day", PERIOD.start + timedelta(days=day)), User())


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
