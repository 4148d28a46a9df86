"""What the palette finds: pages, actions, records and what was open last; only what the person may read.

    searchable("logistics.orders", label=_("Orders"), icon="package", right="logistics.order.read", find=finding.orders)

in `<app>/references.py` (imported at start). `find(query, limit)` is a selector that answers at most `limit` hits, from
an index. Actions are registered the same way with `action`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from . import recent, refs, shell
from .documents import bare, kind_of
from .folding import plain
from .models import User
from .money import NotMoney, parse_money

PER_GROUP = 6
LONGEST = 100
SIGNS = {">": "action", "#": "document", "@": "person"}


@dataclass(frozen=True)
class Query:
    """One search text and how it can be read."""

    text: str  # folded, without its sign
    written: str  # as typed, without its sign
    amount: Decimal | None = None  # typed as an amount with decimals or an R$
    tax_id: str = ""  # letters and digits of a CPF or CNPJ

    @property
    def words(self) -> list[str]:
        return self.text.split()[:6]

    @property
    def is_number(self) -> bool:
        return self.text.isascii() and self.text.isdigit() and len(self.text) <= 18


@dataclass(frozen=True)
class Hit:
    label: str
    url: str
    detail: str = ""
    icon: str = ""
    shortcut: str = ""


@dataclass(frozen=True)
class Group:
    label: str
    entries: list[Hit]


@dataclass(frozen=True)
class Searchable:
    key: str
    label: str | Promise
    icon: str
    right: str
    sign: str
    find: Callable[[Query, int], Iterable[Hit]]


@dataclass(frozen=True)
class Deed:
    """Something to do from anywhere."""

    label: str | Promise
    url_name: str
    right: str
    icon: str
    shortcut: str


_SEARCHABLE: dict[str, Searchable] = {}
_DEEDS: dict[str, Deed] = {}


def searchable(
    key: str,
    *,
    label: str | Promise,
    icon: str,
    right: str,
    find: Callable[[Query, int], Iterable[Hit]],
    sign: str = "#",
) -> None:
    """Let the palette find records. `sign`: `#` for documents, `@` for people and organisations."""
    _SEARCHABLE[key] = Searchable(key, label, icon, right, sign, find)


def action(label: str | Promise, url_name: str, *, right: str, icon: str = "plus", shortcut: str = "") -> None:
    """Let the palette start something."""
    _DEEDS[url_name] = Deed(label, url_name, right, icon, shortcut)


def read(typed: str) -> tuple[str, Query]:
    """The sign (`>`, `#`, `@` or none) and the query of what was typed."""
    typed = " ".join(typed.replace("\x00", "")[:LONGEST].split())
    sign = typed[:1] if typed[:1] in SIGNS else ""
    written = typed[len(sign) :].strip()
    amount = None
    if re.search(r"R\$|[.,][0-9]{2}$", written):
        try:
            amount = parse_money(written, get_language() or "en")
        except NotMoney:
            amount = None
    tax_id = bare(written)
    return sign, Query(
        text=plain(written),
        written=written,
        amount=amount,
        tax_id=tax_id if kind_of(tax_id) and sum(one.isdigit() for one in tax_id) >= 9 else "",
    )


def results(user: User, typed: str) -> list[Group]:
    """Groups of hits for what was typed; without text, what was open last, what can be done and where to go."""
    sign, query = read(typed)
    groups = []
    if not query.text and not sign:
        groups.append(Group(_("Opened last"), _recent(user)))
    if sign in ("", ">"):
        groups.append(Group(_("Actions"), _actions(user, query)))
    if sign == "":
        groups.append(Group(_("Pages"), _pages(user, query)))
    if sign != ">" and (len(query.text) >= 2 or query.is_number):
        groups += [
            Group(str(one.label), [_with_icon(hit, one.icon) for hit in one.find(query, PER_GROUP)])
            for one in _SEARCHABLE.values()
            if sign in ("", one.sign) and user.may(one.right)
        ]
    return [group for group in groups if group.entries]


def _recent(user: User) -> list[Hit]:
    kept = recent.of(user.pk)
    cards = refs.resolve(kept)
    return [
        Hit(card.label, card.url, str(card.kind), "history")
        for ref in kept
        if (card := cards.get(ref)) is not None and card.is_open_to(user)
    ][:PER_GROUP]


def _actions(user: User, query: Query) -> list[Hit]:
    hits = []
    for deed in _DEEDS.values():
        if user.may(deed.right) and _fits(str(deed.label), query):
            try:
                hits.append(Hit(str(deed.label), reverse(deed.url_name), icon=deed.icon, shortcut=deed.shortcut))
            except NoReverseMatch:  # an app whose screens are switched off
                continue
    return hits[:PER_GROUP]


def _pages(user: User, query: Query) -> list[Hit]:
    return [
        Hit(str(link.label), link.url, str(department.label), link.icon)
        for department in shell.navigation(user, "")
        for link in department.links
        if _fits(f"{department.label} {link.label}", query)
    ][: PER_GROUP if query.text else 2 * PER_GROUP]


def _fits(label: str, query: Query) -> bool:
    folded = plain(label)
    return all(word in folded for word in query.words)


def _with_icon(hit: Hit, icon: str) -> Hit:
    return hit if hit.icon else Hit(hit.label, hit.url, hit.detail, icon, hit.shortcut)
