"""Taking orders in: whole sets from TEMP tables of one agreed shape, whatever source filled them.

A source fills the `incoming_…` tables in `check`; `compare` says per row whether it creates (c), updates (u) or changes
nothing (s); `take` writes them, keeps the sums, writes the timeline and opens or closes exceptions, all in the caller's
one transaction. What a person set by hand (`Order.hand_set`, a state moved here) an import leaves alone, unless the
channel itself says something new.
"""

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from backoffice.core.models import ImportBatch
from backoffice.core.services import parties
from finance.services import payments

from . import exceptions, sums

INCOMING = (
    parties.INCOMING
    + payments.INCOMING
    + """
DROP TABLE IF EXISTS incoming_category, incoming_product, incoming_order, incoming_item, incoming_review;
CREATE TEMP TABLE incoming_category (
    file smallint, line int, key text NOT NULL, name_pt text NOT NULL, name_en text,
    id bigint, action "char" NOT NULL DEFAULT 'c'
) ON COMMIT DROP;
CREATE TEMP TABLE incoming_product (
    file smallint, line int, code text NOT NULL, name text NOT NULL, category_key text,
    weight_g int, length_cm int, height_cm int, width_cm int, photo_count int,
    id bigint, action "char" NOT NULL DEFAULT 'c'
) ON COMMIT DROP;
CREATE TEMP TABLE incoming_order (
    file smallint, line int, number text NOT NULL, status text NOT NULL, source_status text NOT NULL,
    customer_key text NOT NULL, party_source text, party_key text,
    customer_name text, customer_city text, customer_state text, customer_postal text,  -- NULL: not told
    purchased_wall timestamp NOT NULL, approved_wall timestamp, handed_over_wall timestamp,
    delivered_wall timestamp, promised_wall timestamp,
    id bigint, action "char" NOT NULL DEFAULT 'c'
) ON COMMIT DROP;
CREATE TEMP TABLE incoming_item (
    file smallint, line int, order_number text NOT NULL, seq int NOT NULL, product_code text,
    seller_source text, seller_key text, shipping_limit_wall timestamp,
    price numeric(18, 2) NOT NULL, freight numeric(18, 2) NOT NULL,
    id bigint, action "char" NOT NULL DEFAULT 'c'
) ON COMMIT DROP;
CREATE TEMP TABLE incoming_review (
    file smallint, line int, external_id text NOT NULL, order_number text NOT NULL, score int NOT NULL,
    title text NOT NULL, message text NOT NULL, created_wall timestamp, answered_wall timestamp,
    id bigint, action "char" NOT NULL DEFAULT 'c'
) ON COMMIT DROP;
"""
)

FILLED = (
    *parties.FILLED,
    *payments.FILLED,
    *("logistics_product", "logistics_order", "logistics_orderitem", "logistics_review", "logistics_orderevent"),
)  # tables that a large import swells

_WALLS = ["purchased_wall", "approved_wall", "handed_over_wall", "delivered_wall", "promised_wall"]
_TOLD = ["customer_name", "customer_city", "customer_state", "customer_postal"]

_COMPARE = f"""
ANALYZE incoming_category; ANALYZE incoming_product; ANALYZE incoming_order; ANALYZE incoming_item;
ANALYZE incoming_payment; ANALYZE incoming_review;
UPDATE incoming_category i SET id = c.id, action = CASE WHEN c.name_en <> i.name_en THEN 'u' ELSE 's' END
FROM logistics_productcategory c WHERE c.source = %(source)s AND c.key = i.key;
UPDATE incoming_product i SET id = p.id,
    action = CASE WHEN (p.name, c.key, p.weight_g, p.length_cm, p.height_cm, p.width_cm, p.photo_count) IS DISTINCT FROM
        (i.name, i.category_key, i.weight_g, i.length_cm, i.height_cm, i.width_cm, i.photo_count) THEN 'u' ELSE 's' END
FROM logistics_product p LEFT JOIN logistics_productcategory c ON c.id = p.category_id
WHERE p.source = %(source)s AND p.code = i.code;
UPDATE incoming_order i SET id = o.id,
    action = CASE WHEN (o.source_status, o.customer_key, {", ".join(f"o.{wall}" for wall in _WALLS)})
        IS DISTINCT FROM (i.source_status, i.customer_key, {", ".join(f"i.{wall}" for wall in _WALLS)})
        OR {" OR ".join(f"(o.{told} <> i.{told} AND NOT '{told}' = ANY(o.hand_set))" for told in _TOLD)}
        THEN 'u' ELSE 's' END
FROM logistics_order o WHERE o.source = %(source)s AND o.number = i.number;
UPDATE incoming_item i SET id = m.id,
    action = CASE WHEN (p.code, m.seller_id, m.shipping_limit_wall, m.price, m.freight)
        IS DISTINCT FROM (i.product_code, k.party_id, i.shipping_limit_wall, i.price, i.freight) THEN 'u' ELSE 's' END
FROM incoming_item n
JOIN logistics_order o ON o.source = %(source)s AND o.number = n.order_number
JOIN logistics_orderitem m ON m.order_id = o.id AND m.seq = n.seq
LEFT JOIN logistics_product p ON p.id = m.product_id
LEFT JOIN core_partykey k ON k.source = n.seller_source AND k.key = n.seller_key
WHERE i.ctid = n.ctid;
UPDATE incoming_review i SET id = r.id,
    action = CASE WHEN (r.score, r.title, r.message, r.created_wall, r.answered_wall)
        IS DISTINCT FROM (i.score, i.title, i.message, i.created_wall, i.answered_wall) THEN 'u' ELSE 's' END
FROM logistics_review r JOIN logistics_order o ON o.id = r.order_id
WHERE r.source = %(source)s AND r.external_id = i.external_id AND o.number = i.order_number;
"""  # noqa: S608

# Whether there is anything to write: a file that came again ends here.
_ANYTHING = """
SELECT EXISTS (SELECT FROM incoming_category WHERE action <> 's')
    OR EXISTS (SELECT FROM incoming_product WHERE action <> 's')
    OR EXISTS (SELECT FROM incoming_order WHERE action <> 's') OR EXISTS (SELECT FROM incoming_item WHERE action <> 's')
    OR EXISTS (SELECT FROM incoming_payment WHERE action <> 's')
    OR EXISTS (SELECT FROM incoming_review WHERE action <> 's')
    OR EXISTS (SELECT FROM incoming_party WHERE action <> 's')
"""

_CATALOGUE = """
INSERT INTO core_importchange (batch_id, "table", key, before)
SELECT %(batch)s, 'logistics_productcategory', c.id, to_jsonb(c)
FROM logistics_productcategory c JOIN incoming_category i ON i.id = c.id AND i.action = 'u' WHERE %(batch)s IS NOT NULL;
UPDATE logistics_productcategory c SET name_en = i.name_en FROM incoming_category i
WHERE i.id = c.id AND i.action = 'u';
INSERT INTO logistics_productcategory (source, key, name_pt, name_en, batch_id)
SELECT %(source)s, key, name_pt, coalesce(name_en, ''), %(batch)s::bigint FROM incoming_category WHERE action = 'c';
INSERT INTO core_importchange (batch_id, "table", key, before)
SELECT %(batch)s, 'logistics_product', p.id, to_jsonb(p)
FROM logistics_product p JOIN incoming_product i ON i.id = p.id AND i.action = 'u' WHERE %(batch)s IS NOT NULL;
UPDATE logistics_product p SET name = i.name, category_id = c.id, weight_g = i.weight_g, length_cm = i.length_cm,
    height_cm = i.height_cm, width_cm = i.width_cm, photo_count = i.photo_count, version = p.version + 1
FROM incoming_product i LEFT JOIN logistics_productcategory c ON c.source = %(source)s AND c.key = i.category_key
WHERE i.id = p.id AND i.action = 'u';
INSERT INTO logistics_product (source, code, name, category_id, weight_g, length_cm, height_cm, width_cm, photo_count,
    batch_id, version)
SELECT %(source)s, i.code, i.name, c.id, i.weight_g, i.length_cm, i.height_cm, i.width_cm, i.photo_count,
    %(batch)s::bigint, 1
FROM incoming_product i LEFT JOIN logistics_productcategory c ON c.source = %(source)s AND c.key = i.category_key
WHERE i.action = 'c';
"""

# The orders that stood before and are about to change, with what the timeline compares afterwards.
_TOUCHED = """
UPDATE incoming_order SET id = nextval(pg_get_serial_sequence('logistics_order', 'id')) WHERE action = 'c';
DROP TABLE IF EXISTS order_of, touched_order;
CREATE TEMP TABLE order_of ON COMMIT DROP AS
SELECT number, id, purchased_wall, action = 'c' AS is_new FROM incoming_order
UNION ALL
SELECT o.number, o.id, o.purchased_wall, false FROM logistics_order o
WHERE o.source = %(source)s AND o.number IN (
    SELECT order_number FROM incoming_item UNION SELECT order_key FROM incoming_payment
    UNION SELECT order_number FROM incoming_review)
  AND NOT EXISTS (SELECT FROM incoming_order i WHERE i.number = o.number);
ANALYZE order_of;
CREATE TEMP TABLE touched_order ON COMMIT DROP AS
SELECT o.id, to_jsonb(o) AS before FROM logistics_order o WHERE o.id IN (
    SELECT id FROM incoming_order WHERE action = 'u'
    UNION SELECT n.id FROM order_of n JOIN incoming_item i ON i.order_number = n.number
        WHERE i.action <> 's' AND NOT n.is_new
    UNION SELECT n.id FROM order_of n JOIN incoming_payment i ON i.order_key = n.number
        WHERE i.action <> 's' AND NOT n.is_new
    UNION SELECT n.id FROM order_of n JOIN incoming_review i ON i.order_number = n.number
        WHERE i.action <> 's' AND NOT n.is_new
    UNION SELECT o.id FROM logistics_order o JOIN incoming_party p ON p.also_key = o.customer_key
        WHERE o.source = %(source)s AND o.customer_id IS NULL AND o.customer_key <> '');
INSERT INTO core_importchange (batch_id, "table", key, before)
SELECT %(batch)s, 'logistics_order', id, before - '{total_amount,search}'::text[] FROM touched_order
WHERE %(batch)s IS NOT NULL;
"""

_STRANGERS = """
UPDATE logistics_order o SET customer_id = k.party_id, customer_name = i.name, customer_city = coalesce(i.city, ''),
    customer_state = coalesce(i.state, ''), customer_postal = coalesce(i.postal_code, '')
FROM incoming_party i JOIN core_partykey k ON k.source = i.source AND k.key = i.key
WHERE o.source = %(source)s AND o.customer_id IS NULL AND o.customer_key <> '' AND o.customer_key = i.also_key;
"""

_ORDERS = f"""
UPDATE logistics_order o SET
    status = CASE WHEN o.source_status IS DISTINCT FROM i.source_status THEN i.status ELSE o.status END,
    source_status = i.source_status, customer_key = i.customer_key, customer_id = coalesce(k.party_id, o.customer_id),
    {
    ", ".join(
        f"{told} = CASE WHEN '{told}' = ANY(o.hand_set) THEN o.{told} ELSE coalesce(i.{told}, o.{told}) END"
        for told in _TOLD
    )
},
    {
    ", ".join(
        f"{wall[:-5]}_at = CASE WHEN o.{wall} IS DISTINCT FROM i.{wall}"
        f" THEN logistics_instant(i.{wall}, %(zone)s) ELSE o.{wall[:-5]}_at END"
        for wall in _WALLS
    )
},
    promised_on = CASE WHEN o.promised_wall IS DISTINCT FROM i.promised_wall AND NOT 'promised_on' = ANY(o.hand_set)
        THEN i.promised_wall::date ELSE o.promised_on END,
    {", ".join(f"{wall} = i.{wall}" for wall in _WALLS)}
FROM incoming_order i LEFT JOIN core_partykey k ON k.source = i.party_source AND k.key = i.party_key
WHERE i.id = o.id AND i.action = 'u';
INSERT INTO logistics_order (id, source, number, status, source_status, customer_id, customer_key, customer_name,
    customer_city, customer_state, customer_postal, {", ".join(_WALLS)},
    {", ".join(f"{wall[:-5]}_at" for wall in _WALLS)}, promised_on,
    items_amount, freight_amount, paid_amount, item_count, payment_count, hand_set, batch_id, batch_line, version)
SELECT i.id, %(source)s, i.number, i.status, i.source_status, k.party_id, i.customer_key, coalesce(i.customer_name, ''),
    coalesce(i.customer_city, ''), coalesce(i.customer_state, ''), coalesce(i.customer_postal, ''),
    {", ".join(f"i.{wall}" for wall in _WALLS)},
    {", ".join(f"logistics_instant(i.{wall}, %(zone)s)" for wall in _WALLS)}, i.promised_wall::date,
    coalesce(m.items, 0), coalesce(m.freight, 0), coalesce(p.paid, 0), coalesce(m.n, 0), coalesce(p.n, 0), '{{}}',
    %(batch)s::bigint, i.line, 1
FROM incoming_order i
LEFT JOIN core_partykey k ON k.source = i.party_source AND k.key = i.party_key
LEFT JOIN (SELECT order_number, sum(price) AS items, sum(freight) AS freight, count(*) AS n
           FROM incoming_item GROUP BY order_number) m ON m.order_number = i.number
LEFT JOIN (SELECT order_key, sum(amount) AS paid, count(*) AS n
           FROM incoming_payment GROUP BY order_key) p ON p.order_key = i.number
WHERE i.action = 'c';
"""  # noqa: S608

_LINES = """
INSERT INTO core_importchange (batch_id, "table", key, before)
SELECT %(batch)s, 'logistics_orderitem', m.id, to_jsonb(m)
FROM logistics_orderitem m JOIN incoming_item i ON i.id = m.id AND i.action = 'u' WHERE %(batch)s IS NOT NULL;
UPDATE logistics_orderitem m SET product_id = p.id, seller_id = k.party_id, price = i.price, freight = i.freight,
    shipping_limit_wall = i.shipping_limit_wall, shipping_limit_at = logistics_instant(i.shipping_limit_wall, %(zone)s)
FROM incoming_item i
LEFT JOIN logistics_product p ON p.source = %(source)s AND p.code = i.product_code
LEFT JOIN core_partykey k ON k.source = i.seller_source AND k.key = i.seller_key
WHERE i.id = m.id AND i.action = 'u';
INSERT INTO logistics_orderitem (order_id, seq, product_id, seller_id, shipping_limit_wall, shipping_limit_at, price,
    freight, batch_id)
SELECT n.id, i.seq, p.id, k.party_id, i.shipping_limit_wall, logistics_instant(i.shipping_limit_wall, %(zone)s),
    i.price, i.freight, %(batch)s::bigint
FROM incoming_item i JOIN order_of n ON n.number = i.order_number
LEFT JOIN logistics_product p ON p.source = %(source)s AND p.code = i.product_code
LEFT JOIN core_partykey k ON k.source = i.seller_source AND k.key = i.seller_key
WHERE i.action = 'c';
INSERT INTO core_importchange (batch_id, "table", key, before)
SELECT %(batch)s, 'logistics_review', r.id, to_jsonb(r)
FROM logistics_review r JOIN incoming_review i ON i.id = r.id AND i.action = 'u' WHERE %(batch)s IS NOT NULL;
UPDATE logistics_review r SET score = i.score, title = i.title, message = i.message,
    created_wall = i.created_wall, created_at = logistics_instant(i.created_wall, %(zone)s),
    answered_wall = i.answered_wall, answered_at = logistics_instant(i.answered_wall, %(zone)s)
FROM incoming_review i WHERE i.id = r.id AND i.action = 'u';
INSERT INTO logistics_review (source, external_id, order_id, score, title, message, created_wall, created_at,
    answered_wall, answered_at, batch_id)
SELECT %(source)s, i.external_id, n.id, i.score, i.title, i.message, i.created_wall,
    logistics_instant(i.created_wall, %(zone)s), i.answered_wall, logistics_instant(i.answered_wall, %(zone)s),
    %(batch)s::bigint
FROM incoming_review i JOIN order_of n ON n.number = i.order_number WHERE i.action = 'c';
UPDATE incoming_payment i SET origin = 'logistics.order:' || n.id,
    ordered_at = logistics_instant(n.purchased_wall, %(zone)s)
FROM order_of n WHERE n.number = i.order_key AND i.action <> 's';
"""

_TIMELINE = """
INSERT INTO logistics_orderevent (order_id, kind, by_id, batch_id, from_status, to_status, data)
SELECT id, 'imported', %(by)s::bigint, %(batch)s::bigint, '', status, '{}' FROM incoming_order WHERE action = 'c';
UPDATE logistics_order o SET version = version + 1 FROM touched_order t WHERE t.id = o.id;
INSERT INTO logistics_orderevent (order_id, kind, by_id, batch_id, from_status, to_status, data)
SELECT o.id, 'changed', %(by)s::bigint, %(batch)s::bigint, t.before->>'status', o.status,
    coalesce((SELECT jsonb_object_agg(b.key, jsonb_build_array(b.value, a.value))
     FROM jsonb_each(t.before) b JOIN jsonb_each(to_jsonb(o)) a USING (key)
     WHERE a.value IS DISTINCT FROM b.value AND b.key NOT IN ('version', 'search', 'customer_key')
       AND b.key NOT LIKE '%%_wall'), '{}')
FROM touched_order t JOIN logistics_order o ON o.id = t.id;
"""

_AFFECTED = """
DROP TABLE IF EXISTS moved_purchase, affected_order;
CREATE TEMP TABLE moved_purchase ON COMMIT DROP AS
SELECT 'logistics.order:' || o.id AS origin, o.purchased_at AS ordered_at
FROM touched_order t JOIN logistics_order o ON o.id = t.id
WHERE (t.before->>'purchased_at')::timestamptz <> o.purchased_at;
CREATE TEMP TABLE affected_order ON COMMIT DROP AS
SELECT id FROM incoming_order WHERE action = 'c' UNION ALL SELECT id FROM touched_order;
ANALYZE affected_order;
"""


def compare(cursor: CursorWrapper, *, source: str) -> None:
    """Set `id` and `action` of every incoming row against what this channel brought before."""
    cursor.execute(_COMPARE, {"source": source})
    payments.compare(cursor, source=source)
    parties.compare(cursor)


def take(cursor: CursorWrapper, *, source: str, zone: str, batch: ImportBatch | None) -> dict[str, int]:
    """Write the compared rows; returns how many orders are affected and how many exceptions opened and closed.

    zone: of the wall-clock stamps.   batch: None writes no trace for undoing.
    """
    cursor.execute(_ANYTHING)
    if not cursor.fetchone()[0]:
        return {"affected": 0, "exceptions_opened": 0, "exceptions_closed": 0}
    batch_id = batch.pk if batch else None
    values = {"source": source, "zone": zone, "batch": batch_id, "by": batch.received_by_id if batch else None}
    parties.take(cursor, batch=batch)
    cursor.execute(_CATALOGUE, values)
    cursor.execute(_TOUCHED, values)
    cursor.execute(_STRANGERS, values)
    cursor.execute(_ORDERS, values)
    cursor.execute(_LINES, values)
    payments.take(cursor, source=source, batch=batch)
    sums.refresh(cursor, ids="touched_order")
    cursor.execute(_TIMELINE, values)
    cursor.execute(_AFFECTED)
    payments.redate(cursor, dates="moved_purchase")
    found = exceptions.detect(cursor, ids="affected_order", now=timezone.now())
    cursor.execute("SELECT count(*) FROM affected_order")
    (affected,) = cursor.fetchone()
    return {"affected": affected, "exceptions_opened": found.opened, "exceptions_closed": found.closed}
