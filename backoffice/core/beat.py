"""What happens by the clock. Each app names its own periodic tasks in its `tasks.py`:

    every(5, "core.sweep_jobs")
    daily(crontab(hour="2-22", minute=30), "kpis.prove")

The schedule's memory lives in VAR_DIR, so a nightly task missed while the machine was off runs when it is back.
"""

from celery import current_app
from celery.schedules import crontab

__all__ = ["crontab", "daily", "every"]


def every(when: float | crontab, task: str) -> None:
    """Send the Celery task `task` each `when` seconds, or as the crontab says (company time zone)."""
    # A tick that no worker took before the next one is dropped; a nightly one stays good for hours.
    expires = max(when, 5) if isinstance(when, int | float) else 6 * 3600
    current_app.conf.beat_schedule[task] = {"task": task, "schedule": when, "options": {"expires": expires}}


def daily(when: crontab, kind: str) -> None:
    """Have the job `kind` done once a day: the first tick of a day that arrives asks for it, the later ones find it."""
    current_app.conf.beat_schedule[kind] = {
        "task": "core.ask_daily",
        "schedule": when,
        "kwargs": {"kind": kind},
        "options": {"expires": 3600},
    }
