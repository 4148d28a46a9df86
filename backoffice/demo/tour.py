"""Every page of the product with an address that opens in the demo, for tests and audits that look at all of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.test import Client

from backoffice.core.access import entrance_of
from backoffice.core.checks import doors
from backoffice.core.imports import sources
from backoffice.core.models import Approval, ImportBatch, Job, Party, Task, User
from backoffice.core.roles import ROLES
from finance.models import (
    Account,
    BankAccount,
    Bill,
    CostCentre,
    DraftEntry,
    Instalment,
    Invoice,
    JournalEntry,
    Match,
    MatchRule,
    Payment,
    Period,
    RecurringBill,
    RecurringEntry,
    Statement,
    StatementLine,
    Title,
)
from finance.reports import catalogue
from kpis.boards import BOARDS
from kpis.definitions import MEASURES
from logistics.models import Order, OrderException, Product
from marketing.models import Lead

_NOT_A_PAGE = ("metrics", "healthz", "readyz")  # for machines


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
    "finance/books/entries/": _first(JournalEntry.objects.all()),
    "finance/books/manual/": _first(DraftEntry.objects.filter(state="draft")),
    "finance/books/manual/recurring/": _first(RecurringEntry.objects.all()),
    "finance/books/months/": _first(Period.objects.exclude(state="closed")),
    "finance/books/accounts/": _first(Account.objects.filter(is_group=False)),
    "finance/books/accounts/cost-centres/": _first(CostCentre.objects.all()),
    "finance/titles/": _first(Title.objects.exclude(instalments__balance=0)),
    "finance/titles/parts/": _first(Instalment.objects.exclude(balance=0)),
    "finance/invoices/": _first(Invoice.objects.filter(state="issued")),
    "finance/bills/": _first(Bill.objects.filter(state="approved")),
    "finance/bills/recurring/": _first(RecurringBill.objects.all()),
    "finance/payments/": _first(Payment.objects.all()),
    "finance/banks/": _first(BankAccount.objects.all()),
    "finance/statements/": _first(Statement.objects.all()),
    "finance/reconcile/": _first(BankAccount.objects.filter(lines__isnull=False)),
    "finance/reconcile/lines/": _first(StatementLine.objects.filter(is_void=False).exclude(open_amount=0)),
    "finance/matches/": _first(Match.objects.filter(entry__reversed_by=None)),
    "finance/rules/": _first(MatchRule.objects.all()),
    "jobs/": _first(Job.objects.all()),
}
# pages that open only in a state that the record above is not in
_ALSO: dict[str, Callable[[], Model | None]] = {
    "finance/invoices/<int:pk>/edit/": _first(Invoice.objects.filter(state="draft")),
    "finance/bills/<int:pk>/edit/": _first(Bill.objects.filter(state="draft")),
}


@dataclass(frozen=True)
class Page:
    """One page: its address, and the roles ("nobody" before signing in) that it opens to."""

    address: str
    roles: tuple[str, ...]
    status: int = 200


def pages(*, measures: int | None = None) -> list[Page]:
    """Every address that answers a whole page of HTML, asked of the application itself as each role.

    measures: of how many indicators; default all. Their pages differ in words and figures alone.
    """
    clients = {role.key: _signed_in(role.key) for role in ROLES}
    found = []
    for route, match in doors():
        door = entrance_of(match)
        if not door or "GET" not in door.methods() or route in _NOT_A_PAGE:
            continue
        visitors = {"nobody": Client()} if door.kind == "public" else clients
        for address in _addresses(route, list(MEASURES)[:measures]):
            roles = tuple(role for role, client in visitors.items() if _opens(client, address))
            if roles:
                found.append(Page(address, roles))
    return found + refusals()


def refusals() -> list[Page]:
    """The pages that say no: not yours, not there."""
    return [Page("/people/", ("employee",), 403), Page("/nowhere/", ("employee", "nobody"), 404)]


def _signed_in(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(is_demo=True, groups__name=role), backend="backoffice.core.auth.Backend")
    return client


def _opens(client: Client, address: str) -> bool:
    answer = client.get(address, headers={"host": "127.0.0.1"})
    whole = b"<html" in answer.content[:400] if not answer.streaming else False
    return answer.status_code == 200 and whole


def _addresses(route: str, measures: list[str]) -> list[str]:
    """The route with its keys filled in, in every way the code knows; none where the demo has no such record."""
    if "<" not in route and "(" not in route:
        return [f"/{route}"]
    if route.startswith("configuration/") or "(" in route:
        return []  # the configuration's tables have addresses without keys too
    start = route[: route.index("<")]
    choices: dict[str, Iterable[str]] = {
        "<slug:board>": BOARDS,
        "<str:key>": measures,
        "<slug:key>": list(catalogue.REPORTS) if start == "finance/reports/" else [source.key for source in sources()],
        "<slug:action>": ["discard"],
        "<int:position>": ["0"],
    }
    if "<int:pk>" in route:
        record = _ALSO.get(route, _RECORDS.get(start, lambda: None))()
        choices["<int:pk>"] = [str(record.pk)] if record else []
    made = [f"/{route}"]
    for key, values in choices.items():
        made = [address.replace(key, value) for address in made for value in values] if key in route else made
    return made
