from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from finance.models import Payment
from finance.services import payments
from tests.factories.people import person

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 15, tzinfo=UTC)


def take(*rows: tuple[str, int, str, str]) -> dict[str, str]:
    """Order, part, method, amount → what each row did."""
    with connection.cursor() as cursor:
        cursor.execute(payments.INCOMING)
        cursor.executemany(
            "INSERT INTO incoming_payment (order_key, seq, method, instalments, amount, origin, ordered_at)"
            " VALUES (%s, %s, %s, 1, %s, 'logistics.order:7', %s)",
            [(*row, NOON) for row in rows],
        )
        payments.compare(cursor, source="shop")
        cursor.execute("SELECT order_key || '/' || seq, action::text FROM incoming_payment")
        actions = dict(cursor.fetchall())
        payments.take(cursor, source="shop", batch=None)
    return actions


def test_a_payment_is_created_once_changed_once_and_then_left_alone():
    assert take(("A1", 1, "pix", "10.00"), ("A1", 2, "voucher", "5.00")) == {"A1/1": "c", "A1/2": "c"}
    assert take(("A1", 1, "pix", "12.50"), ("A1", 2, "voucher", "5.00")) == {"A1/1": "u", "A1/2": "s"}
    assert take(("A1", 1, "pix", "12.50")) == {"A1/1": "s"}

    first, second = Payment.objects.order_by("seq")
    assert (first.amount, first.version, first.currency) == (Decimal("12.50"), 2, "BRL")
    assert (second.amount, second.version) == (Decimal("5.00"), 1)


@pytest.mark.parametrize("wrong", [{"amount": Decimal("-0.01")}, {"currency": "USD"}, {"seq": 1}])
def test_the_database_refuses_what_no_payment_can_be(wrong):
    fields = {"source": "shop", "order_key": "A1", "seq": 2, "origin": "logistics.order:7", "method": "pix"}
    Payment.objects.create(**fields | {"seq": 1}, amount=Decimal(1), ordered_at=NOON)

    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(**{"amount": Decimal(1), "ordered_at": NOON, **fields, **wrong})


def test_a_payment_follows_the_day_its_order_moved_to():
    take(("A1", 1, "pix", "10.00"))

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE moved ON COMMIT DROP AS"
            " SELECT 'logistics.order:7' AS origin, timestamptz '2026-03-11 12:00Z' AS ordered_at"
        )
        payments.redate(cursor, dates="moved")

    assert Payment.objects.get().ordered_at == datetime(2026, 3, 11, 12, tzinfo=UTC)


def test_payments_are_found_by_order_and_summed(client):
    client.force_login(person("finance_clerk", language="en"))
    take(("A1", 1, "pix", "10.00"), ("A1", 2, "voucher", "5.50"), ("B2", 1, "pix", "99.00"))

    answer = client.get(reverse("finance:payments") + "?order_number=A1&count=exact")

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "15.50" in text
    assert "99.00" not in text


def test_who_does_not_work_with_money_sees_no_payments(client):
    client.force_login(person("marketing_analyst"))

    assert client.get(reverse("finance:payments")).status_code == 403
