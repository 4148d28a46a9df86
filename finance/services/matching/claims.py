"""The kernel's claims and contests (finance/matching.py) for every open line at once, in TEMP tables.

m_line     open lines                      m_token   what their texts name
m_hit      line names item                 m_owed    differences that a title's own terms explain
m_past     line names a settled item       m_tax     whom a line shows by CPF or CNPJ
m_claim    S1 to S2b                       m_paid    S3
m_rule     rules that fit                  m_move    S7
m_back     reversals                       m_charge  what a claim would waive
m_against  contests by line or claim       m_verdict every claim with what contests it; nothing: it is posted

Every open line takes part, whatever account is asked for: a line of another account may claim the same title.
"""

from decimal import Decimal
from typing import Any

from django.db.backends.utils import CursorWrapper

from backoffice.core.models import Approval
from finance import matching
from finance.services import rules
from finance.services.second_person import write_off_limit
from finance.terms import MONTH, Terms, due, payable_until

ASKED = "finance.match"  # the question about a match, services/reconcile/asking.py
TABLES = (
    "m_line, m_token, m_hit, m_past, m_owed, m_claim, m_claim_item, m_tax, m_payer, m_paid, m_rule, m_move, m_fact,"
    " m_until, m_charge, m_doubtful, m_partly, m_opposed, m_sign, m_back, m_against, m_verdict"
)

_LINES = """
CREATE TEMP TABLE m_line AS
SELECT l.id AS line, l.bank_account_id AS bank, l."on", l.open_amount AS amount, l.payer_tax_id AS tax,
       l.open_amount = l.amount AS fresh, lower(l.text) LIKE ANY(%(reversal)s) AS back
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

# Settled items are named too: they have no due_on here, and their amount for a balance.
_HITS = """
CREATE TEMP TABLE m_hit AS
SELECT line, amount, item, party, balance, due_on, bool_or(strong) AS strong, bool_or(kind <> 'doc') AS by_key,
       array_agg(DISTINCT kind || ':' || value) AS vals
FROM (
    SELECT t.line, t.amount, i.id AS item, i.party_id AS party, CASE WHEN i.balance <> 0 THEN i.due_on END AS due_on,
           CASE WHEN i.balance <> 0 THEN i.balance ELSE i.amount END AS balance, k.kind,
           ltrim(k.value, '~') AS value, t.kind <> 'num' AND NOT starts_with(k.value, '~') AS strong
    FROM m_token t JOIN finance_instalmentkey k ON k.value = t.value AND k.kind = t.wanted
    JOIN finance_instalment i ON i.id = k.instalment_id AND (i.balance <> 0 OR t.kind <> 'num')
    WHERE t.kind <> 'tax'
) found
GROUP BY line, amount, item, party, balance, due_on
HAVING bool_or(strong) OR balance = amount;
CREATE TEMP TABLE m_past AS SELECT line, amount, item, party, balance, by_key, vals FROM m_hit WHERE due_on IS NULL;
DELETE FROM m_hit WHERE due_on IS NULL;
CREATE INDEX ON m_hit (line);
ANALYZE m_hit, m_past;
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

# One id is a payer, two are a payer and somebody between; so they are counted before it is asked who they are.
_PAYERS = """
CREATE TEMP TABLE m_tax AS
SELECT s.line, s.value, p.id AS party, coalesce(p.is_intermediary, false) AS passes
FROM (SELECT line, value FROM m_token WHERE kind = 'tax' UNION SELECT line, tax FROM m_line WHERE tax <> '') s
LEFT JOIN core_party p ON p.tax_id = s.value AND p.tax_id <> ''
WHERE NOT EXISTS (SELECT 1 FROM core_company c WHERE length(c.cnpj) = 14 AND length(s.value) = 14
                  AND left(c.cnpj, 8) = left(s.value, 8));
CREATE INDEX ON m_tax (line);
DELETE FROM m_tax masked USING m_tax whole
WHERE masked.line = whole.line AND masked.value <> whole.value AND strpos(masked.value, '*') > 0
      AND whole.value LIKE replace(masked.value, '*', '_');
CREATE TEMP TABLE m_payer AS
SELECT line, min(party) AS party FROM m_tax GROUP BY line
HAVING count(*) = 1 AND min(party) IS NOT NULL AND NOT bool_or(passes);
ANALYZE m_tax, m_payer;
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

# What contests a claim besides: by line, and where told, by stage and items.
_AGAINST = """
CREATE TEMP TABLE m_against (line bigint NOT NULL, stage text, items bigint[], why text NOT NULL);
"""
_WAITING = """
INSERT INTO m_against (line, why)
SELECT (p->>0)::bigint, 'waiting' FROM core_approval a CROSS JOIN jsonb_array_elements(a.data->'lines') p
WHERE a.kind = %(kind)s AND a.state = 'waiting';
INSERT INTO m_against (line, items, why)
SELECT v.line, v.items, 'waiting' FROM m_verdict v WHERE v.items && (
    SELECT array_agg((p->>'id')::bigint) FROM core_approval a CROSS JOIN jsonb_array_elements(a.data->'items') p
    WHERE a.kind = %(kind)s AND a.state = 'waiting' AND p->>'kind' = 'instalment')
"""

# A payment and what takes it back: opposite on one account within days, and one number, one payer, or words that name
# nobody else. Buckets again, but for lines that have an opposite at all.
_BACK = """
CREATE TEMP TABLE m_opposed AS
SELECT l.line, l.bank, l.amount, l."on", l.back FROM m_line l
WHERE l.amount > 0 AND EXISTS (
    SELECT 1 FROM (SELECT DISTINCT bank, -amount AS amount, "on" FROM m_line WHERE amount < 0) o
    WHERE o.bank = l.bank AND o.amount = l.amount AND o."on" BETWEEN l."on" - %(back)s AND l."on" + %(back)s);
INSERT INTO m_opposed
SELECT l.line, l.bank, l.amount, l."on", l.back FROM m_line l
WHERE l.amount < 0 AND EXISTS (
    SELECT 1 FROM (SELECT DISTINCT bank, -amount AS amount, "on" FROM m_opposed) o
    WHERE o.bank = l.bank AND o.amount = l.amount AND o."on" BETWEEN l."on" - %(back)s AND l."on" + %(back)s);
CREATE TEMP TABLE m_sign AS
SELECT o.line, o.bank, o.amount, o."on", t.wanted, t.value FROM m_opposed o JOIN m_token t ON t.line = o.line
WHERE t.kind NOT IN ('num', 'tax')
UNION SELECT o.line, o.bank, o.amount, o."on", 'tax', t.value FROM m_opposed o JOIN m_tax t ON t.line = o.line
WHERE NOT t.passes;
ANALYZE m_opposed, m_sign;
CREATE TEMP TABLE m_back AS
SELECT line, min(other) AS other FROM (
    SELECT a.line, b.line AS other FROM m_sign a JOIN m_sign b ON b.value = a.value AND b.wanted = a.wanted
        AND b.bank = a.bank AND b.amount = -a.amount AND b."on" BETWEEN a."on" - %(back)s AND a."on" + %(back)s
    UNION ALL
    SELECT unnest(ARRAY[a.line, b.line]), unnest(ARRAY[b.line, a.line]) FROM m_opposed a JOIN m_opposed b
        ON b.bank = a.bank AND b.amount = -a.amount AND b."on" BETWEEN a."on" - %(back)s AND a."on" + %(back)s
    WHERE a.back AND NOT EXISTS (SELECT 1 FROM m_sign s WHERE s.line = a.line)
) pair GROUP BY line;
INSERT INTO m_against (line, why)
SELECT line, 'reversal' FROM m_back;
INSERT INTO m_against (line, stage, why)
SELECT l.line, s.stage, 'reversal' FROM m_line l CROSS JOIN unnest(ARRAY['S1', 'S1b', 'S2', 'S2b', 'S3']) AS s(stage)
WHERE l.back;
INSERT INTO m_against (line, stage, why)
SELECT r.line, 'S6', 'reversal' FROM m_rule r JOIN m_line l ON l.line = r.line WHERE l.back AND NOT r.of_reversals
"""

# Claims on titles whose days or terms are odd, few as a rule: m_fact. What they would waive: m_charge.
_FACTS = """
CREATE TEMP TABLE m_fact AS
SELECT c.line, c.item, l."on", i.due_on, i.balance, t.fine_rate, t.interest_rate,
       t.issued_on - l."on" > CASE WHEN t.kind = 'order' THEN -%(early)s ELSE 0 END AS early,
       l."on" - i.due_on NOT BETWEEN %(early)s AND %(late)s AS far,
       l."on" > i.due_on AND t.direction = 'receivable' AND t.kind <> 'credit'
           AND (t.fine_rate > 0 OR t.interest_rate > 0) AS charged
FROM (SELECT line, item FROM m_claim_item UNION ALL SELECT line, item FROM m_paid) c
JOIN m_line l ON l.line = c.line JOIN finance_instalment i ON i.id = c.item JOIN finance_title t ON t.id = i.title_id
WHERE t.issued_on > l."on" OR l."on" - i.due_on NOT BETWEEN %(early)s AND %(late)s
      OR (l."on" > i.due_on AND t.direction = 'receivable' AND t.kind <> 'credit'
          AND (t.fine_rate > 0 OR t.interest_rate > 0));
CREATE TEMP TABLE m_until (due_on date PRIMARY KEY, until date NOT NULL)
"""
_CHARGES = """
CREATE TEMP TABLE m_charge AS
SELECT DISTINCT f.line, f.item, round(f.balance * f.fine_rate, 2)
                       + round(f.balance * f.interest_rate * (f."on" - f.due_on) / %(month)s, 2) AS amount
FROM m_fact f JOIN m_until u ON u.due_on = f.due_on WHERE f.charged AND f."on" > u.until;
ANALYZE m_fact, m_charge;
INSERT INTO m_against (line, stage, items, why)
SELECT c.line, c.stage, c.items, 'charges' FROM m_claim c JOIN m_charge x ON x.line = c.line AND x.item = ANY(c.items)
WHERE c.stage <> 'S1b' GROUP BY c.claim, c.line, c.stage, c.items HAVING sum(x.amount) > %(limit)s;
INSERT INTO m_against (line, stage, items, why)
SELECT p.line, 'S3', ARRAY[p.item], 'charges' FROM m_paid p JOIN m_charge x ON x.line = p.line AND x.item = p.item
WHERE x.amount > %(limit)s;
INSERT INTO m_against (line, stage, items, why)
SELECT p.line, 'S3', ARRAY[p.item], 'before_issue' FROM m_paid p JOIN m_fact f ON f.line = p.line AND f.item = p.item
WHERE f.early
"""

# What makes the number that a keyed claim stands on another's. A key that only one payment has needs no such doubt.
_DOUBTFUL = """
CREATE TEMP TABLE m_doubtful AS
SELECT c.claim, c.line, c.stage, c.items, c.vals, u.item FROM m_claim c CROSS JOIN LATERAL unnest(c.items) AS u(item)
WHERE (c.line IN (SELECT line FROM m_fact) OR c.line IN (SELECT line FROM m_tax)) AND (c.stage IN ('S2', 'S2b')
      OR NOT EXISTS (SELECT 1 FROM unnest(c.vals) v WHERE split_part(v, ':', 1) = ANY(%(certain)s)));
INSERT INTO m_against (line, stage, items, why)
SELECT c.line, c.stage, c.items, 'before_issue' FROM m_fact f JOIN m_doubtful c ON c.line = f.line AND c.item = f.item
WHERE f.early
UNION ALL
SELECT c.line, c.stage, c.items, 'far' FROM m_fact f JOIN m_doubtful c ON c.line = f.line AND c.item = f.item
WHERE f.far AND c.stage IN ('S1', 'S1b') AND NOT EXISTS (SELECT 1 FROM unnest(c.vals) v WHERE starts_with(v, 'doc:'));
INSERT INTO m_against (line, stage, items, why)
SELECT c.line, c.stage, c.items, 'other_payer'
FROM (SELECT DISTINCT line FROM m_tax) k JOIN m_doubtful c ON c.line = k.line
JOIN finance_instalment i ON i.id = c.item JOIN finance_title t ON t.id = i.title_id
JOIN core_party p ON p.id = i.party_id
WHERE (t.direction = 'payable' OR NOT EXISTS (  -- named by a word of the other side alone
          SELECT 1 FROM m_token t JOIN finance_instalmentkey k ON k.value = t.value AND k.kind = t.wanted
          WHERE t.line = c.line AND k.instalment_id = c.item AND t.kind NOT IN ('num', 'ref')))
      AND CASE WHEN p.tax_id = ''
    THEN EXISTS (SELECT 1 FROM m_payer y WHERE y.line = c.line AND y.party <> p.id)
    ELSE EXISTS (SELECT 1 FROM m_tax x WHERE x.line = c.line AND NOT x.passes)
         AND NOT EXISTS (SELECT 1 FROM m_tax x WHERE x.line = c.line AND NOT x.passes
                         AND p.tax_id LIKE replace(x.value, '*', '_')) END
"""

# A number read in some of its forms only; `letters` and `runs` say in which. Most are read in both: seen by the first
# and the last of the readings, which come in order, before any is looked through.
_FORMS = """
CREATE TEMP TABLE m_partly AS
SELECT line, stage, item, items, array_to_string(vals, ' ') ~ 'doc:[A-Z]' AS letters,
       strpos(array_to_string(vals, ' '), '-') > 0 AS runs
FROM m_claim
WHERE stage = 'S2' AND NOT (strpos(vals[1], '-') > 0 AND vals[cardinality(vals)] COLLATE "C" >= 'doc:A');
INSERT INTO m_against (line, stage, items, why)
SELECT c.line, c.stage, c.items, 'other_form' FROM m_partly c
WHERE NOT c.runs AND EXISTS (
    SELECT 1 FROM m_token t JOIN finance_instalmentkey k ON k.instalment_id = c.item AND k.kind = 'doc'
        AND strpos(k.value, '-') > 0 AND strpos(k.value, '~') = 0
        AND translate(k.value, '-0', '') = translate(t.value, '-0', '')
    WHERE t.line = c.line AND t.wanted = 'doc' AND strpos(t.value, '-') > 0);
INSERT INTO m_against (line, stage, items, why)
SELECT c.line, c.stage, c.items, 'longer_number' FROM m_partly c
WHERE NOT c.letters AND EXISTS (
    SELECT 1 FROM m_token t JOIN finance_instalmentkey k ON k.instalment_id = c.item AND k.kind = 'doc'
        AND k.value ~ '^[A-Z]' AND replace(k.value, '0', '') = replace(t.value, '0', '')
    CROSS JOIN LATERAL (SELECT t.value || n AS value FROM generate_series(0, 9) n
                        UNION ALL SELECT t.value || lpad(n::text, 2, '0') FROM generate_series(0, 99) n
                        UNION ALL SELECT left(t.value, -n) FROM generate_series(1, 2) n) near
    JOIN finance_instalmentkey o ON o.value = near.value AND o.kind = 'doc' AND o.instalment_id <> c.item
    JOIN finance_instalment i ON i.id = o.instalment_id AND i.balance <> 0
    JOIN m_line l ON l.line = c.line AND l.amount = i.balance
    WHERE t.line = c.line AND t.kind IN ('doc', 'ref'));
INSERT INTO m_against (line, stage, items, why)
SELECT v.line, v.stage, v.items, 'other_part'
FROM (SELECT line, value, split_part(value, '-', 1)::int AS seq, split_part(value, '-', 2)::int AS of FROM m_token
      WHERE kind = 'num' AND strpos(value, '-') > 0 AND length(value) <= 5 AND value ~ %(part)s) t
JOIN m_verdict v ON v.line = t.line AND v.stage IN ('S2', 'S3')
JOIN finance_instalment i ON i.id = v.items[1]
WHERE t.of > 1 AND t.seq BETWEEN 1 AND t.of AND t.seq <> i.seq
      AND NOT EXISTS (SELECT 1 FROM m_token s
                      WHERE s.line = t.line AND s.kind = 'num' AND s.value = i.seq || '-' || t.of)
      AND (SELECT count(*) FROM finance_instalment p WHERE p.title_id = i.title_id) = t.of
"""

# A document that was paid already, or that is not in the books.
_ELSEWHERE = """
INSERT INTO m_against (line, stage, items, why)
SELECT c.line, c.stage, c.items, CASE WHEN p.by_key THEN 'other_key' ELSE 'named_elsewhere' END
FROM m_past p JOIN m_claim c ON c.line = p.line JOIN finance_instalment i ON i.id = c.items[1]
WHERE p.by_key OR (p.balance = p.amount AND NOT (p.vals <@ c.vals AND NOT c.vals <@ p.vals)
                   AND (p.party <> i.party_id OR NOT (p.vals @> c.vals AND p.vals <@ c.vals)));
INSERT INTO m_against (line, stage, why)
SELECT w.line, w.stage, 'named_elsewhere'
FROM (SELECT line, 'S3' AS stage FROM m_paid UNION SELECT line, 'S6' FROM m_rule) w
WHERE EXISTS (SELECT 1 FROM m_past p WHERE p.line = w.line)
   OR EXISTS (SELECT 1 FROM m_hit h WHERE h.line = w.line AND h.strong)
   OR EXISTS (SELECT 1 FROM m_token t WHERE t.line = w.line AND (t.kind IN ('nosso', 'barcode')
              OR t.kind IN ('doc', 'ref') AND t.value ~ %(telling)s))
"""

_CONTEST = """
CREATE INDEX ON m_against (line);
ANALYZE m_against;
UPDATE m_verdict v SET contests = v.contests || found.whys
FROM (
    SELECT v.ctid AS row, array_agg(DISTINCT a.why ORDER BY a.why) AS whys
    FROM m_against a JOIN m_verdict v ON v.line = a.line
    WHERE (a.stage IS NULL OR a.stage = v.stage) AND (a.items IS NULL OR a.items = v.items)
          AND NOT a.why = ANY(v.contests)
    GROUP BY v.ctid
) found WHERE v.ctid = found.row
"""

# A payer whose tax id stands on a line that settled another's title; asked of few, as what follows.
_FOR_OTHERS = """
WITH asked AS (
    SELECT v.ctid AS row, y.party FROM m_verdict v JOIN m_payer y ON y.line = v.line
    WHERE v.stage IN ('S3', 'S6') AND v.contests = '{}'
), passing AS (
    SELECT DISTINCT y.party FROM (SELECT DISTINCT party FROM asked) y JOIN core_party c ON c.id = y.party
    JOIN finance_linetoken t ON t.kind = 'tax' AND t.value = c.tax_id
    JOIN finance_posting b ON b.line_id = t.line_id AND b.role = 'transit'
    JOIN finance_match m ON m.entry_id = b.entry_id
    JOIN finance_posting p ON p.entry_id = m.entry_id AND p.instalment_id IS NOT NULL AND p.party_id <> y.party
    WHERE NOT EXISTS (SELECT 1 FROM finance_journalentry r WHERE r.reverses_id = m.entry_id)
)
UPDATE m_verdict v SET contests = ARRAY['pays_for_others']
FROM asked a JOIN passing p ON p.party = a.party WHERE v.ctid = a.row
"""

# Another title of the payer that asks the line's amount by its terms; the cents are checked in Python.
_TERMS = """
SELECT v.line, v.stage, l.amount, i.balance, i.due_on, l."on", t.discount_rate, t.discount_days, t.fine_rate,
       t.interest_rate
FROM m_verdict v JOIN m_line l ON l.line = v.line JOIN m_payer y ON y.line = v.line
JOIN finance_instalment i ON i.party_id = y.party AND i.balance <> 0 AND i.balance <> l.amount
    AND i.id IS DISTINCT FROM v.items[1] AND sign(i.balance) = sign(l.amount)
JOIN finance_title t ON t.id = i.title_id
WHERE v.stage IN ('S3', 'S6') AND v.contests = '{}' AND i.balance = i.amount AND t.kind <> 'credit'
  AND (abs(l.amount) - abs(i.balance) * (1 - t.discount_rate) BETWEEN -0.01 AND 0.01
    OR abs(l.amount) - abs(i.balance) * (1 + t.fine_rate + t.interest_rate * greatest(l."on" - i.due_on, 0) / %(month)s)
       BETWEEN -0.02 AND 0.02)
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

_VALUES: dict[str, Any] = {
    "early": -matching.EARLY,
    "late": matching.LATE,
    "between": matching.BETWEEN,
    "summed": matching.SUMMED,
    "near": matching.NEAR,
    "back": matching.BACK,
    "reversal": [f"%{part}%" for part in matching.REVERSAL],
    "telling": matching.TELLING,
    "part": matching.PART,
    "certain": sorted(matching.CERTAIN),
    "month": MONTH,
}


def decide(cursor: CursorWrapper) -> dict[str, int]:
    """Fill `m_verdict` and what it stands on; how many lines were open, and how many claims came of them."""
    cursor.execute(f"DROP TABLE IF EXISTS {TABLES}")
    cursor.execute(_LINES, _VALUES)
    cursor.execute("ALTER TABLE m_line ADD PRIMARY KEY (line); ANALYZE m_line")
    cursor.execute(_UNDONE)
    cursor.execute(_TOKENS)
    cursor.execute(_HITS)
    _explain_by_terms(cursor)
    cursor.execute(_CLAIMS)
    cursor.execute(_PAYERS, _VALUES)
    cursor.execute(_MOVES, _VALUES)
    fits = rules.fit(cursor)
    cursor.execute("CREATE INDEX ON m_claim_item (item); CREATE INDEX ON m_claim (line); CREATE INDEX ON m_paid (line)")
    cursor.execute(_KEYED)
    cursor.execute(_BY_PAYER)
    cursor.execute(_BY_RULE)
    _doubt(cursor)
    cursor.execute("ANALYZE m_verdict")
    cursor.execute(_FOR_OTHERS)
    cursor.execute(_SUMS, _VALUES)
    _ask_terms(cursor)
    if fits:
        cursor.execute(_BY_DATE, _VALUES)
    cursor.execute("SELECT (SELECT count(*) FROM m_line), (SELECT count(*) FROM m_verdict)")
    lines, claims = cursor.fetchone()
    return {"open": lines, "claims": claims}


def _doubt(cursor: CursorWrapper) -> None:
    """What contests claims besides other claims: reversals, days, charges, other readings, what is paid already."""
    cursor.execute(_AGAINST)
    if Approval.objects.filter(kind=ASKED, state=Approval.State.WAITING).exists():
        cursor.execute(_WAITING, {"kind": ASKED})
    cursor.execute(_BACK, _VALUES)
    cursor.execute(_FACTS, _VALUES)
    cursor.execute("SELECT DISTINCT due_on FROM m_fact WHERE charged")
    days = [(day, payable_until(day)) for (day,) in cursor.fetchall()]
    if days:
        cursor.executemany("INSERT INTO m_until VALUES (%s, %s)", days)
    cursor.execute(_CHARGES, _VALUES | {"limit": write_off_limit()})
    cursor.execute(_DOUBTFUL, _VALUES)
    cursor.execute(_FORMS, _VALUES)
    cursor.execute(_ELSEWHERE, _VALUES)
    cursor.execute(_CONTEST)


def _ask_terms(cursor: CursorWrapper) -> None:
    """Contest what another title of the payer explains by its terms."""
    cursor.execute(_TERMS, _VALUES)
    found = {
        (line, stage)
        for line, stage, amount, balance, due_on, on, *terms in cursor.fetchall()
        if due(abs(balance), due_on=due_on, on=on, terms=Terms(*terms)).total == abs(Decimal(amount))
    }
    if found:
        cursor.executemany(
            "UPDATE m_verdict SET contests = ARRAY['by_terms'] WHERE line = %s AND stage = %s AND contests = '{}'",
            sorted(found),
        )


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
