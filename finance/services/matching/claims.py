"""The kernel's claims and contests (finance/matching.py) for every open line at once, in TEMP tables.

m_line     open lines                      m_token   what their texts name
m_hit      line names item                 m_owed    differences that a title's own terms explain
m_claim    S1 to S2b                       m_paid    S3
m_rule     rules that fit                  m_move    S7
m_verdict  every claim with what contests it; nothing: it is posted

Every open line takes part, whatever account is asked for: a line of another account may claim the same title.
"""

from decimal import Decimal

from django.db.backends.utils import CursorWrapper

from finance import matching
from finance.services import rules
from finance.terms import Terms, due

TABLES = "m_line, m_token, m_hit, m_owed, m_claim, m_claim_item, m_payer, m_paid, m_rule, m_move, m_verdict"

_LINES = """
CREATE TEMP TABLE m_line AS
SELECT l.id AS line, l.bank_account_id AS bank, l."on", l.open_amount AS amount, l.payer_tax_id AS tax,
       l.open_amount = l.amount AS fresh
FROM finance_statementline l
WHERE l.open_amount <> 0 AND NOT l.is_void
      AND NOT EXISTS (SELECT 1 FROM finance_ignoredline g WHERE g.line_id = l.id)
"""

# Matched before and undone: the line itself, or one that its account held under the same key until its import was taken
# back. Plain joins, which are begun from the open lines or from the undone matches, whichever are fewer.
_UNDONE = """
UPDATE m_line SET fresh = false FROM (
    SELECT o.line FROM m_line o JOIN finance_posting p ON p.line_id = o.line AND p.role = 'transit'
    JOIN finance_match m ON m.entry_id = p.entry_id JOIN finance_journalentry r ON r.reverses_id = m.entry_id
    UNION
    SELECT o.line FROM m_line o JOIN finance_statementline l ON l.id = o.line AND NOT l.is_void
    JOIN finance_statementline v ON v.is_void AND v.bank_account_id = l.bank_account_id AND v.key = l.key
        AND v.occurrence = l.occurrence
    JOIN finance_posting p ON p.line_id = v.id AND p.role = 'transit'
    JOIN finance_match m ON m.entry_id = p.entry_id JOIN finance_journalentry r ON r.reverses_id = m.entry_id
) undone WHERE undone.line = m_line.line
"""

_TOKENS = """
CREATE TEMP TABLE m_token AS
SELECT l.line, l.amount, t.kind, t.value, CASE WHEN t.kind IN ('doc', 'ref', 'num') THEN 'doc' ELSE t.kind END AS wanted
FROM m_line l JOIN finance_linetoken t ON t.line_id = l.line;
ANALYZE m_token
"""

_HITS = """
CREATE TEMP TABLE m_hit AS
SELECT line, amount, item, party, balance, due_on, bool_or(strong) AS strong, bool_or(kind <> 'doc') AS by_key,
       array_agg(DISTINCT kind || ':' || value) AS vals
FROM (
    SELECT t.line, t.amount, i.id AS item, i.party_id AS party, i.balance, i.due_on, k.kind,
           ltrim(k.value, '~') AS value, t.kind <> 'num' AND NOT starts_with(k.value, '~') AS strong
    FROM m_token t JOIN finance_instalmentkey k ON k.value = t.value AND k.kind = t.wanted
    JOIN finance_instalment i ON i.id = k.instalment_id AND i.balance <> 0
    WHERE t.kind <> 'tax'
) found
GROUP BY line, amount, item, party, balance, due_on
HAVING bool_or(strong) OR balance = amount;
CREATE INDEX ON m_hit (line);
ANALYZE m_hit;
DELETE FROM m_hit shorter USING m_hit longer  -- of two readings of one number the longer one counts
WHERE shorter.line = longer.line AND shorter.strong AND longer.strong AND shorter.vals <@ longer.vals
      AND NOT longer.vals <@ shorter.vals
"""

_EXPLAINABLE = """
SELECT h.line, h.item, h.amount, h.balance, h.by_key, h.due_on, l."on", t.discount_rate, t.discount_days, t.fine_rate,
       t.interest_rate
FROM m_hit h JOIN m_line l ON l.line = h.line JOIN finance_instalment i ON i.id = h.item JOIN finance_title t
    ON t.id = i.title_id
WHERE h.strong AND h.amount <> h.balance AND sign(h.amount) = sign(h.balance) AND i.balance = i.amount
      AND t.kind <> 'credit' AND (t.discount_rate > 0 OR t.fine_rate > 0 OR t.interest_rate > 0)
"""
_OWED = """
CREATE TEMP TABLE m_owed (line bigint, item bigint, by_key boolean, discount numeric, fine numeric, interest numeric)
"""

_CLAIMS = """
CREATE TEMP TABLE m_claim (
    claim int GENERATED ALWAYS AS IDENTITY, line bigint, stage text, item bigint, items bigint[], vals text[]
);
INSERT INTO m_claim (line, stage, item, items, vals)
SELECT line, CASE WHEN by_key THEN 'S1' ELSE 'S2' END, item, ARRAY[item], vals FROM m_hit
WHERE strong AND balance = amount;
INSERT INTO m_claim (line, stage, item, items, vals)
SELECT h.line, 'S1b', h.item, ARRAY[h.item], h.vals FROM m_owed o JOIN m_hit h ON h.line = o.line AND h.item = o.item
WHERE o.by_key;
INSERT INTO m_claim (line, stage, items, vals)
SELECT s.line, 'S2b', s.items,
       (SELECT array_agg(DISTINCT v) FROM m_hit h, unnest(h.vals) v WHERE h.line = s.line AND h.strong)
FROM (SELECT line, amount, array_agg(item ORDER BY item) AS items FROM m_hit WHERE strong
      GROUP BY line, amount HAVING count(*) > 1 AND min(party) = max(party) AND sum(balance) = amount) s;
CREATE TEMP TABLE m_claim_item AS SELECT claim, line, unnest(items) AS item FROM m_claim;
ANALYZE m_claim, m_claim_item
"""

_PAYERS = """
CREATE TEMP TABLE m_payer AS
SELECT line, min(party) AS party FROM (
    SELECT l.line, p.id AS party FROM m_line l JOIN core_party p ON p.tax_id = l.tax WHERE l.tax <> ''
    UNION ALL
    SELECT l.line, p.id FROM m_line l JOIN m_token t ON t.line = l.line AND t.kind = 'tax'
    JOIN core_party p ON p.tax_id = t.value AND p.tax_id <> '' WHERE l.tax = ''
) known GROUP BY line HAVING min(party) = max(party);
ANALYZE m_payer;
CREATE TEMP TABLE m_paid AS
SELECT l.line, l.amount, y.party, i.id AS item
FROM m_payer y JOIN m_line l ON l.line = y.line JOIN finance_instalment i
    ON i.party_id = y.party AND i.balance = l.amount AND i.balance <> 0
WHERE l."on" - i.due_on BETWEEN %(early)s AND %(late)s;
ANALYZE m_paid
"""

# Buckets of equal amount and day meet, never lines with lines.
_MOVES = """
CREATE TEMP TABLE m_move AS
WITH bucket AS (
    SELECT bank, amount, "on", count(*) AS lines, min(line) AS line FROM m_line
    WHERE (SELECT min(bank) <> max(bank) FROM m_line) GROUP BY 1, 2, 3
), faced AS (
    SELECT b.line, sum(o.lines) AS others, min(o.line) AS other
    FROM bucket b JOIN bucket o ON o.amount = -b.amount AND o.bank <> b.bank
         AND o."on" BETWEEN b."on" - %(between)s AND b."on" + %(between)s
    GROUP BY b.line
)
SELECT f.line, f.other FROM faced f JOIN faced o ON o.line = f.other AND o.others = 1 WHERE f.others = 1
"""

_KEYED = """
CREATE TEMP TABLE m_verdict AS
WITH crowded AS (
    SELECT line FROM m_claim GROUP BY line HAVING count(*) > 1
), wanted AS (
    SELECT item FROM m_claim_item GROUP BY item HAVING min(line) <> max(line)
), torn AS (
    SELECT DISTINCT claim FROM m_claim_item i JOIN wanted w ON w.item = i.item
), rival AS (
    SELECT c.claim, bool_or(NOT h.strong) AS number, bool_or(h.strong) AS key
    FROM m_claim c JOIN m_hit h ON h.line = c.line AND NOT h.item = ANY(c.items)
    WHERE (h.strong AND h.by_key) OR (NOT h.strong AND NOT (h.vals <@ c.vals AND NOT c.vals <@ h.vals))
    GROUP BY c.claim
)
SELECT c.claim, c.line, c.stage, c.items, NULL::bigint AS rule_version, array_remove(ARRAY[
           CASE WHEN NOT l.fresh THEN 'worked_on' END, CASE WHEN o.line IS NOT NULL THEN 'other_claim' END,
           CASE WHEN t.claim IS NOT NULL THEN 'other_line' END, CASE WHEN r.number THEN 'other_number' END,
           CASE WHEN r.key THEN 'other_key' END], NULL) AS contests
FROM m_claim c JOIN m_line l ON l.line = c.line LEFT JOIN crowded o ON o.line = c.line
LEFT JOIN torn t ON t.claim = c.claim LEFT JOIN rival r ON r.claim = c.claim
"""

_BY_PAYER = """
INSERT INTO m_verdict (line, stage, items, contests)
SELECT p.line, 'S3', ARRAY[p.item], array_remove(ARRAY[
    CASE WHEN NOT l.fresh THEN 'worked_on' END,
    CASE WHEN EXISTS (SELECT 1 FROM m_claim c WHERE c.line = p.line) THEN 'other_claim' END,
    CASE WHEN EXISTS (SELECT 1 FROM finance_instalment i WHERE i.party_id = p.party AND i.balance = p.amount
                      AND i.balance <> 0 AND i.id <> p.item) THEN 'other_item' END,
    CASE WHEN EXISTS (SELECT 1 FROM m_hit h WHERE h.line = p.line AND h.item <> p.item) THEN 'other_number' END,
    CASE WHEN count(*) OVER (PARTITION BY p.item) > 1
              OR EXISTS (SELECT 1 FROM m_claim_item c WHERE c.item = p.item AND c.line <> p.line) THEN 'other_line' END,
    CASE WHEN EXISTS (SELECT 1 FROM m_rule r WHERE r.line = p.line) THEN 'rule' END,
    CASE WHEN EXISTS (SELECT 1 FROM m_move m WHERE m.line = p.line) THEN 'transfer' END], NULL)
FROM m_paid p JOIN m_line l ON l.line = p.line
"""

_BY_RULE = """
INSERT INTO m_verdict (line, stage, items, rule_version, contests)
SELECT r.line, 'S6', '{}', r.version, array_remove(ARRAY[
    CASE WHEN NOT l.fresh THEN 'worked_on' END, CASE WHEN NOT r.trusted THEN 'not_trusted' END,
    CASE WHEN EXISTS (SELECT 1 FROM m_claim c WHERE c.line = r.line)
              OR EXISTS (SELECT 1 FROM m_paid p WHERE p.line = r.line) THEN 'other_claim' END,
    CASE WHEN EXISTS (SELECT 1 FROM m_payer y JOIN finance_instalment i ON i.party_id = y.party
                      AND i.balance = l.amount AND i.balance <> 0 WHERE y.line = r.line) THEN 'other_item' END,
    CASE WHEN EXISTS (SELECT 1 FROM m_hit h WHERE h.line = r.line) THEN 'other_number' END,
    CASE WHEN count(*) OVER (PARTITION BY r.line) > 1 THEN 'rule' END,
    CASE WHEN EXISTS (SELECT 1 FROM m_move m WHERE m.line = r.line) THEN 'transfer' END], NULL)
FROM m_rule r JOIN m_line l ON l.line = r.line
"""

# What is dear to find out is asked only of claims that nothing else contests.
_SUMS = """
WITH asked AS (
    SELECT v.ctid AS row, v.line, v.items[1] AS item, l.amount, y.party
    FROM m_verdict v JOIN m_line l ON l.line = v.line JOIN m_payer y ON y.line = v.line
    WHERE v.stage IN ('S3', 'S6') AND v.contests = '{}'
), other AS MATERIALIZED (
    SELECT a.line, i.id, i.balance, count(*) OVER (PARTITION BY a.line) AS items
    FROM asked a JOIN finance_instalment i ON i.party_id = a.party AND i.balance <> 0 AND i.id IS DISTINCT FROM a.item
), few AS MATERIALIZED (
    SELECT line, id, balance FROM other WHERE items <= %(summed)s
), pair AS MATERIALIZED (
    SELECT a.line, b.id AS last, a.balance + b.balance AS total FROM few a JOIN few b ON b.line = a.line AND b.id > a.id
), summed AS (
    SELECT line, 'many' AS why FROM other WHERE items > %(summed)s
    UNION SELECT p.line, 'sum' FROM pair p JOIN m_line l ON l.line = p.line WHERE p.total = l.amount
    UNION SELECT p.line, 'sum' FROM pair p JOIN m_line l ON l.line = p.line
          JOIN few c ON c.line = p.line AND c.balance = l.amount - p.total AND c.id > p.last
)
UPDATE m_verdict v SET contests = ARRAY[CASE WHEN v.stage = 'S6' THEN 'sum' ELSE s.why END]
FROM asked a JOIN (SELECT line, max(why) AS why FROM summed GROUP BY line) s ON s.line = a.line WHERE v.ctid = a.row
"""

_BY_DATE = """
CREATE INDEX ON m_line (amount);
UPDATE m_verdict v SET contests = ARRAY['by_date']
FROM m_line l CROSS JOIN LATERAL (
    SELECT count(*) AS items, min(near.due_on) AS due_on FROM (
        SELECT i.due_on FROM finance_instalment i WHERE i.balance <> 0
            AND (i.balance, i.due_on) >= (l.amount, l."on" - %(near)s)
            AND (i.balance, i.due_on) <= (l.amount, l."on" + %(near)s) ORDER BY i.balance, i.due_on LIMIT 2) near
) n
WHERE v.stage = 'S6' AND v.contests = '{}' AND l.line = v.line AND n.items = 1
      AND NOT EXISTS (SELECT 1 FROM m_line o WHERE o.amount = l.amount AND o.line <> l.line
                      AND o."on" BETWEEN n.due_on - %(near)s AND n.due_on + %(near)s)
"""

_WINDOWS = {
    "early": -matching.EARLY,
    "late": matching.LATE,
    "between": matching.BETWEEN,
    "summed": matching.SUMMED,
    "near": matching.NEAR,
}


def decide(cursor: CursorWrapper) -> dict[str, int]:
    """Fill `m_verdict` and what it stands on; how many lines were open, and how many claims came of them."""
    cursor.execute(f"DROP TABLE IF EXISTS {TABLES}")
    cursor.execute(_LINES)
    cursor.execute("ALTER TABLE m_line ADD PRIMARY KEY (line); ANALYZE m_line")
    cursor.execute(_UNDONE)
    cursor.execute(_TOKENS)
    cursor.execute(_HITS)
    _explain_by_terms(cursor)
    cursor.execute(_CLAIMS)
    cursor.execute(_PAYERS, _WINDOWS)
    cursor.execute(_MOVES, _WINDOWS)
    fits = rules.fit(cursor)
    cursor.execute("CREATE INDEX ON m_claim_item (item); CREATE INDEX ON m_claim (line); CREATE INDEX ON m_paid (line)")
    cursor.execute(_KEYED)
    cursor.execute(_BY_PAYER)
    cursor.execute(_BY_RULE)
    cursor.execute("ANALYZE m_verdict")
    cursor.execute(_SUMS, _WINDOWS)
    if fits:
        cursor.execute(_BY_DATE, _WINDOWS)
    cursor.execute("SELECT (SELECT count(*) FROM m_line), (SELECT count(*) FROM m_verdict)")
    lines, claims = cursor.fetchone()
    return {"open": lines, "claims": claims}


def _explain_by_terms(cursor: CursorWrapper) -> None:
    """What a title's own terms ask on the line's day, where that is the line's amount to the cent."""
    cursor.execute(_OWED)
    cursor.execute(_EXPLAINABLE)
    found = []
    for line, item, amount, balance, by_key, due_on, on, *terms in cursor.fetchall():
        owed = due(abs(balance), due_on=due_on, on=on, terms=Terms(*terms))
        if owed.total == abs(Decimal(amount)):
            found.append((line, item, by_key, owed.discount, owed.fine, owed.interest))
    if found:
        cursor.executemany("INSERT INTO m_owed VALUES (%s, %s, %s, %s, %s, %s)", found)
    cursor.execute("ANALYZE m_owed")
