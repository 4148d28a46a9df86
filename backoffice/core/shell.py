"""What every page's frame needs: navigation for this person, company, theme, language.

Each app lists its doors in `<app>/navigation.py` by `register_nav`; `core.apps` finds those files at start.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .models import Company, User
from .templatetags.display import month

DEPARTMENTS: dict[str, tuple[str | Promise, str]] = {
    "home": (_("Home"), "house"),
    "finance": (_("Finance"), "landmark"),
    "logistics": (_("Logistics"), "package"),
    "hr": (_("People"), "users"),
    "marketing": (_("Marketing"), "megaphone"),
    "kpis": (_("Numbers"), "chart-line"),
    "office": (_("Office"), "briefcase"),
}
COMPANY_SECONDS = 30


@dataclass(frozen=True)
class Door:
    """One line of the menu; `right` None lets in anybody signed in, `shown` decides what a right cannot say."""

    department: str
    label: str | Promise
    url_name: str
    right: str | None
    icon: str
    order: int
    shown: Callable[[User], bool] | None = None
    also: tuple[str, ...] = ()  # names of pages that belong to it and lie elsewhere

    def open_to(self, person: User) -> bool:
        return (self.right is None or person.may(self.right)) and (self.shown is None or self.shown(person))


@dataclass(frozen=True)
class Link:
    label: str | Promise
    url: str
    icon: str
    current: bool


@dataclass
class Department:
    key: str
    label: str | Promise
    icon: str
    links: list[Link] = field(default_factory=list)

    @property
    def current(self) -> bool:
        return any(link.current for link in self.links)


_doors: dict[tuple[str, str], Door] = {}


def register_nav(
    department: str,
    label: str | Promise,
    url_name: str,
    right: str | None,
    icon: str,
    order: int = 50,
    shown: Callable[[User], bool] | None = None,
    also: tuple[str, ...] = (),
) -> None:
    """Put a door into the menu; only who may enter sees it. also: pages under other addresses that belong to it."""
    if department not in DEPARTMENTS:
        raise ValueError(f"{department!r} is no department: {', '.join(DEPARTMENTS)}")
    _doors[department, url_name] = Door(department, label, url_name, right, icon, order, shown, also)


def navigation(person: User, path: str) -> list[Department]:
    """The departments and doors open to `person`; the door with the longest address that leads to `path` is current."""
    doors = []
    for door in sorted(_doors.values(), key=lambda door: door.order):
        if door.open_to(person):
            try:
                doors.append((door, reverse(door.url_name)))
            except NoReverseMatch:  # an app whose screens are switched off
                continue
    starts = [(start, url) for door, url in doors for start in (url, *(reverse(name) for name in door.also))]
    leading = [(start, url) for start, url in starts if path == start or (start != "/" and path.startswith(start))]
    current = max(leading, key=lambda pair: len(pair[0]), default=("", None))[1]
    departments = {key: Department(key, label, icon) for key, (label, icon) in DEPARTMENTS.items()}
    for door, url in doors:
        departments[door.department].links.append(Link(door.label, url, door.icon, url == current))
    return [department for department in departments.values() if department.links]


_company: tuple[float, str] = (0.0, "")


def company_name() -> str:
    """The company's name, asked from the database at most twice a minute."""
    global _company
    if time.monotonic() > _company[0]:
        company = Company.objects.filter(pk=1).only("name", "trade_name").first()
        _company = (time.monotonic() + COMPANY_SECONDS, str(company) if company else "Retaguarda")
    return _company[1]


def forget_company(**_signal: object) -> None:
    global _company
    _company = (0.0, "")


post_save.connect(forget_company, sender=Company, dispatch_uid="core.shell.forget_company")


Menu = tuple[tuple[str, str, tuple[tuple[str, str, str, str], ...]], ...]


@lru_cache(maxsize=512)
def _rail(menu: Menu, company: str, language: str | None) -> SafeString:
    """The same menu is drawn once: there are as many as roles, doors and languages."""
    return render_to_string("components/rail.html", {"menu": menu, "company": company})


class Shell:
    """The frame of one page; each part is worked out only when the template asks."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def person(self) -> User | None:
        user = getattr(self.request, "user", None)
        return user if isinstance(user, User) and user.is_authenticated else None

    @cached_property
    def company(self) -> str:
        return company_name()

    @cached_property
    def theme(self) -> str:
        theme = self.person.theme if self.person else self.request.COOKIES.get("theme", "")
        return theme if theme in User.Theme.values else User.Theme.SYSTEM

    @cached_property
    def themes(self) -> list[tuple[str, Any]]:
        return list(User.Theme.choices)

    @cached_property
    def languages(self) -> list[tuple[str, str]]:
        return list(settings.LANGUAGES)

    @cached_property
    def language(self) -> str:
        """The reader's language as HTML names it: `pt-BR`."""
        language, _dash, region = (get_language() or "en").partition("-")
        return f"{language}-{region.upper()}" if region else language

    @cached_property
    def departments(self) -> list[Department]:
        path = getattr(self.request, "stands_at", self.request.path)  # a view may say which list its record stands in
        return navigation(self.person, path) if self.person else []

    @cached_property
    def rail(self) -> SafeString:
        """The menu beside the page."""
        here = self.request.path
        menu = tuple(
            (
                department.key,
                str(department.label),
                tuple(
                    (link.url, str(link.label), link.icon, ("page" if link.url == here else "true") * link.current)
                    for link in department.links
                ),
            )
            for department in self.departments
        )
        return _rail(menu, self.company, get_language())

    @cached_property
    def department(self) -> Department | None:
        return next((department for department in self.departments if department.current), None)

    @cached_property
    def link(self) -> Link | None:
        return next((link for link in self.department.links if link.current), None) if self.department else None

    @cached_property
    def palette(self) -> str:
        """The address that answers the palette, or nothing while that door does not exist."""
        try:
            return reverse("palette")
        except NoReverseMatch:
            return ""

    @property
    def period(self) -> str:
        return month(timezone.localdate())

    @cached_property
    def shortcuts(self) -> bool:
        return self.person is not None and self.person.shortcuts


def context(request: HttpRequest) -> dict[str, Any]:
    return {"shell": Shell(request)}
