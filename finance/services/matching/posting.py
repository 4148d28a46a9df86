"""What the verdict leaves uncontested becomes entries, a chunk of lines a transaction.

A chunk locks its lines and instalments, posts only what is still open exactly as it was decided, and commits with its
matches; so a killed run has posted whole chunks, and the next one finds those lines closed. Of many chunks a second
connection posts one half: no two of them want the same line or instalment, and only sealing goes one by one.
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext_lazy as _

from backoffice.core import hands
from backoffice.core.hands import Hand
from backoffice.core.jobs import Work
from finance import matching
from finance.models import Journal, MatchRuleVersion, MatchRun
from finance.services import ledger, plan, settlement
from finance.services.rules import parts_of

CHUNK = 10_000  # lines a transaction, at most
SHARED_FROM = 2_000  # lines, from which a second connection is worth its while

# Everything that does not change while the run lasts is read once, set-based.
_WANTED = """
INSERT INTO m_post
SELECT row_number() OVER (ORDER BY v.line) AS n, v.line, v.stage, v.items, v.rule_version, c.vals, l.amount, l."on",
       l.bank, s.text, s.payer
FROM m_verdict v JOIN m_line l ON l.line = v.line JOIN finance_statementline s ON s.id = v.line
LEFT JOIN m_claim c ON c.claim = v.claim
WHERE v.contests = '{}' AND (%(bank)s::bigint IS NULL OR l.bank = %(bank)s);
INSERT INTO m_post_item
SELECT p.n, p.line, i.id AS item, i.balance, i.party_id AS party, i.due_on, t.account_id AS account, t.number,
       t.direction, t.cost_centre_id AS cost_centre, coalesce(o.discount, 0) AS discount, coalesce(o.fine, 0) AS fine,
       coalesce(o.interest, 0) AS interest, sign(i.balance) AS side, c.amount AS waived
FROM m_post p CROSS JOIN LATERAL unnest(p.items) AS u(item) JOIN finance_instalment i ON i.id = u.item
JOIN finance_title t ON t.id = i.title_id
LEFT JOIN m_owed o ON p.stage = 'S1b' AND o.line = p.line AND o.item = i.id
LEFT JOIN m_charge c ON p.stage <> 'S1b' AND c.line = p.line AND c.item = i.id;
ANALYZE m_post (n, line), m_post_item (n, line);
DELETE FROM m_post p WHERE cardinality(p.items) > 0 AND NOT EXISTS (  -- to the cent, whatever was decided
    SELECT 1 FROM (
        SELECT n, count(*) AS items, sum(balance + side * (interest + fine - discount)) AS total
        FROM m_post_item GROUP BY n
    ) i WHERE i.n = p.n AND i.items = cardinality(p.items) AND i.total = p.amount)
"""
_TABLES = """
DROP TABLE IF EXISTS m_post, m_post_item, m_gone, m_template;
CREATE TEMP TABLE m_post (
    n bigint PRIMARY KEY, line bigint, stage text, items bigint[], rule_version bigint, vals text[],
    amount numeric(18, 2), "on" date, bank bigint, text text, payer text
);
CREATE TEMP TABLE m_post_item (
    n bigint, line bigint, item bigint, balance numeric(18, 2), party bigint, due_on date, account bigint, number text,
    direction text, cost_centre bigint, discount numeric, fine numeric, interest numeric, side numeric,
    waived numeric  -- fine and interest that its terms ask and nobody paid
);
CREATE INDEX ON m_post_item (n);
CREATE TEMP TABLE m_gone (line bigint PRIMARY KEY);
CREATE TEMP TABLE m_template (
    version bigint, name text, number int, seq int, account bigint, share numeric, role text, cost_centre bigint,
    party bigint
)
"""

_LOCK_PERIODS = """
SELECT 1 FROM finance_period WHERE starts_on IN (
    SELECT date_trunc('month', "on")::date FROM m_post WHERE n > %(low)s AND n <= %(high)s
    UNION SELECT date_trunc('month', %(today)s::date)::date
) ORDER BY starts_on FOR SHARE
"""

# Lock by rising key; into m_gone go lines that are not open any more exactly as they were decided, or set aside since.
_LOCK_LINES = """
TRUNCATE m_gone;
WITH held AS MATERIALIZED (
    SELECT id, open_amount, is_void FROM finance_statementline WHERE id = ANY(%(lines)s)
    ORDER BY id FOR NO KEY UPDATE
)
INSERT INTO m_gone
SELECT p.line FROM m_post p LEFT JOIN held h ON h.id = p.line
WHERE p.n > %(low)s AND p.n <= %(high)s AND (h.open_amount IS DISTINCT FROM p.amount OR h.is_void OR EXISTS (
    SELECT 1 FROM finance_ignoredline g WHERE g.line_id = p.line))
"""
_LOCK_ITEMS = """
WITH held AS MATERIALIZED (
    SELECT id, balance FROM finance_instalment WHERE id = ANY(%(items)s) ORDER BY id FOR NO KEY UPDATE
)
INSERT INTO m_gone
SELECT DISTINCT i.line FROM m_post_item i LEFT JOIN held h ON h.id = i.item
WHERE i.n > %(low)s AND i.n <= %(high)s AND h.balance IS DISTINCT FROM i.balance
ON CONFLICT DO NOTHING
"""

_ENTRIES = """
INSERT INTO incoming_entry (journal_id, "on", text, origin, key)
SELECT (SELECT min(id) FROM finance_journal WHERE kind = %(journal)s),
       CASE WHEN m.state = 'open' THEN p."on" ELSE %(today)s::date END,
       coalesce(nullif(p.text, ''), nullif(p.payer, ''), 'Match'), 'finance.statementline:' || p.line, p.n
FROM m_post p JOIN finance_period m ON m.starts_on = date_trunc('month', p."on")::date
WHERE p.n > %(low)s AND p.n <= %(high)s AND NOT EXISTS (SELECT 1 FROM m_gone g WHERE g.line = p.line) ORDER BY p.n;
ANALYZE incoming_entry (id, key);
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, line_id, role)
SELECT e.id, 1, b.transit_id, p.amount, p.line, 'transit'
FROM incoming_entry e JOIN m_post p ON p.n = e.key JOIN finance_bankaccount b ON b.id = p.bank
WHERE p.n > %(low)s AND p.n <= %(high)s;
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, cost_centre_id, instalment_id, role)
SELECT e.id, 1 + row_number() OVER (PARTITION BY i.n ORDER BY i.item), i.account, -i.balance, i.party, i.cost_centre,
       i.item, 'principal'
FROM incoming_entry e JOIN m_post_item i ON i.n = e.key WHERE i.n > %(low)s AND i.n <= %(high)s
"""

_EXTRAS = """
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, cost_centre_id, role)
SELECT e.id, 2 + x.seq, CASE WHEN i.direction = 'receivable' THEN x.gain ELSE x.loss END, x.amount, i.party,
       i.cost_centre, x.role
FROM incoming_entry e JOIN m_post_item i ON i.n = e.key
CROSS JOIN LATERAL (VALUES
    (1, 'discount', i.side * i.discount, %(discount_given)s::bigint, %(discount_taken)s::bigint),
    (2, 'fine', -i.side * i.fine, %(fine_income)s, %(fine_expense)s),
    (3, 'interest', -i.side * i.interest, %(interest_income)s, %(interest_expense)s)
) AS x(seq, role, amount, gain, loss)
WHERE x.amount <> 0
"""

# As rules.spread: every part but the last rounded half up, the last one takes what is left.
_TEMPLATES = """
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, cost_centre_id, role)
SELECT id, 1 + seq, account, amount, party, cost_centre, role FROM (
    SELECT e.id, t.*, CASE WHEN lead(t.seq) OVER w IS NOT NULL THEN round(-p.amount * t.share, 2)
        ELSE -p.amount - coalesce(sum(round(-p.amount * t.share, 2))
             OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) END AS amount
    FROM incoming_entry e JOIN m_post p ON p.n = e.key JOIN m_template t ON t.version = p.rule_version
    WINDOW w AS (PARTITION BY p.n ORDER BY t.seq)
) shared WHERE amount <> 0
"""

_MATCHES = """
INSERT INTO finance_match (entry_id, stage, confidence, automatic, evidence, rule_version_id, run_id)
SELECT e.id, p.stage, f.confidence, true, jsonb_build_object('stage', p.stage, 'alternatives', 0, 'signals',
           coalesce(s.signals, jsonb_build_array(
               jsonb_build_object('key', 'rule', 'value', r.name, 'version', r.number),
               jsonb_build_object('key', 'text', 'value', left(p.text, 80))))),
       p.rule_version, %(run)s
FROM incoming_entry e JOIN m_post p ON p.n = e.key
JOIN unnest(%(stages)s::text[], %(confidences)s::numeric[]) AS f(stage, confidence) ON f.stage = p.stage
LEFT JOIN (
    SELECT p.n, jsonb_build_array(  -- one title by its number: the most
               jsonb_build_object('key', 'document', 'value', i.number),
               jsonb_build_object('key', 'amount', 'same', true),
               jsonb_build_object('key', 'days', 'value', p."on" - i.due_on))
           || CASE WHEN i.waived > 0 THEN jsonb_build_array(jsonb_build_object(
               'key', 'waived', 'value', i.waived::text)) ELSE '[]' END AS signals
    FROM m_post p JOIN m_post_item i ON i.n = p.n
    WHERE p.stage = 'S2' AND p.n > %(low)s AND p.n <= %(high)s AND i.n > %(low)s AND i.n <= %(high)s
    UNION ALL
    SELECT p.n,
        CASE WHEN p.stage IN ('S1', 'S1b') THEN jsonb_build_array(jsonb_build_object(
            'key', 'key', 'kind', split_part(k.val, ':', 1), 'value', split_part(k.val, ':', 2))) ELSE '[]' END
        || CASE WHEN p.stage = 'S3' THEN jsonb_build_array(jsonb_build_object(
            'key', 'payer', 'value', min(y.name), 'by', 'tax_id')) ELSE '[]' END
        || CASE WHEN p.stage = 'S3' THEN '[]'
             ELSE jsonb_agg(jsonb_build_object('key', 'document', 'value', i.number) ORDER BY i.item) END
        || CASE p.stage WHEN 'S2b' THEN jsonb_build_array(jsonb_build_object('key', 'sum', 'value', count(*)))
             WHEN 'S1b' THEN jsonb_build_array(jsonb_build_object('key', 'terms', 'discount', min(i.discount)::text,
                 'fine', min(i.fine)::text, 'interest', min(i.interest)::text))
             ELSE jsonb_build_array(jsonb_build_object('key', 'amount', 'same', true)) END
        || CASE WHEN sum(i.waived) > 0 THEN jsonb_build_array(jsonb_build_object(
            'key', 'waived', 'value', sum(i.waived)::text)) ELSE '[]' END
        || CASE WHEN count(*) = 1 THEN jsonb_build_array(jsonb_build_object(
            'key', 'days', 'value', p."on" - min(i.due_on))) ELSE '[]' END AS signals
    FROM m_post p JOIN m_post_item i ON i.n = p.n
    LEFT JOIN core_party y ON p.stage = 'S3' AND y.id = i.party
    LEFT JOIN LATERAL (SELECT val FROM unnest(p.vals) val WHERE val NOT LIKE 'doc:%%' ORDER BY val LIMIT 1) k
        ON p.stage IN ('S1', 'S1b')
    WHERE p.stage <> 'S2' AND p.n > %(low)s AND p.n <= %(high)s AND i.n > %(low)s AND i.n <= %(high)s
    GROUP BY p.n, p.stage, p."on", k.val
) s ON s.n = p.n
LEFT JOIN (SELECT DISTINCT version, name, number FROM m_template) r ON r.version = p.rule_version
WHERE p.n > %(low)s AND p.n <= %(high)s
"""


@dataclass
class Posted:
    lines: int = 0
    changed: int = 0  # somebody was there first
    refused: int = 0  # the books did not take them

    @property
    def seen(self) -> int:
        return self.lines + self.changed + self.refused


def prepare(cursor: CursorWrapper, *, bank_account: int | None) -> int:
    """Fill TEMP m_post, numbered in the order in which it is posted; the last number."""
    cursor.execute(_TABLES)
    cursor.execute(_WANTED, {"bank": bank_account})
    cursor.execute("SELECT DISTINCT rule_version FROM m_post WHERE rule_version IS NOT NULL")
    for version in MatchRuleVersion.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]).select_related("rule"):
        cursor.executemany(
            "INSERT INTO m_template VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (version.pk, version.rule.name, version.number, seq, part.account, part.share, part.role,
                 part.cost_centre, part.party)
                for seq, part in enumerate(parts_of(version), 1)
            ],
        )  # fmt: skip
    cursor.execute("SELECT coalesce(max(n), 0) FROM m_post")
    return int(cursor.fetchone()[0])


def post(run: MatchRun, total: int, *, work: Work, today: date) -> Posted:
    """Post all of m_post. Raises what `work.check` raises between chunks: what is posted stays."""
    mine, theirs = Posted(), Posted()

    def chunks(low: int, high: int, posted: Posted, hand: Hand | None = None) -> None:
        size = min(CHUNK, max(SHARED_FROM // 4, -(-(high - low) // 2)))
        for first in range(low, high, size):
            work.check()
            if hand and hand.is_broken:
                return
            _post(run, first, min(first + size, high), posted, work=work, today=today)
            work.progress(min(total, mine.seen + theirs.seen), total, str(_("Posting")))

    if total < SHARED_FROM or not hands.may_share():
        chunks(0, total, mine)
        return mine
    half = total // 2
    with hands.second() as hand:
        hand.begin(partial(_execute, _TABLES))
        for table in ("m_post", "m_post_item"):
            hand.give(f"SELECT * FROM {table} WHERE n > {half}", table)  # noqa: S608
        hand.give("SELECT * FROM m_template", "m_template")
        hand.begin(partial(_execute, "ANALYZE m_post (n, line), m_post_item (n, line)"))
        hand.begin(partial(chunks, half, total, theirs, hand))
        chunks(0, half, mine, hand)
        hand.wait()
    return Posted(mine.lines + theirs.lines, mine.changed + theirs.changed, mine.refused + theirs.refused)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _post(run: MatchRun, low: int, high: int, posted: Posted, *, work: Work, today: date) -> None:
    """Lines low+1 … high. What the books refuse is halved until the one line is found, and left for a person."""
    try:
        with work.writing(), connection.cursor() as cursor:
            lines = _post_chunk(cursor, run, low, high, today=today)
    except ledger.Refused:
        if high - low == 1:
            posted.refused += 1
            return
        middle = (low + high) // 2
        _post(run, low, middle, posted, work=work, today=today)
        _post(run, middle, high, posted, work=work, today=today)
    else:
        posted.lines += lines
        posted.changed += high - low - lines


def _post_chunk(cursor: CursorWrapper, run: MatchRun, low: int, high: int, *, today: date) -> int:
    span: dict[str, Any] = {"low": low, "high": high, "today": today}
    cursor.execute(_LOCK_PERIODS, span)
    cursor.execute("SELECT array_agg(line) FROM m_post WHERE n > %(low)s AND n <= %(high)s", span)
    cursor.execute(_LOCK_LINES, {**span, "lines": cursor.fetchone()[0] or []})
    cursor.execute("SELECT array_agg(item) FROM m_post_item WHERE n > %(low)s AND n <= %(high)s", span)
    cursor.execute(_LOCK_ITEMS, {**span, "items": cursor.fetchone()[0] or []})
    ledger.begin_set(cursor)
    cursor.execute(_ENTRIES, {**span, "journal": Journal.Kind.MATCHING})
    cursor.execute(
        "SELECT count(*) FILTER (WHERE stage = 'S1b'), count(rule_version) FROM m_post"
        " WHERE n > %(low)s AND n <= %(high)s",
        span,
    )
    with_extras, with_templates = cursor.fetchone()
    if with_extras:
        wanted = [purpose for pair in settlement.EXTRAS.values() for purpose in pair]
        cursor.execute(_EXTRAS, plan.accounts_for(*wanted))
    if with_templates:
        cursor.execute(_TEMPLATES)
    lines = ledger.post_set(cursor, rows_locked=True)
    stages, confidences = list(matching.CONFIDENCE), list(matching.CONFIDENCE.values())
    cursor.execute(_MATCHES, {**span, "run": run.pk, "stages": stages, "confidences": confidences})
    return lines
