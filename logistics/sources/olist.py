"""The Olist shop history: eight linked files, any part of them at a time.

Stamps are wall-clock in America/Sao_Paulo with the daylight saving of their day. In an hour that ran twice the first
run is meant (fold 0); a stamp in a skipped hour counts as much later. One customer row per order names the person.
"""

from typing import Any

from django.db.backends.utils import CursorWrapper
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.core import events
from backoffice.core.imports import Action, Source
from backoffice.core.models import ImportBatch
from finance.services.payments import METHODS

from ..services import intake, undo
from .olist_tables import TABLES

SOURCE, CUSTOMER, SELLER = "olist", "olist.customer", "olist.seller"
ZONE = "America/Sao_Paulo"
USUAL = "retaguarda.usual_action"  # of this transaction: what the stage tables already say
STATUSES = {
    "created": "received",
    "approved": "paid",
    "processing": "processing",
    "invoiced": "invoiced",
    "shipped": "shipped",
    "delivered": "delivered",
    "unavailable": "unavailable",
    "canceled": "cancelled",
}

TWICE = gettext_noop("“%(found)s” stands in this import twice; the first row was taken.")
NO_ORDER = gettext_noop("Order “%(found)s” is not known here and not among the good rows of this import.")
NO_PRODUCT = gettext_noop("Product “%(found)s” is not known here. Send the products file too.")
NO_SELLER = gettext_noop("Seller “%(found)s” is not known here. Send the sellers file too.")
NO_CUSTOMER = gettext_noop("Customer “%(found)s” is not among the good rows of the customers file.")
NO_STATUS = gettext_noop("“%(found)s” is not an order status of this shop.")
NO_METHOD = gettext_noop("“%(found)s” is not a way of paying that is known here.")
NO_SCORE = gettext_noop("“%(found)s” is not a score from 1 to 5.")
BELOW_ZERO = gettext_noop("“%(found)s” is below zero.")
TOO_LARGE = gettext_noop("“%(found)s” is larger than this column holds.")

_KEYS = {
    "orders": ["order_id"],
    "items": ["order_id", "order_item_id"],
    "payments": ["order_id", "payment_sequential"],
    "reviews": ["review_id", "order_id"],
    "customers": ["customer_id"],
    "products": ["product_id"],
    "sellers": ["seller_id"],
    "categories": ["product_category_name"],
}

_ORDER_KNOWN = """(EXISTS (SELECT FROM stage_orders o WHERE o.order_id = s.order_id AND o.problem IS NULL)
    OR EXISTS (SELECT FROM logistics_order o WHERE o.source = 'olist' AND o.number = s.order_id))"""

# (table, column, reason, what is wrong), orders before what hangs on them
_PROBLEMS = [
    ("orders", "order_status", NO_STATUS, f"s.order_status NOT IN ({', '.join(repr(s) for s in STATUSES)})"),
    (
        "orders",
        "customer_id",
        NO_CUSTOMER,
        """EXISTS (SELECT FROM stage_customers)
        AND NOT EXISTS (SELECT FROM stage_customers c WHERE c.customer_id = s.customer_id)
        AND NOT EXISTS (SELECT FROM core_partykey k WHERE k.source = 'olist.customer' AND k.key = s.customer_id)""",
    ),
    ("products", "product_weight_g", BELOW_ZERO, "least(s.product_weight_g, 0) < 0"),
    ("products", "product_weight_g", TOO_LARGE, "s.product_weight_g > 2147483647"),
    ("items", "order_id", NO_ORDER, f"NOT {_ORDER_KNOWN}"),
    (
        "items",
        "product_id",
        NO_PRODUCT,
        """NOT EXISTS (SELECT FROM stage_products p WHERE p.product_id = s.product_id AND p.problem IS NULL)
        AND NOT EXISTS (SELECT FROM logistics_product p WHERE p.source = 'olist' AND p.code = s.product_id)""",
    ),
    (
        "items",
        "seller_id",
        NO_SELLER,
        """NOT EXISTS (SELECT FROM stage_sellers l WHERE l.seller_id = s.seller_id AND l.problem IS NULL)
        AND NOT EXISTS (SELECT FROM core_partykey k WHERE k.source = 'olist.seller' AND k.key = s.seller_id)""",
    ),
    ("items", "order_item_id", BELOW_ZERO, "s.order_item_id < 0"),
    ("items", "order_item_id", TOO_LARGE, "s.order_item_id > 2147483647"),
    ("items", "price", BELOW_ZERO, "s.price < 0"),
    ("items", "freight_value", BELOW_ZERO, "s.freight_value < 0"),
    ("payments", "order_id", NO_ORDER, f"NOT {_ORDER_KNOWN}"),
    ("payments", "payment_type", NO_METHOD, f"s.payment_type NOT IN ({', '.join(repr(m) for m in METHODS)})"),
    ("payments", "payment_sequential", BELOW_ZERO, "s.payment_sequential < 0"),
    ("payments", "payment_sequential", TOO_LARGE, "s.payment_sequential > 2147483647"),
    ("payments", "payment_installments", BELOW_ZERO, "s.payment_installments < 0"),
    ("payments", "payment_installments", TOO_LARGE, "s.payment_installments > 32767"),
    ("payments", "payment_value", BELOW_ZERO, "s.payment_value < 0"),
    ("reviews", "order_id", NO_ORDER, f"NOT {_ORDER_KNOWN}"),
    ("reviews", "review_score", NO_SCORE, "s.review_score NOT BETWEEN 1 AND 5"),
]

_INCOMING = f"""
INSERT INTO incoming_party (file, line, source, key, kind, role, name, city, state, postal_code, also_source, also_key)
SELECT file, line, '{SOURCE}', customer_unique_id, 'person', 'customer', 'Customer ' || left(customer_unique_id, 8),
    customer_city, customer_state, customer_zip_code_prefix, '{CUSTOMER}', customer_id
FROM stage_customers WHERE problem IS NULL
UNION ALL
SELECT file, line, '{SELLER}', seller_id, 'organisation', 'seller', 'Seller ' || left(seller_id, 8), seller_city,
    seller_state, seller_zip_code_prefix, NULL, NULL
FROM stage_sellers WHERE problem IS NULL;

INSERT INTO incoming_category (file, line, key, name_pt, name_en)
SELECT t.file, t.line, key, upper(left(key, 1)) || replace(substr(key, 2), '_', ' '),
    upper(left(t.product_category_name_english, 1)) || replace(substr(t.product_category_name_english, 2), '_', ' ')
FROM (SELECT product_category_name FROM stage_products WHERE problem IS NULL AND product_category_name IS NOT NULL
      UNION SELECT product_category_name FROM stage_categories WHERE problem IS NULL) c (key)
LEFT JOIN stage_categories t ON t.product_category_name = key AND t.problem IS NULL;

INSERT INTO incoming_product (file, line, code, name, category_key, weight_g, length_cm, height_cm, width_cm,
    photo_count)
SELECT file, line, product_id, '', product_category_name, product_weight_g, product_length_cm, product_height_cm,
    product_width_cm, product_photos_qty
FROM stage_products WHERE problem IS NULL;

INSERT INTO incoming_order (file, line, number, status, source_status, customer_key, party_source, party_key,
    customer_name, customer_city, customer_state, customer_postal,
    purchased_wall, approved_wall, handed_over_wall, delivered_wall, promised_wall)
SELECT s.file, s.line, s.order_id,
    CASE s.order_status {" ".join(f"WHEN '{theirs}' THEN '{ours}'" for theirs, ours in STATUSES.items())} END,
    s.order_status, s.customer_id, '{CUSTOMER}', s.customer_id,
    'Customer ' || left(c.customer_unique_id, 8), c.customer_city, c.customer_state, c.customer_zip_code_prefix,
    s.order_purchase_timestamp, s.order_approved_at, s.order_delivered_carrier_date, s.order_delivered_customer_date,
    s.order_estimated_delivery_date
FROM stage_orders s LEFT JOIN stage_customers c ON c.customer_id = s.customer_id AND c.problem IS NULL
WHERE s.problem IS NULL;

INSERT INTO incoming_item (file, line, order_number, seq, product_code, seller_source, seller_key, shipping_limit_wall,
    price, freight)
SELECT file, line, order_id, order_item_id, product_id, '{SELLER}', seller_id, shipping_limit_date, price, freight_value
FROM stage_items WHERE problem IS NULL;

INSERT INTO incoming_payment (file, line, order_key, seq, method, instalments, amount)
SELECT file, line, order_id, payment_sequential,
    CASE payment_type {" ".join(f"WHEN '{theirs}' THEN '{ours}'" for theirs, ours in METHODS.items())} END,
    payment_installments, payment_value
FROM stage_payments WHERE problem IS NULL;

INSERT INTO incoming_review (file, line, external_id, order_number, score, title, message, created_wall, answered_wall)
SELECT file, line, review_id, order_id, review_score, coalesce(review_comment_title, ''),
    coalesce(review_comment_message, ''), review_creation_date, review_answer_timestamp
FROM stage_reviews WHERE problem IS NULL;
"""  # noqa: S608


class Olist(Source):
    key = SOURCE
    title = _("Olist shop history")
    help = _("Orders with items, payments, customers, products, sellers and reviews: any of the files, also zipped.")
    right_create = "logistics.order_import.create"
    right_post = "logistics.order_import.post"
    tables = TABLES
    primary = "orders"
    fills = intake.FILLED

    def usual_action(self, cursor: CursorWrapper) -> Action:
        found = "CASE WHEN EXISTS (SELECT FROM logistics_order WHERE source = %s) THEN 's' ELSE 'c' END"
        cursor.execute(f"SELECT set_config(%s, {found}, true)", [USUAL, SOURCE])
        return Action(cursor.fetchone()[0])

    def result_url(self, batch: ImportBatch) -> str:
        return f"{reverse('logistics:orders')}?batch={batch.pk}"

    def check(self, cursor: CursorWrapper) -> None:
        for table, columns in _KEYS.items():
            _refuse_twins(cursor, table, columns)
        for table, column, reason, wrong in _PROBLEMS:
            cursor.execute(
                f"UPDATE stage_{table} s SET problem = %s, problem_column = %s WHERE problem IS NULL AND ({wrong})",  # noqa: S608
                [reason, column],
            )
        cursor.execute(intake.INCOMING)
        cursor.execute(_INCOMING)
        intake.compare(cursor, source=SOURCE)
        for incoming, table in [
            ("order", "orders"),
            ("item", "items"),
            ("payment", "payments"),
            ("review", "reviews"),
            ("product", "products"),
            ("category", "categories"),
            ("party", "customers"),
            ("party", "sellers"),
        ]:
            cursor.execute(
                f"UPDATE stage_{table} s SET action = i.action FROM incoming_{incoming} i"  # noqa: S608
                f" WHERE i.action::text <> current_setting('{USUAL}') AND i.file = s.file AND i.line = s.line"
            )

    def write(self, cursor: CursorWrapper, batch: ImportBatch | None) -> dict[str, Any]:
        counts = intake.take(cursor, source=SOURCE, zone=ZONE, batch=batch)
        if counts["affected"] and batch:
            events.record("logistics.orders_changed", batch_id=batch.pk)
        return counts

    def obstacles(self, cursor: CursorWrapper, batch: ImportBatch) -> list[str]:
        return undo.obstacles(cursor, batch)

    def undone(self, cursor: CursorWrapper, batch: ImportBatch) -> None:
        undo.remove_created(cursor, batch)
        events.record("logistics.orders_changed", batch_id=batch.pk)


def _refuse_twins(cursor: CursorWrapper, table: str, columns: list[str]) -> None:
    key = ", ".join(columns)
    cursor.execute(
        f"UPDATE stage_{table} s SET problem = %s, problem_column = %s"  # noqa: S608
        f" FROM (SELECT file, line, row_number() OVER (PARTITION BY {key} ORDER BY file, line) AS n FROM stage_{table}"
        f"       WHERE ({key}) IN (SELECT {key} FROM stage_{table} GROUP BY {key} HAVING count(*) > 1)) t"
        " WHERE t.n > 1 AND t.file = s.file AND t.line = s.line",
        [TWICE, columns[-1] if len(columns) > 1 else columns[0]],
    )
