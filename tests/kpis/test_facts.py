from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from backoffice.core import events
from backoffice.core.services import outbox
from finance.models import Payment
from kpis.models import Fact, LiveFact
from kpis.services import facts
from logistics.models import Order, Review
from tests.factories import shop
from tests.factories.activity import deal, lead

DAY = timedelta(days=1)
BOUGHT = datetime(2018, 11, 3, 22, tzinfo=shop.SAO_PAULO)  # that night the clock went an hour forward


def delivered(**fields: Any) -> Order:
    defaults = {
        "status": "delivered",
        "purchased_at": BOUGHT,
        "approved_at": BOUGHT + timedelta(minutes=30),
        "handed_over_at": datetime(2018, 11, 5, 10, tzinfo=shop.SAO_PAULO),
        "delivered_at": datetime(2018, 11, 9, 15, tzinfo=shop.SAO_PAULO),
        "promised_on": date(2018, 11, 9),
    }
    return shop.order(**defaults | fields)


def live(series: str) -> LiveFact:
    return LiveFact.objects.get(series=series)


@pytest.mark.django_db
def test_an_order_becomes_one_fact_of_each_series_dated_by_its_own_stamp() -> None:
    order = delivered(items="90.00", freight="10.00", paid="100.02")

    written = facts.sync_orders([order.pk])

    assert written.added == LiveFact.objects.count() == 9
    placed = live("orders.placed")
    assert (placed.occurred_at, placed.amount, placed.hit, placed.dim1, placed.entity) == (
        order.purchased_at, Decimal("90.00"), True, "SP", order.ref,
    )  # fmt: skip
    assert live("orders.freight").amount == Decimal("10.00")
    assert (live("orders.checked").amount, live("orders.checked").hit) == (Decimal("0.02"), True)
    assert live("orders.processed").occurred_at == order.handed_over_at
    assert live("orders.cancelled").hit is False
    # Fifteen hours on the promised day: in time by date, after its midnight by stamp.
    assert live("orders.late_by_date").hit is False
    assert live("orders.late_by_stamp").hit is True


@pytest.mark.django_db
def test_a_duration_over_a_moved_clock_is_an_hour_shorter_than_the_stamps_say() -> None:
    facts.sync_orders([delivered().pk])

    processed = live("orders.processed")

    assert processed.seconds == Decimal("34.5") * 3600
    assert processed.wall_seconds == Decimal("35.5") * 3600


@pytest.mark.django_db
def test_stamps_as_written_win_over_the_companys_clock() -> None:
    order = delivered(approved_wall=datetime(2018, 11, 3, 22, 0), handed_over_wall=datetime(2018, 11, 5, 10, 0))  # noqa: DTZ001

    facts.sync_orders([order.pk])

    assert live("orders.processed").wall_seconds == 36 * 3600


@pytest.mark.django_db
def test_a_cent_of_difference_is_no_error_and_negative_durations_stay() -> None:
    order = delivered(paid="100.01", handed_over_at=BOUGHT)

    facts.sync_orders([order.pk])

    assert live("orders.checked").hit is False
    assert live("orders.processed").seconds == -1800


@pytest.mark.django_db
def test_a_change_reverses_the_old_fact_and_adds_the_new_one_and_a_second_run_does_nothing() -> None:
    order = delivered()
    facts.sync_orders([order.pk])

    Order.objects.filter(pk=order.pk).update(status="cancelled", delivered_at=None)
    written = facts.sync_orders([order.pk])

    assert (written.added, written.reversed) == (1, 4)  # not delivered, not late, cancelled
    assert live("orders.cancelled").hit is True
    assert not LiveFact.objects.filter(series="orders.delivered").exists()
    again = facts.sync_everything()
    assert (again.added, again.reversed) == (0, 0)


@pytest.mark.django_db
def test_some_orders_leave_the_facts_of_others_alone() -> None:
    first, second = delivered(), delivered()
    facts.sync_orders([first.pk, second.pk])
    Order.objects.update(status="cancelled")

    written = facts.sync_orders([first.pk])

    assert LiveFact.objects.filter(series="orders.cancelled", hit=True).count() == 1
    assert written.reversed == 3  # a cancelled order is late by neither rule


@pytest.mark.django_db
def test_reviews_and_payments_are_parts_of_their_order() -> None:
    order = delivered(paid="60.00")
    Payment.objects.create(
        source="test", order_key=order.number, seq=2, origin=order.ref, method="boleto", amount=Decimal("40.00"),
        ordered_at=order.purchased_at,
    )  # fmt: skip
    for score in (2, 5):
        Review.objects.create(
            order=order, source="test", external_id=f"r{score}", score=score,
            created_at=BOUGHT if score == 5 else None, answered_at=BOUGHT + DAY if score == 5 else None,
        )  # fmt: skip

    facts.sync_orders([order.pk])

    paid = dict(LiveFact.objects.filter(series="payments.received").values_list("dim1", "amount"))
    assert paid == {"pix": Decimal("60.00"), "boleto": Decimal("40.00")}
    scored = dict(LiveFact.objects.filter(series="reviews.scored").values_list("score", "occurred_at"))
    assert scored == {5: BOUGHT + DAY, 2: BOUGHT}
    assert live("reviews.answered").seconds == 23 * 3600  # from 22:00 to 22:00 over the lost hour


@pytest.mark.django_db
def test_a_lead_without_origin_is_blank_and_a_deal_before_its_lead_counts_negative_days() -> None:
    won = lead(origin=None)
    lead(origin="unknown")
    deal(won, won_on=won.first_contact_on - DAY)

    facts.sync_leads()

    assert dict(LiveFact.objects.filter(series="leads.captured").values_list("dim1", "hit")) == {
        "": True,
        "unknown": False,
    }
    assert live("deals.won").seconds == -86400


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_write_each_fact_once() -> None:
    for _ in range(5):
        delivered()

    def run(_number: int) -> int:
        try:
            return facts.sync_orders().added
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        added = list(pool.map(run, range(3)))

    assert sorted(added) == [0, 0, 45]
    assert Fact.objects.count() == 45


@pytest.mark.django_db(transaction=True)
def test_an_import_and_its_undoing_reach_the_facts_through_their_events(tmp_path: Path) -> None:
    files = shop.Shop(tmp_path)
    files.order("A")
    files.order("B", paid=("90.00",))
    batch = files.send().batch
    outbox.deliver_waiting()
    assert LiveFact.objects.filter(series="orders.placed").count() == 2
    assert LiveFact.objects.filter(series="orders.checked", hit=True).count() == 1

    Order.objects.all().delete()
    batch.state = "undone"
    batch.save()
    events.record("logistics.orders_changed", batch_id=batch.pk)
    Payment.objects.all().delete()
    outbox.deliver_waiting()

    assert not LiveFact.objects.exists()
    assert Fact.objects.exists()
