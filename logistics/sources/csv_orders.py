"""Orders from any CSV: one row per order, whose columns a person names once per kind of file.

Only the number and the purchase are needed. A column that is not mapped, or an empty cell, leaves what is known. The
whole order is one line without a product; the paid amount is one payment.
"""

import json
from typing import Any

from django.conf import settings
from django.db.backends.utils import CursorWrapper
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.core import events
from backoffice.core.imports import Column, Source, Table
from backoffice.core.models import ImportBatch
from finance.services.payments import METHODS

from ..models import Order
from ..services import intake, undo
from .olist import BELOW_ZERO, NO_METHOD, TOO_LARGE, TWICE

SOURCE, CUSTOMER = "csv", "csv.customer"

# What shops write for a state → ours; our own names are understood too.
STATUSES = {str(status): str(status) for status in Order.Status.values} | {
    "created": "received", "new": "received", "pending": "received", "recebido": "received", "novo": "received",
    "pendente": "received", "aguardando pagamento": "received", "awaiting payment": "received",
    "approved": "paid", "aprovado": "paid", "pago": "paid",
    "processando": "processing", "em separação": "processing", "em separacao": "processing", "picking": "processing",
    "faturado": "invoiced",
    "em espera": "on_hold", "on hold": "on_hold", "hold": "on_hold",
    "indisponível": "unavailable", "indisponivel": "unavailable",
    "sent": "shipped", "enviado": "shipped", "despachado": "shipped",
    "entregue": "delivered", "complete": "delivered", "completed": "delivered", "concluído": "delivered",
    "devolvido": "returned", "refunded": "returned",
    "canceled": "cancelled", "cancelado": "cancelled",
}  # fmt: skip
WAYS = METHODS | {
    "credit card": "credit_card", "cartão de crédito": "credit_card", "cartao de credito": "credit_card",
    "credit": "credit_card", "debit card": "debit_card", "cartão de débito": "debit_card",
    "cartao de debito": "debit_card", "debit": "debit_card", "ticket": "boleto", "vale": "voucher",
    "transferência": "transfer", "transferencia": "transfer", "ted": "transfer", "outro": "other",
}  # fmt: skip

NO_STATUS = gettext_noop("“%(found)s” is not a state of an order that is known here.")

COLUMNS = [
    Column(
        "number",
        title=_("Order number"),
        required=True,
        max_length=80,
        aliases=("order_id", "order", "order number", "pedido", "número do pedido", "numero"),
    ),
    Column(
        "purchased",
        "local_datetime",
        title=_("Purchased"),
        required=True,
        aliases=("date", "order date", "created at", "data", "data do pedido", "purchase date"),
    ),
    Column(
        "status",
        title=_("State"),
        max_length=40,
        aliases=("order status", "situação", "status do pedido"),
    ),
    Column(
        "customer_name",
        title=_("Customer"),
        max_length=200,
        aliases=("customer name", "cliente", "nome do cliente", "name", "nome"),
    ),
    Column(
        "customer_key",
        title=_("Customer's key in the channel"),
        max_length=80,
        aliases=("customer id", "código do cliente", "email", "e-mail"),
    ),
    Column("city", title=_("City"), max_length=120, aliases=("cidade",)),
    Column("state", title=_("State of Brazil"), max_length=2, aliases=("uf", "estado")),
    Column("postal_code", title=_("CEP"), max_length=9, aliases=("postal code", "zip")),
    Column(
        "items_amount",
        "money",
        title=_("Items"),
        aliases=("items amount", "subtotal", "valor dos produtos", "produtos", "amount"),
    ),
    Column("freight_amount", "money", title=_("Freight"), aliases=("shipping", "frete", "valor do frete")),
    Column(
        "paid_amount",
        "money",
        title=_("Paid"),
        aliases=("paid amount", "payment", "pago", "valor pago", "total paid"),
    ),
    Column(
        "payment_method",
        title=_("Payment method"),
        max_length=40,
        aliases=("payment type", "forma de pagamento", "pagamento"),
    ),
    Column("instalments", "integer", title=_("Instalments"), aliases=("installments", "parcelas")),
    Column("approved", "local_datetime", title=_("Approved"), aliases=("approved at", "aprovado em")),
    Column(
        "handed_over",
        "local_datetime",
        title=_("Handed to the carrier"),
        aliases=("shipped at", "enviado em", "despachado em"),
    ),
    Column("delivered", "local_datetime", title=_("Delivered"), aliases=("delivered at", "entregue em")),
    Column(
        "promised",
        "local_datetime",
        title=_("Promised for"),
        aliases=("estimated delivery", "delivery date", "prazo", "previsão de entrega"),
    ),
]

_PROBLEMS = [
    ("status", NO_STATUS, "s.status IS NOT NULL AND NOT lower(trim(s.status)) = ANY(%(statuses)s)"),
    ("payment_method", NO_METHOD, "s.payment_method IS NOT NULL AND NOT lower(trim(s.payment_method)) = ANY(%(ways)s)"),
    ("items_amount", BELOW_ZERO, "s.items_amount < 0"),
    ("freight_amount", BELOW_ZERO, "s.freight_amount < 0"),
    ("paid_amount", BELOW_ZERO, "s.paid_amount < 0"),
    ("instalments", BELOW_ZERO, "s.instalments < 0"),
    ("instalments", TOO_LARGE, "s.instalments > 32767"),
]

_INCOMING = """
INSERT INTO incoming_party (file, line, source, key, kind, role, name, city, state, postal_code)
SELECT file, line, %(customer)s, coalesce(customer_key, customer_name), 'person', 'customer',
    coalesce(customer_name, customer_key), city, upper(state), left(regexp_replace(postal_code, '[^0-9]', '', 'g'), 8)
FROM stage_orders WHERE problem IS NULL AND coalesce(customer_key, customer_name) IS NOT NULL;

INSERT INTO incoming_order (file, line, number, status, source_status, customer_key, party_source, party_key,
    customer_name, customer_city, customer_state, customer_postal,
    purchased_wall, approved_wall, handed_over_wall, delivered_wall, promised_wall)
SELECT s.file, s.line, s.number,
    coalesce(%(status_of)s::jsonb ->> lower(trim(s.status)), o.status, 'received'),
    coalesce(s.status, o.source_status, ''), coalesce(s.customer_key, s.customer_name, o.customer_key, ''),
    %(customer)s, coalesce(s.customer_key, s.customer_name),
    s.customer_name, s.city, upper(s.state), left(regexp_replace(s.postal_code, '[^0-9]', '', 'g'), 8),
    s.purchased, coalesce(s.approved, o.approved_wall), coalesce(s.handed_over, o.handed_over_wall),
    coalesce(s.delivered, o.delivered_wall), coalesce(s.promised, o.promised_wall)
FROM stage_orders s LEFT JOIN logistics_order o ON o.source = %(source)s AND o.number = s.number
WHERE s.problem IS NULL;

INSERT INTO incoming_item (file, line, order_number, seq, price, freight)
SELECT file, line, number, 1, coalesce(items_amount, 0), coalesce(freight_amount, 0)
FROM stage_orders WHERE problem IS NULL AND (items_amount IS NOT NULL OR freight_amount IS NOT NULL);

INSERT INTO incoming_payment (file, line, order_key, seq, method, instalments, amount)
SELECT file, line, number, 1, coalesce(%(way_of)s::jsonb ->> lower(trim(payment_method)), 'not_defined'),
    coalesce(instalments, 1), paid_amount
FROM stage_orders WHERE problem IS NULL AND paid_amount IS NOT NULL;
"""

_ACTIONS = """
UPDATE stage_orders s SET action = CASE
    WHEN i.action = 's' AND (coalesce(m.action, 's') <> 's' OR coalesce(p.action, 's') <> 's') THEN 'u'
    ELSE i.action END
FROM incoming_order i
LEFT JOIN incoming_item m ON m.order_number = i.number
LEFT JOIN incoming_payment p ON p.order_key = i.number
WHERE i.file = s.file AND i.line = s.line
"""


class CsvOrders(Source):
    key = SOURCE
    title = _("Orders from a CSV file")
    help = _("One row per order. You say once which column is which; the next file with these headings needs no word.")
    right_create = "logistics.order_import.create"
    right_post = "logistics.order_import.post"
    mapped = True
    fills = intake.FILLED
    tables = (Table("orders", _("Orders"), COLUMNS),)

    def result_url(self, batch: ImportBatch) -> str:
        return f"{reverse('logistics:orders')}?batch={batch.pk}"

    def check(self, cursor: CursorWrapper) -> None:
        cursor.execute(
            "UPDATE stage_orders s SET problem = %s, problem_column = 'number'"
            " FROM (SELECT file, line, row_number() OVER (PARTITION BY number ORDER BY file, line) AS n"
            "       FROM stage_orders) t WHERE t.n > 1 AND t.file = s.file AND t.line = s.line",
            [TWICE],
        )
        known: dict[str, Any] = {"statuses": list(STATUSES), "ways": list(WAYS)}
        for column, reason, wrong in _PROBLEMS:
            cursor.execute(
                "UPDATE stage_orders s SET problem = %(reason)s, problem_column = %(column)s"  # noqa: S608
                f" WHERE problem IS NULL AND ({wrong})",
                {"reason": reason, "column": column} | known,
            )
        cursor.execute(intake.INCOMING)
        cursor.execute(
            _INCOMING,
            {"source": SOURCE, "customer": CUSTOMER, "status_of": json.dumps(STATUSES), "way_of": json.dumps(WAYS)},
        )
        intake.compare(cursor, source=SOURCE)
        cursor.execute(_ACTIONS)

    def write(self, cursor: CursorWrapper, batch: ImportBatch | None) -> dict[str, Any]:
        counts = intake.take(cursor, source=SOURCE, zone=settings.TIME_ZONE, batch=batch)
        if counts["affected"] and batch:
            events.record("logistics.orders_changed", batch_id=batch.pk)
        return counts

    def obstacles(self, cursor: CursorWrapper, batch: ImportBatch) -> list[str]:
        return undo.obstacles(cursor, batch)

    def undone(self, cursor: CursorWrapper, batch: ImportBatch) -> None:
        undo.remove_created(cursor, batch)
        events.record("logistics.orders_changed", batch_id=batch.pk)
