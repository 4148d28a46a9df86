"""Aging: what customers owe and what is owed to suppliers, by how late it is and by whom, as of any day.

A balance of the past is today's without the postings since. Control accounts move with titles only, so the total is
what the balance sheet shows on the same day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import chain, pairwise
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from backoffice.core.calendar import DAY
from backoffice.core.models import Party
from backoffice.core.templatetags import display
from finance.models import Title

from . import centres, links
from .asking import Asked
from .balances import NONE
from .sheets import Cell, Head, Row, Sheet
from .tree import ZERO

EDGES = (0, 30, 60, 90)  # days late: not due, then up to each of these, then more
BUCKETS = len(EDGES) + 1
CREDIT = BUCKETS  # what is owed the other way: advances, overpayments, credit notes
SHOWN = 200  # parties of a page; the file holds all

REST = 0  # in place of a party: all that are not shown one by one

# What is open now, without what moved since. What was issued and settled since, most of it, is gone before its part is
# asked; a part that is open and has moved is told twice, for only sums are read. {now}, {since}, {moved}: a column for
# each day. {detail}: by what the buckets are told.
_OPEN = """
WITH moved AS (
    SELECT instalment_id AS id, {since} FROM finance_posting
    WHERE account_id IN (SELECT id FROM finance_account WHERE is_control) AND "on" > %(first)s
          AND instalment_id IS NOT NULL
    GROUP BY 1 HAVING {any_since}
), open AS MATERIALIZED (
    SELECT i.party_id, {detail}, {sums} FROM (
        SELECT party_id, title_id, due_on, amount, {now} FROM finance_instalment WHERE balance <> 0
        UNION ALL
        SELECT i.party_id, i.title_id, i.due_on, i.amount, {moved} FROM moved m JOIN finance_instalment i ON i.id = m.id
    ) i JOIN finance_title t ON t.id = i.title_id
    WHERE t.direction = %(direction)s{only} GROUP BY 1, 2
), aged AS MATERIALIZED ({aged})
"""

# Claims and credits of a party never share a bucket.
_AGED = """
SELECT {place} AS place, party_id AS party, {bucket} AS bucket, sum(at{place}) AS amount
FROM open GROUP BY 2, 3 HAVING sum(at{place}) <> 0
"""
_BY_DUE = "CASE WHEN (i.amount > 0) = (t.direction = 'receivable') THEN i.due_on END AS detail"  # none: a credit
_BY_AGE = "coalesce(width_bucket(%(day{place})s - detail, ARRAY[1, 31, 61, 91]), 5)"
_BY_CENTRE = "coalesce(t.cost_centre_id, 0) AS detail"

# The largest of the first day one by one, all others in one sum.
_RANKED = """
, ranked AS (
    SELECT party, row_number() OVER (
        ORDER BY bool_or(place = 0) DESC, %(sign)s * sum(amount) FILTER (WHERE place = 0) DESC NULLS LAST, party
    ) AS rank
    FROM aged GROUP BY party
)
SELECT a.place, CASE WHEN r.rank <= %(most)s THEN r.party ELSE 0 END, a.bucket, sum(a.amount), min(r.rank), max(r.rank)
FROM aged a JOIN ranked r USING (party) GROUP BY 1, 2, 3 ORDER BY 5
"""


@dataclass(frozen=True)
class Aged:
    """parties: party → amount by bucket, `CREDIT` last; owed is positive in both directions."""

    parties: dict[int, list[Decimal]]

    @property
    def buckets(self) -> list[Decimal]:
        return [sum((row[n] for row in self.parties.values()), ZERO) for n in range(BUCKETS + 1)]

    @property
    def total(self) -> Decimal:
        return sum(self.buckets, ZERO)


def aging(direction: str, day: date, cost_centre: int | None = None) -> Aged:
    """What was open at the end of `day`. direction: Title.Direction. cost_centre: of the title; an id, NONE or None."""
    return ranked(direction, [day], None, cost_centre=cost_centre)[0][0]


def ranked(
    direction: str, days: Sequence[date], most: int | None, *, cost_centre: int | None = None
) -> tuple[list[Aged], list[int], int]:
    """What was open at the end of each day, parties in the order of what they owe on the first.

    most: how many are told one by one, None for all; the others are summed under REST, and how many these are.
    """
    cells, order, others = _asked(direction, days, most, (_BY_DUE, _BY_AGE), cost_centre)
    found: list[dict[int, list[Decimal]]] = [{} for _day in days]
    for place, party, bucket, amount in cells:
        found[place].setdefault(party, [ZERO] * (BUCKETS + 1))[bucket] = amount
    return [Aged(parties) for parties in found], order, others


def by_centre(direction: str, day: date, most: int | None) -> tuple[dict[int, dict[int, Decimal]], list[int], int]:
    """What was open at the end of `day`: party → cost centre of the title, or NONE → amount; else as `ranked`."""
    cells, order, others = _asked(direction, [day], most, (_BY_CENTRE, "detail"), None)
    found: dict[int, dict[int, Decimal]] = {}
    for _place, party, centre, amount in cells:
        found.setdefault(party, {})[centre] = amount
    return found, order, others


def _asked(
    direction: str, days: Sequence[date], most: int | None, buckets: tuple[str, str], centre: int | None
) -> tuple[list[tuple[int, int, int, Decimal]], list[int], int]:
    """Place of the day, party or REST, bucket, amount; the parties in their order; how many are the rest.

    buckets: what is kept of a part, and what bucket that is on a day.
    """
    sign = 1 if direction == Title.Direction.RECEIVABLE else -1
    asked: dict[str, Any] = {"direction": direction, "sign": sign, "most": most or 2**31, "first": min(days)}
    asked |= {f"day{place}": day for place, day in enumerate(days)}
    asked["centre"] = centre
    only = ""
    if centre is not None:
        only = f" AND t.cost_centre_id {'IS NULL' if centre == NONE else '= %(centre)s'}"
    places = range(len(days))
    detail, bucket = buckets
    since = [f"""coalesce(-sum(amount) FILTER (WHERE "on" > %(day{place})s), 0)""" for place in places]
    statement = _OPEN.format(
        sums=", ".join(f"sum(at{place}) AS at{place}" for place in places),
        now=", ".join(f"balance AS at{place}" for place in places),
        since=", ".join(f"{one} AS at{place}" for place, one in enumerate(since)),
        detail=detail,
        only=only,
        moved=", ".join(f"m.at{place}" for place in places),
        any_since=" OR ".join(f"{one} <> 0" for one in since),
        aged=" UNION ALL ".join(_AGED.format(place=place, bucket=bucket.format(place=place)) for place in places),
    )
    cells: list[tuple[int, int, int, Decimal]] = []
    order: dict[int, None] = {}
    last = 0
    with connection.cursor() as cursor:
        cursor.execute(statement + _RANKED, asked)
        for place, party, part, amount, _rank, highest in cursor.fetchall():
            cells.append((place, party, part, sign * amount))
            if party != REST:
                order[party] = None
            last = max(last, highest)
    return cells, list(order), last - len(order)


def sheet(asked: Asked, *, direction: str, whole: bool = False) -> Sheet:
    """Parties by what is open, the largest first, beside what was open on another day or by cost centre."""
    most = None if whole else SHOWN
    if asked.against == "centres":
        return _centres(asked, direction, most)
    days = [column.period.last_day for column in asked.columns()]
    found, order, others = ranked(direction, days, most, cost_centre=asked.centre)
    now = found[0]
    names = dict(Party.objects.filter(pk__in=order).values_list("pk", "name"))
    build = partial(_cells, found, days, direction, asked.centre, {})
    first = (Row(names.get(pk, str(pk)), build([pk], party=pk, is_linked=not whole)) for pk in order)
    rows = []
    if others:
        rows.append(Row(_others(others), build([REST], is_linked=False)))
    if order:
        rows.append(Row(_("Total"), build([*order, REST]), style="total"))
        whole_sum = now.total
        if whole_sum > 0:
            shares = [amount / whole_sum for amount in now.buckets]
            blank = [Cell(None)] * (2 * (len(found) - 1))
            cells = [Cell(display.percent(share)) for share in [*shares, Decimal(1)]]
            rows.append(Row(_("Share"), [*cells, *blank], style="check"))
    notes = []
    if now.buckets[CREDIT]:
        notes.append(_("Credits are advances, overpayments and credit notes that wait to be used."))
    return _sheet(direction, _heads(days), first, rows, notes, whole=whole)


def _centres(asked: Asked, direction: str, most: int | None) -> Sheet:
    """Parties by the cost centre of their titles."""
    found, order, others = by_centre(direction, asked.last_day, most)
    columns = asked.columns(centres.of({centre for parts in found.values() for centre in parts}))
    names = dict(Party.objects.filter(pk__in=order).values_list("pk", "name"))

    def cells(parties: Sequence[int], party: int | None = None, *, is_linked: bool = True) -> list[Cell]:
        made = []
        for column in columns:
            amount = sum(
                (
                    part
                    for pk in parties
                    for centre, part in found.get(pk, {}).items()
                    if column.centre in (None, centre)
                ),
                ZERO,
            )
            url = links.postings(
                end=asked.last_day + DAY, direction=direction, party=party, title_centre=links.of_centre(column.centre)
            )
            made.append(Cell(amount, url if is_linked else ""))
        return made

    first = (Row(names.get(pk, str(pk)), cells([pk], pk, is_linked=most is not None)) for pk in order)
    rows = []
    if others:
        rows.append(Row(_others(others), cells([REST], is_linked=False)))
    if order:
        rows.append(Row(_("Total"), cells([*order, REST]), style="total"))
    notes = [_("By the cost centre of the title; credits are taken off.")]
    return _sheet(direction, [Head(column.label) for column in columns], first, rows, notes, whole=most is None)


def _others(others: int) -> str:
    return _("%(n)s others") % {"n": display.number(others)}


def count(asked: Asked, *, direction: str) -> int:
    """How many parties the whole has."""
    days = [column.period.last_day for column in asked.columns()]
    _found, order, others = ranked(direction, days, 1, cost_centre=asked.centre)
    return len(order) + others


def _sheet(
    direction: str, heads: list[Head], parties: Iterator[Row], rest: list[Row], notes: list[str], *, whole: bool
) -> Sheet:
    """parties: made as they are taken, for a file has many. rest: the rows after them."""
    is_receivable = direction == Title.Direction.RECEIVABLE
    return Sheet(
        title=_("Receivables by age") if is_receivable else _("Payables by age"),
        lead=_("What customers owe, by how late it is, in reais.")
        if is_receivable
        else _("What suppliers are owed, by how late it is, in reais."),
        heads=heads,
        rows=[] if whole else [*parties, *rest],
        stream=partial(chain, parties, rest) if whole else None,
        first=_("Customer") if is_receivable else _("Supplier"),
        empty=_("Nothing is open on this day."),
        notes=notes,
    )


def _heads(days: Sequence[date]) -> list[Head]:
    heads = [Head(_("Not due"))]
    for low, high in pairwise(EDGES):
        heads.append(Head(_("%(from)s–%(to)s days late") % {"from": low + 1, "to": high}))
    heads += [Head(_("Over %(n)s days late") % {"n": EDGES[-1]}), Head(_("Credits")), Head(_("Total"))]
    for day in days[1:]:
        heads += [
            Head(_("Total, %(when)s") % {"when": display.short_date(day, year=True)}),
            Head(_("Difference"), quiet=True),
        ]
    return heads


def _cells(
    found: list[Aged],
    days: list[date],
    direction: str,
    centre: int | None,
    links_of: dict[tuple[date, int | None, bool], str],
    parties: Sequence[int],
    *,
    party: int | None = None,
    is_linked: bool = True,
) -> list[Cell]:
    """Buckets, the total, and the totals of other days; of one party or of several.

    centre: of the titles that are asked for.
    links_of: the addresses of a party's figures but for the party, made once for all.
    """

    def link(day: date, bucket: int | None) -> str:
        if not is_linked:
            return ""
        key = day, bucket, party is None
        if key not in links_of:
            links_of[key] = made(day, bucket)
        return links_of[key].replace("party=~", f"party={party}")

    def made(day: date, bucket: int | None) -> str:
        first = last = None
        if bucket is not None and bucket < CREDIT:
            most, least = (*EDGES, None)[bucket], (None, *EDGES)[bucket]  # days late: up to, more than
            first = (day - most * DAY).isoformat() if most is not None else None
            last = (day - (least + 1) * DAY).isoformat() if least is not None else None
        part = None if bucket is None else "credit" if bucket == CREDIT else "claim"
        return links.postings(
            end=day + DAY,
            direction=direction,
            party="~" if party else None,
            part=part,
            due_from=first,
            due_to=last,
            title_centre=links.of_centre(centre),
        )

    none = [ZERO] * (BUCKETS + 1)
    rows = [[sum((one.parties.get(pk, none)[n] for pk in parties), ZERO) for n in range(BUCKETS + 1)] for one in found]
    totals = [sum(row, ZERO) for row in rows]
    cells = [Cell(amount, link(days[0], n)) for n, amount in enumerate(rows[0])]
    cells.append(Cell(totals[0], link(days[0], None)))
    for day, total in zip(days[1:], totals[1:], strict=True):
        cells += [Cell(total, link(day, None)), Cell(totals[0] - total)]
    return cells
