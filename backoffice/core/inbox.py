"""What needs one person, in one list: tasks, approvals, mentions, and what every area adds.

    @inbox_source("logistics.exceptions", _("Exception"), right="logistics.exception.edit")
    def exceptions(user: User) -> Needs:                                             # in <app>/queue.py
        rows = OrderException.objects.filter(owner=user, closed_at=None)
        return Needs(rows, ref="logistics.orderexception", text=F("code"), at="opened_at", due="due_at")

All sources of a person are read in one statement, soonest due first; one more query per kind of record makes the links.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, DateTimeField, F, JSONField, QuerySet, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat, JSONObject, Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import jobs, refs, sentences
from .models import Approval, Job, Notification, Task, User
from .queue import instant

SHOWN = 100
FAILURE_DAYS = 7  # a failure that nobody tried again for so long stands only in the list of jobs


@dataclass(frozen=True)
class Needs:
    """Rows that need the person.

    ref: the label of the rows' own model, or F(field) that holds a reference.   text: a gettext msgid, filled with
    `data`.   at: field of the instant since when.   due: field of the instant or date until when.
    """

    rows: QuerySet[Any]
    ref: str | F
    text: Combinable
    at: str
    due: str | None = None
    data: Combinable | None = None


@dataclass(frozen=True)
class Line:
    kind: str | Promise
    text: str
    url: str
    at: datetime
    due_at: datetime | None


@dataclass(frozen=True)
class _Source:
    key: str
    label: str | Promise
    right: str | None
    ask: Callable[[User], Needs]


_SOURCES: dict[str, _Source] = {}


def inbox_source(
    key: str, label: str | Promise, *, right: str | None
) -> Callable[[Callable[[User], Needs]], Callable[[User], Needs]]:
    """Add to the inbox of everybody who holds `right` (None: of everybody)."""

    def mark(ask: Callable[[User], Needs]) -> Callable[[User], Needs]:
        _SOURCES[key] = _Source(key, label, right, ask)
        return ask

    return mark


def lines_for(user: User) -> tuple[list[Line], bool]:
    """The first hundred things that need this person, soonest due first, and whether there are more."""
    parts = [
        _shape(source.key, source.ask(user))
        for source in _SOURCES.values()
        if source.right is None or user.may(source.right)
    ]
    rows = list(
        parts[0].union(*parts[1:], all=True).order_by(F("line_due").asc(nulls_last=True), "line_at")[: SHOWN + 1]
    )
    cards = refs.resolve({ref for _key, ref, *_rest in rows})
    lines = [
        Line(
            _SOURCES[key].label,
            sentences.fill(text, data),
            cards[ref].url if ref in cards and cards[ref].is_open_to(user) else "",
            at,
            due,
        )
        for key, ref, text, data, at, due in rows[:SHOWN]
    ]
    return lines, len(rows) > SHOWN


def _shape(key: str, needs: Needs) -> QuerySet[Any, Any]:
    own = needs.ref if isinstance(needs.ref, F) else Concat(Value(f"{needs.ref}:"), Cast("pk", CharField()))
    due = instant(needs.rows, needs.due) if needs.due else Cast(Value(None), DateTimeField())
    shaped: QuerySet[Any, Any] = (
        needs.rows.order_by()
        .annotate(
            line_key=Value(key, CharField()),
            line_ref=Cast(own, TextField()),
            line_text=Cast(needs.text, TextField()),
            line_data=Coalesce(needs.data, Value({}, JSONField())) if needs.data else Value({}, JSONField()),
            line_at=F(needs.at),
            line_due=due,
        )
        .values_list("line_key", "line_ref", "line_text", "line_data", "line_at", "line_due")
    )
    return shaped


@inbox_source("core.tasks", _("Task"), right="core.task.read")
def _tasks(user: User) -> Needs:
    rows = Task.objects.filter(assignee=user, done_at=None)
    title = JSONObject(title="title")  # a person's own words, so never a msgid
    return Needs(rows, "core.task", Value("%(title)s"), at="asked_at", due="due_on", data=title)


@inbox_source("core.approvals", _("Approval"), right=None)
def _approvals(user: User) -> Needs:
    rows = Approval.objects.filter(state=Approval.State.WAITING, right__in=user.rights).exclude(asked_by=user)
    return Needs(rows, "core.approval", F("title"), at="asked_at", due="due_at", data=F("data"))


@inbox_source("core.mentions", _("Mention"), right=None)
def _mentions(user: User) -> Needs:
    rows = Notification.objects.filter(user=user, kind="mention", read_at=None)
    return Needs(rows, F("subject"), F("text"), at="at", data=F("data"))


@inbox_source("core.alerts", _("Alert"), right=None)
def _alerts(user: User) -> Needs:
    rows = Notification.objects.filter(user=user, kind="alert", read_at=None)
    return Needs(rows, F("subject"), F("text"), at="at", data=F("data"))


@inbox_source("core.failures", _("Failed work"), right=None)
def _failures(user: User) -> Needs:
    broken, since = [Job.State.FAILED, Job.State.PARKED], Now() - timedelta(days=FAILURE_DAYS)
    titles = [When(kind=kind.key, then=Value(str(kind.title))) for kind in jobs.kinds().values()]
    title = JSONObject(title=Case(*titles, default=F("kind"), output_field=TextField()))
    rows = Job.objects.filter(asked_by=user, state__in=broken, ended_at__gte=since)
    return Needs(rows, "core.job", Value("%(title)s"), at="ended_at", data=title)
