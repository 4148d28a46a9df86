"""Lists by key, so that a number anywhere can open the list behind it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

if TYPE_CHECKING:
    from .page import ListPage

_LISTS: dict[str, "type[ListPage]"] = {}


class UnknownFilter(LookupError):
    """The list has no such filter key."""


def register(page: "type[ListPage]") -> None:
    known = _LISTS.setdefault(page.key, page)
    if known.__qualname__ != page.__qualname__ or known.__module__ != page.__module__:
        raise ValueError(f"two lists are called {page.key}")
    _LISTS[page.key] = page


def get(key: str) -> "type[ListPage]":
    """The list called `key`. Raises KeyError."""
    if key not in _LISTS:
        import_module(settings.ROOT_URLCONF)  # doors register their lists
    return _LISTS[key]


def url_for(key: str, *, exact: bool = False, **filters: Any) -> str:
    """The address of list `key` with `filters` set; `exact` shows the whole count and totals. None values are left out.

    Keys are those of the address (`purchased_from`, not `purchased`). Raises KeyError, UnknownFilter.
    """
    page = get(key)
    unknown = filters.keys() - page.url_keys()
    if unknown:
        raise UnknownFilter(f"{key} has no filter {', '.join(sorted(unknown))}")
    query: list[tuple[str, str]] = []  # a report asks for hundreds of addresses: nothing that need not be made
    for name, value in filters.items():
        if value is None:
            continue
        if isinstance(value, list | tuple | set):
            query += [(name, _text(one)) for one in value]
        else:
            query.append((name, _text(value)))
    if page.opens_with and not query:
        query.append(("view", "all"))
    if exact:
        query.append(("count", "exact"))
    address = reverse(page.url_name)
    return f"{address}?{urlencode(query)}" if query else address


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
