import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from backoffice.core.models import ImportBatch
from backoffice.core.services import imports
from finance.models import Payment
from logistics.models import Order
from tests.factories.people import person
from tests.factories.shop import Shop

pytestmark = pytest.mark.django_db

FILE = """Pedido;Data;Cliente;Situação;Valor dos produtos;Frete;Valor pago;Forma de pagamento;UF
1001;05/03/2026 14:30;Ana Lima;Pago;1.234,50;20,00;1.254,50;Pix;sp
1002;06/03/2026 09:00;Rui Alves;Enviado;50,00;10,00;60,00;Cartão de crédito;RJ
1003;07/03/2026 09:00;Eva Dias;Sumido;50,00;10,00;60,00;Boleto;RJ
"""


def run(path, *options) -> dict:
    out = StringIO()
    call_command("import_orders", str(path), *options, "--json", stdout=out)
    return json.loads(out.getvalue().strip().splitlines()[-1])


def test_a_csv_of_another_shop_is_taken_by_its_headings(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(FILE)

    found = run(path, "--source", "csv")

    order = Order.objects.get(number="1001")
    assert (found["created"], found["failed"]) == (2, 1)
    assert (order.total_amount, order.paid_amount, order.status) == (Decimal("1254.50"), Decimal("1254.50"), "paid")
    assert (order.customer_name, order.customer_state, order.customer.name) == ("Ana Lima", "SP", "Ana Lima")
    assert Payment.objects.get(origin=order.ref).method == "pix"
    assert order.purchased_at.isoformat() == "2026-03-05T17:30:00+00:00"
    assert not order.exceptions.exists()


def test_the_same_csv_again_changes_nothing_and_a_shorter_one_keeps_the_rest(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(FILE)
    run(path, "--source", "csv")

    again = run(path, "--source", "csv")
    path.write_text("Code;When;State\n1001;05/03/2026 14:30;Entregue\n")
    short = run(
        path, "--source", "csv", "--mapping", "number=Code", "--mapping", "purchased=When", "--mapping", "status=State"
    )

    order = Order.objects.get(number="1001")
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)
    assert (short["updated"], order.status, order.paid_amount) == (1, "delivered", Decimal("1254.50"))


def test_the_command_reports_an_olist_folder_in_its_last_line(tmp_path):
    shop = Shop(tmp_path)
    shop.order("o1")
    shop.write()

    found = run(tmp_path)

    assert {key: found[key] for key in ("created", "updated", "unchanged", "failed")} == {
        "created": 1, "updated": 0, "unchanged": 0, "failed": 0,
    }  # fmt: skip
    assert found["seconds"] >= 0


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CommandError, match="Not found"):
        call_command("import_orders", str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("content", "said"),
    [("Cor;Peso\nazul;3\n", "--mapping"), ("", "empty"), ("Pedido;Data\n1;\x00\n", "NUL")],
)
def test_a_file_it_cannot_take_ends_with_a_sentence_and_a_refused_import(tmp_path, content, said):
    path = tmp_path / "orders.csv"
    path.write_text(content)

    with pytest.raises(CommandError, match=said):
        call_command("import_orders", str(path), "--source", "csv")

    assert [(batch.state, bool(batch.reason)) for batch in ImportBatch.objects.all()] == [("refused", True)]


def test_an_interrupted_command_leaves_a_refused_import_and_no_order(tmp_path, monkeypatch):
    path = tmp_path / "orders.csv"
    path.write_text(FILE)

    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("logistics.sources.csv_orders.CsvOrders.write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_command("import_orders", str(path), "--source", "csv")

    batch = ImportBatch.objects.get()
    assert (batch.state, "KeyboardInterrupt" in batch.reason) == ("refused", True)
    assert not Order.objects.exists()


def test_what_a_killed_command_left_can_be_discarded():
    batch = ImportBatch.objects.create(source="csv")

    imports.give_up(batch_id=batch.pk, by=person("logistics_manager"))

    batch.refresh_from_db()
    assert batch.state == "cancelled"
