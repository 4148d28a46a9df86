"""A statement import taken back: its entries reversed, its lines void, so that the file can come again."""

from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.core import events
from backoffice.core.imports import NotUndoable
from backoffice.core.models import ImportBatch, User
from finance.models import Statement

from . import ledger, periods

_LOCK = """
SELECT count(*) AS lines, count(*) FILTER (WHERE open_amount <> amount) AS matched FROM (
    SELECT l.amount, l.open_amount FROM finance_statementline l JOIN finance_statement s ON s.id = l.statement_id
    WHERE s.batch_id = %s AND NOT l.is_void ORDER BY l.id FOR NO KEY UPDATE OF l
) AS ours
"""
_ENTRIES = """
INSERT INTO incoming_entry (journal_id, "on", kind, text, origin, reverses_id, made_by_id, batch_id)
SELECT e.journal_id, CASE WHEN p.state = 'open' THEN e."on" ELSE %(today)s END, 'reversal', e.text, e.origin, e.id,
       %(by)s, e.batch_id
FROM finance_journalentry e LEFT JOIN finance_period p ON p.starts_on = date_trunc('month', e."on")::date
WHERE e.batch_id = %(batch)s AND e.kind <> 'reversal'
      AND NOT EXISTS (SELECT 1 FROM finance_journalentry r WHERE r.reverses_id = e.id)
ORDER BY e.id
"""
_POSTINGS = """
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, party_id, cost_centre_id, instalment_id, line_id, role,
                              text)
SELECT e.id, p.seq, p.account_id, -p.amount, p.party_id, p.cost_centre_id, p.instalment_id, p.line_id, p.role, p.text
FROM incoming_entry e JOIN finance_posting p ON p.entry_id = e.reverses_id
"""
_VOID = """
UPDATE finance_statementline l SET is_void = true FROM finance_statement s
WHERE s.id = l.statement_id AND s.batch_id = %s AND NOT l.is_void
"""
# What hangs on lines that are void: advice of the engine, what their texts name, and the parked lines they came from.
_CLEAR = [
    """
    DELETE FROM finance_suggestion g USING finance_statementline l, finance_statement s
    WHERE g.line_id = l.id AND s.id = l.statement_id AND s.batch_id = %s
    """,
    """
    DELETE FROM finance_linetoken k USING finance_statementline l, finance_statement s
    WHERE k.line_id = l.id AND s.id = l.statement_id AND s.batch_id = %s
    """,
    """
    UPDATE finance_parkedline k SET line_id = NULL FROM finance_statementline l, finance_statement s
    WHERE k.line_id = l.id AND s.id = l.statement_id AND s.batch_id = %s
    """,
]


def take_back(batch: ImportBatch, *, by: User | None) -> int:
    """Reverse and void what the batch brought, in the caller's transaction; how many lines.

    A reversal keeps the day of its entry if that month is open, else it is of today. Raises NotUndoable.
    """
    today = timezone.localdate()
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [batch.pk])
        lines, matched = cursor.fetchone()
        if matched:
            raise NotUndoable(
                ngettext(
                    "%(count)s line of this import is matched. Undo its match first; nothing was changed.",
                    "%(count)s lines of this import are matched. Undo their matches first; nothing was changed.",
                    matched,
                )
                % {"count": matched}
            )
        periods.ensure(today, today)
        values: dict[str, Any] = {"batch": batch.pk, "today": today, "by": by.pk if by else None}
        ledger.begin_set(cursor)
        cursor.execute(_ENTRIES, values)
        cursor.execute(_POSTINGS)
        try:
            ledger.post_set(cursor)
        except ledger.Refused as why:
            raise NotUndoable(_("%(why)s Nothing was changed.") % {"why": why}) from why
        for statement in _CLEAR:
            cursor.execute(statement, [batch.pk])
        cursor.execute(_VOID, [batch.pk])
    ours = Statement.objects.filter(batch=batch)
    ours.update(undone_at=timezone.now())
    events.record("finance.statement_undone", statement_ids=list(ours.order_by("pk").values_list("pk", flat=True)))
    return int(lines)


def shared_lines(batch: ImportBatch) -> int:
    """How many lines of this batch a later file held too: after the undo only a new import of that file brings them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(sum(least(later.known, ours.new)), 0) FROM finance_statement ours
            JOIN LATERAL (
                SELECT max(s.known) AS known FROM finance_statement s
                WHERE s.bank_account_id = ours.bank_account_id AND s.id > ours.id AND s.undone_at IS NULL
                      AND s.known > 0 AND s.starts_on <= ours.ends_on AND s.ends_on >= ours.starts_on
            ) later ON true
            WHERE ours.batch_id = %s
            """,
            [batch.pk],
        )
        return int(cursor.fetchone()[0])
