"""Side doors: SQL that goes around every service. The database refuses each one, whoever asks."""

from collections.abc import Callable

from django.db import connection, transaction

from finance.services import entries, ledger

from ..world import World
from . import NOTHING, Act, act

ATTEMPTS = [
    "UPDATE finance_posting SET amount = amount + 1",
    "UPDATE finance_posting SET account_id = account_id WHERE false",
    "DELETE FROM finance_posting WHERE id = (SELECT max(id) FROM finance_posting)",
    "TRUNCATE finance_posting CASCADE",
    "UPDATE finance_journalentry SET text = 'other'",
    "DELETE FROM finance_journalentry",
    "UPDATE finance_entryseal SET hash = ''",
    "INSERT INTO finance_entryseal (entry_id, journal_id, seq, hash) SELECT 0, min(id), 1, '' FROM finance_journal",
    "UPDATE finance_journalhead SET seq = 0",
    "UPDATE finance_journalyear SET last = last - 1",
    "DELETE FROM finance_periodbalance",
    "UPDATE finance_instalment SET balance = 0",
    "UPDATE finance_instalment SET amount = amount * 2",
    "UPDATE finance_instalment SET settled_on = NULL",
    "DELETE FROM finance_title",
    "UPDATE finance_title SET amount = 1",
    "UPDATE finance_statementline SET open_amount = 0",
    "UPDATE finance_statementline SET amount = -amount",
    "DELETE FROM finance_statementline",
    "UPDATE finance_match SET automatic = NOT automatic",
    "DELETE FROM finance_match",
    "DELETE FROM finance_period",
    "UPDATE finance_period SET ends_on = ends_on + 31",
    "INSERT INTO finance_newposting (low, high, entries) SELECT min(id), min(id), 1 FROM finance_journalentry",
    "INSERT INTO finance_newline (low, high) SELECT min(id), max(id) FROM finance_statementline",
]
# What a draft that waits for a second person is changed by.
CHANGES = [
    "UPDATE finance_draftline SET amount = amount * 2 WHERE draft_id = {draft}",
    "DELETE FROM finance_draftline WHERE draft_id = {draft}",
    "INSERT INTO finance_draftline (draft_id, seq, account_id, amount, text)"
    " SELECT draft_id, seq + 50, account_id, amount, text FROM finance_draftline WHERE draft_id = {draft}",
    "UPDATE finance_draftentry SET text = text || '!' WHERE id = {draft}",
    "UPDATE finance_draftentry SET state = 'draft' WHERE id = {draft}",
]
# One more balanced pair for an entry that is posted; postings whose entry does not come, or comes with a number out of
# turn; an entry without postings.
ADD_TO_POSTED = """
INSERT INTO finance_posting (entry_id, seq, account_id, "on", amount, role, text)
SELECT e.id, side, %s, e."on", side * 2 - 203, '', '' FROM finance_journalentry e, generate_series(101, 102) side
WHERE e.id = %s
"""
BARE = """
INSERT INTO finance_journalentry (id, journal_id, year, number, "on", kind, text, origin)
SELECT %(entry)s, h.journal_id, %(year)s, coalesce(y.last, 0) + %(ahead)s, %(on)s, 'automatic', 'x', ''
FROM finance_journalhead h LEFT JOIN finance_journalyear y ON y.journal_id = h.journal_id AND y.year = %(year)s
ORDER BY 2 LIMIT 1
"""
PAIR = """
INSERT INTO finance_posting (entry_id, seq, account_id, "on", amount, role, text)
VALUES (%(entry)s, 1, %(account)s, %(on)s, 1, '', ''), (%(entry)s, 2, %(account)s, %(on)s, -1, '', '')
"""


def _run(work: Callable[..., None]) -> Callable[[], None]:
    def do() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            work(cursor)

    return do


@act(4)
def force(world: World) -> Act:
    """One of the statements above."""
    statement = world.chance.choice(ATTEMPTS)
    return Act(_run(lambda cursor: cursor.execute(statement)), NOTHING, allowed=False)


@act(1.5)
def smuggle(world: World) -> Act | None:
    """Add to what is posted, leave an entry without postings or the other way round, or jump a number."""
    if not world.order:
        return None
    how, account, on = world.chance.choice(["add", "alone", "bare", "jump"]), world.accounts["cash"], world.today
    entry = world.chance.choice(world.order)

    def work(cursor: object) -> None:
        execute = cursor.execute  # type: ignore[attr-defined]
        if how == "add":
            execute(ADD_TO_POSTED, [account, entry])
            return
        new = ledger.next_entry()
        if how != "bare":
            execute(PAIR, {"entry": new, "account": account, "on": on})
        if how != "alone":
            execute(BARE, {"entry": new, "year": on.year, "on": on, "ahead": 1 if how == "bare" else 3})

    return Act(_run(work), NOTHING, allowed=False)


@act(0.5)
def alter_waiting(world: World) -> Act | None:
    """Change what a second person is asked about, while they are."""
    asked = [question.subject for question in world.waiting if question.kind == entries.POST]
    if not asked:
        return None
    statement = world.chance.choice(CHANGES).format(draft=int(world.chance.choice(asked).rpartition(":")[2]))
    return Act(_run(lambda cursor: cursor.execute(statement)), NOTHING, allowed=False)
