"""Facts of the numbers, straight into the table, as some app's SQL would write them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from kpis.models import Fact


def fact(series: str = "orders.placed", at: str = "2018-03-14T12:00:00-03:00", **fields: Any) -> Fact:
    """A fact at an instant written in ISO form."""
    fields.setdefault("entity", "logistics.order:1")
    if series in ("orders.processed", "orders.delivered", "reviews.answered", "deals.won"):
        fields.setdefault("wall_seconds", fields.get("seconds"))
    elif series in ("orders.placed", "orders.freight", "payments.received"):
        fields.setdefault("amount", Decimal("10.00"))
    return Fact.objects.create(series=series, occurred_at=datetime.fromisoformat(at), **fields)


def reverse(fact: Fact) -> Fact:
    """Its reversal."""
    names = [
        "series",
        "occurred_at",
        "entity",
        "part",
        "seconds",
        "wall_seconds",
        "score",
        "hit",
        "dim1",
        "dim2",
        "dim3",
    ]
    same = {name: getattr(fact, name) for name in names}
    return Fact.objects.create(**same, amount=None if fact.amount is None else -fact.amount, reverses=fact)
