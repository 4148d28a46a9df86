"""Wait until the numbers hold all that was committed, and help where no worker does it. For commands, not for pages."""

import time

from django.db import connection

from backoffice.core.services import outbox

from .rollup import roll_up

_BEHIND = """
SELECT EXISTS (SELECT FROM kpis_dirtybucket)
    OR EXISTS (SELECT FROM core_delivery WHERE handler LIKE 'kpis.%' AND state = 'waiting')
"""
PAUSE_SECONDS = 0.2


def catch_up(*, timeout: float = 300) -> bool:
    """Deliver waiting news and roll up, beside any worker that does; whether nothing is left within `timeout`."""
    until = time.monotonic() + timeout
    while True:
        outbox.deliver_waiting()
        roll_up()
        if not _is_behind():
            return True
        if time.monotonic() > until:
            return False
        time.sleep(PAUSE_SECONDS)  # another worker holds the rest


def _is_behind() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND)
        return bool(cursor.fetchone()[0])
