"""A storm over the rollups: writers that are late, reverse and roll back, workers that are killed in the middle.

`storm` runs real processes on one database: writers, rollup workers, and somebody who kills workers with SIGKILL. When
it is over nothing may differ from a full recompute (`services/proof.py`). The processes are forked from a small parent
(this module as a program) that has loaded Django and holds no connection, so that a killed worker is replaced at once.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

# Hot hours, a month's end, and the nights in which São Paulo's clock was moved.
PLACES = [
    datetime(2017, 10, 15, 2, tzinfo=UTC),  # midnight of the 15th never was
    datetime(2018, 2, 18, 1, tzinfo=UTC),  # 23:00 of the 17th came twice
    datetime(2018, 3, 31, 23, tzinfo=UTC),
    datetime(2018, 4, 2, 12, tzinfo=UTC),
]
# Some recomputes wait a moment between their snapshot and their writing, which is where an older sum would win.
SLOW = """
CREATE FUNCTION kpis_storm() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(CASE WHEN random() < 0.4 THEN random() * 0.08 ELSE 0 END);
    RETURN NULL;
END $$;
CREATE TRIGGER kpis_storm BEFORE INSERT ON kpis_bucket FOR EACH STATEMENT EXECUTE FUNCTION kpis_storm()
"""
NO_LONGER_SLOW = "DROP TRIGGER kpis_storm ON kpis_bucket; DROP FUNCTION kpis_storm()"
REST_SECONDS = 0.12
SERIES = ["orders.placed", "orders.processed", "reviews.scored"]


@dataclass(frozen=True)
class Damage:
    """What the storm did."""

    facts: int
    reversals: int
    kills: int
    seconds: float


def storm(*, database: str, kills: int, seed: int, writers: int = 2, workers: int = 4) -> Damage:
    """Write and roll up until `kills` workers were killed; then let the writers end. What is dirty stays dirty."""
    chance, began, killed = random.Random(seed), time.monotonic(), 0  # noqa: S311
    nursery = _Nursery(database)
    _execute(SLOW)
    try:
        writing = [nursery.start(f"write {seed + number}") for number in range(writers)]
        working = [nursery.start("work") for _ in range(workers)]
        while killed < kills:
            time.sleep(chance.uniform(0.05, 0.25))
            victim = working.pop(chance.randrange(len(working)))
            os.kill(victim, signal.SIGKILL)
            killed += 1
            working.append(nursery.start("work"))
        for writer in writing:
            os.kill(writer, signal.SIGTERM)
        for worker in working:
            os.kill(worker, signal.SIGKILL)
    finally:
        nursery.close()
        _execute(NO_LONGER_SLOW)
    return Damage(*_written(), killed, round(time.monotonic() - began, 1))


class _Nursery:
    """The program below: told what to start, it answers with the process id."""

    def __init__(self, database: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kpis.torture", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, what: str) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End when every process it started has ended."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def _execute(statements: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statements)


def _written() -> tuple[int, int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(reverses_id) FROM kpis_fact")
        found: tuple[int, int] = cursor.fetchone()
    return found


def write(seed: int) -> None:
    """Add facts and reversals, a few rows to a few hundred at a time, some long in committing, some never."""
    from django.db import connection, transaction

    chance = random.Random(seed)  # noqa: S311
    ending = _until_told()
    own: list[int] = []
    while not ending():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                if own and chance.random() < 0.25:
                    gone = own.pop(chance.randrange(len(own)))
                    cursor.execute(
                        "INSERT INTO kpis_fact (series, occurred_at, entity, amount, seconds, wall_seconds, score, hit,"
                        " dim1, dim2, reverses_id) SELECT series, occurred_at, entity, -amount, seconds, wall_seconds,"
                        " score, hit, dim1, dim2, id FROM kpis_fact WHERE id = %s",
                        [gone],
                    )
                new = _add(cursor, chance)
                if chance.random() < 0.1:
                    time.sleep(chance.uniform(0, 0.15))  # commits after others that began later
                if chance.random() < 0.05:
                    raise _Regret
            own += new
        except _Regret:
            pass


class _Regret(Exception):
    """The writer takes its transaction back."""


def _add(cursor: object, chance: random.Random) -> list[int]:
    rows = []
    # All writers move on together, so that what a race left wrong is not mended by the next write to the same place.
    moved = int(time.time() / REST_SECONDS) % 60
    for _ in range(chance.choice([1, 1, 1, 5, 40])):
        series = chance.choice(SERIES)
        at = chance.choice(PLACES) + timedelta(days=31 * moved, seconds=chance.randrange(0, 9000))
        seconds = Decimal(chance.randrange(-3_600_000_000, 900_000_000_000)) / 1_000_000
        rows.append(
            [
                series,
                at,
                f"logistics.order:{chance.randrange(10**6)}",
                Decimal(chance.randrange(1, 99_999)) / 100 if series == "orders.placed" else None,
                seconds if series == "orders.processed" else None,
                seconds if series == "orders.processed" else None,
                chance.randrange(1, 6) if series == "reviews.scored" else None,
                chance.random() < 0.5,
                chance.choice(["SP", "RJ", ""]),
                "storm",
            ]
        )
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(rows))
    cursor.execute(  # type: ignore[attr-defined]
        "INSERT INTO kpis_fact (series, occurred_at, entity, amount, seconds, wall_seconds, score, hit, dim1, dim2)"  # noqa: S608
        f" VALUES {places} RETURNING id",
        [value for row in rows for value in row],
    )
    return [row[0] for row in cursor.fetchall()]  # type: ignore[attr-defined]


def work() -> None:
    """Roll up for ever."""
    from kpis.services.rollup import roll_up

    while True:
        if not roll_up():
            time.sleep(0.005)


def _until_told() -> Callable[[], bool]:
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    return lambda: bool(told)


def _nursery(database: str) -> None:
    import django

    django.setup()
    from django.conf import settings

    from kpis.services import rollup  # noqa: F401 (loaded once, for every child)

    settings.DATABASES["default"]["NAME"] = database
    for line in sys.stdin:
        what, *arguments = line.split()
        child = os.fork()
        if child == 0:
            write(int(arguments[0])) if what == "write" else work()
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


if __name__ == "__main__":
    _nursery(sys.argv[1])
