"""Celery doors of the floor: they decide nothing, call one service, and may run twice."""

from celery import shared_task
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import bell, jobs
from .beat import crontab, daily, every
from .imports import work as import_work  # noqa: F401 (its kinds of work)
from .lists import jobs as list_jobs  # noqa: F401 (its kinds of work)
from .services import audit_chain, outbox, running, submissions


@shared_task(name="core.run_jobs")
def run_jobs(**_later: object) -> None:
    running.run_queued()


@shared_task(name="core.sweep_jobs")
def sweep_jobs(**_later: object) -> None:
    running.sweep()


@shared_task(name="core.deliver_events")
def deliver_events(**_later: object) -> None:
    outbox.deliver_waiting()


@shared_task(name="core.clean_events")
def clean_events(**_later: object) -> None:
    outbox.clean()


@shared_task(name="core.ask_daily")
def ask_daily(kind: str, **_later: object) -> None:
    jobs.ask_daily(kind)


@jobs.job("core.anchor_audit", title=_("Anchor the audit trail"))
def anchor_audit(work: jobs.Work) -> None:
    audit_chain.anchor()


@shared_task(name="core.clean_forms")
def clean_forms(**_later: object) -> None:
    submissions.forget_old(now=timezone.now())


bell.answer("jobs", "core.run_jobs")
bell.answer("outbox", "core.deliver_events")
every(5, "core.run_jobs")
every(5, "core.sweep_jobs")
every(5, "core.deliver_events")
every(crontab(hour=3, minute=10), "core.clean_events")
every(crontab(hour=3, minute=20), "core.clean_forms")
daily(crontab(hour=23, minute="50-59/3"), "core.anchor_audit")
