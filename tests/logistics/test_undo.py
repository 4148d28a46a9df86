import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.core.imports import work
from backoffice.core.jobs import Quiet
from backoffice.core.models import Company, ImportBatch, Party
from backoffice.core.services import activity, attachments, imports, tasks
from finance.models import Payment
from logistics.models import Order, OrderException, OrderItem, Product
from logistics.services import exceptions
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


def ask(exception, clerk):
    Company.objects.create(pk=1, name="Casa", waive_limit=1)
    exceptions.waive(exception.pk, reason="Goodwill", by=clerk)


def waive(exception, clerk):
    Company.objects.create(pk=1, name="Casa", waive_limit=50)
    exceptions.waive(exception.pk, reason="Goodwill", by=clerk)


def attach(exception, clerk):
    attachments.attach(ref=exception.order.ref, upload=SimpleUploadedFile("slip.txt", b"paid"), by=clerk)


TALK = {
    "a comment on an order": lambda x, who: activity.comment(ref=x.order.ref, body="Called them", by=who),
    "a task on an exception": lambda x, who: tasks.create(title="Call", assignee=who, by=who, subject=x.ref),
    "a comment on a product": lambda x, who: activity.comment(ref=Product.objects.first().ref, body="Heavy", by=who),
    "a file": attach,
}


@pytest.mark.parametrize("said", TALK)
def test_an_import_people_spoke_about_cannot_be_undone(shop, said, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    shop.order("o1", paid=("70.00",))
    first = shop.send()
    TALK[said](OrderException.objects.get(), person("logistics_clerk"))

    batch = undo(first)

    assert (batch.state, "comments, tasks or files" in batch.reason) == ("committed", True)
    assert Order.objects.exists()


@pytest.mark.parametrize(("decision", "sentence"), [(ask, "second person"), (waive, "waived since")])
def test_decisions_on_orders_an_import_changed_hold_it(shop, decision, sentence):
    shop.order("o1")
    shop.send()
    shop.rows["payments"][0][4] = "70.00"
    second = shop.send()
    decision(OrderException.objects.get(closed_at=None), person("logistics_clerk"))

    batch = undo(second)

    assert (batch.state, sentence in batch.reason) == ("committed", True)
    assert Order.objects.get().paid_amount == 70


def test_a_waiver_from_before_does_not_hold_a_later_import(shop):
    shop.order("o1", paid=("70.00",))
    shop.send()
    waive(OrderException.objects.get(), person("logistics_clerk"))
    shop.rows["orders"][0][7] = "2018-03-21 00:00:00"

    assert undo(shop.send()).state == "undone"
