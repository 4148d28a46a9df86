"""How far a job is, as a person wants to know it: how much of how much, how fast, how long still."""

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
        cause=_(job.cause) if job.cause else "",
        next_try_at=job.due_at if waits else None,
    )


def context(job: Job, *, may_act: bool) -> dict[str, Any]:
    """What `core/jobs/part.html` shows."""
    return {"progress": progress_of(job), "job": job, "may_act": may_act}
