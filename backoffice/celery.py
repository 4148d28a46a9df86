"""Celery: the hands. What is to be done stands in PostgreSQL (jobs, outbox); the broker only rings."""

import os
from typing import Any

import structlog
from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings.dev")

app = Celery("backoffice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.beat_init.connect
@signals.worker_init.connect
def refuse_demo_logins(**_signal: Any) -> None:
    from backoffice.core import demo_logins

    demo_logins.refuse()


@signals.task_prerun.connect
def say_who_acts(task_id: str, **_signal: Any) -> None:
    """Audit entries and log lines of a task carry its id."""
    from backoffice.core.services import audit

    audit.stand_in(source="worker", request_id=task_id[:16])
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=task_id[:16])
