"""What a figure of the cash projection is made of: open parts that are expected, what recurs, what adds up."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from itertools import chain
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.core.calendar import DAY
from backoffice.core.keys import is_key
from backoffice.core.templatetags import display
from finance.models import RecurringBill
from finance.selectors.position import position

from . import cash, links, tree
from .asking import Asked
from .projection import (
    WEEKS,
    Open,
    Projection,
    bills,
    course_names,
    open_parts,
    part,
    projection,
    recurring_parts,
    week_name,
)
from .sheets import Cell, Head, Row, Sheet
from .tree import ZERO

SHOWN = 200  # open parts of a page; the file holds all
LENGTHS = {"receipts": 3, "recurring": 2, "closing": 2, "change": 2, "beyond": 1, "due": 0}


def sheet(asked: Asked, *, whole: bool = False) -> Sheet | None:
    """What `asked.part` names, see `projection.part`; None for nonsense."""
    kind, *texts = asked.part.split(".")
    if LENGTHS.get(kind) != len(texts) or not all(text == "0" or is_key(text) for text in texts):
        return None
    numbers = [int(text) for text in texts]
    weeks = numbers if kind == "recurring" else numbers[1:]
    if (kind not in ("recurring", "due") and numbers[0] > 2) or any(n >= WEEKS for n in weeks):
        return None
    if kind == "due":
        return _when_due(asked)
    if kind == "recurring":
        return _recurring(asked, *weeks)
    if kind in ("closing", "change"):
        return _sum(asked, numbers[0], 0 if kind == "closing" else weeks[0], weeks[0], is_cash=kind == "closing")
    first, last = weeks or (None, None)
    return _receipts(asked, numbers[0], first, last, whole=whole)


def count(asked: Asked) -> int:
    """How many rows the whole has."""
    made = sheet(asked, whole=True) if asked.part else None
    return sum(1 for _row in made.each) if made else 0


def _day(asked: Asked, week: int) -> date:
    """The first day of a week."""
    return asked.today + DAY + timedelta(weeks=week)


def _receipts(asked: Asked, course: int, first: int | None, last: int | None, *, whole: bool) -> Sheet:
    start = _day(asked, WEEKS if first is None else first)
    end = None if last is None else _day(asked, last + 1)
    found = open_parts(asked.today, course, start, end, cost_centre=asked.centre)
    shown = found if whole else found[:SHOWN]
    rest = []
    if len(found) > len(shown):
        others = sum((one.amount for one in found[len(shown) :]), ZERO)
        label = _("%(n)s others") % {"n": display.number(len(found) - len(shown))}
        rest.append(Row(label, [Cell(None), Cell(None), Cell(None), Cell(others)]))
    if found:
        total = sum((one.amount for one in found), ZERO)
        rest.append(Row(_("Total"), [Cell(None), Cell(None), Cell(None), Cell(total)], style="total"))
    rows: Iterator[Row] = map(_row, shown)
    name = course_names()[course]
    lead = (
        _("Open parts expected after these weeks, or not in sight, %(course)s.") % {"course": name}
        if end is None
        else _("Open parts expected from %(from)s to %(to)s, %(course)s.")
        % {
            "from": display.short_date(start, year=True),
            "to": display.short_date(end - DAY, year=True),
            "course": name,
        }
    )
    return Sheet(
        title=_("Expected receipts"),
        lead=lead,
        heads=[Head(_("Party"), "text"), Head(_("Due"), "text"), Head(_("Expected"), "text"), Head(_("Open"))],
        rows=[] if whole else [*rows, *rest],
        stream=partial(chain, rows, rest) if whole else None,
        first=_("Title"),
        empty=_("Nothing is expected in these days."),
        empty_url=_back(asked),
        empty_label=_("Cash projection"),
        door=_back(asked),
        door_label=_("Cash projection"),
    )


def _row(one: Open) -> Row:
    on = display.short_date(one.on, year=True) if one.on else _("Not in sight")
    cells = [Cell(one.party), Cell(display.short_date(one.due_on, year=True)), Cell(on), Cell(one.amount)]
    return Row(one.number, cells, url=reverse("finance:title", args=[one.title]) if one.title else "")


def _recurring(asked: Asked, first: int, last: int) -> Sheet:
    start, end = _day(asked, first), _day(asked, last + 1)
    held, _transits = cash.accounts(tree.read())
    rows, total = [], ZERO
    for on, amount, what in recurring_parts(asked.today + DAY, _day(asked, WEEKS), held, asked.centre):
        if start <= on < end:
            page = "finance:recurring_bill" if isinstance(what, RecurringBill) else "finance:recurring_entry"
            cells = [Cell(display.short_date(on, year=True)), Cell(-amount)]
            rows.append(Row(what.text, cells, url=reverse(page, args=[what.pk])))
            total -= amount
    if rows:
        rows.append(Row(_("Total"), [Cell(None), Cell(total)], style="total"))
    return _small(asked, _("What recurs"), rows, [Head(_("Date"), "text"), Head(_("Amount"))])


def _sum(asked: Asked, course: int, first: int, last: int, *, is_cash: bool) -> Sheet:
    """What adds up to the cash after a week, or to what a week changes."""
    found: Projection = projection(asked.today, cost_centre=asked.centre)
    weeks = found.weeks[first : last + 1]
    receipts = sum((week.receipts[course] for week in weeks), ZERO)
    paid = sum((week.paid for week in weeks), ZERO)
    recurring = sum((week.recurring for week in weeks), ZERO)
    rows, total = [], receipts - paid - recurring
    if is_cash and asked.centre is None:
        today = links.postings(end=asked.today + DAY, flow="cash")
        rows.append(Row(_("Cash and banks today"), [Cell(found.opening, today)]))
        total += found.opening
    name = course_names()[course]
    rows += [
        Row(
            _("Receipts, %(course)s") % {"course": name},
            [Cell(receipts, part(asked, "receipts", course, first, last))],
        ),
        Row(_("Bills"), [Cell(-paid, bills(asked, weeks[0].start if first else None, weeks[-1].end))]),
        Row(_("Recurring"), [Cell(-recurring, part(asked, "recurring", first, last))]),
        Row(_("Total"), [Cell(total)], style="total"),
    ]
    title = _("Cash, %(course)s") % {"course": name} if is_cash else _("Change, %(course)s") % {"course": name}
    return _small(asked, f"{title}, {week_name(weeks[-1])}", rows, [Head(_("Amount"))])


def _when_due(asked: Asked) -> Sheet:
    """Cash in thirty days, if all is paid when due: the figure of the dashboard."""
    found = position(today=asked.today)
    owed: dict[str, Any] = {"part": "claim", "due_to": found.until.isoformat()}
    rows = [
        Row(_("Cash and banks today"), [Cell(found.cash, links.postings(end=asked.today + DAY, flow="cash"))]),
        Row(_("Receivables due or overdue"), [Cell(found.receivable, links.postings(direction="receivable", **owed))]),
        Row(_("Payables due or overdue"), [Cell(-found.payable, links.postings(direction="payable", **owed))]),
        Row(_("Total"), [Cell(found.projected)], style="total"),
    ]
    title = _("Cash on %(day)s, if all is paid when due") % {"day": display.short_date(found.until, year=True)}
    return _small(asked, title, rows, [Head(_("Amount"))])


def _small(asked: Asked, title: str, rows: list[Row], heads: list[Head]) -> Sheet:
    return Sheet(
        title=title,
        lead="",
        heads=heads,
        rows=rows,
        first=_("What"),
        empty=_("Nothing recurs in these days."),
        empty_url=_back(asked),
        empty_label=_("Cash projection"),
        door=_back(asked),
        door_label=_("Cash projection"),
    )


def _back(asked: Asked) -> str:
    return f"{reverse('finance:report', args=['projection'])}?{asked.but(part='').query}"
