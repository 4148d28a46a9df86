"""The watched folder by the clock: a tick looks, and asks for work only when a whole file lies there."""

from celery import shared_task
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core import database, jobs
from backoffice.core.beat import every
from backoffice.core.imports import engine
from backoffice.core.models import Job
from finance.services import watched_folder

TAKE = "finance.take_from_folder"
EVERY_SECONDS = 30


@shared_task(name="finance.watch_statements")
def watch_statements(**_later: object) -> None:
    if not watched_folder.ready():
        return
    with transaction.atomic():
        with connection.cursor() as cursor:  # two beats: one asks
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('finance.watch_statements'))")
        if not Job.objects.filter(kind=TAKE, state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists():
            jobs.ask(TAKE, by=None)


@jobs.job(TAKE, title=_("Take statements from the folder"), left=_("What was written so far is complete in itself."))
def take_from_folder(work: jobs.Work) -> dict[str, object]:
    with database.patient(engine.PATIENCE_SECONDS):
        taken, refused = watched_folder.take_all()
    return {"text": watched_folder.summary(taken, refused), "url": reverse("imports")}


every(EVERY_SECONDS, "finance.watch_statements")
