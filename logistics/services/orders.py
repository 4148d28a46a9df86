"""One order at a time: moving its state, changing what a person may change."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from backoffice.core import events
from backoffice.core.models import User
from backoffice.core.services import audit

from .. import states
from ..models import Order, OrderEvent
from . import exceptions

EDITABLE = ("customer_name", "customer_city", "customer_state", "customer_postal", "promised_on")


class NotAllowed(Exception):
    """The order is in no state from which this move is made; the sentence says both."""


class Changed(Exception):
    """Somebody was faster; `order` is how it stands now."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.number)
        self.order = order


@transaction.atomic
def move(*, order_id: int, to: str, by: User, now: datetime, seen: str = "") -> None:
    """Put an order into the state `to` by one conditional UPDATE; its stamp is set when it has none.

    seen: the state the person saw; another one by now raises Changed.   Raises NotAllowed.
    """
    order = Order.objects.get(pk=order_id)
    before = seen or order.status
    if not states.may_move(before, to):
        raise NotAllowed(
            _("An order that is “%(before)s” cannot become “%(after)s”.")
            % {"before": Order.Status(before).label, "after": Order.Status(to).label}
        )
    stamp = states.STAMPS.get(to)
    stamped: dict[str, Any] = {stamp: Coalesce(F(stamp), Value(now))} if stamp else {}
    moved = Order.objects.filter(pk=order_id, status=before).update(status=to, version=F("version") + 1, **stamped)
    if not moved:
        raise Changed(Order.objects.get(pk=order_id))
    OrderEvent.objects.create(order_id=order_id, kind=OrderEvent.Kind.MOVED, by=by, from_status=before, to_status=to)
    _announce(order_id, now=now)
    audit.record("logistics.order_moved", order, by=by, changes={"status": (before, to)})


@transaction.atomic
def edit(*, order_id: int, version: int, values: dict[str, str | date | None], by: User, now: datetime) -> None:
    """Change the customer's name and place or the promised day; imports leave alone what was set here.

    version: the one the person saw; another one by now raises Changed.
    """
    order = Order.objects.get(pk=order_id)
    changes = {
        name: (getattr(order, name), values[name])
        for name in EDITABLE
        if name in values and getattr(order, name) != values[name]
    }
    if order.version == version and not changes:
        return
    kept = sorted({*order.hand_set, *changes})
    saved = Order.objects.filter(pk=order_id, version=version).update(
        **{name: after for name, (_before, after) in changes.items()}, hand_set=kept, version=F("version") + 1
    )
    if not saved:
        raise Changed(Order.objects.get(pk=order_id))
    OrderEvent.objects.create(
        order_id=order_id,
        kind=OrderEvent.Kind.EDITED,
        by=by,
        data={name: [str(before or ""), str(after or "")] for name, (before, after) in changes.items()},
    )
    _announce(order_id, now=now)
    audit.record("logistics.order_edited", order, by=by, changes=changes)


def _announce(order_id: int, *, now: datetime) -> None:
    exceptions.detect_for([order_id], now=now)
    events.record("logistics.orders_changed", order_ids=[order_id])
