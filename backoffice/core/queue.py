"""What waits for somebody: the lines of the home page, each a count that equals the list behind its link.

    @queue_item("logistics.open_exceptions", right="logistics.exception.read", order=10)
    def open_exceptions(user: User) -> Waiting:                                        # in <app>/queue.py
        rows = OrderException.objects.filter(closed_at=None)
        url = reverse("logistics:exceptions") + "?state=open"
        return Waiting(_("Order exceptions"), rows, url, oldest="opened_at", due="due_at")

All `Waiting` lines of a person are counted in one statement, whatever their number; a line that must count in its own
way returns a `QueueLine` instead (and costs its queries). `<app>/queue.py` is imported when the applications are ready.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Min, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.utils.functional import Promise

from .models import User

Text = str | Promise


@dataclass(frozen=True)
class QueueLine:
    """One line of work: how much, since when, until when, and the door to it."""

    label: Text
    count: int
    oldest_at: datetime | None
    due_at: datetime | date | None
    url: str
    key: str = ""
    done: Text = ""  # what comes next when nothing waits
    department: str = ""
    overdue: int = 0


@dataclass(frozen=True)
class Waiting:
    """A line whose count, oldest and due are read from `rows` together with all the others.

    rows: exactly the set that the list behind `url` shows.   oldest, due: fields; a date counts as its end.
    """

    label: Text
    rows: QuerySet[Any]
    url: str
    oldest: str | None = None
    due: str | None = None
    done: Text = ""


Answer = Waiting | QueueLine | None
Function = Callable[[User], Answer]


@dataclass(frozen=True)
class Item:
    key: str
    right: str | None
    order: int
    department: str
    ask: Function = field(compare=False)


_ITEMS: dict[str, Item] = {}


def queue_item(key: str, *, right: str | None, order: int = 50) -> Callable[[Function], Function]:
    """Put a line into the queue of everybody who holds `right` (None: of everybody). Lower `order` comes first."""

    def mark(ask: Function) -> Function:
        _ITEMS[key] = Item(key, right, order, key.partition(".")[0], ask)
        return ask

    return mark


def lines_for(user: User) -> list[QueueLine]:
    """Every line this person may see, work first, in one statement for all `Waiting` lines."""
    items = [item for item in _ITEMS.values() if item.right is None or user.may(item.right)]
    items.sort(key=lambda item: (item.order, item.key))
    answers = [(item, item.ask(user)) for item in items]
    counted = _count({item.key: answer for item, answer in answers if isinstance(answer, Waiting)})
    lines = []
    for item, answer in answers:
        if isinstance(answer, Waiting):
            count, oldest, due = counted.get(item.key, (0, None, None))
            lines.append(
                QueueLine(answer.label, count, oldest, due, answer.url, item.key, answer.done, item.department)
            )
        elif answer is not None:
            lines.append(answer)
    return lines


def instant(rows: QuerySet[Any], name: str) -> Combinable:
    """A field as an instant; of a civil date, its last second on the company's clock: until then nothing is overdue."""
    _path, kept, *_rest = rows.query.names_to_path(name.split("__"), rows.model._meta)
    if isinstance(kept, DateTimeField):
        return F(name)
    template = "timezone(%(zone)s, %(expressions)s + interval '86399 seconds')"
    return Func(F(name), template=template, zone=f"'{settings.TIME_ZONE}'", output_field=DateTimeField())


def _count(waiting: dict[str, Waiting]) -> dict[str, tuple[int, datetime | None, datetime | None]]:
    parts = [_aggregate(key, line) for key, line in waiting.items()]
    if not parts:
        return {}
    first, *rest = parts
    rows: Iterable[tuple[str, int, Any, Any]] = first.union(*rest, all=True) if rest else first
    return {key: (count, oldest, due) for key, count, oldest, due in rows}


def _aggregate(key: str, line: Waiting) -> QuerySet[Any, Any]:
    nothing = Cast(Value(None), DateTimeField())
    totals: QuerySet[Any, Any] = (
        line.rows.order_by()
        .annotate(queue_key=Value(key, output_field=models.CharField()))
        .values("queue_key")
        .annotate(
            queue_count=Count("pk", output_field=IntegerField()),
            queue_oldest=Min(instant(line.rows, line.oldest)) if line.oldest else nothing,
            queue_due=Min(instant(line.rows, line.due)) if line.due else nothing,
        )
        .values_list("queue_key", "queue_count", "queue_oldest", "queue_due")
    )
    return totals
