from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.core.models import Company
from finance.models import Payment
from logistics import selectors
from logistics.models import Order, OrderEvent, OrderException, Product, Review
from logistics.services import exceptions
from tests.factories.people import person
from tests.factories.shop import order

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)


@pytest.fixture
def manager(client):
    Company.objects.create(pk=1, name="Casa", waive_limit=50)
    user = person("logistics_manager", language="en")
    client.force_login(user)
    return user


def wrong_order(**fields) -> OrderException:
    one = order(paid="80.00", **fields)
    exceptions.detect_for([one.pk], now=NOW)
    return one.exceptions.get()


def queries(client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    "name", ["logistics:orders", "logistics:exceptions", "logistics:products", "logistics:reviews", "finance:payments"]
)
def test_a_list_asks_the_same_few_queries_for_one_row_and_for_many(client, manager, name):
    first = wrong_order()
    Review.objects.create(source="test", external_id="r0", order=first.order, score=5, created_at=NOW)
    client.get(reverse(name))
    few = queries(client, reverse(name))

    for n in range(12):
        one = wrong_order()
        Product.objects.create(source="test", code=f"Q{n}")
        Review.objects.create(source="test", external_id=f"r{n}", order=one.order, score=5, created_at=NOW)

    assert queries(client, reverse(name)) == few <= 10


def test_an_order_page_shows_all_around_it_in_ten_queries(client, manager):
    exception = wrong_order(customer_name="Ana Lima", status="paid")
    url = reverse("logistics:order", args=[exception.order_id])
    client.get(url)

    assert queries(client, url) <= 10
    text = client.get(url).content.decode()
    assert "Ana Lima" in text
    assert "Paid differs from the order" in text
    assert "Processing" in text


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=sao", ["T-A"]),
        ("q=t-b", ["T-B"]),
        ("q=lima", ["T-A", "T-B"]),
        ("q=lima+santos", ["T-B"]),
        ("q=lima+t-b", ["T-B"]),
        ("q=lima+sp", ["T-A", "T-B"]),
        ("q=lima+rj", []),
        ("status=shipped", ["T-B"]),
        ("exception=payment_differs", ["T-B"]),
        ("total_min=100.01", []),
        ("state=RJ", []),
    ],
)
def test_orders_are_found(client, manager, asked, found):
    order(number="T-A", customer_city="São Paulo")
    second = order(number="T-B", customer_city="Santos", status="shipped", paid="80.00")
    exceptions.detect_for([second.pk], now=NOW)

    text = client.get(reverse("logistics:orders") + "?" + asked).content.decode()

    assert [number for number in ("T-A", "T-B") if f">{number}<" in text] == found


def test_a_text_abounds_when_the_newest_orders_and_those_before_them_hold_it(monkeypatch):
    monkeypatch.setattr(selectors, "SAMPLE", 4)
    for day in range(1, 9):
        city = "Rio" if day == 4 else "São Paulo"
        order(number=f"T-{day}", customer_city=city, purchased_at=NOW + timedelta(days=day))

    assert selectors.orders_abound("SAO paulo", beyond=3)
    assert not selectors.orders_abound("sao paulo", beyond=7)  # seven hold it, no more
    assert not selectors.orders_abound("rio", beyond=0)  # none of the newest


def test_a_frequent_text_is_not_counted_to_its_end(client, manager, monkeypatch):
    monkeypatch.setattr(selectors, "SAMPLE", 4)
    monkeypatch.setattr("backoffice.core.lists.CAP", 4)
    monkeypatch.setattr("backoffice.core.lists.page.CAP", 4)
    for day in range(1, 9):
        order(number=f"T-{day}", customer_city="Santos", purchased_at=NOW + timedelta(days=day))
    url = reverse("logistics:orders") + "?q=santos"

    text = client.get(url).content.decode()

    assert "more than 4 rows" in text
    assert all(f">T-{day}<" in text for day in range(1, 9))
    assert "8 rows" in client.get(url + "&count=exact").content.decode()


def test_an_order_is_moved_from_its_page(client, manager):
    one = order(status="shipped")

    client.post(reverse("logistics:order_move", args=[one.pk]), {"to": "delivered", "seen": "shipped"})

    one.refresh_from_db()
    assert one.status == "delivered"


def test_a_reader_cannot_move_or_edit_an_order(client):
    client.force_login(person("finance_clerk"))
    one = order(status="shipped")

    assert client.post(reverse("logistics:order_move", args=[one.pk]), {"to": "delivered"}).status_code == 403
    assert client.get(reverse("logistics:order_edit", args=[one.pk])).status_code == 403
    assert Order.objects.get().status == "shipped"


def test_two_people_who_edit_one_order_see_both_versions(client, manager):
    one = order()
    url = reverse("logistics:order_edit", args=[one.pk])
    values = {
        "customer_name": "Ana Lima",
        "customer_city": "Santos",
        "customer_state": "SP",
        "customer_postal": "11010",
    }
    assert client.post(url, values | {"version": "1"}).status_code == 302

    answer = client.post(url, values | {"customer_city": "Campinas", "version": "1"})

    assert answer.status_code == 409
    assert "Santos" in answer.content.decode()
    assert "Campinas" in answer.content.decode()
    assert Order.objects.get().customer_city == "Santos"


def test_an_exception_is_assigned_waived_and_opened_again(client, manager):
    exception = wrong_order()
    here = reverse("logistics:exception", args=[exception.pk])
    clerk = person("logistics_clerk")

    client.post(here + "assign/", {"owner": clerk.pk})
    assert client.post(here + "waive/", {"reason": ""}).status_code == 422
    client.post(here + "waive/", {"reason": "A voucher by phone"})
    exception.refresh_from_db()
    assert (exception.owner, exception.waive_reason) == (clerk, "A voucher by phone")
    assert "A voucher by phone" in client.get(here).content.decode()

    client.post(here + "reopen/")
    exception.refresh_from_db()
    assert exception.waived_at is None


def test_looking_again_closes_what_is_over(client, manager):
    exception = wrong_order()
    Order.objects.update(paid_amount=100)

    client.post(reverse("logistics:exception_check", args=[exception.pk]))

    exception.refresh_from_db()
    assert exception.closed_at is not None


def test_a_dry_run_says_which_waivers_are_refused_before_anything_happens(client, manager):
    small, large = wrong_order(), order(paid="20.00")
    exceptions.detect_for([large.pk], now=NOW)
    picks = list(OrderException.objects.values_list("pk", flat=True))
    url = reverse("logistics:exceptions")

    dry = client.post(url, {"do": "bulk", "bulk": "waive", "pick": picks, "reason": "Year end"})

    assert "second person" in dry.content.decode()
    assert not OrderException.objects.exclude(waived_at=None).exists()

    client.post(url, {"do": "bulk", "bulk": "waive", "pick": picks, "reason": "Year end", "confirmed": "yes"})

    assert list(OrderException.objects.exclude(waived_at=None)) == [small]


def test_a_payment_leads_to_its_order(client, manager):
    one = order()
    payment = reverse("finance:payment", args=[Payment.objects.get().pk])

    assert payment in client.get(reverse("finance:payments")).content.decode()
    assert reverse("logistics:order", args=[one.pk]) in client.get(payment).content.decode()


def test_a_closed_exception_says_after_what_and_its_order_tells_it_too(client, manager):
    found = wrong_order()
    exceptions.waive(found.pk, reason="A voucher", by=manager)
    Order.objects.update(paid_amount=90)
    exceptions.detect_for([found.order_id], now=NOW + timedelta(hours=1))
    later = OrderException.objects.get(closed_at=None)
    Order.objects.update(paid_amount=100)
    OrderEvent.objects.create(order=found.order, kind="edited", by=manager, at=NOW + timedelta(hours=2))
    exceptions.detect_for([found.order_id], now=NOW + timedelta(hours=2))

    first, second, whole = (
        client.get(url).content.decode()
        for url in (
            reverse("logistics:exception", args=[found.pk]),
            reverse("logistics:exception", args=[later.pk]),
            reverse("logistics:order", args=[found.order_id]),
        )
    )

    assert "Its amount changed." in first
    assert reverse("logistics:exception", args=[later.pk]) in first
    assert "What was found is over." in second
    assert "Edited, " in second
    assert whole.count("Exception closed: Paid differs") == whole.count("Exception opened: Paid differs") == 2
