"""What the facts of bank lines, matches and the books should be, as SQL; `facts.py` compares and writes.

series → what follows SELECT: occurred_at, entity, part, amount, seconds, wall_seconds, score, hit, dims FROM …
"""

DAYS_TO_RECONCILE = 7  # a line that waits longer counts as an error

_LINE = "kpis_day_start(l.\"on\", %(zone)s), 'finance.statementline:' || l.id, NULL, abs(l.amount), NULL, NULL, NULL"
_LIVE = """FROM finance_posting p JOIN finance_match m ON m.entry_id = p.entry_id
    LEFT JOIN finance_journalentry r ON r.reverses_id = p.entry_id
    WHERE p.line_id = l.id AND p.role = 'transit'"""
_UNDONE = f"EXISTS (SELECT {_LIVE} AND r.id IS NOT NULL)"
_LINES_FROM = "FROM finance_statementline l JOIN finance_bankaccount b ON b.id = l.bank_account_id WHERE NOT l.is_void"

LINES = {
    "lines.booked": f"""
        {_LINE}, l.open_amount = 0 AND coalesce((SELECT bool_and(m.automatic) {_LIVE} AND r.id IS NULL), false),
            b.name, '', '' {_LINES_FROM}""",
    "lines.judged": f"""
        {_LINE}, l.open_amount <> 0 OR {_UNDONE}, b.name, '', '' {_LINES_FROM}
        AND (l.open_amount = 0 OR {_UNDONE}
             OR l."on" < (now() AT TIME ZONE %(zone)s)::date - {DAYS_TO_RECONCILE})""",
}

MATCHES = {
    "matches.made": """
        m.at, 'finance.match:' || m.id, NULL, NULL, NULL, NULL, NULL, r.id IS NOT NULL,
            CASE WHEN m.confidence IS NULL THEN 'hand' WHEN m.confidence >= 1 THEN '1.00'
                 WHEN m.confidence >= 0.95 THEN '0.95' WHEN m.confidence >= 0.9 THEN '0.90'
                 WHEN m.confidence >= 0.8 THEN '0.80' ELSE '0.00' END, m.stage,
            CASE WHEN m.automatic THEN 'automatic' ELSE 'person' END
        FROM finance_match m LEFT JOIN finance_journalentry r ON r.reverses_id = m.entry_id WHERE true""",
}

COSTS = {
    "books.back_office": """
        kpis_day_start(p."on", %(zone)s), 'finance.journalentry:' || p.entry_id, p.id, p.amount, NULL, NULL, NULL, NULL,
            a.code || ' ' || a.name, coalesce(c.name, ''), ''
        FROM finance_posting p JOIN finance_account a ON a.id = p.account_id
        LEFT JOIN finance_costcentre c ON c.id = p.cost_centre_id
        WHERE a.section = '50_administrative'
            AND p.entry_id NOT IN (SELECT e.id FROM finance_journalentry e JOIN finance_journal j ON j.id = e.journal_id
                                   WHERE j.kind = 'closing')""",
}

# Which lines, matches and entries an event speaks of.
LINES_OF_STATEMENTS = "SELECT id FROM finance_statementline WHERE statement_id = ANY(%s)"
MATCHES_OF_RUN = "SELECT id FROM finance_match WHERE run_id = %s"
LINES_OF_MATCHES = """
SELECT DISTINCT p.line_id FROM finance_match m JOIN finance_posting p ON p.entry_id = m.entry_id AND p.role = 'transit'
WHERE m.id = ANY(%s)
"""
# Entries never change: only new ones bring costs. A few more than those since the last, for who committed late; the
# nightly run compares all of them.
NEW_COSTS = """
SELECT DISTINCT p.entry_id FROM finance_posting p JOIN finance_account a ON a.id = p.account_id
WHERE a.section = '50_administrative' AND p.id > (
    SELECT coalesce(max(part), 0) - 5000 FROM kpis_fact WHERE series = 'books.back_office')
"""
