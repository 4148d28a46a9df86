import pytest

from backoffice.core.imports import work
from backoffice.core.jobs import Quiet
from backoffice.core.models import ImportBatch, Party
from backoffice.core.services import imports
from finance.models import Payment
from logistics.models import Order, OrderException, OrderItem, Product
from tests.factories.people import person
from tests.factories.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(tmp_path)


def undo(result) -> ImportBatch:
    imports.undo(batch_id=result.batch.pk, by=person("logistics_manager"))
    work.undo(Quiet(), batch_id=result.batch.pk)
    return ImportBatch.objects.get(pk=result.batch.pk)


def test_an_undone_import_leaves_nothing_behind(shop):
    shop.order("o1", paid=("70.00",))

    undo(shop.send())

    for model in (Order, OrderItem, Payment, Product, Party, OrderException):
        assert not model.objects.exists(), model


def test_an_undone_change_puts_the_order_back_and_its_exceptions_follow(shop):
    shop.order("o1")
    shop.send()
    shop.rows["payments"][0][4] = "70.00"
    shop.rows["payments"].append(["o1", 2, "voucher", 1, "5.00"])
    second = shop.send()
    assert OrderException.objects.get(closed_at=None).amount == -25

    undo(second)

    order = Order.objects.get()
    assert (order.paid_amount, order.payment_count) == (100, 1)
    assert not OrderException.objects.filter(closed_at=None).exists()
    assert order.events.latest("pk").kind == "restored"


def test_an_import_under_later_work_cannot_be_undone(shop):
    shop.order("o1")
    first = shop.send()
    shop.rows["payments"][0][4] = "70.00"
    shop.send()

    batch = undo(first)

    assert batch.state == "committed"
    assert "Later imports" in batch.reason
    assert Order.objects.exists()
