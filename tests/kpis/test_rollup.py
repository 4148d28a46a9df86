import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, InternalError, connection, connections, transaction

from kpis import torture
from kpis.models import Bucket, DirtyBucket, Fact
from kpis.services import proof, rollup
from tests.factories.facts import fact, reverse


def bucket(grain: str, start: str, *, series: str = "orders.placed", dim: int = 0, value: str = "") -> Bucket:
    return Bucket.objects.get(series=series, grain=grain, dim=dim, value=value, start=datetime.fromisoformat(start))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    ["UPDATE kpis_fact SET amount = 0", "DELETE FROM kpis_fact", "TRUNCATE kpis_fact"],
)
def test_a_fact_is_never_changed_or_removed(change: str) -> None:
    fact()
    with pytest.raises((IntegrityError, InternalError), match="never changed"), transaction.atomic():
        connection.cursor().execute(change)


@pytest.mark.django_db
def test_a_reversal_must_mirror_a_fact_that_is_none() -> None:
    first = fact(amount=Decimal("10.00"))
    mirror = reverse(first)
    other = fact(amount=Decimal("5.00"))
    for wrong in [
        {"reverses_id": other.pk, "amount": Decimal("-4.00")},
        {"reverses_id": mirror.pk, "amount": Decimal("10.00")},
        {"reverses_id": 10**9, "amount": Decimal("1.00")},
        {"reverses_id": first.pk, "amount": Decimal("-10.00")},
    ]:
        with pytest.raises(IntegrityError), transaction.atomic():
            fact(**wrong)


@pytest.mark.django_db
def test_whatever_adds_facts_says_which_hours_are_dirty_once_per_statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kpis_fact (series, occurred_at, entity, amount)"
            " SELECT 'orders.placed', '2018-03-14 12:00Z'::timestamptz + make_interval(mins => g), 'x:1', 1"
            " FROM generate_series(0, 119) g"
        )
        with cursor.copy("COPY kpis_fact (series, occurred_at, entity) FROM STDIN") as copy:
            copy.write_row(["orders.cancelled", "2018-03-14 18:59:59+00", "x:1"])

    assert sorted(DirtyBucket.objects.values_list("series", "hour")) == [
        ("orders.cancelled", datetime(2018, 3, 14, 18, tzinfo=UTC)),
        ("orders.placed", datetime(2018, 3, 14, 12, tzinfo=UTC)),
        ("orders.placed", datetime(2018, 3, 14, 13, tzinfo=UTC)),
    ]


@pytest.mark.django_db
def test_buckets_hold_hour_day_week_and_month_and_each_value_of_a_dim() -> None:
    fact(at="2018-03-14T23:30:00-03:00", amount=Decimal("10.10"), hit=True, dim1="SP")  # a Wednesday
    fact(at="2018-03-15T00:10:00-03:00", amount=Decimal("20.20"), hit=False, dim1="RJ")
    fact(at="2018-03-31T12:00:00-03:00", amount=Decimal("30.30"), hit=True, dim1="SP")

    rollup.roll_up()

    assert bucket("hour", "2018-03-15T02:00:00Z").n == 1
    assert bucket("day", "2018-03-14T03:00:00Z").sum == Decimal("10.10")
    week = bucket("week", "2018-03-12T03:00:00Z")
    assert (week.n, week.hits, week.sum) == (2, 1, Decimal("30.30"))
    month = bucket("month", "2018-03-01T03:00:00Z")
    assert (month.n, month.sum, month.low, month.high, month.p50) == (
        3,
        Decimal("60.60"),
        Decimal("10.10"),
        Decimal("30.30"),
        Decimal("20.20"),
    )
    assert bucket("month", "2018-03-01T03:00:00Z", dim=1, value="SP").n == 2
    assert not Bucket.objects.filter(grain="hour", dim=1).exists()


@pytest.mark.django_db
def test_a_reversed_fact_counts_nowhere_and_its_empty_buckets_go() -> None:
    wrong = fact(at="2018-03-14T12:00:00-03:00", amount=Decimal("10.00"))
    fact(at="2018-03-15T12:00:00-03:00", amount=Decimal("1.00"))
    rollup.roll_up()

    reverse(wrong)
    rollup.roll_up()

    assert bucket("month", "2018-03-01T03:00:00Z").sum == Decimal("1.00")
    assert not Bucket.objects.filter(grain="day", start=datetime(2018, 3, 14, 3, tzinfo=UTC)).exists()
    assert proof.compare().differences == 0


@pytest.mark.django_db
def test_days_have_23_and_25_hours_where_the_clock_was_moved() -> None:
    # 2017-10-15 began at 01:00 (03:00Z); 2018-02-17 ended an hour later than it began, at 03:00Z.
    for hour in range(72):
        fact(at=(datetime(2017, 10, 14, 3, tzinfo=UTC) + timedelta(hours=hour)).isoformat())
        fact(at=(datetime(2018, 2, 16, 2, tzinfo=UTC) + timedelta(hours=hour)).isoformat())

    rollup.roll_up()

    days = Bucket.objects.filter(grain="day", dim=0).order_by("start").values_list("start", "n")
    lengths = {start.isoformat()[:16]: n for start, n in days}
    assert lengths["2017-10-14T03:00"] == 24
    assert lengths["2017-10-15T03:00"] == 23
    assert lengths["2018-02-17T02:00"] == 25
    assert lengths["2018-02-18T03:00"] == 23  # as far as the facts go
    assert proof.compare().differences == 0


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Atlantic/Azores", "Australia/Lord_Howe"])
def test_both_roads_agree_in_zones_that_cut_hours_or_repeat_midnight(zone: str, settings: object) -> None:
    settings.TIME_ZONE = zone  # type: ignore[attr-defined]
    for minute in range(0, 72 * 60, 20):
        fact(at=(datetime(2018, 10, 27, 3, tzinfo=UTC) + timedelta(minutes=minute)).isoformat())

    rollup.roll_up()

    found = proof.compare()
    assert found.differences == 0
    assert sum(Bucket.objects.filter(grain="day", dim=0).values_list("n", flat=True)) == 216


@pytest.mark.django_db
def test_a_second_run_changes_nothing() -> None:
    fact()
    rollup.roll_up()
    before = list(Bucket.objects.values_list())

    assert rollup.roll_up() == []
    assert list(Bucket.objects.values_list()) == before


@pytest.mark.django_db(transaction=True)
def test_the_proof_finds_and_mends_what_was_changed_by_hand() -> None:
    fact(at="2018-03-14T12:00:00-03:00", dim1="SP")
    fact(at="2018-03-20T12:00:00-03:00", dim1="SP")
    rollup.roll_up()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kpis_bucket SET sum = sum + 0.01 WHERE grain = 'month' AND dim = 1")
        cursor.execute("DELETE FROM kpis_bucket WHERE grain = 'day' AND dim = 0 AND start = '2018-03-14 03:00Z'")
        cursor.execute("UPDATE kpis_bucket SET definition_version = 0 WHERE grain = 'hour'")
        cursor.execute(
            "INSERT INTO kpis_bucket (series, grain, dim, start, value, n, hits, definition_version, as_of)"
            " VALUES ('orders.placed', 'week', 0, '2018-01-01 02:00Z', '', 1, 0, 1, now())"
        )

    found = proof.compare()
    assert {grain for _, grain, _ in found.wrong} == {"month", "day", "hour", "week"}
    assert found.differences == 5

    proof.repair(found)

    assert proof.compare().differences == 0


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_not_called_wrong() -> None:
    fact()
    rollup.roll_up()
    fact(amount=Decimal("7.00"))

    found = proof.compare()

    assert (found.differences, found.pending) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work_and_agree() -> None:
    for day in range(1, 29):
        fact(at=f"2018-02-{day:02}T12:00:00-03:00", dim1="SP")
        fact("orders.cancelled", at=f"2018-03-{day:02}T12:00:00-03:00", hit=True)

    def work(_number: int) -> int:
        try:
            return len(rollup.roll_up())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(work, range(4)))

    assert done >= 2
    assert proof.compare().differences == 0


@pytest.mark.django_db(transaction=True)
def test_a_slow_worker_never_writes_an_older_sum_over_a_newer_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION kpis_test_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF current_setting('kpis.slow', true) = 'yes' THEN PERFORM pg_sleep(0.6); END IF; RETURN NULL; END $$;"
            "CREATE TRIGGER kpis_test_slow BEFORE INSERT ON kpis_bucket"
            " FOR EACH STATEMENT EXECUTE FUNCTION kpis_test_slow()"  # the statement has its snapshot by then
        )

    def slow_worker() -> None:
        connection.cursor().execute("SET kpis.slow = 'yes'")
        rollup.roll_up_one()
        connections.close_all()

    try:
        fact(amount=Decimal("1.00"))
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(slow_worker)
            until = time.monotonic() + 5
            while not asleep() and time.monotonic() < until:
                time.sleep(0.01)
            fact(amount=Decimal("2.00"))
            rollup.roll_up()
            slow.result()
    finally:
        connection.cursor().execute("DROP FUNCTION kpis_test_slow() CASCADE")

    assert bucket("month", "2018-03-01T03:00:00Z").sum == Decimal("3.00")


def asleep() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_storm_of_late_reversed_and_concurrent_facts_with_killed_workers_leaves_no_difference() -> None:
    damage = torture.storm(database=connection.settings_dict["NAME"], kills=12, seed=20181104)

    rollup.roll_up()

    found = proof.compare()
    assert damage.kills == 12
    assert damage.facts > 50
    assert Fact.objects.filter(reverses__isnull=False).count() == damage.reversals
    assert (found.differences, found.pending) == (0, 0)
