"""Long work: asked for in a page's transaction, done by a worker, watched on its own page.

    @job("logistics.export_orders", title=_("Export orders"))
    def export_orders(work: Work, *, view_id: int) -> dict[str, object]:
        for done, chunk in enumerate(chunks, 1):
            work.check()                                   # stops here when somebody cancelled
            work.progress(done, len(chunks), _("Writing"))
        return {"url": …, "text": …}

    job = jobs.ask("logistics.export_orders", by=request.user, view_id=7)

Work may run twice, also at once: a killed worker's job is given to another after its lease. What a job writes belongs
into `with work.writing():`, a transaction that only the present holder can commit.
"""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import bell
from .models import Job, User


class Cancelled(Exception):
    """Somebody asked to stop. Raised by `work.check()`; let it pass."""


class Stopping(Exception):
    """The worker is going down: the job is put back and taken up by the next one."""


class Lost(Exception):
    """The lease ran out and another worker may hold the job: nothing of ours may be written."""


class Unworkable(Exception):
    """No further try can help; the sentence says why and what to do."""


class Work(Protocol):
    """What a job function holds while it runs."""

    job: Job

    def progress(self, done: int, total: int | None = None, step: str = "") -> None:
        """Say how far it is; cheap, may be called for every row."""

    def check(self) -> None:
        """Raise when the work must stop: Cancelled, Stopping or Lost; cheap."""

    def writing(self) -> AbstractContextManager[None]:
        """A transaction that commits only while this worker still holds the job."""


class Quiet:
    """Work without a job row: the same function called from a command or a test."""

    job = Job()

    def progress(self, done: int, total: int | None = None, step: str = "") -> None:
        pass

    def check(self) -> None:
        pass

    def writing(self) -> AbstractContextManager[None]:
        return transaction.atomic()


Function = Callable[..., dict[str, Any] | None]


@dataclass(frozen=True)
class Kind:
    key: str
    title: str | Promise
    run: Function
    left: str | Promise  # what a cancelled job leaves behind, in words

    def arguments(self, args: dict[str, Any]) -> dict[str, Any]:
        """The stored arguments this version of the function knows; a newer version may have stored more."""
        parameters = inspect.signature(self.run).parameters.values()
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            return args
        known = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        return {name: value for name, value in args.items() if name in known}


_kinds: dict[str, Kind] = {}

NOTHING_LEFT = _("Nothing was changed.")


def job(key: str, *, title: str | Promise, left: str | Promise = NOTHING_LEFT) -> Callable[[Function], Function]:
    """Register a kind of work. `left` states what a cancelled run leaves behind."""

    def keep(function: Function) -> Function:
        _kinds[key] = Kind(key, title, function, left)
        return function

    return keep


def kinds() -> dict[str, Kind]:
    return _kinds


def title_of(job: Job) -> str:
    """The job's name for people; its key when this version does not know it."""
    kind = _kinds.get(job.kind)
    return str(kind.title) if kind else job.kind


@transaction.atomic
def ask(kind: str, *, by: User | None, subject: str = "", **args: Any) -> Job:
    """Put work into the queue as part of the current transaction."""
    row = Job.objects.create(kind=kind, args=args, subject=subject, asked_by=by)
    bell.ring("jobs")
    return row


@transaction.atomic
def ask_daily(kind: str) -> Job | None:
    """Ask for what is done once a day of the company; None when it was asked today already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('core_job_daily'))")
    if Job.objects.filter(kind=kind, asked_by=None, asked_at__date=timezone.localdate()).exists():
        return None
    return ask(kind, by=None)
