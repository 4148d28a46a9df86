"""A made-up shop: files as an Olist export writes them, and orders in the database."""

import csv
import itertools
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from backoffice.core.imports import engine
from backoffice.core.models import User
from finance.models import Payment
from logistics.models import Order, OrderItem, Product

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
_numbers = itertools.count(1)

HEADINGS = {
    "orders": [
        "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
        "order_delivered_carrier_date", "order_delivered_customer_date", "order_estimated_delivery_date",
    ],
    "items": [
        "order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price", "freight_value",
    ],
    "payments": ["order_id", "payment_sequential", "payment_type", "payment_installments", "payment_value"],
    "reviews": [
        "review_id", "order_id", "review_score", "review_comment_title", "review_comment_message",
        "review_creation_date", "review_answer_timestamp",
    ],
    "customers": [
        "customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city", "customer_state",
    ],
    "products": [
        "product_id", "product_category_name", "product_name_lenght", "product_description_lenght",
        "product_photos_qty", "product_weight_g", "product_length_cm", "product_height_cm", "product_width_cm",
    ],
    "sellers": ["seller_id", "seller_zip_code_prefix", "seller_city", "seller_state"],
    "categories": ["product_category_name", "product_category_name_english"],
}  # fmt: skip


class Shop:
    """Rows to be written to files; `send` imports them as they stand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, list[list[Any]]] = {name: [] for name in HEADINGS}
        self.rows["customers"] = [["c1", "ana", "01310", "sao paulo", "SP"], ["c2", "ana", "01310", "sao paulo", "SP"]]
        self.rows["products"] = [["p1", "beleza_saude", 40, 200, 1, 300, 20, 10, 15], ["p2", "", 1, 1, 1, 50, 1, 1, 1]]
        self.rows["sellers"] = [["s1", "13023", "campinas", "SP"]]
        self.rows["categories"] = [["beleza_saude", "health_beauty"]]

    def order(
        self,
        number: str,
        *,
        status: str = "delivered",
        customer: str = "c1",
        bought: str = "2018-03-01 10:00:00",
        approved: str = "2018-03-01 11:00:00",
        handed: str = "2018-03-03 10:00:00",
        delivered: str = "2018-03-09 10:00:00",
        promised: str = "2018-03-20 00:00:00",
        items: tuple[str, ...] = ("90.00",),
        freight: str = "10.00",
        paid: tuple[str, ...] = ("100.00",),
    ) -> None:
        self.rows["orders"].append([number, customer, status, bought, approved, handed, delivered, promised])
        for seq, price in enumerate(items, start=1):
            self.rows["items"].append([number, seq, "p1", "s1", "2018-03-05 10:00:00", price, freight])
        for seq, amount in enumerate(paid, start=1):
            self.rows["payments"].append([number, seq, "credit_card", 1, amount])

    def write(self, *names: str) -> list[Path]:
        paths = []
        for name in names or [name for name, rows in self.rows.items() if rows]:
            path = self.folder / f"{name}.csv"
            with path.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerows([HEADINGS[name], *self.rows[name]])
            paths.append(path)
        return paths

    def send(self, *names: str, by: User | None = None, commit: bool = True) -> engine.Result:
        return engine.run("olist", self.write(*names), by, commit=commit)


def order(
    *,
    items: str | None = "90.00",
    freight: str = "10.00",
    paid: str | None = "100.00",
    **fields: Any,
) -> Order:
    """An order as it stands after an import, with at most one item and one payment."""
    number = next(_numbers)
    fields.setdefault("purchased_at", datetime(2026, 3, 1, 10, tzinfo=SAO_PAULO) + timedelta(minutes=number))
    fields.setdefault("promised_on", date(2026, 3, 20))
    made = Order.objects.create(
        source="test",
        number=fields.pop("number", f"T{number:05}"),
        customer_name=fields.pop("customer_name", "Ana Lima"),
        customer_city=fields.pop("customer_city", "São Paulo"),
        customer_state=fields.pop("customer_state", "SP"),
        items_amount=Decimal(items or 0),
        freight_amount=Decimal(freight if items else 0),
        paid_amount=Decimal(paid or 0),
        item_count=1 if items else 0,
        payment_count=1 if paid else 0,
        **fields,
    )
    if items:
        product, _ = Product.objects.get_or_create(source="test", code="P1")
        OrderItem.objects.create(order=made, seq=1, product=product, price=Decimal(items), freight=Decimal(freight))
    if paid:
        Payment.objects.create(
            source="test", order_key=made.number, seq=1, origin=made.ref, method="pix", amount=Decimal(paid),
            ordered_at=made.purchased_at,
        )  # fmt: skip
    made.refresh_from_db()
    return made
