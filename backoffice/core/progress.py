"""How far a job is, as a person wants to know it: how much of how much, how fast, how long still."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from .jobs import title_of
from .models import Job

ALIVE = (Job.State.QUEUED, Job.State.RUNNING)
TONES = {
    Job.State.QUEUED: "quiet",
    Job.State.RUNNING: "info",
    Job.State.DONE: "good",
    Job.State.FAILED: "wrong",
    Job.State.PARKED: "wrong",
    Job.State.CANCELLED: "attention",
}


@dataclass(frozen=True)
class Progress:
    """One job, ready to show."""

    job: Job
    title: str
    tone: str
    is_alive: bool
    is_stopping: bool
    rate: float | None  # done per second
    left: float | None  # seconds
    cause: str
    detail: str  # what the program said of itself, behind a cause in words
    next_try_at: datetime | None

    @property
    def can_cancel(self) -> bool:
        return self.is_alive and not self.is_stopping

    @property
    def can_retry(self) -> bool:
        return self.job.state in (Job.State.FAILED, Job.State.PARKED, Job.State.CANCELLED)


def progress_of(job: Job) -> Progress:
    """Rate and remaining time from the job's own clock; None while too little is done to say."""
    rate = left = None
    if job.state == Job.State.RUNNING and job.started_at and job.done:
        seconds = (timezone.now() - job.started_at).total_seconds()
        if seconds > 1:
            rate = job.done / seconds
            left = (job.total - job.done) / rate if job.total and job.done < job.total else None
    waits = job.state == Job.State.QUEUED and job.attempts > 0
    return Progress(
        job=job,
        title=title_of(job),
        tone=TONES[Job.State(job.state)],
        is_alive=job.state in ALIVE,
        is_stopping=job.state == Job.State.RUNNING and job.cancel_asked_at is not None,
        rate=rate,
        left=left,
        cause=_in_words(job),
        detail=job.cause if _error_in(job) else "",
        next_try_at=job.due_at if waits else None,
    )


def _error_in(job: Job) -> str:
    """The name of the error that a cause begins with, as the worker writes what nobody foresaw; empty for words."""
    found = re.match(r"([A-Z]\w+): ", job.cause)
    return found[1] if found and job.state in (Job.State.PARKED, Job.State.QUEUED) else ""


def _in_words(job: Job) -> str:
    """Why a job ended, for a person: the name of an error is not a reason."""
    error = _error_in(job)
    if not error:
        return _(job.cause) if job.cause else ""
    if error in ("OperationalError", "InterfaceError", "QueryCanceled", "LockNotAvailable"):
        return _("The database did not answer, or not in time.")
    if error in ("FileNotFoundError", "PermissionError", "OSError"):
        return _("A file could not be read or written.")
    if error == "MemoryError":
        return _("There was not enough memory for it.")
    return _("It met a fault that the program did not foresee.")


def context(job: Job, *, may_act: bool) -> dict[str, Any]:
    """What `core/jobs/part.html` shows."""
    return {"progress": progress_of(job), "job": job, "may_act": may_act}
