"""News between areas: an event is a row of the transaction that made it true, and each handler gets its own delivery.

    events.record("finance.invoice_settled", invoice_id=invoice.pk)     # in the service, inside its transaction

    @handles("finance.invoice_settled")                                 # in <app>/handlers.py
    def mark_order_paid(event: Event) -> None: ...

A handler runs in a worker, in one transaction with its delivery row: at least once, in no promised order, perhaps long
after. It must do nothing new when it meets an event again. Payloads hold ids and text, never copies of records.
"""

from collections.abc import Callable

from django.db import transaction

from . import bell
from .models import Delivery, Event

Handler = Callable[[Event], None]

_handlers: dict[str, dict[str, Handler]] = {}  # event name → handler name → handler


def handles(name: str) -> Callable[[Handler], Handler]:
    """Have the function called with every event of this name."""

    def keep(handler: Handler) -> Handler:
        _handlers.setdefault(name, {})[f"{handler.__module__}.{handler.__qualname__}"] = handler
        return handler

    return keep


def handlers() -> dict[str, Handler]:
    """Every handler by the name its deliveries carry."""
    return {name: handler for by_name in _handlers.values() for name, handler in by_name.items()}


@transaction.atomic
def record(name: str, **data: object) -> Event:
    """Write the event and one delivery per handler into the current transaction."""
    event = Event.objects.create(name=name, data=data)
    interested = sorted(_handlers.get(name, {}))
    if interested:
        Delivery.objects.bulk_create([Delivery(event=event, handler=handler) for handler in interested])
        bell.ring("outbox")
    return event
