"""Celery doors of the numbers: each calls one service and may run twice, also at once."""

from celery import shared_task
from django.utils.translation import gettext_lazy as _

from backoffice.core import bell, database, jobs
from backoffice.core.beat import crontab, daily, every

from . import paper  # noqa: F401 (its job)
from .services import alerts, proof, rollup


@shared_task(name="kpis.roll_up")
def roll_up(**_later: object) -> None:
    units = rollup.roll_up()
    if units:
        alerts.judge_all({unit.series for unit in units})


@jobs.job("kpis.prove", title=_("Prove the numbers"), left=_("What was repaired until then stays repaired."))
def prove(work: jobs.Work) -> None:
    """Nightly: facts against business rows, buckets against facts; what differs is repaired and told."""
    with database.patient(900):
        proof.prove_and_repair()
    alerts.judge_all()


@shared_task(name="kpis.judge")
def judge(**_later: object) -> None:
    alerts.judge_all()


bell.answer("rollup", "kpis.roll_up")
bell.answer("alerts", "kpis.judge")
every(5, "kpis.roll_up")
daily(crontab(hour="2-22", minute=30), "kpis.prove")
