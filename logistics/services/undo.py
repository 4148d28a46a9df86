"""Taking an import of orders back: what it created goes, what it changed was put back by the engine, sums follow."""

from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_noop as _

from backoffice.core.models import ImportBatch
from backoffice.core.services import parties
from finance.services import payments, titles

from . import exceptions, sums

# Sentences and the question whether something later stands on rows of the batch.
_OBSTACLES = [
    (
        _("Later imports added to its orders. Undo those first."),
        """SELECT EXISTS (SELECT FROM logistics_orderevent e JOIN logistics_orderevent later USING (order_id)
           JOIN core_importbatch b ON b.id = later.batch_id AND b.state = 'committed'
           WHERE e.batch_id = %(batch)s AND later.batch_id > %(batch)s)""",
    ),
    (
        _("People changed its orders since."),
        """SELECT EXISTS (SELECT FROM logistics_orderevent e JOIN logistics_orderevent later USING (order_id)
           WHERE e.batch_id = %(batch)s AND later.kind IN ('moved', 'edited') AND later.id > e.id)""",
    ),
    (
        _("Exceptions on its orders were waived since."),
        """SELECT EXISTS (SELECT FROM logistics_orderexception x JOIN logistics_orderevent e USING (order_id)
           WHERE e.batch_id = %(batch)s AND x.waived_at >= e.at)""",
    ),
    (
        _("A second person is still asked about exceptions on its orders."),
        """SELECT EXISTS (SELECT FROM core_approval a
           JOIN logistics_orderexception x ON a.subject = 'logistics.orderexception:' || x.id
           JOIN logistics_orderevent e USING (order_id) WHERE e.batch_id = %(batch)s AND a.state = 'waiting')""",
    ),
    (
        _("Orders, exceptions or products it brought carry comments, tasks or files."),
        """SELECT EXISTS (
             WITH said AS (
               SELECT subject FROM core_comment UNION ALL SELECT subject FROM core_task
               UNION ALL SELECT subject FROM core_attachment WHERE removed_at IS NULL
             ), made AS (
               SELECT 'logistics.order:' || id AS subject FROM logistics_order WHERE batch_id = %(batch)s
               UNION ALL SELECT 'logistics.product:' || id FROM logistics_product WHERE batch_id = %(batch)s
               UNION ALL SELECT 'logistics.orderexception:' || x.id FROM logistics_orderexception x
                 JOIN logistics_order o ON o.id = x.order_id WHERE o.batch_id = %(batch)s
             ) SELECT FROM said JOIN made USING (subject))""",
    ),
    (
        _("Later imports sold its products. Undo those first."),
        """SELECT EXISTS (SELECT FROM logistics_orderitem m JOIN logistics_product p ON p.id = m.product_id
           WHERE p.batch_id = %(batch)s AND m.batch_id IS DISTINCT FROM %(batch)s)""",
    ),
]

_REMOVE = """
DROP TABLE IF EXISTS restored_order;
CREATE TEMP TABLE restored_order ON COMMIT DROP AS
SELECT DISTINCT e.order_id AS id FROM logistics_orderevent e JOIN logistics_order o ON o.id = e.order_id
WHERE e.batch_id = %(batch)s AND e.kind = 'changed' AND o.batch_id IS DISTINCT FROM %(batch)s;
DELETE FROM logistics_orderexception WHERE order_id IN (SELECT id FROM logistics_order WHERE batch_id = %(batch)s);
DELETE FROM logistics_review WHERE batch_id = %(batch)s;
DELETE FROM logistics_orderitem WHERE batch_id = %(batch)s;
"""

_REMOVE_ORDERS = """
DELETE FROM logistics_order WHERE batch_id = %(batch)s;
DELETE FROM logistics_product WHERE batch_id = %(batch)s;
DELETE FROM logistics_productcategory c WHERE batch_id = %(batch)s
    AND NOT EXISTS (SELECT FROM logistics_product p WHERE p.category_id = c.id);
"""

_RESTORED = """
UPDATE logistics_order o SET version = version + 1 FROM restored_order r WHERE r.id = o.id;
INSERT INTO logistics_orderevent (order_id, kind, by_id, batch_id, from_status, to_status, data)
SELECT o.id, 'restored', NULL, %(batch)s, '', o.status, '{}' FROM restored_order r JOIN logistics_order o USING (id);
"""

_UNUSED = " AND ".join(
    [
        "NOT EXISTS (SELECT FROM logistics_order o WHERE o.customer_id = a.party_id)",
        "NOT EXISTS (SELECT FROM logistics_orderitem m WHERE m.seller_id = a.party_id)",
        titles.UNUSED_PARTY,
    ]
)


def obstacles(cursor: CursorWrapper, batch: ImportBatch) -> list[str]:
    """Sentences that say what stands on the import; empty when it can be taken back."""
    found = []
    for sentence, question in _OBSTACLES:
        cursor.execute(question, {"batch": batch.pk})
        if cursor.fetchone()[0]:
            found.append(translated(sentence))
    return found


def remove_created(cursor: CursorWrapper, batch: ImportBatch) -> None:
    """Remove what the batch created, refresh what it had changed; runs after the engine put changed rows back."""
    values = {"batch": batch.pk}
    cursor.execute(_REMOVE, values)
    payments.forget(cursor, batch=batch)
    cursor.execute(_REMOVE_ORDERS, values)
    parties.forget(cursor, batch=batch, unused=_UNUSED)
    sums.refresh(cursor, ids="restored_order")
    cursor.execute(_RESTORED, values)
    exceptions.detect(cursor, ids="restored_order", now=timezone.now())
