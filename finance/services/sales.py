"""Sales of a shop in the books: each one a title, settled by what its channel says was paid. Whole sets only.

The caller fills TEMP `incoming_sale`; the payments are ours already (`Payment.origin`). A sale is booked on its day as
revenue against the customer, and what was paid settles it against what acquirers and banks owe us by that means. A sale
that was called off owes the money back instead: no revenue, a liability to refund. `SaleBooking` remembers what was
booked: the same sale again changes nothing, a changed one is reversed and booked anew. In a month that is closed
nothing is booked: it goes to `today`.
"""

from dataclasses import dataclass
from datetime import date

import structlog
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from backoffice.core.models import Party, PartyKey
from finance.models import Payment
from finance.services import ledger, periods, plan, titles

log = structlog.get_logger(__name__)

INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming_sale (
    origin text PRIMARY KEY,         -- reference, as in Payment.origin
    number text NOT NULL, party_id bigint,  -- NULL: nobody is known
    "on" date NOT NULL, is_called_off boolean NOT NULL
) ON COMMIT DROP;
TRUNCATE incoming_sale;
"""

METHODS = {
    Payment.Method.CREDIT_CARD: "acquirer_cards",
    Payment.Method.DEBIT_CARD: "acquirer_cards",
    Payment.Method.BOLETO: "acquirer_boleto",
    Payment.Method.PIX: "acquirer_pix",
    Payment.Method.TRANSFER: "acquirer_pix",
    Payment.Method.VOUCHER: "acquirer_other",
    Payment.Method.OTHER: "acquirer_other",
    Payment.Method.UNDEFINED: "acquirer_other",
}
NOBODY = ("finance", "nobody")  # PartyKey of the customer whom no channel named

# What was paid, by account, and what is to be done with each sale whose booking differs.
_WORK = """
DROP TABLE IF EXISTS sale_money, sale_work;
CREATE TEMP TABLE sale_money ON COMMIT DROP AS
SELECT p.origin, m.account_id, sum(p.amount) AS amount
FROM finance_payment p JOIN unnest(%(methods)s::text[], %(accounts)s::bigint[]) AS m (method, account_id) USING (method)
WHERE p.amount > 0 AND p.origin IN (SELECT origin FROM incoming_sale) GROUP BY p.origin, m.account_id;
CREATE TEMP TABLE sale_work ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY w."on", w.origin) AS key, w.*, b.fingerprint IS NOT NULL AS was_booked,
       b.sale_entry_id AS old_sale, b.money_entry_id AS old_money, NULL::bigint AS entry_id,
       CASE WHEN EXISTS (SELECT 1 FROM finance_period d
                         WHERE d.starts_on = date_trunc('month', w."on")::date AND d.state = 'open')
            THEN w."on" ELSE %(today)s END AS posted_on
FROM (
    SELECT s.origin, s.number, coalesce(s.party_id, %(nobody)s) AS party_id, s."on", s.is_called_off, m.total,
           md5(concat_ws('|', coalesce(s.party_id, %(nobody)s), s."on", s.is_called_off, m.parts)) AS fingerprint
    FROM incoming_sale s JOIN (
        SELECT origin, sum(amount) AS total, string_agg(account_id || ':' || amount, ',' ORDER BY account_id) AS parts
        FROM sale_money GROUP BY origin
    ) m USING (origin)
    UNION ALL
    SELECT s.origin, s.number, 0, s."on", s.is_called_off, 0, ''
    FROM incoming_sale s WHERE s.origin NOT IN (SELECT origin FROM sale_money)
) w LEFT JOIN finance_salebooking b ON b.origin = w.origin
WHERE coalesce(b.fingerprint, '') <> w.fingerprint;
ANALYZE sale_money, sale_work;
"""

# The mirror of what was booked before, in its own month where that is open.
_REVERSE = """
INSERT INTO incoming_entry (journal_id, "on", kind, text, origin, reverses_id)
SELECT e.journal_id,
       CASE WHEN EXISTS (SELECT 1 FROM finance_period d
                         WHERE d.starts_on = date_trunc('month', e."on")::date AND d.state = 'open')
            THEN e."on" ELSE %(today)s END,
       'reversal', e.text, e.origin, e.id
FROM finance_journalentry e
WHERE e.id IN (SELECT old_sale FROM sale_work UNION ALL SELECT old_money FROM sale_work)
      AND NOT EXISTS (SELECT 1 FROM finance_journalentry r WHERE r.reverses_id = e.id)
ORDER BY e.id;
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, cost_centre_id, instalment_id, line_id, role,
                              text)
SELECT i.id, p.seq, p.account_id, -p.amount, p.party_id, p.cost_centre_id, p.instalment_id, p.line_id, p.role, p.text
FROM incoming_entry i JOIN finance_posting p ON p.entry_id = i.reverses_id
"""

# Sales whose part was moved by anything but their own two entries: nothing of them can be taken back by itself.
_LOCK = """
SELECT i.id FROM finance_instalment i JOIN finance_salebooking b ON b.title_id = i.title_id
JOIN sale_work w ON w.origin = b.origin ORDER BY i.id FOR NO KEY UPDATE OF i
"""
_LEAVE_OUT = """
DELETE FROM sale_work WHERE origin IN (
    SELECT b.origin FROM finance_salebooking b JOIN finance_instalment i ON i.title_id = b.title_id
    JOIN finance_posting p ON p.instalment_id = i.id JOIN finance_journalentry e ON e.id = p.entry_id
    WHERE b.origin IN (SELECT origin FROM sale_work)
          AND coalesce(e.reverses_id, e.id) NOT IN (b.sale_entry_id, b.money_entry_id)
    GROUP BY b.origin, i.id HAVING sum(p.amount) <> 0
)
"""

_TITLES = """
INSERT INTO incoming_title (key, direction, kind, number, party_id, account_id, against_id, journal_id, origin,
                            issued_on, posted_on)
SELECT key, 'receivable', 'order', number, party_id, %(receivable)s, %(sales)s, %(journal)s, origin, "on", posted_on
FROM sale_work WHERE total > 0 AND NOT is_called_off ORDER BY key;
INSERT INTO incoming_instalment (title_key, seq, due_on, amount)
SELECT key, 1, "on", total FROM sale_work WHERE total > 0 AND NOT is_called_off ORDER BY key
"""

_MONEY = """
INSERT INTO incoming_entry (journal_id, "on", text, origin, key)
SELECT %(journal)s, posted_on, number, origin, key FROM sale_work WHERE total > 0 ORDER BY key;
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id)
SELECT i.id, row_number() OVER (PARTITION BY i.id ORDER BY m.account_id), m.account_id, m.amount, w.party_id
FROM incoming_entry i JOIN sale_work w ON w.key = i.key JOIN sale_money m ON m.origin = w.origin;
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, instalment_id, role)
SELECT i.id, 100, CASE WHEN w.is_called_off THEN %(refunds)s ELSE %(receivable)s END, -w.total, w.party_id, n.id,
       CASE WHEN w.is_called_off THEN '' ELSE 'principal' END
FROM incoming_entry i JOIN sale_work w ON w.key = i.key LEFT JOIN incoming_instalment n ON n.title_key = i.key
"""

_REMEMBER = """
DELETE FROM finance_salebooking WHERE origin IN (SELECT origin FROM sale_work WHERE total = 0);
INSERT INTO finance_salebooking (origin, fingerprint, title_id, sale_entry_id, money_entry_id)
SELECT w.origin, w.fingerprint, t.id, t.entry_id, i.id
FROM sale_work w JOIN incoming_entry i ON i.key = w.key LEFT JOIN incoming_title t ON t.key = w.key
WHERE w.total > 0
ON CONFLICT (origin) DO UPDATE SET fingerprint = excluded.fingerprint, title_id = excluded.title_id,
    sale_entry_id = excluded.sale_entry_id, money_entry_id = excluded.money_entry_id
"""

_GONE = """
INSERT INTO incoming_sale (origin, number, party_id, "on", is_called_off)
SELECT b.origin, '', NULL, %(today)s, true FROM finance_salebooking b
WHERE NOT EXISTS (SELECT 1 FROM finance_payment p WHERE p.origin = b.origin) LIMIT %(most)s
"""


@dataclass(frozen=True)
class Booked:
    booked: int = 0  # sales whose money now stands in the books
    reversed: int = 0  # entries taken back because the sale changed
    left_out: int = 0  # changed sales of whose title something else was settled since: people correct them


def begin(cursor: CursorWrapper) -> None:
    """Have TEMP `incoming_sale`, empty, in the caller's transaction."""
    cursor.execute(INCOMING)


def book(cursor: CursorWrapper, *, today: date) -> Booked:
    """Bring the books in line with the sales in `incoming_sale` and their payments. Raises ledger.Refused."""
    accounts = plan.accounts_for("receivable", "sales", "refunds_payable", *sorted(set(METHODS.values())))
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('finance.sales'))")  # two runs at once would book twice
    cursor.execute('SELECT min("on"), max("on") FROM incoming_sale')
    first, last = cursor.fetchone()
    if first is None:
        return Booked()
    periods.ensure(min(first, today), max(last, today))
    cursor.execute(
        _WORK,
        {
            "methods": [str(method) for method in METHODS],
            "accounts": [accounts[purpose] for purpose in METHODS.values()],
            "nobody": _nobody(),
            "today": today,
        },
    )
    cursor.execute(_LOCK)
    cursor.execute(_LEAVE_OUT)
    left_out = cursor.rowcount
    if left_out:
        log.warning("finance.sales_left_out", count=left_out)
    taken_back = _take_back(cursor, today=today)
    journals = titles.journals()
    values = {
        "receivable": accounts["receivable"],
        "sales": accounts["sales"],
        "refunds": accounts["refunds_payable"],
    }
    titles.begin_titles(cursor)
    cursor.execute(_TITLES, values | {"journal": journals["sales"]})
    titles.issue_set(cursor, keys=False)
    ledger.begin_set(cursor)
    cursor.execute(_MONEY, values | {"journal": journals["general"]})
    booked = ledger.post_set(cursor)
    cursor.execute(_REMEMBER)
    return Booked(booked, taken_back, left_out)


def _take_back(cursor: CursorWrapper, *, today: date) -> int:
    cursor.execute("SELECT EXISTS (SELECT 1 FROM sale_work WHERE was_booked)")
    if not cursor.fetchone()[0]:
        return 0
    ledger.begin_set(cursor)
    cursor.execute(_REVERSE, {"today": today})
    return ledger.post_set(cursor)


@transaction.atomic
def take_back_gone(*, today: date, most: int = 10_000) -> Booked:
    """Reverse up to `most` sales of which no payment is left: their import was undone."""
    with connection.cursor() as cursor:
        begin(cursor)
        cursor.execute(_GONE, {"today": today, "most": most})
        return book(cursor, today=today)


def _nobody() -> int:
    """The party that stands for customers whom no channel named."""
    source, key = NOBODY
    found = PartyKey.objects.filter(source=source, key=key).values_list("party_id", flat=True).first()
    if found is None:
        party = Party.objects.create(name=_("Unnamed customer"))
        PartyKey.objects.create(party=party, source=source, key=key)
        found = party.pk
    return found
