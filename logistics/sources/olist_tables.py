"""The files of an Olist shop history, by their headings; the sender's own spelling (`lenght`) is kept."""

from django.utils.translation import gettext_lazy as _

from backoffice.core.imports import Column, Table

TABLES = [
    Table(
        "orders",
        _("Orders"),
        [
            Column("order_id", required=True, max_length=80),
            Column("customer_id", required=True, max_length=80),
            Column("order_status", required=True, max_length=40),
            Column("order_purchase_timestamp", "local_datetime", required=True),
            Column("order_approved_at", "local_datetime"),
            Column("order_delivered_carrier_date", "local_datetime"),
            Column("order_delivered_customer_date", "local_datetime"),
            Column("order_estimated_delivery_date", "local_datetime"),
        ],
        signature=("order_id", "customer_id", "order_status", "order_purchase_timestamp"),
    ),
    Table(
        "items",
        _("Order items"),
        [
            Column("order_id", required=True, max_length=80),
            Column("order_item_id", "integer", required=True),
            Column("product_id", required=True, max_length=80),
            Column("seller_id", required=True, max_length=80),
            Column("shipping_limit_date", "local_datetime"),
            Column("price", "money", required=True),
            Column("freight_value", "money", required=True),
        ],
        signature=("order_id", "order_item_id", "product_id", "price", "freight_value"),
    ),
    Table(
        "payments",
        _("Payments"),
        [
            Column("order_id", required=True, max_length=80),
            Column("payment_sequential", "integer", required=True),
            Column("payment_type", required=True, max_length=40),
            Column("payment_installments", "integer", required=True),
            Column("payment_value", "money", required=True),
        ],
        signature=("order_id", "payment_sequential", "payment_type", "payment_value"),
    ),
    Table(
        "reviews",
        _("Reviews"),
        [
            Column("review_id", required=True, max_length=80),
            Column("order_id", required=True, max_length=80),
            Column("review_score", "integer", required=True),
            Column("review_comment_title", max_length=300),
            Column("review_comment_message"),
            Column("review_creation_date", "local_datetime"),
            Column("review_answer_timestamp", "local_datetime"),
        ],
        signature=("review_id", "order_id", "review_score"),
    ),
    Table(
        "customers",
        _("Customers"),
        [
            Column("customer_id", required=True, max_length=80),
            Column("customer_unique_id", required=True, max_length=80),
            Column("customer_zip_code_prefix", max_length=8),
            Column("customer_city", max_length=120),
            Column("customer_state", max_length=2),
        ],
        signature=("customer_id", "customer_unique_id"),
    ),
    Table(
        "products",
        _("Products"),
        [
            Column("product_id", required=True, max_length=80),
            Column("product_category_name", max_length=120),
            Column("product_photos_qty", "integer"),
            Column("product_weight_g", "integer"),
            Column("product_length_cm", "integer"),
            Column("product_height_cm", "integer"),
            Column("product_width_cm", "integer"),
        ],
        signature=("product_id", "product_category_name", "product_weight_g"),
    ),
    Table(
        "sellers",
        _("Sellers"),
        [
            Column("seller_id", required=True, max_length=80),
            Column("seller_zip_code_prefix", max_length=8),
            Column("seller_city", max_length=120),
            Column("seller_state", max_length=2),
        ],
        signature=("seller_id", "seller_zip_code_prefix"),
    ),
    Table(
        "categories",
        _("Category translations"),
        [
            Column("product_category_name", required=True, max_length=120),
            Column("product_category_name_english", required=True, max_length=120),
        ],
        signature=("product_category_name", "product_category_name_english"),
    ),
]
