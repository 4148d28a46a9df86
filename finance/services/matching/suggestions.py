"""Up to three suggestions for every line that stays open: what a person would find first, with reasons.

Ideas are collected as rows of ids and amounts, ranked, and only the first three of a line become JSON. Items have the
form of services/reconcile/items.py, amounts as postings, debit positive; with the line they sum to zero.
"""

from decimal import Decimal

from django.db.backends.utils import CursorWrapper

from finance import matching

SHOWN = 3  # suggestions a line
CONTESTED = Decimal("0.15")  # of confidence, for a claim that something contests

_LEFT = """
DROP TABLE IF EXISTS m_left, m_equal, m_idea, m_best;
CREATE TEMP TABLE m_left AS
SELECT l.line, l.amount, l."on", btrim(regexp_replace(core_plain(s.payer), '[^a-z0-9]+', ' ', 'g')) AS payer
FROM m_line l JOIN finance_statementline s ON s.id = l.line AND s.open_amount = l.amount AND NOT s.is_void
WHERE %(bank)s::bigint IS NULL OR l.bank = %(bank)s;
ALTER TABLE m_left ADD PRIMARY KEY (line);
ANALYZE m_left;
CREATE TEMP TABLE m_idea (
    line bigint NOT NULL, stage text NOT NULL, confidence numeric NOT NULL, items bigint[] NOT NULL DEFAULT '{}',
    days int, part numeric, advance numeric, discount numeric, fine numeric, interest numeric, other_line bigint,
    rule_version bigint, key text, name_same boolean NOT NULL DEFAULT false, learned int,
    contests text[] NOT NULL DEFAULT '{}'
)
"""

# What the run claimed and did not post.
_CLAIMED = """
INSERT INTO m_idea (line, stage, confidence, items, discount, fine, interest, rule_version, key, contests)
SELECT v.line, v.stage, f.confidence - CASE WHEN v.contests <@ '{not_trusted}' THEN 0 ELSE %(contested)s END, v.items,
       o.discount, o.fine, o.interest, v.rule_version,
       (SELECT k FROM unnest(c.vals) k WHERE v.stage IN ('S1', 'S1b') AND k NOT LIKE 'doc:%%' ORDER BY k LIMIT 1),
       v.contests
FROM m_verdict v JOIN m_left l ON l.line = v.line
JOIN unnest(%(stages)s::text[], %(confidences)s::numeric[]) AS f(stage, confidence) ON f.stage = v.stage
LEFT JOIN m_claim c ON c.claim = v.claim
LEFT JOIN m_owed o ON v.stage = 'S1b' AND o.line = v.line AND o.item = v.items[1]
WHERE v.contests <> '{}'
"""

# A title that the text names, of another amount: by its terms, in part, or too much.
_NAMED = """
INSERT INTO m_idea (line, stage, confidence, items, days, part, advance, discount, fine, interest, contests)
SELECT h.line, CASE WHEN h.by_key THEN 'S1b' ELSE 'S2' END,
       CASE WHEN o.line IS NOT NULL THEN 0.90 WHEN abs(h.amount) < abs(h.balance) THEN 0.70 ELSE 0.55 END,
       ARRAY[h.item],
       abs(l."on" - h.due_on), CASE WHEN o.line IS NULL AND abs(h.amount) < abs(h.balance) THEN h.amount END,
       CASE WHEN o.line IS NULL AND abs(h.amount) > abs(h.balance) THEN h.amount - h.balance END,
       o.discount, o.fine, o.interest, '{amount}'
FROM m_hit h JOIN m_left l ON l.line = h.line LEFT JOIN m_owed o ON o.line = h.line AND o.item = h.item
WHERE h.strong AND h.amount <> h.balance AND sign(h.amount) = sign(h.balance) AND (o.line IS NULL OR NOT o.by_key);
INSERT INTO m_idea (line, stage, confidence, items, advance, contests)
SELECT h.line, 'S2b', 0.60, array_agg(h.item ORDER BY h.item), h.amount - sum(h.balance), '{amount}'
FROM m_hit h JOIN m_left l ON l.line = h.line WHERE h.strong
GROUP BY h.line, h.amount
HAVING count(*) BETWEEN 2 AND 40 AND min(h.party) = max(h.party) AND abs(sum(h.balance)) < abs(h.amount)
       AND min(sign(h.balance)) = sign(h.amount) AND max(sign(h.balance)) = sign(h.amount);
INSERT INTO m_idea (line, stage, confidence, items)  -- weakly named, of the line's amount
SELECT h.line, 'S2', 0.75, ARRAY[h.item] FROM m_hit h JOIN m_left l ON l.line = h.line WHERE NOT h.strong
"""

_PAYER = """
INSERT INTO m_idea (line, stage, confidence, items, days)
SELECT l.line, 'S3', 0.70, ARRAY[i.id], abs(l."on" - i.due_on)
FROM m_payer y JOIN m_left l ON l.line = y.line
CROSS JOIN LATERAL (SELECT id, due_on FROM finance_instalment i WHERE i.party_id = y.party AND i.balance = l.amount
                    AND i.balance <> 0 ORDER BY abs(l."on" - i.due_on), id LIMIT 3) i;
WITH open AS MATERIALIZED (
    SELECT y.line, i.id, i.balance, count(*) OVER (PARTITION BY y.line) AS items
    FROM m_payer y JOIN m_left l ON l.line = y.line
    JOIN finance_instalment i ON i.party_id = y.party AND i.balance <> 0
), few AS MATERIALIZED (
    SELECT line, id, balance FROM open WHERE items <= %(summed)s
), pair AS MATERIALIZED (
    SELECT a.line, a.id AS first, b.id AS last, a.balance + b.balance AS total
    FROM few a JOIN few b ON b.line = a.line AND b.id > a.id
), found AS (
    SELECT p.line, ARRAY[p.first, p.last] AS items FROM pair p JOIN m_left l ON l.line = p.line WHERE p.total = l.amount
    UNION ALL
    SELECT p.line, ARRAY[p.first, p.last, c.id] FROM pair p JOIN m_left l ON l.line = p.line
    JOIN few c ON c.line = p.line AND c.balance = l.amount - p.total AND c.id > p.last
    UNION ALL
    SELECT o.line, array_agg(o.id ORDER BY o.id) FROM open o JOIN m_left l ON l.line = o.line
    GROUP BY o.line, l.amount HAVING count(*) > 3 AND count(*) <= 200 AND sum(o.balance) = l.amount
)
INSERT INTO m_idea (line, stage, confidence, items)
SELECT line, 'S4', 0.85, min(items) FROM found GROUP BY line HAVING count(*) = 1
"""

_TRANSFERS = """
INSERT INTO m_idea (line, stage, confidence, other_line, days)
SELECT m.line, 'S7', 0.90, m.other, abs(l."on" - o."on")
FROM m_move m JOIN m_left l ON l.line = m.line JOIN m_left o ON o.line = m.other;
INSERT INTO m_idea (line, stage, confidence, other_line, days)  -- a payment and what takes it back
SELECT m.line, 'S7', 0.90, m.other, abs(l."on" - o."on")
FROM m_back m JOIN m_left l ON l.line = m.line JOIN m_left o ON o.line = m.other
"""

# The nearest due dates on both sides. Compared as pairs, so that only the index on amount and date can give the order:
# a popular amount is never read through, nor a month for a rare one.
_BY_AMOUNT = """
CREATE TEMP TABLE m_equal AS
SELECT l.line, l.amount, l."on", l.payer FROM m_left l
WHERE EXISTS (SELECT 1 FROM finance_instalment i WHERE i.balance = l.amount AND i.balance <> 0);
ANALYZE m_equal;
INSERT INTO m_idea (line, stage, confidence, items, days, name_same, learned)
SELECT line, 'S5', CASE WHEN near = 1 THEN 0.60 ELSE 0.45 END + CASE WHEN same AND sames = 1 THEN 0.20 ELSE 0 END
           + CASE WHEN learned > 0 THEN 0.10 ELSE 0 END, ARRAY[id], days, same, learned
FROM (
    SELECT l.line, i.id, abs(l."on" - i.due_on) AS days, n.same, k.times AS learned,
           count(*) FILTER (WHERE n.same) OVER (PARTITION BY l.line) AS sames,
           count(*) FILTER (WHERE abs(l."on" - i.due_on) <= %(near)s) OVER (PARTITION BY l.line) AS near
    FROM m_equal l
    CROSS JOIN LATERAL (
        (SELECT id, due_on, party_id FROM finance_instalment WHERE balance <> 0
            AND (balance, due_on) >= (l.amount, l."on") AND (balance, due_on) <= (l.amount, l."on" + %(early)s)
         ORDER BY balance, due_on, id LIMIT 4)
        UNION ALL
        (SELECT id, due_on, party_id FROM finance_instalment WHERE balance <> 0
            AND (balance, due_on) < (l.amount, l."on") AND (balance, due_on) >= (l.amount, l."on" - %(late)s)
         ORDER BY balance DESC, due_on DESC, id LIMIT 4)
    ) i JOIN core_party p ON p.id = i.party_id
    CROSS JOIN LATERAL (
        SELECT length(l.payer) >= 5 AND (starts_with(p.search, l.payer) OR starts_with(l.payer, p.search)) AS same
    ) n
    LEFT JOIN finance_payername k
        ON l.payer <> '' AND k.text = upper(l.payer) AND k.party_id = i.party_id AND k.times > 0
) found
"""

_BEST = """
CREATE TEMP TABLE m_best AS
SELECT row_number() OVER () AS idea, * FROM (
    SELECT *, row_number() OVER w AS rank, count(*) OVER (PARTITION BY line) - 1 AS alternatives FROM (
        SELECT DISTINCT ON (line, items, other_line, rule_version) * FROM m_idea
        ORDER BY line, items, other_line, rule_version, confidence DESC, days
    ) once WINDOW w AS (PARTITION BY line ORDER BY confidence DESC, days NULLS LAST, items, other_line, rule_version)
) ranked WHERE rank <= %(shown)s;
ANALYZE m_best
"""

_FORGET = """
DELETE FROM finance_suggestion s USING m_line l
WHERE s.line_id = l.line AND (%(bank)s::bigint IS NULL OR l.bank = %(bank)s)
"""

_WRITE = """
WITH titled AS (
    SELECT b.idea, b.rank, i.id, i.balance, i.due_on, t.number, t.direction, i.party_id AS party, p.name
    FROM m_best b CROSS JOIN LATERAL unnest(b.items) u(item)
    JOIN finance_instalment i ON i.id = u.item AND i.balance <> 0
    JOIN finance_title t ON t.id = i.title_id JOIN core_party p ON p.id = i.party_id
), parts AS (
    SELECT b.idea, count(*) AS items, min(t.party) AS party, min(t.name) AS name, min(sign(t.balance)) AS side,
           min(t.due_on) AS due_on, sum(t.balance) AS total,
           jsonb_agg(jsonb_build_object('kind', 'instalment', 'id', t.id,
                     'amount', (-coalesce(b.part, t.balance))::text) ORDER BY t.id) AS postings,
           jsonb_agg(jsonb_build_object('key', 'document', 'value', t.number) ORDER BY t.id) AS documents
    FROM titled t JOIN m_best b ON b.idea = t.idea GROUP BY b.idea
), ruled AS (
    SELECT b.idea, v.id, v.number, r.name, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('kind', 'account',
               'account', (x.part->>'account')::bigint, 'role', nullif(x.part->>'role', ''),
               'cost_centre', (x.part->>'cost_centre')::bigint, 'party', (x.part->>'party')::bigint,
               'amount', x.amount::text)) ORDER BY x.seq) FILTER (WHERE x.amount <> 0) AS postings
    FROM m_best b JOIN m_left l ON l.line = b.line JOIN finance_matchruleversion v ON v.id = b.rule_version
    JOIN finance_matchrule r ON r.id = v.rule_id
    CROSS JOIN LATERAL (
        SELECT e.part, e.seq, CASE WHEN e.seq < jsonb_array_length(v.template)
            THEN round(-l.amount * (e.part->>'share')::numeric, 2)
            ELSE -l.amount - coalesce(sum(round(-l.amount * (e.part->>'share')::numeric, 2))
                 OVER (ORDER BY e.seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) END AS amount
        FROM jsonb_array_elements(v.template) WITH ORDINALITY AS e(part, seq)
    ) x
    GROUP BY b.idea, v.id, v.number, r.name
)
INSERT INTO finance_suggestion (line_id, rank, stage, confidence, items, evidence, alternatives, rule_version_id)
SELECT b.line, b.rank, b.stage, least(greatest(b.confidence, 0.05), 0.99),
    CASE WHEN b.rule_version IS NOT NULL THEN r.postings
         WHEN b.other_line IS NOT NULL THEN jsonb_build_array(
             jsonb_build_object('kind', 'line', 'id', b.other_line, 'amount', (-l.amount)::text))
         ELSE p.postings
            || CASE WHEN b.discount > 0 THEN jsonb_build_array(jsonb_build_object('kind', 'account', 'role', 'discount',
                   'party', p.party, 'amount', (p.side * b.discount)::text)) ELSE '[]' END
            || CASE WHEN b.fine > 0 THEN jsonb_build_array(jsonb_build_object('kind', 'account', 'role', 'fine',
                   'party', p.party, 'amount', (-p.side * b.fine)::text)) ELSE '[]' END
            || CASE WHEN b.interest > 0 THEN jsonb_build_array(jsonb_build_object('kind', 'account', 'role', 'interest',
                   'party', p.party, 'amount', (-p.side * b.interest)::text)) ELSE '[]' END
            || CASE WHEN b.advance IS NOT NULL THEN jsonb_build_array(jsonb_build_object('kind', 'advance',
                   'party', p.party, 'amount', (-b.advance)::text)) ELSE '[]' END
    END,
    jsonb_build_object('stage', b.stage, 'alternatives', b.alternatives, 'contests', to_jsonb(b.contests), 'signals',
        CASE WHEN b.rule_version IS NOT NULL THEN jsonb_build_array(
                jsonb_build_object('key', 'rule', 'value', r.name, 'version', r.number),
                jsonb_build_object('key', 'text'))
            WHEN b.other_line IS NOT NULL THEN jsonb_build_array(
                jsonb_build_object('key', 'transfer', 'value', (
                    SELECT a.name FROM finance_statementline o JOIN finance_bankaccount a ON a.id = o.bank_account_id
                    WHERE o.id = b.other_line)),
                jsonb_build_object('key', 'opposite', 'same', true), jsonb_build_object('key', 'days', 'value', b.days))
            ELSE
                CASE WHEN b.key IS NOT NULL THEN jsonb_build_array(jsonb_build_object('key', 'key',
                    'kind', split_part(b.key, ':', 1), 'value', split_part(b.key, ':', 2))) ELSE '[]' END
                || CASE WHEN b.stage IN ('S1', 'S1b', 'S2', 'S2b') THEN p.documents ELSE '[]' END
                || CASE WHEN b.stage IN ('S3', 'S4') THEN jsonb_build_array(
                    jsonb_build_object('key', 'payer', 'value', p.name, 'by', 'tax_id')) ELSE '[]' END
                || CASE WHEN b.name_same THEN jsonb_build_array(
                    jsonb_build_object('key', 'payer', 'value', p.name, 'by', 'name')) ELSE '[]' END
                || CASE WHEN b.learned > 0 THEN jsonb_build_array(
                    jsonb_build_object('key', 'learned', 'value', b.learned)) ELSE '[]' END
                || CASE WHEN b.interest IS NOT NULL THEN jsonb_build_array(jsonb_build_object('key', 'terms',
                        'discount', b.discount::text, 'fine', b.fine::text, 'interest', b.interest::text))
                    WHEN b.part IS NOT NULL THEN jsonb_build_array(
                        jsonb_build_object('key', 'part', 'value', (p.total - b.part)::text))
                    WHEN b.advance IS NOT NULL THEN jsonb_build_array(
                        jsonb_build_object('key', 'surplus', 'value', b.advance::text))
                    WHEN p.items > 1 THEN jsonb_build_array(jsonb_build_object('key', 'sum', 'value', p.items))
                    ELSE jsonb_build_array(jsonb_build_object('key', 'amount', 'same', true)) END
                || CASE WHEN p.items = 1 THEN jsonb_build_array(
                    jsonb_build_object('key', 'days', 'value', l."on" - p.due_on)) ELSE '[]' END
        END),
    b.alternatives, b.rule_version
FROM m_best b JOIN m_left l ON l.line = b.line LEFT JOIN parts p ON p.idea = b.idea LEFT JOIN ruled r ON r.idea = b.idea
WHERE b.other_line IS NOT NULL OR r.postings IS NOT NULL OR p.items = cardinality(b.items)
"""


def write(cursor: CursorWrapper, *, bank_account: int | None) -> int:
    """Replace the suggestions of the run's open lines; how many were written."""
    values = {
        "bank": bank_account,
        "shown": SHOWN,
        "contested": CONTESTED,
        "stages": list(matching.CONFIDENCE),
        "confidences": list(matching.CONFIDENCE.values()),
        "summed": matching.SUMMED,
        "near": matching.NEAR,
        "early": matching.EARLY,
        "late": matching.LATE,
    }
    for step in (_LEFT, _CLAIMED, _NAMED, _PAYER, _TRANSFERS, _BY_AMOUNT, _BEST, _FORGET, _WRITE):
        cursor.execute(step, values)
    written = int(cursor.rowcount)
    cursor.execute("DROP TABLE m_left, m_equal, m_idea, m_best")
    return written
