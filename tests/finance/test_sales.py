from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from backoffice.core.imports import work
from backoffice.core.jobs import Quiet
from backoffice.core.models import Event, Job, Party
from backoffice.core.services import imports, outbox
from finance.models import Instalment, JournalEntry, Payment, Period, SaleBooking, Title
from finance.services import ledger, plan, settlement
from finance.services.ledger import Line
from logistics.services import sales
from tests.factories.people import person
from tests.factories.shop import Shop, order
from tests.finance.test_titles import balance, books_agree

pytestmark = pytest.mark.django_db
D = Decimal


def book(**scope) -> tuple[int, int]:
    found = sales.book(Quiet(), **scope)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    books_agree()
    return found["booked"], found["taken_back"]


def test_an_order_becomes_a_title_that_its_payments_settle() -> None:
    made = order(paid="100.00", customer=Party.objects.create(name="Ana"))
    Payment.objects.create(
        source="test", order_key=made.number, seq=2, origin=made.ref, method="credit_card", amount=D("20.00"),
        ordered_at=made.purchased_at,
    )  # fmt: skip

    assert book() == (1, 0)

    title = Title.objects.get()
    assert (title.kind, title.party, title.amount, title.origin) == ("order", made.customer, D("120.00"), made.ref)
    assert (title.issued_on, title.number) == (date(2026, 3, 1), made.number)
    part = Instalment.objects.get()
    assert (part.balance, part.settled_on) == (D(0), date(2026, 3, 1))
    assert (balance("sales"), balance("acquirer_pix"), balance("acquirer_cards")) == (D(-120), D(100), D(20))
    assert [e.journal.kind for e in JournalEntry.objects.order_by("pk")] == ["sales", "general"]


def test_a_second_run_books_nothing() -> None:
    order()
    book()

    assert book() == (0, 0)


def test_an_order_that_was_called_off_owes_the_money_back() -> None:
    order(status="cancelled", paid="100.00")
    order(status="unavailable", paid="50.00")

    assert book() == (2, 0)

    assert not Title.objects.exists()
    assert (balance("sales"), balance("refunds_payable"), balance("acquirer_pix")) == (D(0), D(-150), D(150))


def test_an_order_without_payment_is_not_booked() -> None:
    order(paid=None)

    assert book() == (0, 0)


def test_a_changed_payment_is_reversed_and_booked_anew() -> None:
    made, other = order(paid="100.00"), order(paid="10.00")
    book()
    Payment.objects.filter(origin=made.ref).update(amount=D("130.00"))

    assert book(order_ids=[made.pk, other.pk]) == (1, 2)

    assert (balance("sales"), balance("acquirer_pix"), balance("receivable")) == (D(-140), D(140), D(0))
    assert SaleBooking.objects.get(pk=made.ref).title.amount == D("130.00")
    assert book() == (0, 0)


def test_a_sale_that_was_settled_otherwise_is_left_out_and_the_rest_is_booked() -> None:
    made, other = order(paid="100.00"), order(paid="10.00")
    book()
    part = Instalment.objects.select_related("title").get(title__origin=made.ref)
    back = [settlement.principal(part, D(60)), Line(plan.account_for("cash").pk, D(-60))]
    ledger.post(journal="general", on=date(2026, 3, 2), text="Charged back", lines=back)
    Payment.objects.update(amount=D("130.00"))

    found = sales.book(Quiet(), order_ids=[made.pk, other.pk])

    assert (found["booked"], found["taken_back"], found["left_out"]) == (1, 2, 1)
    part.refresh_from_db()
    assert (part.balance, SaleBooking.objects.get(pk=other.ref).title.amount) == (D("60.00"), D("130.00"))
    books_agree()


def test_the_money_of_a_sale_is_not_undone_on_its_title() -> None:
    made = order(paid="100.00")
    book()
    booking = SaleBooking.objects.get(pk=made.ref)

    with pytest.raises(settlement.NotHere):
        settlement.undo(entry=booking.money_entry_id, on=date(2026, 3, 1), by=None)
    with pytest.raises(settlement.NotHere):
        settlement.cancel(title_id=booking.title_id, on=date(2026, 3, 1), by=None, reason="x")


def test_an_order_called_off_later_turns_its_revenue_into_a_refund() -> None:
    made = order(paid="100.00")
    book()
    made.status = "cancelled"
    made.save()

    assert book() == (1, 2)

    assert (balance("sales"), balance("refunds_payable")) == (D(0), D(-100))


def test_a_closed_month_takes_no_sale() -> None:
    order(paid="100.00")
    book()
    Period.objects.filter(starts_on=date(2026, 3, 1)).update(state="closed")
    order(paid="40.00")

    assert book() == (1, 0)

    assert JournalEntry.objects.filter(on=date(2026, 3, 1)).count() == 2
    assert Title.objects.latest("pk").issued_on == date(2026, 3, 1)


def test_an_undone_import_leaves_no_sale_and_its_books_stay(tmp_path) -> None:
    shop = Shop(tmp_path)
    shop.order("o1", paid=("70.00",))
    result = shop.send()
    assert book(batch_id=result.batch.pk) == (1, 0)
    imports.undo(batch_id=result.batch.pk, by=person("logistics_manager"))
    work.undo(Quiet(), batch_id=result.batch.pk)

    assert book(batch_id=result.batch.pk) == (0, 2)

    assert (balance("sales"), balance("acquirer_cards")) == (D(0), D(0))
    assert Party.objects.filter(titles__isnull=False).count() == 1
    assert not SaleBooking.objects.exists()


def test_changed_orders_ask_for_a_job(tmp_path) -> None:
    shop = Shop(tmp_path)
    shop.order("o1")
    shop.send()
    assert Event.objects.filter(name="logistics.orders_changed").exists()

    outbox.deliver_waiting()

    assert Job.objects.get(kind=sales.BOOK).args["batch_id"]


@pytest.mark.parametrize("size", [1, 3])
def test_chunks_book_the_same(size: int, monkeypatch) -> None:
    monkeypatch.setattr(sales, "CHUNK", size)
    for _n in range(5):
        order(paid="10.00")

    assert book() == (5, 0)

    assert balance("sales") == D(-50)
