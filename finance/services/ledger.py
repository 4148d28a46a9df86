"""Posting: the only way into the books, one entry at a time or a whole set.

The database checks and seals (migration 0003); what it refuses comes back as one of the exceptions here, in words.
Postings are written before their entry: all that takes time is done before the journal's head is held.
Lock order, for whoever posts: statement lines, instalments, then the journal's head, which `post` takes itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import User
from finance.models import JournalEntry, Posting


class Refused(Exception):
    """The books do not take this; `args[0]` says why, for a person. Nothing was posted."""


class PeriodClosed(Refused):
    """The month is closed, soft-closed without an exception for this person, or not there."""


class TooMuch(Refused):
    """More than what is open of an instalment or a statement line."""


class AlreadyReversed(Refused):
    """Somebody has reversed the entry before."""


# Constraint → what it means for whoever posted.
_REFUSALS: dict[str, tuple[type[Refused], str | Promise]] = {
    "finance_entry_balances": (Refused, _("The postings do not balance: debits and credits differ.")),
    "finance_entry_posted": (Refused, _("The entry is posted; correct it by a reversal.")),
    "finance_posting_not_zero": (Refused, _("A posting of nothing says nothing; leave it out.")),
    "finance_account_takes_postings": (Refused, _("The account is a group or no longer active; choose another.")),
    "finance_posting_control": (
        Refused,
        _("Accounts of titles move only with a title; enter an invoice, a bill or an opening title instead."),
    ),
    "finance_posting_transit": (Refused, _("A transit account moves only with lines of its bank's statement.")),
    "finance_period_open": (PeriodClosed, _("The month is closed for postings.")),
    "finance_instalment_within": (TooMuch, _("More than the open amount cannot be settled.")),
    "finance_line_within": (TooMuch, _("More than the line's open amount cannot be matched.")),
    "finance_posting_account_there": (Refused, _("No account has this number.")),
    "finance_posting_title": (Refused, _("The title is of another account or party.")),
    "finance_posting_bank": (Refused, _("The statement line is of another bank account.")),
    "finance_reversal_mirrors": (Refused, _("This entry is a reversal. Write a new entry instead.")),
    "finance_journalentry_reverses_id_key": (AlreadyReversed, _("This was undone before.")),
    "finance_entry_second_person": (Refused, _("Who made an entry does not approve it.")),
    "finance_entry_manual_is_approved": (Refused, _("A manual entry needs a second person.")),
    "finance_entry_undone_by_two": (Refused, _("A second person approved it; ask to reverse its journal entry.")),
    "finance_entry_opened_by_two": (
        Refused,
        _("The books are set up: another person must approve new opening balances."),
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One posting to be. amount: BRL, debit positive, not zero. instalment, line: what it moves."""

    account: int
    amount: Decimal
    party: int | None = None
    cost_centre: int | None = None
    instalment: int | None = None
    line: int | None = None
    role: str = ""
    text: str = ""
    seq: int | None = None  # its place in the entry; by order when left out


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the database refuses inside into the exceptions of this module."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as problem:
        diagnosis = getattr(problem.__cause__, "diag", None)
        known = _REFUSALS.get(getattr(diagnosis, "constraint_name", None) or "")
        if known is None:
            raise
        raise known[0](known[1]) from problem


_HEAD = """
SELECT seq FROM finance_journalhead
WHERE journal_id = (SELECT id FROM finance_journal WHERE kind = %s ORDER BY id LIMIT 1) FOR UPDATE
"""

_ENTRY = """
INSERT INTO finance_journalentry (id, journal_id, year, number, "on", kind, text, origin, reverses_id, made_by_id,
                                  approved_by_id, batch_id)
SELECT %(entry)s, j.id, %(year)s, coalesce(y.last, 0) + 1, %(on)s, %(kind)s, %(text)s, %(origin)s, %(reverses)s,
       %(made_by)s, %(approved_by)s, %(batch)s
FROM finance_journal j LEFT JOIN finance_journalyear y ON y.journal_id = j.id AND y.year = %(year)s
WHERE j.kind = %(journal)s ORDER BY j.id LIMIT 1
"""

_POSTINGS = """
INSERT INTO finance_posting (entry_id, seq, account_id, "on", amount, party_id, cost_centre_id, instalment_id, line_id,
                             role, text)
VALUES """
_PLACES = f"({', '.join(['%s'] * 11)})"


def post(
    *,
    journal: str,
    on: date,
    text: str,
    lines: Sequence[Line],
    kind: str = JournalEntry.Kind.AUTOMATIC,
    origin: str = "",
    by: User | None = None,
    approved_by: User | None = None,
    batch: int | None = None,
    reverses: int | None = None,
    entry: int | None = None,
) -> int:
    """Post one entry and return its id; joins the caller's transaction.

    journal: Journal.Kind. on: the day of competence. lines: two or more that sum to zero. entry: an id from
    `next_entry`, when rows that name the entry had to be written first.
    Raises Refused or one of its kinds.
    """
    made = entry or next_entry()
    facts: dict[str, date | int | str | None] = {
        "entry": made,
        "journal": journal,
        "year": on.year,
        "on": on,
        "kind": str(kind),
        "text": text[:300],
        "origin": origin,
        "reverses": reverses,
        "made_by": by.pk if by else None,
        "approved_by": approved_by.pk if approved_by else None,
        "batch": batch,
    }
    with refusals(), connection.cursor() as cursor:
        cells: list[date | int | str | Decimal | None] = []
        for seq, line in enumerate(lines, 1):
            cells += [made, line.seq or seq, line.account, on, line.amount, line.party, line.cost_centre]
            cells += [line.instalment, line.line, str(line.role), line.text[:300]]
        if lines:
            cursor.execute(_POSTINGS + ", ".join([_PLACES] * len(lines)), cells)
        cursor.execute(_HEAD, [journal])
        cursor.execute(_ENTRY, facts)
        return made


def next_entry() -> int:
    """The id of an entry that is about to be posted in this transaction, for the title that names it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('finance_journalentry', 'id'))")
        return int(cursor.fetchone()[0])


def reverse(
    *,
    entry: int,
    on: date,
    text: str = "",
    by: User | None = None,
    approved_by: User | None = None,
    journal: str | None = None,
) -> int:
    """Post the mirror of an entry, which restores every balance it moved; returns the reversal's id.

    on: a day in an open period. Raises AlreadyReversed, TooMuch (something was built on it since), PeriodClosed.
    """
    with connection.cursor() as cursor:  # whoever undoes the same waits here, and is told so
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('finance.reverse'), hashint8(%s))", [entry])
    if JournalEntry.objects.filter(reverses=entry).exists():
        raise AlreadyReversed(_("This was undone before."))
    original = JournalEntry.objects.select_related("journal").get(pk=entry)
    lines = [
        Line(p.account_id, -p.amount, p.party_id, p.cost_centre_id, p.instalment_id, p.line_id, p.role, p.text, p.seq)
        for p in Posting.objects.filter(entry_id=entry).order_by("seq")
    ]
    return post(
        journal=journal or original.journal.kind,
        on=on,
        text=text or original.text,
        lines=lines,
        kind=JournalEntry.Kind.REVERSAL,
        origin=original.origin,
        by=by,
        approved_by=approved_by,
        reverses=entry,
    )


# Whole sets -------------------------------------------------------------------------------------------------------

INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming_entry (
    id bigint NOT NULL DEFAULT nextval(pg_get_serial_sequence('finance_journalentry', 'id')),  -- numbers follow it
    journal_id bigint NOT NULL, "on" date NOT NULL, kind text NOT NULL DEFAULT 'automatic', text text NOT NULL,
    origin text NOT NULL DEFAULT '', reverses_id bigint, made_by_id bigint, approved_by_id bigint, batch_id bigint,
    key bigint  -- the caller's own
) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS incoming_posting (
    entry_id bigint NOT NULL, seq smallint NOT NULL, account_id bigint NOT NULL, amount numeric(18, 2) NOT NULL,
    party_id bigint, cost_centre_id bigint, instalment_id bigint, line_id bigint, role text NOT NULL DEFAULT '',
    text text NOT NULL DEFAULT ''
) ON COMMIT DROP;
TRUNCATE incoming_entry, incoming_posting;
"""

_LOCK_HEADS = """
SELECT seq FROM finance_journalhead WHERE journal_id IN (SELECT DISTINCT journal_id FROM incoming_entry)
ORDER BY journal_id FOR UPDATE
"""

_ROWS_LOCKED = "SELECT set_config('finance.rows_locked', %s, true)"

_TAKE_ENTRIES = """
INSERT INTO finance_journalentry (id, journal_id, year, number, "on", kind, text, origin, reverses_id, made_by_id,
                                  approved_by_id, batch_id)
SELECT i.id, i.journal_id, extract(year FROM i."on"),
       coalesce(y.last, 0) + row_number() OVER (PARTITION BY i.journal_id, extract(year FROM i."on") ORDER BY i.id),
       i."on", i.kind, left(i.text, 300), i.origin, i.reverses_id, i.made_by_id, i.approved_by_id, i.batch_id
FROM incoming_entry i
LEFT JOIN finance_journalyear y ON y.journal_id = i.journal_id AND y.year = extract(year FROM i."on")
"""

_TAKE_POSTINGS = """
INSERT INTO finance_posting (entry_id, seq, account_id, "on", amount, party_id, cost_centre_id, instalment_id, line_id,
                             role, text)
SELECT p.entry_id, p.seq, p.account_id, e."on", p.amount, p.party_id, p.cost_centre_id, p.instalment_id, p.line_id,
       p.role, left(p.text, 300)
FROM incoming_posting p JOIN incoming_entry e ON e.id = p.entry_id
"""


def begin_set(cursor: CursorWrapper) -> None:
    """Have TEMP `incoming_entry` and `incoming_posting`, empty, in the caller's transaction."""
    cursor.execute(INCOMING)


def post_set(cursor: CursorWrapper, *, rows_locked: bool = False) -> int:
    """Post what the caller put into the incoming tables; how many entries. The tables keep the rows with their ids.

    rows_locked: the caller holds the lines and instalments that are posted, locked in the agreed order or new.
    Raises Refused or one of its kinds; then nothing of the set is posted.
    """
    with refusals():
        cursor.execute("ANALYZE incoming_entry (id), incoming_posting (entry_id)")
        cursor.execute(_ROWS_LOCKED, ["on" if rows_locked else "off"])
        cursor.execute(_TAKE_POSTINGS)
        cursor.execute(_ROWS_LOCKED, ["off"])
        cursor.execute(_LOCK_HEADS)
        cursor.execute(_TAKE_ENTRIES)
        return int(cursor.rowcount)


def balance_of(account: int, *, until: date | None = None) -> Decimal:
    """The balance of one account, debit positive; until: half-open, before that day."""
    postings = Posting.objects.filter(account_id=account)
    if until:
        postings = postings.filter(on__lt=until)
    return postings.aggregate(total=Sum("amount"))["total"] or Decimal("0.00")
