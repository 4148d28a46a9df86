"""From a reference back to the record: what it is called, where it opens, who may read it.

    refs.register(Order, "logistics:order", right="logistics.order.read")          # in <app>/references.py
    refs.register(Job, "job", right="core.job.read", own="asked_by_id")            # whose it is reads it anyway
    refs.resolve(["logistics.order:812", "core.task:4"])["logistics.order:812"]    # → Card(label, url, right)

Comments, tasks, approvals, notices and the audit trail keep references as text; pages turn any number of them into
links with one query per kind of record. A reference whose record is gone, or whose kind nobody registered, is not in
the answer. `<app>/references.py` is imported when the applications are ready.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst

from .keys import is_key
from .models import User
from .roles import roles_with


@dataclass(frozen=True)
class Kind:
    """What is known about one kind of record."""

    model: type[models.Model]
    url_name: str
    right: str | Callable[[Any], str]
    label: Callable[[Any], str] | None
    own: tuple[str, ...]
    within: str
    carer: str
    related: tuple[str, ...]
    page: Callable[[Any], str] | None
    name: str | Promise


@dataclass(frozen=True)
class Card:
    """One record as a link."""

    ref: str
    label: str
    url: str
    right: str
    kind: str | Promise
    owner_ids: frozenset[int] = frozenset()  # the people who read it without the right
    within_right: str | None = None  # the right of the record it belongs to, which opens it too
    carer_id: int | None = None  # the person who looks after it and hears of every comment

    def is_open_to(self, user: User) -> bool:
        return user.pk in self.owner_ids or any(user.may(right) for right in self.rights())

    def rights(self) -> list[str]:
        """Any of these opens the record."""
        return [right for right in (self.right, self.within_right) if right]


_KINDS: dict[str, Kind] = {}


def register(
    model: type[models.Model],
    url_name: str = "",
    *,
    right: str | Callable[[Any], str],
    label: Callable[[Any], str] | None = None,
    own: str | tuple[str, ...] = (),
    within: str = "",
    carer: str = "",
    related: tuple[str, ...] = (),
    page: Callable[[Any], str] | None = None,
    name: str | Promise = "",
) -> None:
    """Make records of `model` reachable by reference.

    url_name: takes the primary key as its only argument; or give `page`, record → URL.
    right: one for all records, or record → right.
    own: the fields that hold ids of people who may read the record without `right`.
    within: the field that holds the reference of a record whose readers read this one too.
    carer: the field that holds the id of who looks after it and hears of every comment.
    related: what `label` and `page` follow.
    name: what such a record is called; default what its model says.
    """
    owners = (own,) if isinstance(own, str) else own
    _KINDS[model._meta.label_lower] = Kind(model, url_name, right, label, owners, within, carer, related, page, name)


def kind_of(ref: str) -> Kind | None:
    return _KINDS.get(ref.rpartition(":")[0])


def right_of(ref: str) -> str | None:
    """The right that reading the record asks, or None when nobody registered its kind (or the record is gone)."""
    kind = kind_of(ref)
    if kind is None:
        return None
    if isinstance(kind.right, str):
        return kind.right
    card = resolve([ref]).get(ref)
    return card.right if card else None


def resolve(refs: Iterable[str]) -> dict[str, Card]:
    """The cards of those records that exist, one query per kind."""
    keys: dict[str, set[str]] = defaultdict(set)
    for ref in refs:
        name, _, key = ref.rpartition(":")
        if name in _KINDS and key:
            keys[name].add(key)
    cards = {}
    for name, wanted in keys.items():
        kind = _KINDS[name]
        field = kind.model._meta.pk
        numeric = isinstance(field, models.IntegerField)
        good = [key for key in wanted if is_key(key) or not numeric]
        if not good:
            continue
        records = (
            kind.model._default_manager.select_related(*kind.related) if kind.related else kind.model._default_manager
        )
        for record in records.filter(pk__in=good):
            cards[f"{name}:{record.pk}"] = _card(f"{name}:{record.pk}", kind, record)
    return cards


def open_or_404(ref: str, user: User) -> Card:
    """The card of a record this person may read; anything else looks as if it did not exist."""
    card = resolve([ref]).get(ref)
    if card is None or not card.is_open_to(user):
        raise Http404
    return card


def readers(card: Card, people: QuerySet[User]) -> QuerySet[User]:
    """Those of `people` who may open the record, in one query."""
    roles = {role.key for right in card.rights() for role in roles_with(right)}
    may = Q(groups__name__in=roles) | Q(pk__in=card.owner_ids)
    return people.filter(may, is_active=True).distinct()


def prefixes_open_to(user: User) -> list[str]:
    """How the references begin of those kinds that this person may read altogether."""
    return sorted(f"{name}:" for name, kind in _KINDS.items() if isinstance(kind.right, str) and user.may(kind.right))


def _card(ref: str, kind: Kind, record: models.Model) -> Card:
    return Card(
        ref=ref,
        label=kind.label(record) if kind.label else str(record),
        url=kind.page(record) if kind.page else reverse(kind.url_name, args=[record.pk]),
        right=kind.right if isinstance(kind.right, str) else kind.right(record),
        kind=capfirst(str(kind.name or kind.model._meta.verbose_name)),
        owner_ids=frozenset(owner for name in kind.own if (owner := getattr(record, name)) is not None),
        within_right=right_of(getattr(record, kind.within)) if kind.within else None,
        carer_id=getattr(record, kind.carer) if kind.carer else None,
    )
