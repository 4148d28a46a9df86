"""What was said and done around a record, and what waits for a person: frozen rows, ready to show."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.exceptions import FieldDoesNotExist
from django.db.models import CharField, F, JSONField, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, JSONObject
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import recent, refs, sentences
from .models import Attachment, AuditEntry, Comment, Follow, Notification, Task, User

PAGE = 20
SOURCES = {
    "import": gettext_lazy("by import"),
    "worker": gettext_lazy("by a worker"),
    "command": gettext_lazy("by command"),
    "admin": gettext_lazy("in the configuration"),
}
NOTICES = 50


@dataclass(frozen=True)
class Change:
    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One line of a timeline: a sentence that follows the name, and for a comment what was said."""

    kind: str  # audit, comment, file
    pk: int
    at: dt.datetime
    who: str
    text: str
    body: str = ""
    source: str = ""
    changes: list[Change] = field(default_factory=list)
    url: str = ""

    @property
    def anchor(self) -> str:
        return f"{self.kind}-{self.pk}"


@dataclass(frozen=True)
class Timeline:
    ref: str
    entries: list[Entry]
    before: str  # give it back for the older entries; empty when there are none


@dataclass(frozen=True)
class File:
    pk: int
    name: str
    size: int
    by_id: int


@dataclass(frozen=True)
class OpenTask:
    pk: int
    title: str
    who: str
    due_on: dt.date | None


@dataclass(frozen=True)
class Activity:
    """Everything the activity panel of one record shows."""

    ref: str
    timeline: Timeline
    followers: list[str]
    follows: bool
    files: list[File]
    tasks: list[OpenTask]
    may_comment: bool
    may_ask: bool


def activity(ref: str, user: User, *, before: str = "") -> Activity:
    """The panel of a record that `user` may read, in two queries; the visit is remembered for "recent"."""
    recent.visited(user.pk, ref)
    names, follows, files, tasks = [], False, [], []
    for kind, pk, text, who, data in _side(ref):
        if kind == "follow":
            names.append(who)
            follows = follows or data["user"] == user.pk
        elif kind == "file":
            files.append(File(pk, text, data["size"], data["by"]))
        else:
            tasks.append(OpenTask(pk, text, who, dt.date.fromisoformat(data["due"]) if data["due"] else None))
    return Activity(
        ref=ref,
        timeline=timeline(ref, before=before),
        followers=sorted(names),
        follows=follows,
        files=files,
        tasks=tasks,
        may_comment=user.may("core.comment.create"),
        may_ask=user.may("core.task.create"),
    )


def timeline(ref: str, limit: int = PAGE, before: str = "") -> Timeline:
    """Audit, comments and files of one record, newest first, in one query.

    before: the cursor of an earlier answer; one that cannot be read starts at the top.
    """
    cursor = _cursor(before)
    parts = [_until(part, kind, at, cursor)[: limit + 1] for kind, at, part in _sources(ref)]
    rows = list(parts[0].union(*parts[1:], all=True).order_by("-line_at", "line_kind", "-line_id")[: limit + 1])
    model = kind.model if (kind := refs.kind_of(ref)) else None
    entries = [_entry(row, model) for row in rows[:limit]]
    last = entries[-1] if len(rows) > limit else None
    return Timeline(ref, entries, f"{last.at.isoformat()}~{last.kind}~{last.pk}" if last else "")


@dataclass(frozen=True)
class Notice:
    pk: int
    text: str
    excerpt: str
    at: dt.datetime
    is_new: bool
    url: str


def notices(user: User, *, only_new: bool = False, before: int | None = None) -> tuple[list[Notice], int | None]:
    """One page of this person's notices, newest first, with their links; and where the next page begins."""
    rows = Notification.objects.filter(user=user)
    if only_new:
        rows = rows.filter(read_at=None)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    page = list(rows.order_by("-pk")[: NOTICES + 1])
    cards = refs.resolve({notice.subject for notice in page if notice.subject})
    shown = []
    for notice in page[:NOTICES]:
        card = cards.get(notice.subject)
        url = card.url if card and card.is_open_to(user) else ""
        text = sentences.fill(notice.text, notice.data)
        excerpt = notice.data.get("excerpt", "")
        shown.append(Notice(notice.pk, text, excerpt, notice.at, notice.read_at is None, url))
    return shown, page[NOTICES - 1].pk if len(page) > NOTICES else None


def tasks_of(user: User) -> QuerySet[Task]:
    """Tasks that `user` may open: their own, those they gave, those on records they may read."""
    may = Q(assignee=user) | Q(asked_by=user)
    for prefix in refs.prefixes_open_to(user):
        may |= Q(subject__startswith=prefix)
    return Task.objects.all() if user.may("core.audit.read") else Task.objects.filter(may)


def recent_cards(user: User, limit: int = 6) -> list[refs.Card]:
    """The records this person opened last and may still open, newest first."""
    wanted = recent.of(user.pk)[:limit]
    cards = refs.resolve(wanted)
    return [cards[ref] for ref in wanted if ref in cards and cards[ref].is_open_to(user)]


def _side(ref: str) -> QuerySet[Any, Any]:
    follows = _row(Follow.objects.filter(subject=ref), "follow", Value(""), F("user__name"), JSONObject(user="user_id"))
    files = _row(
        Attachment.objects.filter(subject=ref, removed_at=None),
        "file",
        F("file__name"),
        F("added_by__name"),
        JSONObject(size="file__size", by="added_by_id"),
    )
    tasks = _row(
        Task.objects.filter(subject=ref, done_at=None),
        "task",
        F("title"),
        F("assignee__name"),
        JSONObject(due="due_on"),
    )
    return follows.union(files, tasks, all=True).order_by("line_kind", "line_id")


def _row(rows: QuerySet[Any], kind: str, text: Any, who: Any, data: Any, **more: Any) -> QuerySet[Any, Any]:
    """The common shape that lets tables of three kinds be read by one statement."""
    shaped = rows.order_by().annotate(
        line_kind=Value(kind, CharField()),
        line_id=F("pk"),
        line_text=Cast(text, TextField()),
        line_who=Cast(who, TextField()),
        line_data=data,
        **more,
    )
    columns: QuerySet[Any, Any] = shaped.values_list(
        "line_kind", "line_id", "line_text", "line_who", "line_data", *more
    )
    return columns


def _sources(ref: str) -> list[tuple[str, str, QuerySet[Any, Any]]]:
    def source(rows: QuerySet[Any], kind: str, at: str, text: Any, who: Any, data: Any, origin: Any) -> Any:
        return kind, at, _row(rows, kind, text, who, data, line_at=F(at), line_source=Cast(origin, TextField()))

    nothing = Value({}, JSONField())
    audit = AuditEntry.objects.filter(subject=ref).exclude(action="core.file_added")  # the file itself stands there
    return [
        source(audit, "audit", "at", F("action"), F("actor_name"), F("data"), F("source")),
        source(Comment.objects.filter(subject=ref), "comment", "at", F("body"), F("by__name"), nothing, Value("")),
        source(
            Attachment.objects.filter(subject=ref, removed_at=None),
            "file", "added_at", F("file__name"), F("added_by__name"), nothing, Value(""),
        ),
    ]  # fmt: skip


def _until(part: QuerySet[Any, Any], kind: str, at: str, cursor: tuple[dt.datetime, str, int] | None) -> Any:
    """Only what follows the cursor in the order (instant down, kind up, id down)."""
    ordered = part.order_by(f"-{at}", "-pk")
    if cursor is None:
        return ordered
    when, its_kind, its_id = cursor
    older = Q(**{f"{at}__lt": when})
    if kind > its_kind:
        older |= Q(**{at: when})
    elif kind == its_kind:
        older |= Q(**{at: when}, pk__lt=its_id)
    return ordered.filter(older)


def _cursor(before: str) -> tuple[dt.datetime, str, int] | None:
    at, _tilde, rest = before.partition("~")
    kind, _tilde, pk = rest.partition("~")
    try:
        when = parse_datetime(at)
    except ValueError:
        return None
    if when is None or when.tzinfo is None or not pk.isdecimal() or len(pk) > 18:
        return None
    return when, kind, int(pk)


def _entry(row: Any, model: type[Model] | None) -> Entry:
    kind, pk, text, who, data, at, source = row
    if kind == "comment":
        return Entry(kind, pk, at, who, _("wrote"), body=text)
    if kind == "file":
        added = _("added the file %(name)s") % {"name": text}
        return Entry(kind, pk, at, who, added, url=reverse("attachment", args=[pk]))
    changes = [
        Change(_label(model, name), _plain(before), _plain(after))
        for name, (before, after) in data.get("changes", {}).items()
    ]
    source = "" if source == "web" else str(SOURCES.get(source, source))
    return Entry(kind, pk, at, who, sentences.say(text, data), source=source, changes=changes)


def _label(model: type[Model] | None, name: str) -> str:
    """The field's own words, or its name when the record's kind no longer has it."""
    if model is not None:
        try:
            return capfirst(str(getattr(model._meta.get_field(name), "verbose_name", name)))
        except FieldDoesNotExist:
            pass
    return capfirst(name.replace("_", " "))


def _plain(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


def who_gives_roles(user: User, limit: int = 5) -> list[str]:
    """Names of administrators other than `user`, for the page that refuses."""
    people = User.objects.filter(is_active=True, groups__name="admin").exclude(pk=user.pk).order_by("name", "pk")
    return list(people.values_list("name", flat=True)[:limit])


def has_second_factor(user: User) -> bool:
    found: bool = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    return found
