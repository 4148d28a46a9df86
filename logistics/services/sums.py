"""The sums an order carries: of its items and of its payments, kept for whole sets at once."""

from django.db.backends.utils import CursorWrapper

# What an order's own rows and its payments add up to; `{ids}` is a table with a column id.
_REFRESH = """
WITH items AS (
    SELECT order_id AS id, sum(price) AS items, sum(freight) AS freight, count(*) AS n
    FROM logistics_orderitem WHERE order_id IN (SELECT id FROM {ids}) GROUP BY order_id
), payments AS (
    SELECT t.id, sum(p.amount) AS paid, count(*) AS n
    FROM {ids} t JOIN finance_payment p ON p.origin = 'logistics.order:' || t.id GROUP BY t.id
), sums AS (
    SELECT t.id, coalesce(i.items, 0) AS items, coalesce(i.freight, 0) AS freight, coalesce(p.paid, 0) AS paid,
           coalesce(i.n, 0) AS item_count, coalesce(p.n, 0) AS payment_count
    FROM {ids} t LEFT JOIN items i USING (id) LEFT JOIN payments p USING (id)
)
UPDATE logistics_order o
SET items_amount = s.items, freight_amount = s.freight, paid_amount = s.paid,
    item_count = s.item_count, payment_count = s.payment_count
FROM sums s
WHERE o.id = s.id
  AND (o.items_amount, o.freight_amount, o.paid_amount, o.item_count, o.payment_count)
      IS DISTINCT FROM (s.items, s.freight, s.paid, s.item_count, s.payment_count)
"""


def refresh(cursor: CursorWrapper, *, ids: str) -> int:
    """Recompute the sums of the orders in the TEMP table `ids`; how many differed."""
    cursor.execute(_REFRESH.format(ids=ids))
    return int(cursor.rowcount)
