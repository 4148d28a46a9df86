"""How jobs are run: claimed under a fence and a lease, kept alive by a pulse, brought back by the sweeper."""

import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Case, Count, F, Min, Value, When
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext_noop

from backoffice.core import bell, jobs, pulse
from backoffice.core.jobs import Cancelled, Kind, Lost, Stopping, Unworkable
from backoffice.core.models import Job, Notification

from . import audit

log = logging.getLogger(__name__)

ATTEMPTS = 5
PAUSES = [2, 15, 60, 300]  # seconds after the first, second … failure
NOTICE_SECONDS = 5  # who waited less than this has seen the end of it

_CLAIM = f"""
UPDATE core_job SET state = 'running', fence = fence + 1, attempts = attempts + 1, worker = %s, step = '',
    started_at = clock_timestamp(), ended_at = NULL, done = 0, total = NULL,
    lease_until = clock_timestamp() + interval '{pulse.LEASE_SECONDS} seconds'
WHERE id = (
    SELECT id FROM core_job
    WHERE state = 'queued' AND due_at <= clock_timestamp() AND kind = ANY(%s)
    ORDER BY due_at, id FOR UPDATE SKIP LOCKED LIMIT 1
)
RETURNING id
"""  # noqa: S608
_OURS = "id = %(id)s AND fence = %(fence)s AND state = 'running'"
_END = f"""
UPDATE core_job SET state = %(state)s, cause = %(cause)s, result = %(result)s::jsonb,
    done = %(done)s, total = %(total)s, step = '', ended_at = clock_timestamp(), lease_until = NULL
WHERE {_OURS} RETURNING ended_at - asked_at > interval '{NOTICE_SECONDS} seconds'
"""  # noqa: S608
_PUT_BACK = f"""
UPDATE core_job SET state = CASE WHEN cancel_asked_at IS NULL THEN 'queued' ELSE 'cancelled' END, cause = %(cause)s,
    attempts = attempts - %(forgiven)s, lease_until = NULL,
    due_at = clock_timestamp() + %(pause)s * interval '1 second',
    ended_at = CASE WHEN cancel_asked_at IS NULL THEN NULL ELSE clock_timestamp() END
WHERE {_OURS}
"""  # noqa: S608
_RETURN_EXPIRED = """
UPDATE core_job SET lease_until = NULL, due_at = clock_timestamp(), ended_at = clock_timestamp(), cause = %s,
    state = CASE WHEN cancel_asked_at IS NOT NULL THEN 'cancelled' WHEN attempts >= %s THEN 'parked' ELSE 'queued' END
WHERE id IN (
    SELECT id FROM core_job WHERE state = 'running' AND lease_until < clock_timestamp() FOR UPDATE SKIP LOCKED
)
RETURNING id, state
"""
_PARK_UNKNOWN = """
UPDATE core_job SET state = 'parked', cause = %s, ended_at = clock_timestamp()
WHERE state = 'queued' AND due_at < clock_timestamp() - interval '1 hour' AND NOT kind = ANY(%s)
"""


class Running:
    """The `Work` of a job that this process holds."""

    def __init__(self, row: Job) -> None:
        self.job = row
        self.pulse = pulse.Pulse(row.pk, row.fence, connections["default"])

    def progress(self, done: int, total: int | None = None, step: str = "") -> None:
        self.pulse.tell(done, total, str(step))

    def check(self) -> None:
        if self.pulse.stop is not None:
            raise self.pulse.stop

    @contextmanager
    def writing(self) -> Iterator[None]:
        with transaction.atomic():
            yield
            self.check()
            with connection.cursor() as cursor:  # held to the commit: nobody can take the job over in between
                cursor.execute(f"SELECT 1 FROM core_job WHERE {_OURS} FOR UPDATE", _ours(self.job))  # noqa: S608
                if cursor.fetchone() is None:
                    raise Lost


def run_queued() -> int:
    """Run what is queued, one job after the other; the number run. Several workers may do this at once."""
    count = 0
    while not pulse.going_down() and (row := claim()) is not None:
        run(row)
        count += 1
    return count


def claim() -> Job | None:
    """Take the next due job whose kind this version knows, or None."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [f"{socket.gethostname()}:{os.getpid()}", list(jobs.kinds())])
        claimed = cursor.fetchone()
    return Job.objects.select_related("asked_by").get(pk=claimed[0]) if claimed else None


def run(row: Job) -> None:
    """Run one claimed job to an end of some kind, and write that end down if it is still ours to write."""
    kind, work = jobs.kinds()[row.kind], Running(row)
    language = (row.asked_by.language if row.asked_by else "") or settings.LANGUAGE_CODE
    work.pulse.start()
    with translation.override(language), audit.acting(source="worker"):
        try:
            result: dict[str, Any] = kind.run(work, **kind.arguments(row.args)) or {}
        except Exception as problem:
            _close_broken(work, kind, work.pulse.end() or problem, problem)
        except BaseException:  # the process is told to exit: no pulse may keep the lease alive
            work.pulse.end()
            raise
        else:
            work.pulse.end()
            _end(work, Job.State.DONE, result=result)


def _close_broken(work: Running, kind: Kind, why: Exception, problem: Exception) -> None:
    row, words = work.job, f"{type(problem).__name__}: {problem}"[:2000]
    if isinstance(why, Lost):
        log.warning("job.lost", extra={"job": row.pk, "kind": row.kind})
    elif isinstance(why, Stopping):
        _put_back(row, pause=0, forgiven=1, cause="")
    elif isinstance(why, Cancelled):
        _end(work, Job.State.CANCELLED, cause=str(kind.left))
    elif isinstance(why, Unworkable):
        _end(work, Job.State.FAILED, cause=str(why))
    else:
        log.error("job.failed", exc_info=problem, extra={"job": row.pk, "kind": row.kind, "attempt": row.attempts})
        if row.attempts >= ATTEMPTS:
            _end(work, Job.State.PARKED, cause=words)
        else:
            _put_back(row, pause=PAUSES[row.attempts - 1], forgiven=0, cause=words)


def _end(work: Running, state: Job.State, *, cause: str = "", result: dict[str, Any] | None = None) -> None:
    row, beat = work.job, work.pulse
    values = _ours(row) | {"state": state, "cause": cause, "result": json.dumps(result or {}, cls=DjangoJSONEncoder)}

    def write() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_END, values | {"done": beat.done, "total": beat.total})
            ended = cursor.fetchone()
            if ended and row.asked_by_id and state != Job.State.CANCELLED and (ended[0] or state != Job.State.DONE):
                _tell(row, row.asked_by_id, state)

    _surely(write)


def _put_back(row: Job, *, pause: int, forgiven: int, cause: str) -> None:
    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute(_PUT_BACK, _ours(row) | {"pause": pause, "forgiven": forgiven, "cause": cause})

    _surely(write)


def _ours(row: Job) -> dict[str, Any]:
    return {"id": row.pk, "fence": row.fence}


def _surely(write: Callable[[], None]) -> None:
    """Write the end of a job even when the database is just coming back; else the sweeper finds the job."""
    for pause in (0.2, 1, 2, 4, 8):
        try:
            return write()
        except OperationalError:
            log.warning("job.end_not_written_yet")
            connection.close()
            time.sleep(pause)
    return write()


def _tell(row: Job, user_id: int, state: Job.State) -> None:
    text = gettext_noop("The work is done.") if state == Job.State.DONE else gettext_noop("The work failed.")
    Notification.objects.bulk_create(
        [Notification(user_id=user_id, kind="job", subject=row.ref, text=text, key=f"{row.ref}:{row.fence}")],
        ignore_conflicts=True,
    )


def sweep() -> int:
    """Bring back what dead workers held and park what nobody can do; the number brought back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RETURN_EXPIRED, [gettext_noop("The worker died during the work."), ATTEMPTS])
        returned = cursor.fetchall()
        cursor.execute(_PARK_UNKNOWN, [gettext_noop("No running version knows this kind of work."), list(jobs.kinds())])
        if returned:
            log.warning("job.returned", extra={"jobs": [pk for pk, _state in returned]})
            bell.ring("jobs")
    return len(returned)


def cancel(*, job_id: int) -> None:
    """Ask for the end of a job: at once when it waits, within two seconds when it runs."""
    Job.objects.filter(pk=job_id, state__in=[Job.State.QUEUED, Job.State.RUNNING]).update(
        cancel_asked_at=Now(),
        state=Case(When(state=Job.State.QUEUED, then=Value(Job.State.CANCELLED)), default=F("state")),
        ended_at=Case(When(state=Job.State.QUEUED, then=Now()), default=F("ended_at")),
    )


@transaction.atomic
def retry(*, job_id: int) -> bool:
    """Give an ended job its attempts again; False when there is nothing to try again."""
    ended = [Job.State.PARKED, Job.State.FAILED, Job.State.CANCELLED]
    revived = Job.objects.filter(pk=job_id, state__in=ended).update(
        state=Job.State.QUEUED, attempts=0, due_at=Now(), cancel_asked_at=None, cause="", ended_at=None
    )
    if revived:
        bell.ring("jobs")
    return bool(revived)


def waiting() -> dict[str, Any]:
    """How many jobs wait or run, and since when the oldest does."""
    alive = Job.objects.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])
    return alive.aggregate(n=Count("pk"), oldest=Min("asked_at"))
