"""The general ledger (razão): one account's postings in the order of their days, each with the balance after it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from backoffice.core.keys import is_key
from backoffice.core.templatetags import display
from finance.models import Posting

from . import asking, balances, centres, links, tree
from .asking import Asked
from .balances import ALL, NONE, Moves, Span
from .sheets import Cell, Fact, Head, Row, Sheet
from .tree import ZERO, Tree

PAGE = 100
FETCH = 1_000  # postings read at once for a file


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
    node, period, centre = plan.nodes[asked.account], asked.period, asked.centre
    after = None if whole else _after(asked.after)
    found = general_ledger(
        plan, node.pk, period.start, period.end, cost_centre=centre, after=after, size=0 if whole else PAGE
    )
    last = found.postings[-1] if found.postings else None
    rows = [] if whole else list(_rows(found, found.postings, is_last=not found.has_more))
    shown = Sheet(
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
        stream=partial(_stream, plan, found, asked) if whole else None,
        first=_("Entry"),
        facts=[
            Fact(_("Opening"), found.opening, links.postings(end=period.start, account=node.pk, centre=centre)),
            Fact(_("Debits"), found.debit, links.within(period, account=node.pk, centre=centre, side="debit")),
            Fact(_("Credits"), found.credit, links.within(period, account=node.pk, centre=centre, side="credit")),
            Fact(_("Closing"), found.closing, links.postings(end=period.end, account=node.pk, centre=centre)),
        ],
        back=f"?{asked.but().query}" if asked.after else "",
        more=f"?{asked.but(after=f'{last.on.isoformat()}.{last.pk}').query}" if found.has_more and last else "",
    )
    if not asked.against:
        return shown
    postings = replace(shown, title=asking.name(period), lead="", facts=(), back="", more="")
    totals = _totals(plan, node.pk, asked)
    return replace(totals, lead=shown.lead, tables=[postings], back=shown.back, more=shown.more)


def count(asked: Asked) -> int:
    """How many postings the whole ledger has."""
    plan = tree.read()
    return _all(plan, asked).count() if asked.account in plan.nodes else 0


def _all(plan: Tree, asked: Asked) -> QuerySet[Posting]:
    """The postings asked for, in their order."""
    held = [pk for pk in plan.under(asked.account or 0) if not plan.nodes[pk].is_group]
    rows = _postings(held, asked.centre).filter(on__gte=asked.period.start, on__lt=asked.period.end)
    return rows.select_related("entry__journal", "party", "account").order_by("on", "pk")


def _stream(plan: Tree, found: Page, asked: Asked) -> Iterator[Row]:
    """The whole ledger, read as it is written."""
    return _rows(found, _all(plan, asked).iterator(chunk_size=FETCH), is_last=True)


def _rows(found: Page, postings: Iterable[Posting], *, is_last: bool) -> Iterator[Row]:
    """What was held, each posting with the balance after it, what is held."""
    yield _edge(_("Opening") if found.before == found.opening else _("Carried over"), found.before)
    balance = found.before
    for posting in postings:
        balance += posting.amount
        yield Row(
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
    if is_last:
        yield _edge(_("Closing"), balance)


def _totals(plan: Tree, account: int, asked: Asked) -> Sheet:
    """What the account held and moved in each of the periods, months or cost centres that are compared."""
    held = [pk for pk in plan.under(account) if not plan.nodes[pk].is_group]
    is_by_centre = asked.against == "centres"
    columns = asked.columns()
    if is_by_centre:
        spans = [Span(None, asked.period.start), Span(asked.period.start, asked.period.end)]
        moves = balances.moved(spans, accounts=held, by_centre=True)
        columns = asked.columns(centres.of({centre for _place, _account, centre in moves}))
    else:
        spans = [
            span for one in columns for span in (Span(None, one.period.start), Span(one.period.start, one.period.end))
        ]
        moves = balances.moved(spans, accounts=held, cost_centre=ALL if asked.centre is None else asked.centre)
    figures = [
        _figures(moves, 0 if is_by_centre else 2 * n, column.centre if is_by_centre else None)
        for n, column in enumerate(columns)
    ]
    rows = []
    for column, (opening, debit, credit) in zip(columns, figures, strict=True):
        period = column.period
        of: dict[str, Any] = {"account": account, "centre": column.centre}
        cells = [
            Cell(opening, links.postings(end=period.start, **of)),
            Cell(debit, links.within(period, side="debit", **of)),
            Cell(credit, links.within(period, side="credit", **of)),
            Cell(opening + debit - credit, links.postings(end=period.end, **of)),
        ]
        rows.append(Row(column.label, cells, style="total" if column.is_total else "leaf"))
    if asked.against in ("previous", "year"):
        now, then = figures
        rows.append(
            Row(
                _("Difference"),
                [
                    *(Cell(a - b) for a, b in zip(now, then, strict=True)),
                    Cell(now[0] + now[1] - now[2] - (then[0] + then[1] - then[2])),
                ],
                style="step",
            )
        )
    return Sheet(
        title=_("General ledger"),
        lead="",
        heads=[Head(_("Opening"), "side"), Head(_("Debit")), Head(_("Credit")), Head(_("Closing"), "side")],
        rows=rows,
        first=_("Cost centre") if is_by_centre else _("Period"),
    )


def _figures(moves: Moves, place: int, centre: int | None) -> tuple[Decimal, Decimal, Decimal]:
    """Opening, debits and credits from the span before a period and the period's own; of one cost centre or all."""
    opening = debit = credit = ZERO
    for (at, _account, cost_centre), move in moves.items():
        if centre is not None and cost_centre != centre:
            continue
        if at == place:
            opening += move.net
        elif at == place + 1:
            debit, credit = debit + move.debit, credit + move.credit
    return opening, debit, credit


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
    if asked.against == "centres":
        held = balances.standing([asked.period.end], by_centre=True)
        columns = asked.columns(centres.of({centre for _account, centre in held[asked.period.end]}))
    else:
        columns = [column for column in asked.columns() if not column.is_total]
        centre = ALL if asked.centre is None else asked.centre
        held = balances.standing([column.period.end for column in columns], cost_centre=centre)
    nets = [
        balances.total(held[column.period.end], column.centre if asked.against == "centres" else None)
        for column in columns
    ]
    rows = [
        Row(
            node.name,
            [
                Cell(
                    net.get(node.pk, ZERO), links.postings(end=column.period.end, account=node.pk, centre=column.centre)
                )
                for column, net in zip(columns, nets, strict=True)
            ],
            code=node.code,
            style="group" if node.is_group else "leaf",
            url=f"?{asked.but(account=node.pk).query}",
        )
        for node in plan
        if any(node.pk in net for net in nets)
    ]
    heads = [Head(_("Closing"), "side")] if len(columns) == 1 else [Head(column.label, "side") for column in columns]
    return Sheet(
        title=_("General ledger"),
        lead=_("Choose an account to see its postings with the balance after each."),
        heads=heads,
        rows=rows,
        first=_("Account"),
        empty=_("Nothing was posted up to this day."),
        empty_url=reverse("finance:reports"),
        empty_label=_("All reports"),
    )
