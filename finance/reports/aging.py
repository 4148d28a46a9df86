"""Aging: what customers owe and what is owed to suppliers, by how late it is and by whom, as of any day.

A balance of the past is today's without the postings since. Control accounts move with titles only, so the total is
what the balance sheet shows on the same day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from backoffice.core.calendar import DAY
from backoffice.core.models import Party
from backoffice.core.templatetags import display
from finance.models import Title

from . import links
from .asking import Asked
from .sheets import Cell, Head, Row, Sheet
from .tree import ZERO

EDGES = (0, 30, 60, 90)  # days late: not due, then up to each of these, then more
BUCKETS = len(EDGES) + 1
CREDIT = BUCKETS  # what is owed the other way: advances, overpayments, credit notes
SHOWN = 200  # parties of a page; the file holds all

REST = 0  # in place of a party: all that are not shown one by one

# What is open now, and what moved since the day; claims and credits of a party never share a bucket.
_AGED = """
SELECT {place} AS place, i.party_id AS party,
       CASE WHEN (i.amount > 0) <> (t.direction = 'receivable') THEN 5
            ELSE width_bucket(%(day{place})s - i.due_on, ARRAY[1, 31, 61, 91]) END AS bucket,
       sum(i.moved) AS amount
FROM (
    SELECT party_id, title_id, due_on, amount, balance AS moved FROM finance_instalment WHERE balance <> 0
    UNION ALL
    SELECT i.party_id, i.title_id, i.due_on, i.amount, -p.amount
    FROM finance_posting p JOIN finance_instalment i ON i.id = p.instalment_id
    WHERE p.account_id IN (SELECT id FROM finance_account WHERE is_control) AND p."on" > %(day{place})s
) i JOIN finance_title t ON t.id = i.title_id
WHERE t.direction = %(direction)s
GROUP BY 2, 3 HAVING sum(i.moved) <> 0
"""

# The largest of the first day one by one, all others in one sum.
_RANKED = """
WITH aged AS MATERIALIZED ({aged}), ranked AS (
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


def aging(direction: str, day: date) -> Aged:
    """What was open at the end of `day`. direction: Title.Direction."""
    sign = 1 if direction == Title.Direction.RECEIVABLE else -1
    parties: dict[int, list[Decimal]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_AGED.format(place=0), {"day0": day, "direction": direction})
        for _place, party, bucket, amount in cursor.fetchall():
            parties.setdefault(party, [ZERO] * (BUCKETS + 1))[bucket] = sign * amount
    return Aged(parties)


def ranked(direction: str, days: Sequence[date], most: int | None) -> tuple[list[Aged], list[int], int]:
    """What was open at the end of each day, parties in the order of what they owe on the first.

    most: how many are told one by one, None for all; the others are summed under REST, and how many these are.
    """
    sign = 1 if direction == Title.Direction.RECEIVABLE else -1
    asked: dict[str, Any] = {"direction": direction, "sign": sign, "most": most or 2**31}
    asked |= {f"day{place}": day for place, day in enumerate(days)}
    aged = " UNION ALL ".join(_AGED.format(place=place) for place in range(len(days)))
    found: list[dict[int, list[Decimal]]] = [{} for _day in days]
    order: dict[int, None] = {}
    last = 0
    with connection.cursor() as cursor:
        cursor.execute(_RANKED.format(aged=aged), asked)
        for place, party, bucket, amount, _rank, highest in cursor.fetchall():
            found[place].setdefault(party, [ZERO] * (BUCKETS + 1))[bucket] = sign * amount
            if party != REST:
                order[party] = None
            last = max(last, highest)
    return [Aged(parties) for parties in found], list(order), last - len(order)


def sheet(asked: Asked, *, direction: str, whole: bool = False) -> Sheet:
    """Parties by what is open, the largest first, beside what was open on another day."""
    days = [column.period.last_day for column in asked.columns()]
    found, order, others = ranked(direction, days, None if whole else SHOWN)
    now = found[0]
    names = dict(Party.objects.filter(pk__in=order).values_list("pk", "name"))
    build = partial(_cells, found, days, direction, {})
    rows = [Row(names.get(pk, str(pk)), build([pk], party=pk)) for pk in order]
    if others:
        label = _("%(n)s others") % {"n": display.number(others)}
        rows.append(Row(label, build([REST], is_linked=False)))
    if rows:
        rows.append(Row(_("Total"), build([*order, REST]), style="total"))
        whole_sum = now.total
        if whole_sum > 0:
            shares = [amount / whole_sum for amount in now.buckets]
            blank = [Cell(None)] * (2 * (len(found) - 1))
            cells = [Cell(display.percent(share)) for share in [*shares, Decimal(1)]]
            rows.append(Row(_("Share"), [*cells, *blank], style="check"))
    is_receivable = direction == Title.Direction.RECEIVABLE
    return Sheet(
        title=_("Receivables by age") if is_receivable else _("Payables by age"),
        lead=_("What customers owe, by how late it is, in reais.")
        if is_receivable
        else _("What suppliers are owed, by how late it is, in reais."),
        heads=_heads(days),
        rows=rows,
        first=_("Customer") if is_receivable else _("Supplier"),
        empty=_("Nothing is open on this day."),
        notes=[_("Credits are advances, overpayments and credit notes that wait to be used.")]
        if now.buckets[CREDIT]
        else [],
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
    links_of: dict[tuple[date, int | None, bool], str],
    parties: Sequence[int],
    *,
    party: int | None = None,
    is_linked: bool = True,
) -> list[Cell]:
    """Buckets, the total, and the totals of other days; of one party or of several.

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
            end=day + DAY, direction=direction, party="~" if party else None, part=part, due_from=first, due_to=last
        )

    none = [ZERO] * (BUCKETS + 1)
    rows = [[sum((one.parties.get(pk, none)[n] for pk in parties), ZERO) for n in range(BUCKETS + 1)] for one in found]
    totals = [sum(row, ZERO) for row in rows]
    cells = [Cell(amount, link(days[0], n)) for n, amount in enumerate(rows[0])]
    cells.append(Cell(totals[0], link(days[0], None)))
    for day, total in zip(days[1:], totals[1:], strict=True):
        cells += [Cell(total, link(day, None)), Cell(totals[0] - total)]
    return cells
