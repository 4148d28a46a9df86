"""The engine: every open line against every open title, rule and own account; `run` decides, posts and suggests.

claims       the kernel's claims and contests (finance/matching.py), set-based, in TEMP tables
posting      what is uncontested, in chunks
suggestions  up to three for every line that stays open

Same input, same matches: nothing depends on the order of rows, only on what is open.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.core import events, jobs
from backoffice.core.jobs import Quiet, Work
from backoffice.core.models import Job, User
from finance.models import BankAccount, MatchRun
from finance.services import periods, statistics

from . import claims, posting, suggestions

__all__ = ["JOB", "ask", "run"]

JOB = "finance.match"

_LOCK = "SELECT pg_try_advisory_lock(hashtext('finance.match'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('finance.match'))"
_STALE = """
SELECT s.relname FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.relname = ANY(%s) AND s.n_mod_since_analyze > 1000 + 0.2 * greatest(c.reltuples, 0)
ORDER BY s.n_live_tup DESC, s.relname
"""
_READ = (
    "finance_statementline",
    "finance_linetoken",
    "finance_instalment",
    "finance_instalmentkey",
    "finance_title",
    "finance_posting",
    "finance_match",
    "finance_journalentry",
    "core_party",
)
WORK_MEMORY = "96MB"  # of the database's session, for each sort or hash


def run(
    *,
    bank_account: BankAccount | None = None,
    by: User | None = None,
    work: Work | None = None,
    today: date | None = None,
) -> MatchRun:
    """Match what is open: post what nothing contests, suggest for the rest. Two runs come one after the other.

    bank_account: post and suggest for its lines only; the others still contest. work.check() ends it between chunks;
    what is posted stays, and a run that was killed is simply run again.
    """
    work, today = work or Quiet(), today or timezone.localdate()
    with _alone(work), connection.cursor() as cursor:
        MatchRun.objects.filter(state=MatchRun.State.RUNNING).update(
            state=MatchRun.State.STOPPED, finished_at=timezone.now()
        )
        made = MatchRun.objects.create(bank_account=bank_account, asked_by=by, job=work.job if work.job.pk else None)
        state = MatchRun.State.STOPPED
        try:
            _match(cursor, made, bank_account.pk if bank_account else None, work=work, today=today)
            state = MatchRun.State.DONE
        finally:
            made.state, made.finished_at = state, timezone.now()
            if not connection.needs_rollback and connection.connection and not connection.connection.closed:
                MatchRun.objects.filter(pk=made.pk).update(
                    state=state, finished_at=made.finished_at, counts=made.counts
                )
    return made


def ask(*, by: User | None = None) -> Job:
    """Have a worker run the engine; one that waits already is enough."""
    waiting = Job.objects.filter(kind=JOB, state=Job.State.QUEUED).order_by("pk").first()
    return waiting or jobs.ask(JOB, by=by)


def _match(cursor: CursorWrapper, made: MatchRun, bank: int | None, *, work: Work, today: date) -> None:
    began = time.monotonic()
    work.progress(0, None, str(_("Comparing")))
    _know_sizes(cursor)
    made.counts = claims.decide(cursor)
    work.check()
    total = posting.prepare(cursor, bank_account=bank)
    decided = time.monotonic()
    cursor.execute('SELECT min("on"), max("on") FROM m_post')
    first, last = cursor.fetchone()
    periods.ensure(min(first or today, today), max(last or today, today))
    posted = posting.post(made, total, work=work, today=today)
    made.counts |= {"posted": posted.lines, "changed": posted.changed, "refused": posted.refused}
    done = time.monotonic()
    work.check()
    work.progress(total, total, str(_("Suggesting")))
    with work.writing():
        made.counts["suggested"] = suggestions.write(cursor, bank_account=bank)
        events.record("finance.matched", run_id=made.pk, posted=posted.lines)
    made.counts |= {
        "match_s": round(decided - began, 3),
        "post_s": round(done - decided, 3),
        "suggest_s": round(time.monotonic() - done, 3),
    }
    cursor.execute(f"DROP TABLE IF EXISTS {claims.TABLES}, m_post, m_post_item, m_gone, m_template")


def _know_sizes(cursor: CursorWrapper) -> None:
    """A table that grew since it was last measured is measured now: the plans of a run stand on it."""
    cursor.execute(_STALE, [list(_READ)])
    statistics.know([table for (table,) in cursor.fetchall()])


@contextmanager
def _alone(work: Work) -> Iterator[None]:
    """One run at a time in the whole installation, with room for its sorts."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_LOCK)
            if cursor.fetchone()[0]:
                break
            work.check()
            time.sleep(0.5)
        try:
            cursor.execute(f"SET work_mem = '{WORK_MEMORY}'")
            yield
        finally:
            if not connection.needs_rollback and connection.connection and not connection.connection.closed:
                cursor.execute("RESET work_mem")
                cursor.execute(_UNLOCK)
