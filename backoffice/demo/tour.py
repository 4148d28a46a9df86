"""Every page of the product with an address that opens in the demo, for tests and audits that look at all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.test import Client

from backoffice.core.access import entrance_of
from backoffice.core.checks import doors
from backoffice.core.imports import sources
from backoffice.core.models import Approval, ImportBatch, Job, Party, Task, User
from backoffice.core.roles import ROLES
from kpis.definitions import MEASURES
from logistics.models import Order, OrderException, Product
from marketing.models import Lead

_NOT_A_PAGE = ("metrics", "healthz", "readyz")  # for machines
_SLUGS = {"board": "logistics", "action": "discard"}


def _first(rows: "QuerySet[Any]") -> Callable[[], Model | None]:
    return lambda: rows.order_by("pk").first()


# how an address with a key begins → a record of the demo that it opens
_RECORDS: dict[str, Callable[[], Model | None]] = {
    "logistics/orders/": _first(Order.objects.filter(exceptions__closed_at=None, exceptions__code="late")),
    "logistics/exceptions/": _first(OrderException.objects.filter(closed_at=None, waived_at=None)),
    "logistics/products/": _first(Product.objects.all()),
    "marketing/leads/": _first(Lead.objects.exclude(deal=None)),
    "tasks/": _first(Task.objects.filter(done_at=None)),
    "approvals/": _first(Approval.objects.filter(state="waiting")),
    "people/": _first(User.objects.filter(groups__name="finance_clerk")),
    "parties/": _first(Party.objects.filter(roles__role="customer")),
    "imports/": _first(ImportBatch.objects.all()),
    "jobs/": _first(Job.objects.all()),
}


@dataclass(frozen=True)
class Page:
    """One page: its address, and the roles ("nobody" before signing in) that it opens to."""

    address: str
    roles: tuple[str, ...]


def pages() -> list[Page]:
    """Every address that answers a whole page of HTML, asked of the application itself as each role."""
    clients = {role.key: _signed_in(role.key) for role in ROLES}
    found = []
    for route, match in doors():
        door = entrance_of(match)
        address = _address(route)
        if not door or not address or "GET" not in door.methods() or route in _NOT_A_PAGE:
            continue
        if door.kind == "public":
            roles: tuple[str, ...] = ("nobody",) if _opens(Client(), address) else ()
        else:
            roles = tuple(role for role, client in clients.items() if _opens(client, address))
        if roles:
            found.append(Page(address, roles))
    return found


def _signed_in(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(is_demo=True, groups__name=role), backend="backoffice.core.auth.Backend")
    return client


def _opens(client: Client, address: str) -> bool:
    answer = client.get(address, headers={"host": "127.0.0.1"})
    whole = b"<html" in answer.content[:400] if not answer.streaming else False
    return answer.status_code == 200 and whole


def _address(route: str) -> str | None:
    """The route with its keys filled in, or None where the demo has no such record."""
    if "<" not in route and "(" not in route:
        return f"/{route}"
    if route.startswith("configuration/") or "(" in route:
        return None  # the configuration's tables have addresses without keys too
    start = route[: route.index("<")]
    if start == "imports/new/":
        return f"/{start}{sources()[0].key}/"
    if start == "numbers/measures/":
        return "/" + route.replace("<str:key>", next(iter(MEASURES)))
    for name, value in _SLUGS.items():
        route = route.replace(f"<slug:{name}>", value)
    if "<" not in route:
        return f"/{route}"
    record = _RECORDS.get(start, lambda: None)()
    return f"/{route.replace('<int:pk>', str(record.pk)).replace('<int:position>', '0')}" if record else None
