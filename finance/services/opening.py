"""Opening balances in whole: a trial balance of another program becomes one opening entry a day.

The caller fills TEMP `incoming_balance` (shape below) in its transaction; `check` says what each row would do, `take`
creates missing accounts and posts. What is posted is the difference to what earlier imports opened, so the same file
again changes nothing. What a file leaves unbalanced goes to the account of opening balances, where the close sees it.
"""

from datetime import date
from typing import Any

from django.db import transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_noop

from backoffice.core.models import ImportBatch, User
from finance.models import Account, DraftEntry, JournalEntry, Period

from . import entries, ledger, periods, plan

TWICE = gettext_noop("“%(found)s” stands more than once for this day.")
TITLES = gettext_noop("“%(found)s” moves only with titles. Import the open titles instead.")
TRANSIT = gettext_noop("“%(found)s” moves only with lines of a bank's statement. Import the statement instead.")
RETIRED = gettext_noop("“%(found)s” is retired. Take the account into use again, or name another.")
NO_GROUP = gettext_noop("No account begins “%(found)s”. Add the group to the plan, or use the plan's codes.")
CLOSED = gettext_noop("The month of “%(found)s” is closed.")
NO_MONTH = gettext_noop("“%(found)s” is too far ahead for opening balances.")
TO_DETAIL = "saldo inicial a detalhar"

INCOMING = """
DROP TABLE IF EXISTS incoming_balance;
CREATE TEMP TABLE incoming_balance (
    file smallint, line int,
    code text NOT NULL, name text, "on" date NOT NULL, amount numeric(18, 2) NOT NULL,  -- BRL, debit positive
    account_id bigint, parent_id bigint,  -- the account, or the group under which a new one comes; set by `check`
    delta numeric(18, 2),                 -- what is posted; set by `check`
    is_sum boolean NOT NULL DEFAULT false,  -- a group's line: its accounts stand below
    action "char", problem text, problem_column text
) ON COMMIT DROP;
"""

_FIND = """
UPDATE incoming_balance i SET account_id = a.id FROM finance_account a WHERE a.code = i.code;
UPDATE incoming_balance i SET is_sum = true
WHERE EXISTS (SELECT FROM finance_account a WHERE a.id = i.account_id AND a.is_group)
   OR EXISTS (SELECT FROM incoming_balance b WHERE starts_with(b.code, i.code || '.'));
UPDATE incoming_balance i SET problem = %(twice)s, problem_column = 'code'
FROM (SELECT file, line, row_number() OVER (PARTITION BY code, "on" ORDER BY file, line) AS n FROM incoming_balance) t
WHERE t.n > 1 AND t.file = i.file AND t.line = i.line AND NOT i.is_sum;
-- What is owed comes title by title; a sum of it has an account of its own beside the control account.
UPDATE incoming_balance i SET account_id = d.id
FROM finance_account a JOIN finance_account d ON d.parent_id = a.parent_id AND d.name ILIKE '%%' || %(detail)s
WHERE a.id = i.account_id AND a.is_control AND d.is_active AND NOT d.is_group;
UPDATE incoming_balance i SET problem = %(titles)s, problem_column = 'code'
FROM finance_account a WHERE a.id = i.account_id AND a.is_control AND i.amount <> 0 AND i.problem IS NULL;
UPDATE incoming_balance i SET problem = %(transit)s, problem_column = 'code'
FROM finance_bankaccount b WHERE b.transit_id = i.account_id AND i.amount <> 0 AND i.problem IS NULL;
UPDATE incoming_balance i SET problem = %(retired)s, problem_column = 'code'
FROM finance_account a WHERE a.id = i.account_id AND NOT a.is_active AND i.amount <> 0 AND i.problem IS NULL;
UPDATE incoming_balance i SET parent_id = (
    SELECT a.id FROM finance_account a WHERE a.is_group AND starts_with(i.code, a.code || '.')
    ORDER BY length(a.code) DESC LIMIT 1)
WHERE i.account_id IS NULL AND NOT i.is_sum;
UPDATE incoming_balance i SET problem = %(no_group)s, problem_column = 'code'
WHERE i.account_id IS NULL AND i.parent_id IS NULL AND NOT i.is_sum AND i.problem IS NULL;
UPDATE incoming_balance i SET problem = %(closed)s, problem_column = 'on'
WHERE i.problem IS NULL AND NOT i.is_sum AND EXISTS (
    SELECT FROM finance_period p WHERE i."on" >= p.starts_on AND i."on" < p.ends_on AND p.state <> 'open');
UPDATE incoming_balance i SET problem = %(no_month)s, problem_column = 'on'
WHERE i.problem IS NULL AND NOT i.is_sum AND i."on" > %(latest)s;
"""

# Rows of one account on one day are one sum (a control account and its sum account may both stand in the file).
_COMPARE = """
WITH opened AS (
    SELECT p.account_id, p."on", sum(p.amount) AS amount
    FROM finance_journalentry e JOIN finance_journal j ON j.id = e.journal_id AND j.kind = 'opening'
    JOIN finance_posting p ON p.entry_id = e.id
    WHERE e.batch_id IN (SELECT id FROM core_importbatch WHERE source = %(source)s)
      AND e.kind = 'opening' AND NOT EXISTS (SELECT FROM finance_journalentry r WHERE r.reverses_id = e.id)
    GROUP BY 1, 2
), wanted AS (
    SELECT account_id, "on", sum(amount) AS amount, min((file::bigint << 32) + line) AS first
    FROM incoming_balance WHERE account_id IS NOT NULL AND NOT is_sum AND problem IS NULL GROUP BY 1, 2
)
UPDATE incoming_balance i SET
    delta = CASE WHEN (i.file::bigint << 32) + i.line = w.first THEN w.amount - coalesce(o.amount, 0) ELSE 0 END,
    action = CASE WHEN w.amount = coalesce(o.amount, 0) THEN 's' WHEN o.amount IS NULL THEN 'c' ELSE 'u' END
FROM wanted w LEFT JOIN opened o USING (account_id, "on")
WHERE w.account_id = i.account_id AND w."on" = i."on" AND NOT i.is_sum AND i.problem IS NULL;
UPDATE incoming_balance SET delta = amount, action = CASE WHEN amount = 0 THEN 's' ELSE 'c' END
WHERE account_id IS NULL AND NOT is_sum AND problem IS NULL;
UPDATE incoming_balance SET delta = 0, action = 's' WHERE is_sum;
"""

# A new account is like its siblings: kind, cash flow and DRE section of the group it comes under.
_ADD_ACCOUNTS = """
INSERT INTO finance_account (code, name, kind, parent_id, is_group, is_control, is_active, section, cash_flow, purpose,
                             version)
SELECT DISTINCT ON (i.code) i.code, coalesce(nullif(trim(i.name), ''), i.code), g.kind, g.id, false, false, true,
       CASE WHEN g.kind IN ('revenue', 'expense') THEN coalesce(
           (SELECT s.section FROM finance_account s WHERE starts_with(s.code, g.code || '.') AND s.section <> ''
            ORDER BY s.code LIMIT 1),
           CASE g.kind WHEN 'revenue' THEN '60_other' ELSE '50_administrative' END) ELSE '' END,
       g.cash_flow, '', 1
FROM incoming_balance i JOIN finance_account g ON g.id = i.parent_id
WHERE i.account_id IS NULL AND i.delta <> 0 ORDER BY i.code, i.file, i.line
"""
_FIND_NEW = """
UPDATE incoming_balance i SET account_id = a.id FROM finance_account a WHERE i.account_id IS NULL AND a.code = i.code
"""
_ENTRIES = """
INSERT INTO incoming_entry (journal_id, "on", kind, text, made_by_id, approved_by_id, batch_id)
SELECT j.id, d."on", 'opening', %(text)s, %(by)s, %(approved_by)s, %(batch)s
FROM (SELECT DISTINCT "on" FROM incoming_balance WHERE delta <> 0) d
CROSS JOIN (SELECT id FROM finance_journal WHERE kind = 'opening' ORDER BY id LIMIT 1) j ORDER BY d."on"
"""
_POSTINGS = """
INSERT INTO incoming_posting (entry_id, seq, account_id, amount)
SELECT e.id, row_number() OVER (PARTITION BY e.id ORDER BY l.code, l.account_id), l.account_id, l.amount FROM (
    SELECT "on", min(code) AS code, account_id, sum(delta) AS amount FROM incoming_balance
    WHERE delta <> 0 GROUP BY "on", account_id
    UNION ALL
    SELECT "on", '~', %(rest)s, -sum(delta) FROM incoming_balance GROUP BY "on"
) l JOIN incoming_entry e ON e."on" = l."on" WHERE l.amount <> 0
"""


def check(cursor: CursorWrapper, *, source: str) -> None:
    """Set account, delta, action and problem of the incoming balances."""
    values: dict[str, Any] = {
        "twice": TWICE,
        "titles": TITLES,
        "transit": TRANSIT,
        "retired": RETIRED,
        "no_group": NO_GROUP,
        "closed": CLOSED,
        "no_month": NO_MONTH,
        "detail": TO_DETAIL,
        "latest": timezone.localdate() + periods.AHEAD,
    }
    cursor.execute(_FIND, values)
    cursor.execute(_COMPARE, {"source": source})


def take(
    cursor: CursorWrapper, *, batch: ImportBatch | None, by: User | None, approved_by: User | None = None
) -> dict[str, Any]:
    """Create the missing accounts and post; counts, and what the file left unbalanced (debit positive).

    approved_by: who had it written; nobody where that is who sent it.
    """
    cursor.execute('SELECT min("on"), max("on"), sum(delta) FROM incoming_balance WHERE delta <> 0')
    first, last, rest = cursor.fetchone()
    if first is None:
        return {"accounts": 0, "entries": 0}
    periods.ensure(first, last)
    cursor.execute(_ADD_ACCOUNTS)
    added = int(cursor.rowcount)
    cursor.execute(_FIND_NEW)
    ledger.begin_set(cursor)
    text = translated("Opening balances")
    values = {"text": text, "by": by.pk if by else None, "batch": batch.pk if batch else None}
    second = approved_by.pk if approved_by and approved_by != by else None
    cursor.execute(_ENTRIES, values | {"approved_by": second})
    cursor.execute(_POSTINGS, {"rest": plan.account_for("opening").pk})
    return {"accounts": added, "entries": ledger.post_set(cursor), "unbalanced": str(rest)}


def live_entries(batch: ImportBatch) -> list[JournalEntry]:
    """What an import posted and nobody reversed."""
    rows = JournalEntry.objects.filter(batch=batch, kind=JournalEntry.Kind.OPENING, reversed_by=None)
    return list(rows.order_by("pk"))


def undo_day(entry: JournalEntry, *, today: date) -> date | None:
    """The day on which its reversal is posted: its own while that month is open, else today; None: neither is open."""
    for day in (entry.on, today):
        if Period.objects.filter(starts_on__lte=day, ends_on__gt=day, state=Period.State.OPEN).exists():
            return day
    return None


def take_back(batch: ImportBatch, *, by: User | None, today: date) -> int:
    """Reverse what an import posted; how many entries. The accounts it added stay in the plan."""
    found = live_entries(batch)
    for entry in found:
        ledger.reverse(entry=entry.pk, on=undo_day(entry, today=today) or today, by=by)
    return len(found)


@transaction.atomic
def post(*, on: date, lines: list[ledger.Line], by: User, text: str = "") -> int:
    """Post opening balances that a person wrote in the guided set-up; what does not balance goes to its account.

    Raises ledger.Refused; entries.NotReady where an account does not take them.
    """
    accounts = list(Account.objects.filter(pk__in=[line.account for line in lines]))
    if refused := entries.account_problems(accounts):
        raise entries.NotReady([f"{code}: {why}" for code, why in refused.items()])
    periods.ensure_near(on)
    rest = sum(line.amount for line in lines)
    if rest:
        lines = [*lines, ledger.Line(plan.account_for("opening").pk, -rest)]
    return ledger.post(
        journal="opening",
        on=on,
        text=text or translated("Opening balances"),
        lines=lines,
        kind=DraftEntry.Kind.OPENING,
        by=by,
    )
