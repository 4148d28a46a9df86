from datetime import date
from decimal import Decimal

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.core import events
from backoffice.core.calendar import Period
from kpis import selectors
from kpis.definitions import MEASURES
from kpis.models import MeasureSetting
from kpis.series import SERIES
from kpis.services import rollup
from tests.factories.facts import fact, reverse

MARCH = Period.of("month", date(2018, 3, 1))
LATER = date(2018, 6, 1)


def hours(*values: str, day: int = 14, month: int = 3) -> None:
    for value in values:
        fact("orders.processed", at=f"2018-{month:02}-{day:02}T12:00:00-03:00", seconds=Decimal(value) * 3600)


def test_every_measure_says_what_it_is_and_stands_on_known_series() -> None:
    for measure in MEASURES.values():
        assert all(
            [measure.title, measure.sentence, measure.numerator_says, measure.denominator_says, measure.zero_says]
        )
        assert set(measure.series) <= set(SERIES)
        assert measure.right.startswith("kpis.")
        assert bool(measure.middle) != bool(measure.numerator)


@pytest.mark.django_db
def test_a_month_computed_by_hand() -> None:
    for day, (amount, freight, paid_off, late) in enumerate(
        [("100.00", "10.00", False, True), ("50.50", "5.05", True, False), ("0.00", None, None, None)], start=1
    ):
        at = f"2018-03-{day:02}T12:00:00-03:00"
        fact("orders.placed", at=at, amount=Decimal(amount), hit=freight is not None)
        fact("orders.cancelled", at=at, hit=freight is None)
        if freight is not None:
            fact("orders.freight", at=at, amount=Decimal(freight))
            fact("orders.checked", at=at, amount=Decimal(0), hit=paid_off)
            fact("orders.late_by_date", at=at, hit=late)
    hours("-1", "10", "20", "30", "41")
    fact("reviews.scored", at="2018-03-05T12:00:00-03:00", score=5)
    fact("reviews.scored", at="2018-03-06T12:00:00-03:00", score=2)
    rollup.roll_up()

    shown = {tile.measure.key: tile.now for tile in selectors.tiles(list(MEASURES), MARCH, today=LATER)}

    assert shown["logistics.orders"].value == 3
    assert shown["finance.gmv"].value == Decimal("150.50")
    assert shown["finance.average_ticket"].value == Decimal("75.25")
    assert shown["finance.freight_share"].value == Decimal("15.05") / Decimal("150.50")
    assert shown["finance.transaction_error_rate"].value == Decimal("0.5")
    assert shown["logistics.cancellation_rate"].value == Decimal(1) / 3
    assert shown["logistics.late_by_date"].value == Decimal("0.5")
    assert shown["logistics.review_score"].value == Decimal("3.5")
    assert (shown["logistics.processing_time"].p50, shown["logistics.processing_time"].p90) == (20, Decimal("36.6"))


@pytest.mark.django_db
def test_an_empty_month_is_zero_for_sums_and_has_no_value_for_rates_and_medians() -> None:
    fact(at="2017-01-10T12:00:00-02:00")
    rollup.roll_up()

    shown = {tile.measure.key: tile for tile in selectors.tiles(list(MEASURES), MARCH, today=LATER)}

    assert all(tile.is_empty for tile in shown.values())
    assert shown["logistics.orders"].value == 0
    assert shown["finance.gmv"].value == Decimal("0.00")
    assert shown["finance.average_ticket"].value is None
    assert shown["logistics.processing_time"].value is None
    assert shown["logistics.orders"].last_period() == Period.of("month", date(2017, 1, 1))
    assert shown["marketing.leads"].last_period() is None


@pytest.mark.django_db
def test_any_number_of_tiles_costs_three_statements() -> None:
    fact()
    rollup.roll_up()
    for measures in (["logistics.orders"], list(MEASURES)):
        with CaptureQueriesContext(connection) as queries:
            selectors.tiles(measures, MARCH, today=LATER)
        assert len(queries) == 3


@pytest.mark.django_db
def test_a_tile_is_set_against_the_month_before_and_the_year_before() -> None:
    for at, amount in [("2018-03-02", "150"), ("2018-02-20", "100"), ("2017-03-31", "75")]:
        fact(at=f"{at}T12:00:00-03:00", amount=Decimal(amount))
    rollup.roll_up()

    tile = selectors.tile("finance.gmv", MARCH, today=LATER)

    assert (tile.change, tile.change_last_year) == (Decimal("0.5"), Decimal(1))
    assert [point.value for point in tile.points][:3] == [0, 150, 0]
    assert len(tile.points) == 31


@pytest.mark.django_db
def test_a_running_month_is_set_against_as_many_days_of_the_others() -> None:
    for at in ("2018-03-05", "2018-02-05", "2018-02-25"):
        fact(at=f"{at}T12:00:00-03:00")
    rollup.roll_up()

    tile = selectors.tile("logistics.orders", MARCH, today=date(2018, 3, 10))

    assert (tile.now.n, tile.previous.n) == (1, 1)
    assert tile.compared == Period(date(2018, 2, 1), date(2018, 2, 11))


@pytest.mark.django_db
def test_the_median_of_a_free_period_is_exact_and_remembered_until_a_fact_changes() -> None:
    caches["short"].clear()
    hours("1", "2", "9", day=5)
    hours("4", day=6, month=4)
    rollup.roll_up()
    period = Period(date(2018, 3, 2), date(2018, 4, 20))

    def median() -> Decimal | None:
        return selectors.tile("logistics.processing_time", period, today=LATER).value

    assert median() == 3
    with CaptureQueriesContext(connection) as queries:
        assert median() == 3
    assert len(queries) == 3

    hours("10", "10", day=7)
    rollup.roll_up()
    assert median() == Decimal("6.5")


@pytest.mark.django_db
def test_weeks_cut_by_the_period_count_only_their_days_inside() -> None:
    for day in range(1, 15):
        fact(at=f"2018-03-{day:02}T12:00:00-03:00", amount=Decimal(1))
    rollup.roll_up()

    points = selectors.series("finance.gmv", Period(date(2018, 3, 3), date(2018, 3, 14)), "week")

    assert [(point.day, point.value) for point in points] == [
        (date(2018, 2, 26), 2),  # Saturday and Sunday
        (date(2018, 3, 5), 7),
        (date(2018, 3, 12), 2),
    ]


@pytest.mark.django_db
def test_a_breakdown_adds_up_to_the_whole() -> None:
    for state, amount in [("SP", "70.00"), ("RJ", "20.00"), ("", "10.00")]:
        fact(amount=Decimal(amount), dim1=state)
    rollup.roll_up()

    slices = selectors.breakdown("finance.gmv", MARCH, "state")

    assert [(slice_.value, slice_.reading.value, slice_.share) for slice_ in slices] == [
        ("SP", Decimal("70.00"), Decimal("0.7")),
        ("RJ", Decimal("20.00"), Decimal("0.2")),
        ("", Decimal("10.00"), Decimal("0.1")),
    ]


@pytest.mark.django_db(transaction=True)
def test_as_of_is_the_oldest_thing_not_yet_counted() -> None:
    fact()
    rollup.roll_up()
    fresh = selectors.tile("logistics.orders", MARCH, today=LATER).as_of

    waiting = fact()
    behind = selectors.tile("logistics.orders", MARCH, today=LATER)
    other = selectors.tile("marketing.leads", MARCH, today=LATER)
    assert behind.now.n == 1
    assert behind.as_of < other.as_of

    reverse(waiting)
    rollup.roll_up()
    news = events.record("marketing.leads_changed", source="test")
    news.refresh_from_db()
    assert selectors.tile("logistics.orders", MARCH, today=LATER).as_of == news.at >= fresh


def test_a_value_is_judged_on_the_bad_side_of_its_thresholds() -> None:
    late = MeasureSetting(measure="logistics.late_by_date", attention=Decimal("0.05"), alarm=Decimal("0.10"))
    score = MeasureSetting(measure="logistics.review_score", attention=Decimal(4), alarm=Decimal(3))
    for setting, value, expected in [
        (late, "0.049", "good"),
        (late, "0.05", "attention"),
        (late, "0.10", "alarm"),
        (score, "4.1", "good"),
        (score, "3.9", "attention"),
        (score, "3", "alarm"),
    ]:
        assert selectors.judge(MEASURES[setting.measure], setting, Decimal(value)) == expected
