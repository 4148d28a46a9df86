"""Books of a company as they are after two busy years, written set-based: for `bench books`.

Every bank line comes from a statement, most are matched to a title that was issued before, some wait with proposals.
Rows go past the triggers, so the seals are no true hashes; heads, numbers, balances and open amounts are what postings
make them, and what is posted afterwards goes through every trigger and constraint.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from backoffice.core.models import Company, User
from finance.models import Account, BooksSetup, CostCentre, Journal, Period
from finance.services import periods, plan, setup

BANKS = ["Banco do Brasil", "Itaú", "Bradesco", "Sicoob", "Conta de pagamentos"]
MONTHS = 24
TABLES = (
    "core_party",
    "finance_title",
    "finance_instalment",
    "finance_instalmentkey",
    "finance_statement",
    "finance_statementline",
    "finance_linetoken",
    "finance_journalentry",
    "finance_entryseal",
    "finance_journalhead",
    "finance_posting",
    "finance_match",
    "finance_suggestion",
    "finance_invoice",
    "finance_invoiceline",
    "finance_bill",
    "finance_billline",
)

# What the company lived through, day by day: lines of banks, and titles. One line in fifty is a fee of the bank, one in
# five pays a supplier, customers paid the others. Of the last month two lines in five are open, before that a few.
_LIVED = """
CREATE UNLOGGED TABLE lived_line AS
SELECT g AS id, %(first)s::date + ((g - 1) * %(days)s / %(lines)s)::int AS "on",
       (%(banks)s::bigint[])[CASE WHEN g %% 10 < 6 THEN 1 WHEN g %% 10 < 7 THEN 2 WHEN g %% 10 < 8 THEN 3
                                  WHEN g %% 10 < 9 THEN 4 ELSE 5 END] AS bank,
       CASE WHEN g %% 50 = 0 THEN 'fee' WHEN g %% 5 = 3 THEN 'payable' ELSE 'receivable' END AS kind,
       (CASE WHEN g %% 50 = 0 THEN -(200 + g * 31 %% 4000) WHEN g %% 5 = 3 THEN -(5000 + g * 104729 %% 600000)
             ELSE 2000 + g * 7919 %% 180000 END / 100.0)::numeric(18, 2) AS amount,
       CASE WHEN g > %(lines)s - %(lines)s / 24 THEN g %% 5 < 2 ELSE g %% 331 = 0 END AS is_open
FROM generate_series(1, %(lines)s::bigint) g;
CREATE UNLOGGED TABLE lived_title AS
SELECT id, kind, amount, is_open, 1::smallint AS parts,
       greatest("on" - 20 - (id %% 30)::int, %(first)s::date) AS issued_on, "on" + 5 - (id %% 23)::int AS due_on,
       "on" AS paid_on
FROM lived_line WHERE kind <> 'fee'
UNION ALL
SELECT g, CASE WHEN g %% 4 = 0 THEN 'payable' ELSE 'receivable' END,
       (CASE WHEN g %% 4 = 0 THEN -(5000 + g * 104729 %% 600000)
             ELSE 2000 + g * 7919 %% 180000 END / 100.0)::numeric(18, 2),
       true, (1 + g %% 3)::smallint, %(today)s::date - (g %% 60)::int, %(today)s::date - 40 + (g %% 120)::int, NULL
FROM generate_series(%(lines)s::bigint + 1, %(lines)s::bigint + %(lines)s / 10) g;
CREATE UNLOGGED TABLE lived_part AS
SELECT CASE WHEN parts = 1 THEN id ELSE id * 4 + %(lines)s * 10 + seq END AS id, id AS title, seq::smallint,
       due_on + 30 * (seq - 1) AS due_on,
       CASE WHEN seq < parts THEN trunc(amount / parts, 2)
            ELSE amount - trunc(amount / parts, 2) * (parts - 1) END AS amount,
       is_open, paid_on
FROM lived_title CROSS JOIN LATERAL generate_series(1, parts) seq;
CREATE UNLOGGED TABLE lived_entry AS
SELECT row_number() OVER (ORDER BY "on", kind, key) AS id, * FROM (
    SELECT "on", 'bank' AS kind, bank AS key FROM lived_line GROUP BY "on", bank
    UNION ALL SELECT issued_on, CASE kind WHEN 'payable' THEN 'purchases' ELSE 'sales' END, id FROM lived_title
    UNION ALL SELECT "on", 'matching', id FROM lived_line WHERE NOT is_open
    UNION ALL SELECT %(first)s::date + ((g - 1) * %(days)s / %(more)s)::int, 'general', g
    FROM generate_series(1, %(more)s::bigint) g
) e;
ANALYZE lived_line, lived_title, lived_part, lived_entry
"""

_DOCUMENTS = """
INSERT INTO core_party (id, kind, name, tax_id, email, phone, version)
SELECT g, CASE WHEN g %% 3 = 0 THEN 'organisation' ELSE 'person' END,
       (%(first_names)s::text[])[1 + g %% 20] || ' ' || (%(last_names)s::text[])[1 + (g / 20) %% 25] || ' ' || g,
       '', '', '', 1
FROM generate_series(1, %(parties)s) g;
INSERT INTO finance_title (id, direction, kind, number, party_id, account_id, cost_centre_id, origin, issued_on, amount,
                           text, discount_rate, discount_days, fine_rate, interest_rate, entry_id, version)
SELECT t.id, t.kind, CASE t.kind WHEN 'payable' THEN 'bill' ELSE 'invoice' END,
       CASE t.kind WHEN 'payable' THEN 'B' ELSE 'NF' END || '-' || lpad(t.id::text, 7, '0'),
       1 + (t.id * 13 + t.id / 7) %% %(parties)s,
       CASE t.kind WHEN 'payable' THEN %(payable)s ELSE %(receivable)s END, (%(centres)s::bigint[])[1 + t.id %% 5], '',
       t.issued_on, t.amount, '', 0, 0, 0.02, 0.01, e.id, 1
FROM lived_title t JOIN lived_entry e ON e.key = t.id AND e.kind IN ('sales', 'purchases');
INSERT INTO finance_instalment (id, title_id, seq, party_id, due_on, amount, balance, settled_on)
SELECT id, title, seq, 1 + (title * 13 + title / 7) %% %(parties)s, due_on, amount,
       CASE WHEN is_open THEN amount ELSE 0 END,
       CASE WHEN NOT is_open THEN paid_on END
FROM lived_part;
INSERT INTO finance_instalmentkey (instalment_id, kind, value)
SELECT p.id, 'doc', CASE t.kind WHEN 'payable' THEN 'B' ELSE 'NF' END || lpad(t.id::text, 7, '0')
FROM lived_part p JOIN lived_title t ON t.id = p.title;
INSERT INTO finance_statement (bank_account_id, part, format, reader, label, starts_on, ends_on, opening, closing,
                               found, "new", known, parked, sum, warnings)
SELECT bank, 0, 'ofx', '1', '', month, (month + interval '1 month')::date - 1, sum(total) OVER w - total,
       sum(total) OVER w, n, n, 0, 0, total, '[]'
FROM (SELECT bank, date_trunc('month', "on")::date AS month, sum(amount) AS total, count(*) AS n
      FROM lived_line GROUP BY 1, 2) m
WINDOW w AS (PARTITION BY bank ORDER BY month) ORDER BY month, bank;
INSERT INTO finance_statementline (id, bank_account_id, statement_id, "on", amount, open_amount, text, payer,
                                   payer_tax_id, kind, reference, key, occurrence, is_void)
SELECT l.id, l.bank, s.id, l."on", l.amount, CASE WHEN l.is_open THEN l.amount ELSE 0 END,
       CASE l.kind WHEN 'fee' THEN 'TARIFA PACOTE DE SERVICOS'
                   WHEN 'payable' THEN 'PAGTO TITULO B-' || lpad(l.id::text, 7, '0')
                   ELSE 'PIX RECEBIDO NF-' || lpad(l.id::text, 7, '0') || ' OBRIGADO' END,
       CASE l.kind WHEN 'fee' THEN '' ELSE upper(p.name) END, '', 'OTHER', 'FIT' || l.id,
       substring(sha256(l.id::text::bytea) FOR 16), 1, false
FROM lived_line l JOIN finance_statement s ON s.bank_account_id = l.bank AND l."on" BETWEEN s.starts_on AND s.ends_on
JOIN core_party p ON p.id = 1 + (l.id * 13 + l.id / 7) %% %(parties)s ORDER BY l.id;
INSERT INTO finance_linetoken (line_id, kind, value)
SELECT id, 'doc', CASE kind WHEN 'payable' THEN 'B' ELSE 'NF' END || lpad(id::text, 7, '0')
FROM lived_line WHERE kind <> 'fee'
"""

_BOOKS = """
INSERT INTO finance_journalentry (id, journal_id, year, number, "on", kind, text, origin, posted_at)
SELECT e.id, j.id, extract(year FROM e."on"),
       row_number() OVER (PARTITION BY j.id, extract(year FROM e."on") ORDER BY e.id), e."on", 'automatic',
       CASE e.kind WHEN 'bank' THEN 'Extrato' WHEN 'general' THEN 'Folha e rateios ' || e.key
                   WHEN 'matching' THEN l.text ELSE t.number END,
       CASE e.kind WHEN 'bank' THEN 'finance.statement:' || s.id WHEN 'matching' THEN 'finance.statementline:' || e.key
                   WHEN 'general' THEN '' ELSE 'finance.title:' || e.key END, e."on" + time '15:00'
FROM lived_entry e JOIN finance_journal j ON j.kind = e.kind
LEFT JOIN finance_statementline l ON e.kind = 'matching' AND l.id = e.key
LEFT JOIN finance_title t ON e.kind IN ('sales', 'purchases') AND t.id = e.key
LEFT JOIN finance_statement s
    ON e.kind = 'bank' AND s.bank_account_id = e.key AND e."on" BETWEEN s.starts_on AND s.ends_on
ORDER BY e.id;
INSERT INTO finance_posting (entry_id, seq, account_id, "on", amount, party_id, cost_centre_id, instalment_id, line_id,
                             role, text)
SELECT entry, seq, account, "on", amount, party, centre, part, line, role, '' FROM (
    SELECT e.id AS entry, row_number() OVER (PARTITION BY e.id ORDER BY l.id, leg) AS seq,
           CASE leg WHEN 1 THEN b.account_id ELSE b.transit_id END AS account, e."on",
           CASE leg WHEN 1 THEN l.amount ELSE -l.amount END AS amount, NULL::bigint AS party, NULL::bigint AS centre,
           NULL::bigint AS part, l.id AS line, CASE leg WHEN 1 THEN 'bank' ELSE 'transit' END AS role
    FROM lived_entry e JOIN lived_line l ON l."on" = e."on" AND l.bank = e.key
    JOIN finance_bankaccount b ON b.id = l.bank CROSS JOIN (VALUES (1), (2)) AS legs (leg) WHERE e.kind = 'bank'
    UNION ALL
    SELECT e.id, p.seq, t.account_id, e."on", p.amount, t.party_id, t.cost_centre_id, p.id, NULL, 'issue'
    FROM lived_entry e JOIN finance_title t ON t.id = e.key JOIN lived_part p ON p.title = t.id
    WHERE e.kind IN ('sales', 'purchases')
    UNION ALL
    SELECT e.id, 10, CASE e.kind WHEN 'sales' THEN (%(incomes)s::bigint[])[1 + t.id %% %(n_incomes)s]
                                 ELSE (%(costs)s::bigint[])[1 + t.id / 7 %% %(n_costs)s] END,
           e."on", -t.amount, t.party_id, t.cost_centre_id, NULL, NULL, ''
    FROM lived_entry e JOIN finance_title t ON t.id = e.key WHERE e.kind IN ('sales', 'purchases')
    UNION ALL
    SELECT e.id, 1, b.transit_id, e."on", l.amount, NULL, NULL, NULL, l.id, 'transit'
    FROM lived_entry e JOIN lived_line l ON l.id = e.key JOIN finance_bankaccount b ON b.id = l.bank
    WHERE e.kind = 'matching'
    UNION ALL
    SELECT e.id, 2, coalesce(t.account_id, %(fees)s), e."on", -l.amount, t.party_id, t.cost_centre_id, t.id, NULL,
           CASE WHEN t.id IS NULL THEN 'fee' ELSE 'principal' END
    FROM lived_entry e JOIN lived_line l ON l.id = e.key LEFT JOIN finance_title t ON t.id = l.id
    WHERE e.kind = 'matching'
    UNION ALL
    SELECT e.id, leg, CASE leg WHEN 1 THEN (%(costs)s::bigint[])[1 + e.key %% %(n_costs)s] ELSE %(salaries)s END,
           e."on", (3 - 2 * leg) * (100 + e.key * 37 %% 99900) / 100.0, NULL,
           CASE leg WHEN 1 THEN (%(centres)s::bigint[])[1 + e.key %% 5] END,
           NULL, NULL, ''
    FROM lived_entry e CROSS JOIN (VALUES (1), (2)) AS legs (leg) WHERE e.kind = 'general'
) posted ORDER BY entry, seq;
INSERT INTO finance_entryseal (entry_id, journal_id, seq, hash)
SELECT id, journal_id, row_number() OVER (PARTITION BY journal_id ORDER BY id), sha256(id::text::bytea)
FROM finance_journalentry;
UPDATE finance_journalhead h SET seq = s.seq, hash = s.hash FROM finance_entryseal s
WHERE s.journal_id = h.journal_id
      AND s.seq = (SELECT max(seq) FROM finance_entryseal o WHERE o.journal_id = h.journal_id);
INSERT INTO finance_journalyear (journal_id, year, last)
SELECT journal_id, year, max(number) FROM finance_journalentry GROUP BY 1, 2;
INSERT INTO finance_match (entry_id, stage, confidence, automatic, evidence, by_id, at)
SELECT e.id, CASE WHEN e.key %% 20 = 0 THEN 'M' ELSE 'S2' END, CASE WHEN e.key %% 20 <> 0 THEN 0.95 END,
       e.key %% 20 <> 0,
       jsonb_build_object('stage', 'S2', 'alternatives', 0, 'signals', jsonb_build_array(
           jsonb_build_object('key', 'document', 'value', 'NF' || e.key),
           jsonb_build_object('key', 'amount', 'same', true))),
       CASE WHEN e.key %% 20 = 0 THEN %(user)s END, e."on" + time '15:00' + interval '1 microsecond' * e.id
FROM lived_entry e WHERE e.kind = 'matching' ORDER BY e.id
"""

# Proposals for two of three open lines that pay a title, one of six with another title to choose from.
_WAITING = """
INSERT INTO finance_suggestion (line_id, rank, stage, confidence, items, evidence, alternatives)
SELECT l.id, rank, CASE rank WHEN 1 THEN 'S2' ELSE 'S5' END,
       CASE WHEN rank = 2 THEN 0.45 WHEN l.id %% 2 = 0 THEN 0.85 ELSE 0.7 END,
       jsonb_build_array(jsonb_build_object('kind', 'instalment', 'id', CASE rank WHEN 1 THEN l.id ELSE l.other END,
                                            'amount', (-l.amount)::text)),
       jsonb_build_object('stage', 'S2', 'alternatives', 0, 'contests', '["other_line"]'::jsonb, 'signals',
           jsonb_build_array(jsonb_build_object('key', 'document', 'value', 'NF' || l.id),
           jsonb_build_object('key', 'amount', 'same', true),
           jsonb_build_object('key', 'days', 'value', 3))), 0
FROM (SELECT id, kind, amount, lead(id) OVER (PARTITION BY kind ORDER BY id) AS other
      FROM lived_line WHERE is_open AND kind <> 'fee') l CROSS JOIN generate_series(1, 2) AS rank
WHERE l.id %% 3 <> 0 AND (rank = 1 OR l.id %% 6 = 1 AND l.other IS NOT NULL);
INSERT INTO finance_ignoredline (line_id, reason, by_id)
SELECT id, 'Estorno do banco', %(user)s FROM lived_line WHERE is_open AND id %% 3 = 0 ORDER BY id DESC LIMIT 20
"""

_PAPERS = """
INSERT INTO finance_invoice (kind, state, number, party_id, issued_on, first_due_on, count, text, total, withheld,
    answer, made_by_id, approved_by_id, title_id, version, origin, sent_to, cancel_reason, discount_rate, discount_days,
    fine_rate, interest_rate)
SELECT 'invoice', 'issued', t.number, t.party_id, t.issued_on, t.issued_on + 30, 1, 'Venda', t.amount, 0, '', %(user)s,
       %(other)s, t.id, 1, '', '', '', 0, 0, 0.02, 0.01
FROM finance_title t WHERE t.direction = 'receivable' AND t.id %% 5 = 1 ORDER BY t.issued_on, t.id;
INSERT INTO finance_invoiceline (invoice_id, seq, text, account_id, amount, qty, unit, price)
SELECT id, 1, 'Mercadoria', (%(incomes)s::bigint[])[1], total, 1, 'un', total FROM finance_invoice;
INSERT INTO finance_bill (state, number, party_id, issued_on, first_due_on, count, text, total, withheld, answer,
    made_by_id, approved_by_id, title_id, version, barcode, cancel_reason, discount_rate, discount_days,
    fine_rate, interest_rate)
SELECT 'approved', t.number, t.party_id, t.issued_on, t.issued_on + 30, 1, 'Compra', -t.amount, 0, '', %(user)s,
       %(other)s, t.id, 1, '', '', 0, 0, 0, 0
FROM finance_title t WHERE t.direction = 'payable' AND t.id %% 2 = 0 ORDER BY t.issued_on, t.id;
INSERT INTO finance_billline (bill_id, seq, text, account_id, amount)
SELECT id, 1, 'Compra', (%(costs)s::bigint[])[1], total FROM finance_bill;
INSERT INTO finance_budgetline (account_id, cost_centre_id, month, amount)
SELECT a, NULL, month::date, 1000 + a FROM unnest(%(costs)s::bigint[]) a
CROSS JOIN generate_series(%(first)s::date, %(today)s::date, interval '1 month') month
"""

_FIRST = [
    "Ana", "Bruno", "Carla", "Daniel", "Elisa", "Fábio", "Gabriela", "Hugo", "Irene", "João",
    "Karina", "Lucas", "Marina", "Nuno", "Olívia", "Paulo", "Rita", "Sérgio", "Tânia", "Vítor",
]  # fmt: skip
_LAST = [
    "Silva", "Souza", "Costa", "Lima", "Rocha", "Alves", "Dias", "Nunes", "Melo", "Castro", "Araújo", "Barros", "Cunha",
    "Duarte", "Freitas", "Gomes", "Leite", "Moraes", "Neves", "Pires", "Ramos", "Sales", "Teles", "Vaz", "Xavier",
]  # fmt: skip


def fill(*, lines: int, postings: int, today: date, user: User, other: User) -> int:
    """Two years up to yesterday with so many bank lines, and entries of the general journal until there are so many
    postings; how many there are."""
    first = _back(today.replace(day=1), MONTHS - 1)
    periods.ensure(first, today + timedelta(days=120))
    values = _places(user, other) | {"first": first, "today": today, "days": (today - first).days, "lines": lines}
    values |= {"parties": max(50, lines // 10), "first_names": _FIRST, "last_names": _LAST}
    values["more"] = max(lines // 50, (postings - lines * 6) // 2, 1)
    with connection.cursor() as cursor:
        cursor.execute("SET work_mem = '128MB'; SET maintenance_work_mem = '512MB'; SET synchronous_commit = off")
        with _bare(TABLES):
            for part in (_LIVED, _DOCUMENTS, _BOOKS, _WAITING, _PAPERS):
                cursor.execute(part, values)
        for table in (*TABLES, "finance_ignoredline"):
            if table not in ("finance_entryseal", "finance_journalhead", "finance_linetoken"):  # these have no id
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {table}))",  # noqa: S608
                    [table],
                )
        cursor.execute("DROP TABLE lived_line, lived_title, lived_part, lived_entry")
        cursor.execute("RESET work_mem; RESET maintenance_work_mem; RESET synchronous_commit")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT count(*) FROM finance_posting")
        return int(cursor.fetchone()[0])


def close_months(until: date) -> int:
    """Close every month that ends by that day, in order, as people do; how many."""
    due = list(Period.objects.filter(ends_on__lte=until).exclude(state="closed").order_by("starts_on"))
    for period in due:
        Period.objects.filter(pk=period.pk).update(state=Period.State.CLOSED)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE finance_periodbalance")
    return len(due)


def _back(month: date, months: int) -> date:
    place = month.year * 12 + month.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def _places(user: User, other: User) -> dict[str, Any]:
    """Who and where."""
    Company.objects.get_or_create(pk=1, defaults={"name": "Bench"})
    BooksSetup.objects.update_or_create(pk=1, defaults={"done": setup.STEPS, "finished_at": Now(), "finished_by": user})
    banks = [plan.open_bank_account(name=name, number=f"{n:06}") for n, name in enumerate(BANKS, 1)]
    centres = CostCentre.objects.bulk_create([CostCentre(code=f"C{n}", name=f"Centro {n}") for n in range(4)])
    leaves = Account.objects.filter(is_group=False, is_control=False, is_active=True).order_by("code")
    incomes = list(leaves.filter(section=Account.Section.GROSS_REVENUE).values_list("pk", flat=True))
    costs = list(leaves.filter(kind=Account.Kind.EXPENSE).values_list("pk", flat=True))
    named = plan.accounts_for("receivable", "payable", "bank_fees", "salaries_payable")
    assert Journal.objects.filter(kind="matching").exists()
    return {
        "user": user.pk,
        "other": other.pk,
        "banks": [bank.pk for bank in banks],
        "centres": [*(centre.pk for centre in centres), None],
        "incomes": incomes,
        "n_incomes": len(incomes),
        "costs": costs,
        "n_costs": len(costs),
        "receivable": named["receivable"],
        "payable": named["payable"],
        "fees": named["bank_fees"],
        "salaries": named["salaries_payable"],
    }


@contextmanager
def _bare(tables: tuple[str, ...]) -> Iterator[None]:
    """Without triggers, foreign keys and plain indexes; afterwards all are there, keys for new rows only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])",
            [list(tables)],
        )
        keys = cursor.fetchall()
        for table, name, _definition in keys:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        cursor.execute(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
            " WHERE NOT i.indisunique AND i.indrelid = ANY(%s::regclass[])",
            [list(tables)],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE finance_journalyear DISABLE TRIGGER USER")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("ALTER TABLE finance_journalyear ENABLE TRIGGER USER")
        for _name, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition} NOT VALID')
