"""Orders, exceptions and products, ready to show."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Count, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import JSONObject, Lower
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backoffice.core.folding import plain
from backoffice.core.search import Hit, Query
from finance.models import Payment

from . import states
from .models import Order, OrderEvent, OrderException, OrderItem, Product, Review

CharField.register_lookup(Lower)  # number__lower, as its index has it

HISTORY = 20  # lines
SAMPLE = 1000  # the newest orders, in which a text is looked for first
CLOCKS_DIFFER = timedelta(seconds=2)  # events carry the database's clock, exceptions the worker's

TONES = {
    "received": "quiet",
    "paid": "info",
    "processing": "info",
    "invoiced": "info",
    "on_hold": "attention",
    "unavailable": "wrong",
    "shipped": "info",
    "delivered": "good",
    "returned": "attention",
    "cancelled": "quiet",
}


@dataclass(frozen=True)
class Stage:
    """One step of an order's way: when, and how long since the step before."""

    label: str | Promise
    at: datetime | None
    took: timedelta | None  # between instants
    wall: timedelta | None  # as the clocks on the wall showed it, when that differs
    is_late: bool = False


@dataclass(frozen=True)
class Happening:
    """One line of an order's history."""

    text: str
    at: datetime
    who: str


@dataclass(frozen=True)
class OrderPage:
    order: Order
    items: list[OrderItem]
    payments: list[Payment]
    reviews: list[Review]
    exceptions: list[OrderException]
    events: list[Happening]
    stages: list[Stage]
    moves: list[tuple[str, str | Promise]]
    difference: Decimal  # paid − items − freight
    tone: str


def order_url(pk: int) -> str:
    return reverse("logistics:order", args=[pk])


def order_page(pk: int) -> OrderPage | None:
    """One order with everything around it, in five queries."""
    history = (
        OrderEvent.objects.filter(order=OuterRef("pk"))
        .order_by("-pk")
        .values(found=JSONObject(kind="kind", at="at", who="by__name", before="from_status", after="to_status"))
    )
    orders = Order.objects.select_related("customer", "batch__received_by")
    order = orders.annotate(history=ArraySubquery(history[:HISTORY])).filter(pk=pk).first()
    if order is None:
        return None
    exceptions = list(order.exceptions.select_related("owner", "waived_by").order_by("closed_at", "-opened_at"))
    return OrderPage(
        order=order,
        items=list(order.items.select_related("product__category", "seller").order_by("seq")),
        payments=list(Payment.objects.filter(origin=order.ref).order_by("seq")),
        reviews=list(order.reviews.order_by("created_at", "pk")),
        exceptions=exceptions,
        events=_history([_happening(found) for found in order.history], exceptions),
        stages=stages(order),
        moves=[(key, Order.Status(key).label) for key in states.MOVES[order.status]],
        difference=order.paid_amount - order.total_amount,
        tone=TONES[order.status],
    )


def _happening(found: dict[str, str]) -> Happening:
    at = parse_datetime(found["at"])
    assert at is not None
    return Happening(_moved(found["kind"], found["before"], found["after"]), at, found["who"] or "")


def _moved(kind: str, before: str, after: str) -> str:
    text = str(OrderEvent.Kind(kind).label)
    if before and before != after:
        text = f"{text}: {Order.Status(before).label} → {Order.Status(after).label}"
    return text


def _history(events: list[Happening], exceptions: list[OrderException]) -> list[Happening]:
    """The order's events and what the detectors opened and closed, the newest first."""
    found = list(events)
    for one in exceptions:
        what = {"what": one.get_code_display()}
        found.append(Happening(_("Exception opened: %(what)s") % what, one.opened_at, ""))
        if one.closed_at:
            found.append(Happening(_("Exception closed: %(what)s") % what, one.closed_at, ""))
    return sorted(found, key=lambda happening: happening.at, reverse=True)[:HISTORY]


def stages(order: Order) -> list[Stage]:
    """Purchase, approval, hand-over, delivery: each with the time since the last stamp before it that is there."""
    steps = [
        (_("Purchased"), order.purchased_at, order.purchased_wall),
        (_("Payment approved"), order.approved_at, order.approved_wall),
        (_("Handed to the carrier"), order.handed_over_at, order.handed_over_wall),
        (_("Delivered"), order.delivered_at, order.delivered_wall),
    ]
    found: list[Stage] = []
    before: tuple[datetime, datetime | None] | None = None
    for label, at, wall in steps:
        took = at - before[0] if at and before else None
        walls = wall - before[1] if wall and before and before[1] else None
        found.append(Stage(label, at, took, walls if walls != took else None))
        if at:
            before = (at, wall)
    return found


def exception(pk: int) -> OrderException | None:
    return (
        OrderException.objects.select_related("order__customer", "owner", "waived_by", "waive_approved_by")
        .filter(pk=pk)
        .first()
    )


@dataclass(frozen=True)
class Ending:
    """Why an exception closed: what happened to its order just before, and what stands in its place."""

    cause: Happening | None
    successor: OrderException | None


def ending(closed: OrderException) -> Ending:
    """Detectors close in the transaction of the change they follow, so that change is the order's last before it."""
    assert closed.closed_at is not None
    before = OrderEvent.objects.filter(order=closed.order_id, at__lte=closed.closed_at + CLOCKS_DIFFER)
    last = before.order_by("-pk").select_related("by").first()
    cause = (
        Happening(_moved(last.kind, last.from_status, last.to_status), last.at, str(last.by or "")) if last else None
    )
    same = OrderException.objects.filter(order=closed.order_id, code=closed.code, opened_at=closed.closed_at)
    return Ending(cause, same.exclude(pk=closed.pk).first())


@dataclass(frozen=True)
class ProductPage:
    product: Product
    units: int
    revenue: Decimal
    freight: Decimal
    items: list[OrderItem]


def product_page(pk: int) -> ProductPage | None:
    """One product, what it sold, and its latest orders."""
    product = Product.objects.select_related("category").filter(pk=pk).first()
    if product is None:
        return None
    sums = product.order_items.aggregate(n=Count("pk"), price=Sum("price"), freight=Sum("freight"))
    latest = product.order_items.select_related("order", "seller").order_by("-order__purchased_at", "-pk")[:20]
    return ProductPage(product, sums["n"], sums["price"] or Decimal(0), sums["freight"] or Decimal(0), list(latest))


def orders_with(rows: QuerySet[Order], text: str) -> QuerySet[Order]:
    """Orders in which every word begins the number, or stands in the customer's name, city or state.

    A word too short for the trigram index is a state of Brazil, or begins a number.
    """
    words = _words(text)
    beginnings = _beginnings(words)
    for word in words:
        rows = rows.filter(Q(number__lower__startswith=word) | _held(word) if word in beginnings else _held(word))
    return rows


def orders_abound(text: str, beyond: int) -> bool:
    """Whether surely more than `beyond` orders hold every word, as the newest ones show.

    A text that stands in a quarter of a million orders is dear in the trigram index, which lists them all before it
    gives the first. A thousand orders tell how frequent it is; from a share of a twentieth, so many more are read as
    should hold it often enough.
    """
    fits = Q(*[_held(word) for word in _words(text)])
    newest = Order.objects.order_by("-purchased_at", "-pk")

    def among(window: int) -> int:
        found: int = newest[:window].aggregate(n=Count("pk", filter=fits))["n"]
        return found

    hits = among(SAMPLE)
    return hits * 20 >= SAMPLE and among(SAMPLE * (beyond + 1) * 5 // (hits * 4)) > beyond


def _words(text: str) -> list[str]:
    return [plain(word) for word in text.split()[:8]]


def _held(word: str) -> Q:
    return Q(search__contains=word) if len(word) > 2 else Q(customer_state=word.upper())


def _beginnings(words: list[str]) -> set[str]:
    """Which words begin the number of any order.

    Asked first because it costs nothing: without an "or", several words are one read of the trigram index.
    """
    numbers = [
        Order.objects.filter(number__lower__startswith=word)
        .annotate(word=Value(word, output_field=CharField()))
        .values_list("word", flat=True)
        .order_by()[:1]
        for word in words
    ]
    return set(numbers[0].union(*numbers[1:], all=True)) if numbers else set()


def reviews_of(rows: QuerySet[Review], text: str) -> QuerySet[Review]:
    """Reviews whose own number, or whose order's number, is the text."""
    found = Order.objects.filter(number=text.strip()).values("pk")
    return rows.filter(Q(external_id=text.strip()) | Q(order__in=found))


def products_with(rows: QuerySet[Product], text: str) -> QuerySet[Product]:
    """Products whose code begins with the text, or whose name holds every word."""
    named = Q()
    for word in text.split()[:8]:
        named &= Q(name__plain__contains=plain(word))
    return rows.filter(Q(code__startswith=text.strip()) | named)


def find_orders(query: Query, limit: int) -> Iterable[Hit]:
    """For the palette: by number or customer, the newest first."""
    rows: Any = orders_with(Order.objects.all(), query.text).order_by("-purchased_at", "-pk")[:limit]
    return [Hit(order.number, order_url(order.pk), order.customer_name or order.customer_city) for order in rows]
