"""Payments in whole sets, as a channel reports them with its orders.

The caller fills TEMP `incoming_payment` (shape below) in its own transaction; `compare` says what each row would do,
and `take` does it.
"""

from django.db.backends.utils import CursorWrapper

from backoffice.core.models import ImportBatch

INCOMING = """
DROP TABLE IF EXISTS incoming_payment;
CREATE TEMP TABLE incoming_payment (
    file smallint, line int,        -- where it stood
    order_key text NOT NULL,
    seq int NOT NULL,
    method text NOT NULL,           -- Payment.Method
    instalments int NOT NULL,
    amount numeric(18, 2) NOT NULL, -- BRL
    origin text, ordered_at timestamptz,  -- filled before `take`
    id bigint,                      -- the payment it is, set by `compare`
    action "char" NOT NULL DEFAULT 'c'
) ON COMMIT DROP;
"""

FILLED = ("finance_payment",)  # tables that a large import swells

METHODS = {
    "credit_card": "credit_card",
    "debit_card": "debit_card",
    "boleto": "boleto",
    "pix": "pix",
    "voucher": "voucher",
    "transfer": "transfer",
    "bank_transfer": "transfer",
    "other": "other",
    "not_defined": "not_defined",
}  # what channels write → Payment.Method

_COMPARE = """
UPDATE incoming_payment i SET id = p.id,
    action = CASE WHEN (p.method, p.instalments, p.amount) IS DISTINCT FROM (i.method, i.instalments, i.amount)
                  THEN 'u' ELSE 's' END
FROM finance_payment p WHERE p.source = %s AND p.order_key = i.order_key AND p.seq = i.seq
"""

_INSERT = """
INSERT INTO finance_payment (source, order_key, seq, origin, method, instalments, amount, currency, ordered_at,
                             batch_id, version)
SELECT %s, order_key, seq, origin, method, instalments, amount, 'BRL', ordered_at, %s::bigint, 1
FROM incoming_payment WHERE action = 'c'
"""

_TRACE = """
INSERT INTO core_importchange (batch_id, "table", key, before)
SELECT %s, 'finance_payment', p.id, to_jsonb(p)
FROM finance_payment p JOIN incoming_payment i ON i.id = p.id AND i.action = 'u'
"""

_UPDATE = """
UPDATE finance_payment p SET method = i.method, instalments = i.instalments, amount = i.amount, version = p.version + 1
FROM incoming_payment i WHERE i.id = p.id AND i.action = 'u'
"""

_REDATE = """
UPDATE finance_payment p SET ordered_at = d.ordered_at
FROM {dates} d WHERE p.origin = d.origin AND p.ordered_at <> d.ordered_at
"""

_FORGET = """
DELETE FROM finance_payment WHERE batch_id = %s
"""


def compare(cursor: CursorWrapper, *, source: str) -> None:
    """Set `id` and `action` (c, u, s) of the incoming payments of one channel."""
    cursor.execute(_COMPARE, [source])


def take(cursor: CursorWrapper, *, source: str, batch: ImportBatch | None) -> None:
    """Write the compared payments: create, change, leave."""
    if batch:
        cursor.execute(_TRACE, [batch.pk])
    cursor.execute(_UPDATE)
    cursor.execute(_INSERT, [source, batch.pk if batch else None])


def redate(cursor: CursorWrapper, *, dates: str) -> None:
    """Follow orders whose purchase moved: `dates` is a TEMP table (origin, ordered_at)."""
    cursor.execute(_REDATE.format(dates=dates))


def forget(cursor: CursorWrapper, *, batch: ImportBatch) -> None:
    """Take back the payments that `batch` brought, when that import is undone."""
    cursor.execute(_FORGET, [batch.pk])
