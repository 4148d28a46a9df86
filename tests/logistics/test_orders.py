from datetime import UTC, date, datetime

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import DatabaseError

from backoffice.core.models import Event
from logistics import states
from logistics.models import Order, OrderEvent
from logistics.services import orders
from tests.factories.people import person
from tests.factories.shop import order

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)


def test_the_table_of_moves_knows_every_state_and_no_other():
    assert set(states.MOVES) == set(Order.Status.values)
    assert {after for moves in states.MOVES.values() for after in moves} <= set(Order.Status.values)


def test_a_move_sets_state_and_stamp_and_is_remembered():
    one, clerk = order(status="processing"), person("logistics_clerk")

    orders.move(order_id=one.pk, to="shipped", by=clerk, now=NOW)

    one.refresh_from_db()
    assert (one.status, one.handed_over_at, one.version) == ("shipped", NOW, 2)
    event = one.events.get()
    assert (event.kind, event.from_status, event.to_status, event.by) == ("moved", "processing", "shipped", clerk)
    assert Event.objects.get(name="logistics.orders_changed").data == {"order_ids": [one.pk]}


def test_a_move_that_is_not_in_the_table_is_refused():
    one = order(status="delivered")

    with pytest.raises(orders.NotAllowed):
        orders.move(order_id=one.pk, to="paid", by=person("logistics_clerk"), now=NOW)


def test_who_comes_second_is_told():
    one, clerk = order(status="processing"), person("logistics_clerk")
    orders.move(order_id=one.pk, to="on_hold", by=clerk, now=NOW, seen="processing")

    with pytest.raises(orders.Changed) as problem:
        orders.move(order_id=one.pk, to="shipped", by=clerk, now=NOW, seen="processing")

    assert problem.value.order.status == "on_hold"


def test_delivering_a_late_order_closes_its_exception():
    one, clerk = order(status="shipped", promised_on=date(2026, 3, 1)), person("logistics_clerk")
    orders.edit(order_id=one.pk, version=1, values={"customer_city": "Santos"}, by=clerk, now=NOW)
    assert one.exceptions.get(closed_at=None).code == "late"

    orders.move(order_id=one.pk, to="delivered", by=clerk, now=NOW)

    assert not one.exceptions.filter(closed_at=None).exists()


def test_an_edit_of_an_older_version_is_refused():
    one, clerk = order(), person("logistics_clerk")
    orders.edit(order_id=one.pk, version=1, values={"promised_on": date(2026, 4, 1)}, by=clerk, now=NOW)

    with pytest.raises(orders.Changed):
        orders.edit(order_id=one.pk, version=1, values={"customer_city": "Santos"}, by=clerk, now=NOW)

    one.refresh_from_db()
    assert (one.customer_city, one.hand_set) == ("São Paulo", ["promised_on"])


@pytest.mark.parametrize(
    "statement", ["UPDATE logistics_orderevent SET kind = 'moved'", "DELETE FROM logistics_orderevent"]
)
def test_events_of_a_standing_order_are_append_only(statement):
    OrderEvent.objects.create(order=order(), kind="imported")

    with pytest.raises((InternalError, DatabaseError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
