"""The month-end close: what is missing before a month may close, told point by point.

    @check("finance.open_lines", order=10)
    def open_lines(period: Period) -> Iterable[Point]: ...       # nothing: all is well

Each point is a sentence with the door to its work. What blocks must be done; the rest may stay open with a reason.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.core import lists
from backoffice.core.models import Job, User
from backoffice.core.templatetags.display import day, money, month
from finance.models import (
    Account,
    BankAccount,
    Bill,
    DraftEntry,
    Invoice,
    Period,
    Posting,
    RecurringEntry,
    Statement,
    StatementLine,
)

from . import ledger, periods

ZERO = Decimal("0.00")


class NotClosed(Exception):
    """Something blocks the close, or points stay open without a reason; the sentence says which."""


@dataclass(frozen=True)
class Point:
    """One thing that is missing. url: where it is done; empty where there is no page."""

    text: str
    url: str = ""
    blocks: bool = False


@dataclass(frozen=True)
class Line:
    """One line of the checklist; without points it is done."""

    key: str
    title: str | Promise
    points: list[Point]

    @property
    def blocks(self) -> bool:
        return any(point.blocks for point in self.points)


Function = Callable[[Period], Iterable[Point]]


@dataclass(frozen=True)
class Check:
    key: str
    title: str | Promise
    order: int
    ask: Function


_CHECKS: dict[str, Check] = {}


def check(key: str, title: str | Promise, *, order: int = 50) -> Callable[[Function], Function]:
    """Put a line on every month's checklist. Lower `order` comes first."""

    def keep(ask: Function) -> Function:
        _CHECKS[key] = Check(key, title, order, ask)
        return ask

    return keep


def checklist(period: Period) -> list[Line]:
    found = sorted(_CHECKS.values(), key=lambda one: (one.order, one.key))
    return [Line(one.key, one.title, list(one.ask(period))) for one in found]


def close(*, period_id: int, by: User, reason: str = "") -> None:
    """Close a month whose checklist lets it. Raises NotClosed, periods.NotNow."""
    lines = checklist(Period.objects.get(pk=period_id))
    if blocking := [point.text for line in lines for point in line.points if point.blocks]:
        raise NotClosed(" ".join(blocking))
    if any(line.points for line in lines) and not reason.strip():
        raise NotClosed(_("Points are open. Say why the month closes all the same."))
    periods.close(period_id=period_id, by=by, reason=reason.strip())


# --- what a month needs ----------------------------------------------------------------------------------------------


@check("finance.earlier", gettext_lazy("Earlier months are closed"), order=5)
def earlier(period: Period) -> Iterable[Point]:
    before = Period.objects.filter(starts_on__lt=period.starts_on).exclude(state=Period.State.CLOSED)
    first = before.order_by("starts_on").first()
    if first:
        text = _("%(month)s is not closed. Months close in order.") % {"month": month(first.starts_on)}
        yield Point(text, reverse("finance:period", args=[first.pk]), blocks=True)


@check("finance.over", gettext_lazy("The month is over"), order=6)
def over(period: Period) -> Iterable[Point]:
    if period.ends_on > timezone.localdate():
        yield Point(_("The month lasts until %(day)s.") % {"day": day(period.ends_on - timedelta(days=1))})


@check("finance.statements", gettext_lazy("Bank statements reach the end of the month and agree"), order=10)
def statements(period: Period) -> Iterable[Point]:
    """Each bank account's last statement covers the month's last day, and its closing is what the books hold."""
    last_day = period.ends_on - timedelta(days=1)
    until = Statement.objects.filter(bank_account=OuterRef("pk"), undone_at=None, ends_on__gte=last_day)
    booked = Posting.objects.filter(account=OuterRef("account"), on__lt=period.ends_on).order_by().values("account")
    banks = (
        BankAccount.objects.filter(is_active=True)
        .exclude(kind=BankAccount.Kind.CASH)
        .annotate(
            reaches=Subquery(until.values("pk")[:1]),
            last=Max("statements__ends_on", filter=Q(statements__undone_at=None)),
            closing=Subquery(until.filter(ends_on=last_day).order_by("-pk").values("closing")[:1]),
            booked=Subquery(booked.annotate(total=Sum("amount")).values("total")),
        )
        .order_by("name", "pk")
    )
    for bank in banks:
        if bank.reaches is None and bank.last is None:
            yield Point(_("%(bank)s: no statement yet.") % {"bank": bank})
        elif bank.reaches is None:
            yield Point(_("%(bank)s: the last statement ends on %(day)s.") % {"bank": bank, "day": day(bank.last)})
        elif bank.closing is not None and (off := bank.closing - (bank.booked or ZERO)):
            yield Point(
                _("%(bank)s: the statement closes %(off)s away from the books.") % {"bank": bank, "off": money(off)}
            )


@check("finance.open_lines", gettext_lazy("Statement lines are matched"), order=20)
def open_lines(period: Period) -> Iterable[Point]:
    rows = (
        StatementLine.objects.filter(on__gte=period.starts_on, on__lt=period.ends_on)
        .exclude(open_amount=0)
        .values("bank_account", "bank_account__name")
        .annotate(n=Count("pk"))
        .order_by("bank_account__name")
    )
    for row in rows:
        text = ngettext("%(bank)s: %(n)s line is open.", "%(bank)s: %(n)s lines are open.", row["n"])
        url = reverse("finance:reconcile", args=[row["bank_account"]])
        yield Point(text % {"bank": row["bank_account__name"], "n": row["n"]}, url)


@check("finance.drafts", gettext_lazy("Entries by hand are posted"), order=30)
def drafts(period: Period) -> Iterable[Point]:
    state = DraftEntry.State
    rows = DraftEntry.objects.filter(on__gte=period.starts_on, on__lt=period.ends_on)
    counts = rows.aggregate(
        waiting=Count("pk", filter=Q(state=state.WAITING)), drafts=Count("pk", filter=Q(state=state.DRAFT))
    )
    days: dict[str, Any] = {"on_from": str(period.starts_on), "on_to": str(period.ends_on - timedelta(days=1))}
    if n := counts["waiting"]:
        text = ngettext("%(n)s entry waits for approval.", "%(n)s entries wait for approval.", n) % {"n": n}
        yield Point(text, lists.url_for("finance.drafts", state="waiting", **days), blocks=True)
    if n := counts["drafts"]:
        text = ngettext("%(n)s draft was not sent.", "%(n)s drafts were not sent.", n) % {"n": n}
        yield Point(text, lists.url_for("finance.drafts", state="draft", **days))


@check("finance.documents", gettext_lazy("Invoices and bills are in the books"), order=25)
def documents(period: Period) -> Iterable[Point]:
    """Dated in the month and not issued, not approved: they would post into it."""
    month_only = Q(issued_on__gte=period.starts_on, issued_on__lt=period.ends_on, state__in=["draft", "waiting"])
    last_day = period.ends_on - timedelta(days=1)
    days: dict[str, Any] = {"issued_from": str(period.starts_on), "issued_to": str(last_day)}
    if n := Invoice.objects.filter(month_only).count():
        text = ngettext("%(n)s invoice is not issued.", "%(n)s invoices are not issued.", n) % {"n": n}
        yield Point(text, lists.url_for("finance.invoices", **days))
    if n := Bill.objects.filter(month_only).count():
        text = ngettext("%(n)s bill is not approved.", "%(n)s bills are not approved.", n) % {"n": n}
        yield Point(text, lists.url_for("finance.bills", **days))


@check("finance.recurring", gettext_lazy("Recurring entries are made"), order=32)
def recurring(period: Period) -> Iterable[Point]:
    for record in RecurringEntry.objects.filter(is_active=True, next_on__lt=period.ends_on).order_by("next_on", "pk")[
        :10
    ]:
        why = record.problem or _("not made yet for %(day)s") % {"day": day(record.next_on)}
        if record.mode == RecurringEntry.Mode.AUTOMATIC and record.approved_by_id is None:
            why = _("its template waits for approval")
        yield Point(f"{record.text}: {why}", reverse("finance:recurring_entry", args=[record.pk]))


@check("finance.suspense", gettext_lazy("Accounts that only pass things on are empty"), order=40)
def suspense(period: Period) -> Iterable[Point]:
    """The opening account, and the opening sums of titles that nobody detailed."""
    rows = Account.objects.filter(Q(purpose="opening") | Q(name__iendswith="saldo inicial a detalhar"), is_group=False)
    for account in rows.order_by("code"):
        if held := ledger.balance_of(account.pk, until=period.ends_on):
            text = _("%(account)s holds %(amount)s.") % {"account": account, "amount": money(abs(held))}
            yield Point(text, reverse("finance:account", args=[account.pk]))


@check("finance.balance", gettext_lazy("Debits and credits are equal"), order=60)
def balance(period: Period) -> Iterable[Point]:
    month_only = Posting.objects.filter(on__gte=period.starts_on, on__lt=period.ends_on)
    if off := month_only.aggregate(off=Sum("amount"))["off"]:
        yield Point(_("The books are %(off)s out of balance.") % {"off": money(off)}, blocks=True)


@check("finance.proof", gettext_lazy("The books were proved"), order=70)
def proved(period: Period) -> Iterable[Point]:
    """By the last night's proof; it walks every seal and is too long for a page."""
    last = Job.objects.filter(kind="finance.verify_ledger", state=Job.State.DONE).order_by("-pk").first()
    if last is None or last.ended_at is None:
        yield Point(_("They were not proved yet. The proof runs each night, and at once when asked."))
    elif (last.result or {}).get("ok") is False:
        yield Point(_("The last proof found that the books do not hold."), blocks=True)
    elif timezone.localdate(last.ended_at) < period.ends_on:
        yield Point(_("They were not proved since the month ended."))
