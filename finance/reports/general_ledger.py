"""The general ledger (razão): one account's postings in the order of their days, each with the balance after it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from backoffice.core.keys import is_key
from backoffice.core.templatetags import display
from finance.models import Posting

from . import balances, links, tree
from .asking import Asked
from .balances import ALL, NONE, Span
from .sheets import Cell, Fact, Head, Row, Sheet
from .tree import ZERO, Tree

PAGE = 100
FILE = 20_000  # rows of a file; a longer ledger is taken by parts of the period


@dataclass(frozen=True)
class Page:
    """opening: at the first day. before: at the first posting of this page. debit, credit: of all days asked for."""

    opening: Decimal
    debit: Decimal
    credit: Decimal
    before: Decimal
    postings: list[Posting]
    has_more: bool

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit


def general_ledger(
    plan: Tree,
    account: int,
    start: date,
    end: date,
    *,
    cost_centre: int | None = None,
    after: tuple[date, int] | None = None,
    size: int = PAGE,
) -> Page:
    """The postings of an account (of a group: of all accounts under it) from `start` up to, not including, `end`.

    after: day and id of the last posting of the page before.
    """
    held = [pk for pk in plan.under(account) if not plan.nodes[pk].is_group]
    centre = ALL if cost_centre is None else cost_centre
    spans = [Span(None, start), Span(start, end)]
    if after:
        spans.append(Span(start, min(after[0], end)))
    moves = balances.moved(spans, accounts=held, cost_centre=centre)
    opening = sum(balances.nets(moves, 0).values(), ZERO)
    within = [move for (place, _account, _centre), move in moves.items() if place == 1]
    rows = _postings(held, cost_centre).filter(on__gte=start, on__lt=end)
    before = opening
    if after:
        day, pk = after
        before += sum(balances.nets(moves, 2).values(), ZERO) + _sum(rows.filter(on=day, pk__lte=pk))
        rows = rows.filter(Q(on=day, pk__gt=pk) | Q(on__gt=day), on__gte=day)
    shown = list(rows.select_related("entry__journal", "party", "account").order_by("on", "pk")[: size + 1])
    debit = sum((move.debit for move in within), ZERO)
    credit = sum((move.credit for move in within), ZERO)
    return Page(opening, debit, credit, before, shown[:size], len(shown) > size)


def _postings(accounts: list[int], cost_centre: int | None) -> QuerySet[Posting]:
    rows = (
        Posting.objects.filter(account_id=accounts[0])
        if len(accounts) == 1
        else (Posting.objects.filter(account_id__in=accounts))
    )
    if cost_centre == NONE:
        return rows.filter(cost_centre=None)
    return rows if cost_centre is None else rows.filter(cost_centre_id=cost_centre)


def _sum(rows: QuerySet[Posting]) -> Decimal:
    return rows.aggregate(total=Sum("amount"))["total"] or ZERO


def sheet(asked: Asked, *, whole: bool = False) -> Sheet:
    """One page of the ledger, or, for a file, all of it. Without an account: the accounts to choose from."""
    plan = tree.read()
    if asked.account not in plan.nodes:
        return _choice(plan, asked)
    assert asked.account is not None
    node, period = plan.nodes[asked.account], asked.period
    found = general_ledger(
        plan,
        node.pk,
        period.start,
        period.end,
        cost_centre=asked.centre,
        after=None if whole else _after(asked.after),
        size=FILE if whole else PAGE,
    )
    centre = asked.centre
    rows = [_edge(_("Opening") if found.before == found.opening else _("Carried over"), found.before)]
    balance = found.before
    for posting in found.postings:
        balance += posting.amount
        rows.append(
            Row(
                str(posting.entry),
                [
                    Cell(display.short_date(posting.on, year=True)),
                    Cell(posting.text or posting.entry.text),
                    Cell(str(posting.party or "")),
                    Cell(posting.amount if posting.amount > 0 else None),
                    Cell(-posting.amount if posting.amount < 0 else None),
                    Cell(balance),
                ],
                url=reverse("finance:entry", args=[posting.entry_id]),
            )
        )
    if not found.has_more:
        rows.append(_edge(_("Closing"), balance))
    last = found.postings[-1] if found.postings else None
    return Sheet(
        title=_("General ledger"),
        lead=f"{node.code} {node.name}.",
        heads=[
            Head(_("Date"), "text"),
            Head(_("Text"), "text"),
            Head(_("Party"), "text"),
            Head(_("Debit")),
            Head(_("Credit")),
            Head(_("Balance"), "side"),
        ],
        rows=rows,
        first=_("Entry"),
        facts=[
            Fact(_("Opening"), found.opening, links.postings(end=period.start, account=node.pk, centre=centre)),
            Fact(_("Debits"), found.debit, links.within(period, account=node.pk, centre=centre, side="debit")),
            Fact(_("Credits"), found.credit, links.within(period, account=node.pk, centre=centre, side="credit")),
            Fact(_("Closing"), found.closing, links.postings(end=period.end, account=node.pk, centre=centre)),
        ],
        back=f"?{asked.but().query}" if asked.after else "",
        more=f"?{asked.but(after=f'{last.on.isoformat()}.{last.pk}').query}" if found.has_more and last else "",
        notes=[_("The file ends after %(n)s postings; ask for fewer days.") % {"n": FILE}]
        if whole and found.has_more
        else [],
    )


def _edge(label: str, balance: Decimal) -> Row:
    return Row(label, [Cell(None)] * 5 + [Cell(balance)], style="step")


def _after(text: str) -> tuple[date, int] | None:
    """Where a page begins, as its address says; None for nonsense."""
    day, _dot, pk = text.partition(".")
    try:
        read = parse_date(day)
    except ValueError:
        return None
    return (read, int(pk)) if read and is_key(pk) else None


def _choice(plan: Tree, asked: Asked) -> Sheet:
    """Every account that takes postings, with what it holds at the end of the days asked for."""
    nets = balances.nets(balances.moved([Span(None, asked.period.end)]), 0)
    rows = [
        Row(
            node.name,
            [Cell(nets.get(node.pk, ZERO))],
            code=node.code,
            level=node.depth - 1,
            style="group" if node.is_group else "leaf",
            url=f"?{asked.but(account=node.pk).query}",
        )
        for node in plan
        if node.pk in nets
    ]
    return Sheet(
        title=_("General ledger"),
        lead=_("Choose an account to see its postings with the balance after each."),
        heads=[Head(_("Closing"), "side")],
        rows=rows,
        first=_("Account"),
        empty=_("Nothing was posted up to this day."),
        empty_url=reverse("finance:reports"),
        empty_label=_("All reports"),
    )
