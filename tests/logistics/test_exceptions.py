from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from backoffice.core.models import Approval, AuditEntry, Company
from backoffice.core.services import approvals
from finance.models import Payment
from logistics.models import OrderException
from logistics.services import exceptions, sums
from tests.factories.people import person
from tests.factories.shop import order

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 15, tzinfo=UTC)  # a Tuesday


@pytest.fixture(autouse=True)
def company():
    return Company.objects.create(pk=1, name="Casa", waive_limit=Decimal(50))


def detect(*orders, now=NOW):
    return exceptions.detect_for([one.pk for one in orders], now=now)


def open_codes(one) -> list[str]:
    return sorted(one.exceptions.filter(closed_at=None).values_list("code", flat=True))


def pay(one, amount: str) -> None:
    Payment.objects.filter(origin=one.ref).update(amount=Decimal(amount))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS paid_order")
        cursor.execute("CREATE TEMP TABLE paid_order ON COMMIT DROP AS SELECT %s::bigint AS id", [one.pk])
        sums.refresh(cursor, ids="paid_order")


@pytest.mark.parametrize(
    ("fields", "found", "amount"),
    [
        ({"paid": "100.00"}, [], None),
        ({"paid": "100.01"}, [], None),  # a cent is rounding
        ({"paid": "100.02"}, ["payment_differs"], Decimal("0.02")),
        ({"paid": "99.98"}, ["payment_differs"], Decimal("-0.02")),
        ({"items": None}, ["paid_without_items"], Decimal(100)),
        ({"status": "cancelled"}, ["cancelled_with_money"], Decimal(100)),
        ({"paid": None}, ["no_payment"], Decimal(-100)),
        ({"paid": None, "status": "cancelled"}, [], None),
    ],
)
def test_each_detector_finds_its_case_and_its_amount(fields, found, amount):
    one = order(**fields)

    detect(one)

    assert open_codes(one) == found
    assert [exception.amount for exception in one.exceptions.all()] == ([amount] if found else [])


def test_an_order_is_late_from_the_day_after_the_promised_one_on_the_companys_clock():
    one = order(status="shipped", promised_on="2026-03-10")
    still_the_tenth = datetime(2026, 3, 11, 2, 59, tzinfo=UTC)

    assert exceptions.detect_late(now=still_the_tenth).opened == 0
    assert exceptions.detect_late(now=still_the_tenth + timedelta(minutes=1)).opened == 1
    assert exceptions.detect_late(now=still_the_tenth + timedelta(minutes=6)).opened == 0
    assert open_codes(one) == ["late"]


def test_what_is_over_closes_and_opens_anew_when_it_comes_back():
    one = order(paid="80.00")
    detect(one)
    pay(one, "100.00")

    assert detect(one).closed == 1
    pay(one, "80.00")
    assert detect(one).opened == 1
    assert one.exceptions.count() == 2


def test_delivery_closes_lateness():
    one = order(status="shipped", promised_on="2026-03-01")
    exceptions.detect_late(now=NOW)
    one.status, one.delivered_at = "delivered", NOW
    one.save()

    detect(one)

    assert open_codes(one) == []


def test_it_is_due_in_business_days_and_belongs_to_a_department():
    one = order(paid="80.00")
    friday = datetime(2026, 3, 13, 15, tzinfo=UTC)

    detect(one, now=friday)

    exception = one.exceptions.get()
    assert timezone.localtime(exception.due_at).isoformat() == "2026-03-17T18:00:00-03:00"
    assert exception.department == "finance"


def test_a_waived_exception_stays_waived_while_its_amount_stays():
    one, clerk = order(paid="80.00"), person("logistics_clerk")
    detect(one)

    assert exceptions.waive(one.exceptions.get().pk, reason="A voucher by phone", by=clerk) is None
    detect(one)
    assert one.exceptions.get().waived_by == clerk

    pay(one, "30.00")
    detect(one)
    assert one.exceptions.get(closed_at=None).waived_at is None
    assert one.exceptions.get(closed_at=None).amount == -70


def test_a_reopened_exception_is_open_again():
    one, clerk = order(paid="80.00"), person("logistics_clerk")
    detect(one)
    pk = one.exceptions.get().pk
    exceptions.waive(pk, reason="A voucher by phone", by=clerk)

    exceptions.reopen(pk, by=clerk)

    assert OrderException.objects.get(pk=pk).waived_at is None
    with pytest.raises(exceptions.NotWaived):
        exceptions.reopen(pk, by=clerk)


def test_above_the_limit_a_second_person_decides():
    one, clerk, manager = order(paid="20.00"), person("logistics_clerk"), person("logistics_manager")
    detect(one)
    pk = one.exceptions.get().pk

    question = exceptions.waive(pk, reason="Goodwill", by=clerk)
    assert question is not None
    assert OrderException.objects.get(pk=pk).waived_at is None
    approvals.decide(question.pk, yes=True, by=manager)

    exception = OrderException.objects.get(pk=pk)
    assert (exception.waived_by, exception.waive_approved_by) == (clerk, manager)
    assert exception.waive_reason == "Goodwill"
    assert AuditEntry.objects.filter(action="logistics.exception_waived", subject=exception.ref).exists()


def test_finance_sees_to_its_own_queue_in_four_hands():
    one, clerk, manager = order(paid="20.00"), person("finance_clerk"), person("finance_manager")
    detect(one)
    exception = one.exceptions.get()

    question = exceptions.waive(exception.pk, reason="Goodwill", by=clerk)
    approvals.decide(question.pk, yes=True, by=manager)

    assert exception.department == "finance"
    assert (clerk.may("logistics.exception.submit"), clerk.may("logistics.exception.approve")) == (True, False)
    assert OrderException.objects.get(pk=exception.pk).waive_approved_by == manager


def test_who_asked_cannot_agree():
    one, manager = order(paid="20.00"), person("logistics_manager")
    detect(one)

    question = exceptions.waive(one.exceptions.get().pk, reason="Goodwill", by=manager)

    with pytest.raises(approvals.NotTheirs):
        approvals.decide(question.pk, yes=True, by=manager)
    assert Approval.objects.get().state == "waiting"


def test_a_yes_to_another_amount_waives_nothing():
    one, clerk, manager = order(paid="20.00"), person("logistics_clerk"), person("logistics_manager")
    detect(one)
    question = exceptions.waive(one.exceptions.get().pk, reason="Goodwill", by=clerk)
    pay(one, "10.00")
    detect(one)

    approvals.decide(question.pk, yes=True, by=manager)

    assert one.exceptions.get().waived_at is None


@pytest.mark.parametrize("checker", ["nobody", "the maker"])
def test_the_database_refuses_a_large_waiver_without_a_second_person(checker):
    one, clerk = order(paid="20.00"), person("logistics_clerk")
    detect(one)
    approved_by = clerk.pk if checker == "the maker" else None

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE logistics_orderexception SET waived_at = now(), waived_by_id = %s, waive_reason = 'x',"
            " waive_approved_by_id = %s",
            [clerk.pk, approved_by],
        )


def test_many_are_assigned_and_waived_but_never_above_the_limit():
    small, large, clerk = order(paid="80.00"), order(paid="20.00"), person("logistics_clerk")
    detect(small, large)
    pks = list(OrderException.objects.values_list("pk", flat=True))

    assert exceptions.assign(pks, owner=clerk, by=clerk) == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        exceptions.waive_many(pks, reason="Year end", by=clerk)
    exceptions.waive_many([small.exceptions.get().pk], reason="Year end", by=clerk)

    assert OrderException.objects.filter(waived_by=clerk).count() == 1
