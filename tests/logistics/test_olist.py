"""The Olist source on made-up files that hold the traps of the real ones."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backoffice.core.models import Event, ImportFailure, Party
from finance.models import Payment
from logistics.models import Order, OrderEvent, OrderException, OrderItem, Product, Review
from tests.factories.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(tmp_path)


def reasons(result) -> list[tuple[str, int, str]]:
    found = ImportFailure.objects.filter(batch=result.batch).order_by("table", "line")
    return [(failure.table, failure.line, failure.reason) for failure in found]


def test_an_order_comes_in_with_all_that_belongs_to_it(shop):
    shop.order("o1", items=("60.00", "30.00"), freight="5.00", paid=("70.00", "30.00"))
    shop.rows["reviews"] = [["r1", "o1", 4, "bom", "chegou\nantes", "2018-03-10 00:00:00", "2018-03-11 03:05:13"]]

    result = shop.send()

    order = Order.objects.get(number="o1")
    assert (result.created, result.failed) == (1, 0)
    assert (order.items_amount, order.freight_amount, order.paid_amount) == (90, 10, 100)
    assert (order.total_amount, order.item_count, order.payment_count) == (100, 2, 2)
    assert (order.status, order.source_status, order.customer_city) == ("delivered", "delivered", "sao paulo")
    assert order.customer.name == "Customer ana"
    assert order.batch == result.batch
    assert order.batch_line == 2
    assert str(order.items.get(seq=1).product.category) == "Health beauty"
    assert order.items.get(seq=1).seller.roles.get().role == "seller"
    assert Payment.objects.filter(origin=order.ref).count() == 2
    assert order.reviews.get().message == "chegou\nantes"
    assert order.events.get().kind == "imported"
    assert not order.exceptions.exists()
    assert Event.objects.get(name="logistics.orders_changed").data == {"batch_id": result.batch.pk}


def test_one_person_behind_two_customer_rows_is_one_party(shop):
    shop.order("o1", customer="c1")
    shop.order("o2", customer="c2")

    shop.send()

    first, second = Order.objects.order_by("number")
    assert first.customer == second.customer
    assert Party.objects.filter(roles__role="customer").count() == 1


def test_a_stamp_in_the_hour_that_ran_twice_is_its_first_run(shop):
    # Daylight saving ended at midnight of 18 February 2018: 23:00 to 23:59 of the 17th ran twice.
    shop.order("o1", bought="2018-02-17 23:30:00", approved="2018-02-18 00:30:00")

    shop.send()

    order = Order.objects.get()
    assert order.purchased_at == datetime(2018, 2, 18, 1, 30, tzinfo=UTC)
    assert order.purchased_wall == datetime(2018, 2, 17, 23, 30)  # noqa: DTZ001
    assert (order.approved_at - order.purchased_at).total_seconds() == 7200
    assert (order.approved_wall - order.purchased_wall).total_seconds() == 3600


def test_a_stamp_in_a_skipped_hour_counts_as_much_later(shop):
    shop.order("o1", bought="2017-10-15 00:30:00")

    shop.send()

    assert Order.objects.get().purchased_at == datetime(2017, 10, 15, 3, 30, tzinfo=UTC)  # 01:30 by the new clock


def test_an_order_without_items_but_paid_comes_in_and_is_an_exception(shop):
    shop.order("o1", status="unavailable", items=(), handed="", delivered="")

    shop.send()

    order = Order.objects.get()
    assert (order.item_count, order.total_amount, order.paid_amount) == (0, 0, 100)
    assert set(order.exceptions.values_list("code", flat=True)) == {"paid_without_items", "late"}


def test_twenty_nine_payment_rows_of_one_order_all_count(shop):
    shop.order("o1", items=("290.00",), freight="0", paid=("10.00",) * 29)

    shop.send()

    order = Order.objects.get()
    assert (order.payment_count, order.paid_amount) == (29, 290)
    assert not order.exceptions.exists()


def test_a_state_that_contradicts_the_stamps_is_kept_with_both(shop):
    shop.order("o1", status="delivered", delivered="")
    shop.order("o2", status="canceled", delivered="2018-03-09 10:00:00")

    shop.send()

    first, second = Order.objects.order_by("number")
    assert first.status == "delivered"
    assert first.delivered_at is None
    assert second.status == "cancelled"
    assert second.delivered_at is not None
    assert not first.exceptions.filter(code="late").exists()
    assert list(second.exceptions.values_list("code", flat=True)) == ["cancelled_with_money"]


def test_one_review_on_two_orders_and_two_reviews_on_one_order_all_stay(shop):
    shop.order("o1")
    shop.order("o2")
    shop.rows["reviews"] = [
        ["r1", "o1", 5, "", "", "", ""],
        ["r1", "o2", 5, "", "", "", ""],
        ["r2", "o2", 1, "", "", "", ""],
    ]

    shop.send()

    assert Review.objects.count() == 3


def test_the_same_files_again_change_nothing(shop):
    shop.order("o1")
    shop.rows["reviews"] = [["r1", "o1", 5, "", "", "2018-03-10 00:00:00", ""]]
    shop.send()
    before = list(Order.objects.values()) + list(OrderItem.objects.values()) + list(Payment.objects.values())

    again = shop.send()

    assert (again.created, again.updated, again.unchanged, again.failed) == (0, 0, 1, 0)
    assert all(entity["create"] == entity["update"] == 0 for entity in again.counts["entities"].values())
    assert before == list(Order.objects.values()) + list(OrderItem.objects.values()) + list(Payment.objects.values())
    assert OrderEvent.objects.count() == 1
    assert Event.objects.filter(name="logistics.orders_changed").count() == 1


def test_a_changed_row_changes_its_order_and_says_what(shop):
    shop.order("o1", status="shipped", delivered="", promised="2030-03-20 00:00:00")
    shop.send()
    shop.rows["orders"][0][2], shop.rows["orders"][0][6] = "delivered", "2018-03-09 10:00:00"
    shop.rows["payments"][0][4] = "80.00"

    again = shop.send()

    order = Order.objects.get()
    event = order.events.latest("pk")
    assert (again.updated, again.counts["entities"]["payments"]["update"]) == (1, 1)
    assert (order.status, order.paid_amount, order.version) == ("delivered", 80, 2)
    assert (event.kind, event.from_status, event.to_status) == ("changed", "shipped", "delivered")
    assert event.data["paid_amount"] == [100, 80]
    assert "delivered_at" in event.data
    assert order.exceptions.get(code="payment_differs").amount == -20


def test_what_a_person_set_by_hand_is_left_alone(shop):
    shop.order("o1", status="shipped", delivered="")
    shop.send()
    Order.objects.update(customer_city="Santos", hand_set=["customer_city"], status="delivered")

    again = shop.send()

    order = Order.objects.get()
    assert again.unchanged == 1
    assert (order.customer_city, order.status) == ("Santos", "delivered")


def test_rows_without_their_order_or_product_are_refused_with_a_reason(shop):
    shop.order("o1")
    shop.rows["items"] += [["nowhere", 1, "p1", "s1", "", "1", "1"], ["o1", 2, "unheard", "s1", "", "1", "1"]]
    shop.rows["payments"] += [
        ["nowhere", 1, "boleto", 1, "9.00"],
        ["o1", 2, "barter", 1, "9.00"],
        ["o1", 1, "pix", 1, "9"],
    ]

    result = shop.send()

    assert [(table, line) for table, line, _ in reasons(result)] == [
        ("items", 3), ("items", 4), ("payments", 3), ("payments", 4), ("payments", 5),
    ]  # fmt: skip
    assert "not known here" in reasons(result)[0][2]
    assert "way of paying" in reasons(result)[3][2]
    assert Order.objects.get().paid_amount == 100


def test_files_may_come_in_any_order_and_part_by_part(shop):
    shop.order("o1")

    assert shop.send("orders").created == 1
    assert Order.objects.get().customer is None
    shop.send("customers")
    shop.send("products", "sellers", "categories")
    shop.send("items")
    shop.send("payments")

    order = Order.objects.get()
    assert (order.customer.name, order.customer_city) == ("Customer ana", "sao paulo")
    assert (order.total_amount, order.paid_amount) == (Decimal(100), Decimal(100))
    assert not order.exceptions.filter(closed_at=None).exists()


def test_a_preview_writes_nothing(shop):
    shop.order("o1")

    seen = shop.send(commit=False)

    assert seen.counts["create"] == 1
    assert not Order.objects.exists()
    assert not Product.objects.exists()
    assert not Party.objects.exists()


def test_a_product_without_category_and_an_untranslated_category_are_taken(shop):
    shop.rows["products"].append(["p3", "pc_gamer", 1, 1, 1, 1, 1, 1, 1])

    shop.send("products", "categories")

    assert Product.objects.get(code="p2").category is None
    assert str(Product.objects.get(code="p3").category) == "Pc gamer"
    assert not OrderException.objects.exists()
