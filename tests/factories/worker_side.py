"""Work for real worker processes: `celery -I tests.factories.worker_side` registers it there as here."""

import time

from django.db import connection

from backoffice.core.events import handles
from backoffice.core.imports import register
from backoffice.core.jobs import Work, job
from backoffice.core.models import Event
from tests.factories import slow_statements  # noqa: F401 (slows this process where a test asks for it)
from tests.factories.imports import Things

LEDGER = "CREATE TABLE IF NOT EXISTS test_ledger (what text, n int)"


@job("tests.note", title="Note a number")
def note(work: Work, *, n: int) -> None:
    with work.writing(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO test_ledger VALUES ('job', %s)", [n])


@job("tests.endless", title="Never end")
def endless(work: Work) -> None:
    while True:
        work.check()
        time.sleep(0.1)


@handles("core.test_noted")
def note_event(event: Event) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO test_ledger VALUES ('event', %s)", [event.data["n"]])


class SlowThings(Things):
    """The first try stays a while in the middle of the write, so that a test can kill it there."""

    key, title = "things_slow", "Things, slowly"

    def write(self, cursor, batch):
        written = super().write(cursor, batch)
        if batch.job.attempts == 1:
            cursor.execute("SELECT pg_sleep(60)")
        return written


register(SlowThings())
