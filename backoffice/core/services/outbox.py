"""Deliveries of events: claimed by one worker, done in one transaction with their handler, parked after five tries."""

import logging
import traceback
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, Min, OuterRef
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from backoffice.core import bell, events
from backoffice.core.models import Delivery, Event

from . import audit

log = logging.getLogger(__name__)

ATTEMPTS = 5
PAUSES = [5, 30, 120, 600]  # seconds after the first, second … failure
LEASE_SECONDS = 25  # how long a killed worker's delivery waits; a live one holds the row lock as well
CLEAN_BATCH = 5_000

# One statement counts the attempt, so even a handler that kills its worker is parked in the end.
_CLAIM = f"""
UPDATE core_delivery SET attempts = attempts + 1, due_at = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
WHERE id = (
    SELECT id FROM core_delivery
    WHERE state = 'waiting' AND due_at <= clock_timestamp() AND handler = ANY(%s)
    ORDER BY due_at, id FOR UPDATE SKIP LOCKED LIMIT 1
)
RETURNING id, attempts
"""  # noqa: S608
_PARK_DEAD = """
UPDATE core_delivery SET state = 'parked', cause = %s
WHERE state = 'waiting' AND due_at <= clock_timestamp() AND attempts >= %s
"""
_PARK_UNKNOWN = """
UPDATE core_delivery SET state = 'parked', cause = %s
WHERE state = 'waiting' AND due_at <= clock_timestamp() - interval '1 hour' AND NOT handler = ANY(%s)
"""


def deliver_waiting(limit: int = 10_000) -> int:
    """Deliver what is due, one transaction each; the number tried. Several workers may do this at once."""
    known = list(events.handlers())
    with connection.cursor() as cursor:
        cursor.execute(_PARK_DEAD, [gettext_noop("The worker died each time it handled this event."), ATTEMPTS])
        cursor.execute(_PARK_UNKNOWN, [gettext_noop("No running version knows this handler."), known])
    for count in range(limit):
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, [known])
            claimed = cursor.fetchone()
        if claimed is None:
            return count
        _deliver(*claimed)
    return limit


def _deliver(delivery_id: int, attempt: int) -> None:
    """Run one handler together with its delivery row; `attempt` is the fence: a later claim makes this one void."""
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(of=("self",))
            .select_related("event")
            .filter(pk=delivery_id, attempts=attempt, state=Delivery.State.WAITING)
            .first()
        )
        if delivery is None:
            return
        try:
            with audit.acting(source="worker"), transaction.atomic():
                events.handlers()[delivery.handler](delivery.event)
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a broken promise is the handler's failure
                    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        except Exception as problem:
            log.exception("event.failed", extra={"event": delivery.event_id, "handler": delivery.handler})
            delivery.cause = f"{problem}\n\n{traceback.format_exc()}"[:8000]
            if attempt >= ATTEMPTS:
                delivery.state = Delivery.State.PARKED
            Delivery.objects.filter(pk=delivery.pk).update(
                cause=delivery.cause,
                state=delivery.state,
                due_at=Now() + timedelta(seconds=PAUSES[min(attempt, len(PAUSES)) - 1]),
            )
        else:
            Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.DONE, done_at=Now(), cause="")


@transaction.atomic
def retry(*, delivery_id: int) -> bool:
    """Give a parked delivery its five attempts again; False when it is not parked any more."""
    revived = Delivery.objects.filter(pk=delivery_id, state=Delivery.State.PARKED).update(
        state=Delivery.State.WAITING, attempts=0, due_at=Now()
    )
    if revived:
        bell.ring("outbox")
    return bool(revived)


def clean() -> int:
    """Remove events older than EVENT_DAYS of which every delivery is done; the number removed."""
    open_ones = Delivery.objects.filter(event=OuterRef("pk")).exclude(state=Delivery.State.DONE)
    old = Event.objects.filter(at__lt=Now() - timedelta(days=settings.EVENT_DAYS)).exclude(Exists(open_ones))
    removed = 0
    while keys := list(old.order_by("pk").values_list("pk", flat=True)[:CLEAN_BATCH]):
        with transaction.atomic():
            Delivery.objects.filter(event__in=keys).delete()
            Event.objects.filter(pk__in=keys).delete()
        removed += len(keys)
    return removed


def waiting() -> dict[str, Any]:
    """How many deliveries wait, and since when the oldest does."""
    return Delivery.objects.filter(state=Delivery.State.WAITING).aggregate(n=Count("pk"), oldest=Min("event__at"))
