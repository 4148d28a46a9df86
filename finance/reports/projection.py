"""The cash that is to come: what is open by its due date, moved by how late each customer is used to pay.

Three courses: early (the quickest tenth of a customer's payments, p10), usual (p50) and late (p90). A payment is money:
in cash, through a bank or an acquirer. What a shop sells is paid as it is ordered and tells nothing about the others. A
customer with fewer than five payments is taken to be like all of them. What acquirers owe comes as late as each of them
is used to pay out, the oldest sale first. Who is later already than even that is expected as late as
those who were at least as late before; where nobody was, the late course has no payment within these weeks. What we owe
is paid when it is due; recurring bills and entries come when they come. Credits of customers are left out.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.core import charts
from backoffice.core.calendar import DAY, Period
from backoffice.core.templatetags import display
from finance.models import RecurringBill, RecurringEntry
from finance.services.settlement import ACQUIRERS

from . import balances, cash, cash_flow, links, tree
from .asking import Asked
from .balances import NONE
from .sheets import Cell, Fact, Head, Row, Sheet
from .tree import ZERO, Tree

WEEKS = 13
FEWEST = 5  # payments that make a habit
SOON = 30  # days
MEMORY = 365  # days back that habits are read from
QUANTILES = (Decimal("0.1"), Decimal("0.5"), Decimal("0.9"))
FALLBACK = (7, 30, None)  # days from today, where there is nothing to learn from; None: not within the weeks

_HABITS = """
WITH settled AS MATERIALIZED (
    SELECT i.id, i.party_id, i.due_on
    FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id
    WHERE i.settled_on > %(since)s AND i.settled_on <= %(today)s AND i.amount > 0 AND t.direction = 'receivable'
          AND t.kind NOT IN ('renegotiated', 'order')
), paid AS MATERIALIZED (  -- by money: what was cancelled, credited, written off or renegotiated says nothing
    SELECT s.party_id, max(p."on") - s.due_on AS delay
    FROM settled s JOIN finance_posting p ON p.instalment_id = s.id AND p.role = 'principal'
    JOIN finance_journalentry e ON e.id = p.entry_id AND e.reverses_id IS NULL
    WHERE NOT EXISTS (SELECT FROM finance_journalentry r WHERE r.reverses_id = e.id)
          AND EXISTS (SELECT FROM finance_posting m WHERE m.entry_id = e.id AND m.account_id = ANY(%(money)s))
    GROUP BY s.id, s.party_id, s.due_on
), habits AS (
    SELECT party_id, percentile_disc(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY delay) AS delays
    FROM paid GROUP BY party_id HAVING count(*) >= %(fewest)s
)
"""
_ASK = (
    _HABITS  # noqa: S608
    + """, due AS (
    SELECT i.party_id, i.due_on, sum(i.balance) AS amount
    FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id
    WHERE i.balance > 0 AND t.direction = 'receivable'{only} GROUP BY 1, 2
), acquired AS (  -- what acquirers came to owe and paid out, day by day; what was owed before is of the first day
    SELECT p.account_id, greatest(p."on", %(since)s::date) AS day, greatest(p.amount, 0) AS sold,
           -least(p.amount, 0) AS paid
    FROM finance_posting p WHERE p.account_id = ANY(%(acquirers)s) AND p."on" <= %(today)s
)
SELECT 'due', d.due_on, h.delays, sum(d.amount) FROM due d LEFT JOIN habits h USING (party_id) GROUP BY 2, 3
UNION ALL
SELECT 'all', NULL, ARRAY[delay], count(*) FROM paid GROUP BY delay
UNION ALL
SELECT 'owed', greatest(i.due_on, %(tomorrow)s), NULL, -sum(i.balance)
FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id
WHERE i.balance < 0 AND t.direction = 'payable' AND i.due_on < %(end)s{only} GROUP BY 2
UNION ALL
SELECT 'sold', day, ARRAY[account_id]::int[], sum(sold) FROM acquired GROUP BY 2, 3
UNION ALL
SELECT 'paid', day, ARRAY[account_id]::int[], sum(paid) FROM acquired GROUP BY 2, 3
"""
)


_PARTS = """
SELECT t.id, t.number, y.name, i.due_on, h.delays, i.balance
FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id JOIN core_party y ON y.id = i.party_id
LEFT JOIN habits h ON h.party_id = i.party_id
WHERE i.balance > 0 AND t.direction = 'receivable' AND i.due_on = ANY(%(days)s){only}
ORDER BY i.balance DESC, i.id
"""


@dataclass(frozen=True)
class Week:
    """One week to come. receipts, closing: early, usual, late. paid: bills and what recurs, positive."""

    start: date
    end: date
    receipts: tuple[Decimal, Decimal, Decimal]
    paid: Decimal
    recurring: Decimal
    closing: tuple[Decimal, Decimal, Decimal]


@dataclass(frozen=True)
class Projection:
    """beyond: receivables expected after the last week, by course. payments: how many the habits are read from.

    soon: cash in `SOON` days, if all is paid when due and what is late at once, as on the dashboard.
    """

    today: date
    opening: Decimal
    weeks: list[Week]
    beyond: tuple[Decimal, Decimal, Decimal]
    payments: int
    soon: Decimal

    @property
    def lowest(self) -> tuple[date, Decimal]:
        """The week's end and the amount at which the late course is lowest."""
        week = min(self.weeks, key=lambda week: week.closing[2])
        return week.end - DAY, week.closing[2]


class Delays:
    """Every delay there was, as an ordered row to ask for quantiles of."""

    def __init__(self, counts: dict[int, int]) -> None:
        self.values = sorted(counts)
        self.upto: list[int] = []  # how many payments up to each of the values
        for value in self.values:
            self.upto.append((self.upto[-1] if self.upto else 0) + counts[value])

    def __len__(self) -> int:
        return self.upto[-1] if self.upto else 0

    def quantile(self, share: Decimal, over: int | None = None) -> int | None:
        """The delay of that share of the payments that were later than `over`; None where they are too few."""
        first = 0 if over is None else bisect_right(self.values, over)
        skipped = self.upto[first - 1] if first else 0
        left = len(self) - skipped
        if left < FEWEST:
            return None
        rank = skipped + max(1, -int(-(share * left) // 1))
        return next(value for value, upto in zip(self.values, self.upto, strict=True) if upto >= rank)


def projection(
    today: date,
    weeks: int = WEEKS,
    *,
    plan: Tree | None = None,
    held: list[int] | None = None,
    opening: Decimal | None = None,
    cost_centre: int | None = None,
) -> Projection:
    """From the cash of today's end on, week by week. The same books give the same figures.

    cost_centre: of titles and of what recurs; an id, NONE, or None for all. It begins with nothing: cash has none.
    held, opening: the accounts of money and what they hold, where that is known already.
    """
    tomorrow = today + DAY
    end = tomorrow + timedelta(weeks=weeks)
    plan = plan or tree.read()
    if held is None:
        held, _transits = cash.accounts(plan)
    if cost_centre is not None:
        opening = ZERO
    elif opening is None:
        opening = sum(balances.total(balances.standing([tomorrow], accounts=held)[tomorrow]).values(), ZERO)
    due, owed, delays, acquired = _read(plan, today, tomorrow, end, held, cost_centre)
    receipts = [[ZERO] * weeks for _course in QUANTILES]
    beyond = [ZERO] * len(QUANTILES)
    for due_on, habit, amount in due:
        for course in range(len(QUANTILES)):
            on = expected(due_on, habit, course, today, delays)
            if on is None or on >= end:
                beyond[course] += amount
            else:
                receipts[course][(on - tomorrow).days // 7] += amount
    for sold_on, amount, payouts in acquired:
        for course in range(len(QUANTILES)):
            on = expected(sold_on, None, course, today, payouts)
            if on is None or on >= end:
                beyond[course] += amount
            else:
                receipts[course][(on - tomorrow).days // 7] += amount
    paid, recurring = [ZERO] * weeks, [ZERO] * weeks
    for on, amount in owed:
        paid[(on - tomorrow).days // 7] += amount
    for on, amount, _what in recurring_parts(tomorrow, end, held, cost_centre):
        recurring[(on - tomorrow).days // 7] += amount
    made, running = [], [opening] * len(QUANTILES)
    for n in range(weeks):
        running = [at + receipts[course][n] - paid[n] - recurring[n] for course, at in enumerate(running)]
        start = tomorrow + timedelta(weeks=n)
        into = tuple(receipts[course][n] for course in range(3))
        made.append(Week(start, start + timedelta(weeks=1), into, paid[n], recurring[n], tuple(running)))  # type: ignore[arg-type]
    last = today + SOON * DAY
    soon = opening + sum((amount for due_on, _habit, amount in due if due_on <= last), ZERO)
    soon -= sum((amount for on, amount in owed if on <= last), ZERO)
    return Projection(today, opening, made, tuple(beyond), len(delays), soon)  # type: ignore[arg-type]


def expected(due_on: date, habit: Sequence[int] | None, course: int, today: date, delays: Delays) -> date | None:
    """When an open part is paid on a course; a day after today. None: not in sight.

    habit: the customer's own early, usual and late delay in days, or None for too few payments.
    """
    delay = habit[course] if habit else delays.quantile(QUANTILES[course])
    if delay is not None and due_on + delay * DAY > today:
        return due_on + delay * DAY
    late = (today - due_on).days
    if delay is None and late < 0:
        return due_on
    longer = delays.quantile(QUANTILES[course], over=late)
    if longer is not None:
        return due_on + longer * DAY
    days = FALLBACK[course]
    return today + days * DAY if days else None


Acquired = list[tuple[date, Decimal, Delays]]


def _acquired(days: dict[int, dict[date, list[Decimal]]]) -> Acquired:
    """Account → day → sold and paid out: what acquirers owe by the day it was sold, and how late each of them pays."""
    found: Acquired = []
    for moves in days.values():
        waiting, delays = paid_out([(day, sold, paid) for day, (sold, paid) in sorted(moves.items())])
        found += [(day, amount, delays) for day, amount in waiting]
    return found


def paid_out(moves: Sequence[tuple[date, Decimal, Decimal]]) -> tuple[list[tuple[date, Decimal]], Delays]:
    """Days with what was sold and what was paid out on them → what is still to come by its day, and the delays.

    The oldest sale is paid first: sold 100 on the 1st and 50 on the 2nd, paid 120 on the 31st → 30 of the 2nd are to
    come; 100 reais took 30 days, 20 took 29.
    """
    queue: list[list[Any]] = []
    reais: dict[int, Decimal] = {}
    for day, sold, paid in moves:
        if sold:
            queue.append([day, sold])
        while paid and queue:
            part = min(paid, queue[0][1])
            delay = (day - queue[0][0]).days
            reais[delay] = reais.get(delay, ZERO) + part
            paid, queue[0][1] = paid - part, queue[0][1] - part
            if not queue[0][1]:
                queue.pop(0)
    return [(day, amount) for day, amount in queue], Delays({d: max(1, round(sum_)) for d, sum_ in reais.items()})


def _money(plan: Tree, held: Sequence[int]) -> list[int]:
    """Accounts through which customers pay: cash, banks and their transit, acquirers."""
    return [*held, *(node.pk for node in plan if node.transit_of or node.purpose in ACQUIRERS)]


Due = tuple[date, list[int] | None, Decimal]


def _read(
    plan: Tree, today: date, tomorrow: date, end: date, held: Sequence[int], centre: int | None
) -> tuple[list[Due], list[tuple[date, Decimal]], Delays, Acquired]:
    """What is open by due date and habit; what we owe by the day it is paid; every delay of the past; acquirers.

    What acquirers owe has no cost centre.
    """
    due: list[Due] = []
    owed: list[tuple[date, Decimal]] = []
    counts: dict[int, int] = {}
    days: dict[int, dict[date, list[Decimal]]] = {}
    asked = _asked(today, _money(plan, held)) | {"tomorrow": tomorrow, "end": end, "centre": centre}
    asked["acquirers"] = [node.pk for node in plan if node.purpose in ACQUIRERS] if centre in (None, NONE) else []
    with connection.cursor() as cursor:
        cursor.execute(_ASK.format(only=of_centre(centre)), asked)
        for kind, day, delays, amount in cursor.fetchall():
            if kind == "due":
                due.append((day, delays, amount))
            elif kind == "owed":
                owed.append((day, amount))
            elif kind == "all":
                counts[delays[0]] = int(amount)
            else:
                days.setdefault(delays[0], {}).setdefault(day, [ZERO, ZERO])[kind == "paid"] = amount
    due.sort(key=lambda one: (one[0], one[1] or []))
    return due, owed, Delays(counts), _acquired(dict(sorted(days.items())))


def _asked(today: date, money: list[int]) -> dict[str, Any]:
    """What habits are read from."""
    return {"since": today - MEMORY * DAY, "today": today, "fewest": FEWEST, "money": money}


def of_centre(centre: int | None) -> str:
    """The condition that a title `t` is of a cost centre."""
    if centre is None:
        return ""
    return " AND t.cost_centre_id IS NULL" if centre == NONE else " AND t.cost_centre_id = %(centre)s"


@dataclass(frozen=True)
class Open:
    """An open part of a receivable; on: when it is expected on the course that was asked, None: not in sight.

    title: None for what acquirers owe; due_on is the day of the sale then.
    """

    title: int | None
    number: str
    party: str
    due_on: date
    on: date | None
    amount: Decimal


def open_parts(
    today: date, course: int, first: date, end: date | None, *, cost_centre: int | None = None
) -> list[Open]:
    """What is expected from `first` up to, not including, `end` (None: without end, or not in sight); largest first."""
    plan = tree.read()
    (held, _transits), tomorrow = cash.accounts(plan), today + DAY
    due, _owed, delays, acquired = _read(plan, today, tomorrow, tomorrow, held, cost_centre)

    def is_asked(on: date | None) -> bool:
        return end is None if on is None else first <= on and (end is None or on < end)

    found: dict[tuple[date, tuple[int, ...]], date | None] = {}
    for due_on, habit, _amount in due:
        on = expected(due_on, habit, course, today, delays)
        if is_asked(on):
            found[due_on, tuple(habit or ())] = on
    asked = _asked(today, _money(plan, held)) | {
        "centre": cost_centre,
        "days": sorted({due_on for due_on, _habit in found}),
    }
    with connection.cursor() as cursor:
        cursor.execute((_HABITS + _PARTS).format(only=of_centre(cost_centre)), asked)
        parts = [
            Open(title, number, party, due_on, found[due_on, tuple(habit or ())], amount)
            for title, number, party, due_on, habit, amount in cursor.fetchall()
            if (due_on, tuple(habit or ())) in found
        ]
    for sold_on, amount, payouts in acquired:
        on = expected(sold_on, None, course, today, payouts)
        if is_asked(on):
            parts.append(Open(None, _("Sales"), _("Acquirers"), sold_on, on, amount))
    return sorted(parts, key=lambda one: -one.amount)


def recurring_parts(
    tomorrow: date, end: date, held: list[int], centre: int | None = None
) -> Iterator[tuple[date, Decimal, RecurringBill | RecurringEntry]]:
    """What recurring bills and entries will take from cash; what an entry brings is negative.

    Of an entry, a cost centre has what stands against cash with its name.
    """
    bills = RecurringBill.objects.filter(is_active=True, next_due_on__lt=end)
    if centre is not None:
        bills = bills.filter(cost_centre=centre or None)
    for bill in bills:
        for on in _dates(bill.next_due_on, bill.day, bill.months, min(end, (bill.ends_on or end) + DAY)):
            if on >= tomorrow:
                yield on, bill.amount, bill
    for entry in RecurringEntry.objects.filter(is_active=True, next_on__lt=end).prefetch_related("lines"):
        lines = list(entry.lines.all())
        amount = -sum((line.amount for line in lines if line.account_id in held), ZERO)
        if centre is not None and any(line.account_id in held for line in lines):
            others = [line for line in lines if line.account_id not in held]
            amount = sum((line.amount for line in others if (line.cost_centre_id or NONE) == centre), ZERO)
        if amount and entry.next_on:
            for on in _dates(entry.next_on, entry.day, 1, min(end, (entry.ends_on or end) + DAY)):
                if on >= tomorrow:
                    yield on, amount, entry


def _dates(first: date, day: int, months: int, end: date) -> Iterator[date]:
    """`first`, then every so many months on that day (a shorter month's last), before `end`."""
    on = first
    while on < end:
        yield on
        place = on.year * 12 + on.month - 1 + months
        year, month = divmod(place, 12)
        on = date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def sheet(asked: Asked, *, whole: bool = False) -> Sheet:
    """Thirteen weeks: a fan of three courses, and the same in figures; or what one of the figures is made of."""
    if asked.part:
        from . import projection_parts  # which asks for what is defined here

        made = projection_parts.sheet(asked, whole=whole)
        if made is not None:
            return made
    plan = tree.read()
    held, transits = cash.accounts(plan)
    centre = asked.centre
    found = projection(asked.today, plan=plan, held=held, cost_centre=centre)
    then, earlier = _earlier(asked, found, (held, transits))
    has_cash = centre is None
    rows = [Row(_("Cash and banks today"), [*_opening(found), *[Cell(None)] * (3 if then else 0)], style="step")]
    last = found.opening
    for n, week in enumerate(found.weeks):
        cells = [
            *(Cell(amount, part(asked, "receipts", course, n, n)) for course, amount in enumerate(week.receipts)),
            Cell(-week.paid, bills(asked, None if n == 0 else week.start, week.end)),
            Cell(-week.recurring, part(asked, "recurring", n, n)),
            *(Cell(amount, part(asked, "closing", course, n)) for course, amount in enumerate(week.closing)),
        ]
        if then:
            change, before = week.closing[1] - last, then[n]
            last = week.closing[1]
            cells += [Cell(change, part(asked, "change", 1, n)), before, Cell(change - _amount(before))]
        rows.append(Row(week_name(week), cells))
    beyond = [Cell(amount, part(asked, "beyond", course)) for course, amount in enumerate(found.beyond)]
    blank = [Cell(None)] * (8 if then else 5)
    rows.append(Row(_("Expected later"), [*beyond, *blank], style="check"))
    courses = course_names()
    heads = [Head(_("Receipts, %(course)s") % {"course": course}, quiet=n != 1) for n, course in enumerate(courses)]
    heads += [Head(_("Bills")), Head(_("Recurring"))]
    heads += [
        Head(
            (_("Cash, %(course)s") if has_cash else _("Change up to then, %(course)s")) % {"course": course},
            quiet=n != 1,
        )
        for n, course in enumerate(courses)
    ]
    if then:
        heads += [Head(_("Change, usual")), Head(earlier), Head(_("Difference"), quiet=True)]
    final = len(found.weeks) - 1
    low = min(range(len(found.weeks)), key=lambda n: found.weeks[n].closing[2])
    facts = [
        Fact(
            _("In %(n)s weeks, as usual") % {"n": len(found.weeks)},
            found.weeks[-1].closing[1],
            part(asked, "closing", 1, final),
        ),
        Fact(_("Lowest, if all pay late"), found.lowest[1], part(asked, "closing", 2, low)),
    ]
    if has_cash:
        facts.insert(0, Fact(_("Today"), found.opening, links.postings(end=asked.today + DAY, flow="cash")))
        facts.insert(1, Fact(_("In 30 days, if all is paid when due"), found.soon, part(asked, "due")))
    return Sheet(
        title=_("Cash projection"),
        lead=_("What is open by its due date, moved by how late each customer is used to pay, in reais."),
        heads=heads,
        rows=rows,
        first=_("Week"),
        facts=facts,
        chart=chart(found) if has_cash else None,
        notes=[
            _(
                "Early, usual and late are p10, p50 and p90 of each customer's own delay, read from %(n)s payments of"
                " a year; with fewer than five payments a customer is taken to be like all."
            )
            % {"n": display.number(found.payments)},
            _(
                "What acquirers owe comes as they are used to pay out. Bills are paid when due, late ones at once."
                " Credits of customers and bank lines not yet reconciled are left out."
            ),
            *(
                []
                if has_cash
                else [_("By the cost centre of titles and of what recurs; cash itself is not kept by cost centre.")]
            ),
        ],
    )


def _earlier(asked: Asked, found: Projection, money: tuple[list[int], list[int]]) -> tuple[list[Cell], str]:
    """What moved cash in as many weeks before today, or in the same weeks a year ago; and what that is called."""
    if asked.against not in ("previous", "year"):
        return [], ""
    back = len(found.weeks) if asked.against == "previous" else 52  # weekdays stay
    weeks = [Period(week.start - 7 * back * DAY, week.end - 7 * back * DAY) for week in found.weeks]
    flow = "cash" if asked.centre is None else "beside"
    made = cash_flow.cash_flow(weeks, asked.centre, money=money)
    cells = [
        Cell(one.change, links.within(week, flow=flow, centre=asked.centre))
        for week, one in zip(weeks, made, strict=True)
    ]
    label = _("Change, %(n)s weeks before") % {"n": back} if asked.against == "previous" else _("Change, a year before")
    return cells, label


def _amount(cell: Cell) -> Decimal:
    return cell.value if isinstance(cell.value, Decimal) else ZERO


def course_names() -> tuple[str, str, str]:
    return _("early"), _("usual"), _("late")


def week_name(week: Week) -> str:
    return f"{display.short_date(week.start, year=False)} – {display.short_date(week.end - DAY, year=False)}"


def part(asked: Asked, kind: str, *numbers: int) -> str:
    """The address of what a figure is made of: `closing.1.3` is the usual cash after the fourth week."""
    text = ".".join([kind, *map(str, numbers)])
    return f"{reverse('finance:report', args=['projection'])}?{asked.but(part=text, against='').query}"


def bills(asked: Asked, first: date | None, end: date) -> str:
    """The postings of what is to pay by its due date; first: None for what is late too."""
    return links.postings(
        direction="payable",
        part="claim",
        due_from=first.isoformat() if first else None,
        due_to=(end - DAY).isoformat(),
        title_centre=links.of_centre(asked.centre),
    )


def _opening(found: Projection) -> list[Cell]:
    return [*[Cell(None)] * 5, *[Cell(found.opening)] * 3]


def chart(found: Projection) -> charts.Chart:
    """The fan, titled with where it leads."""
    labels = [display.short_date(found.today, year=False)]
    labels += [display.short_date(week.end - DAY, year=False) for week in found.weeks]

    def course(n: int) -> list[charts.Point]:
        amounts = [found.opening, *(week.closing[n] for week in found.weeks)]
        return [charts.Point(label, amount) for label, amount in zip(labels, amounts, strict=True)]

    early, usual, late = course(0), course(1), course(2)
    last = {"amount": display.money(usual[-1].value), "day": labels[-1]}
    on, lowest = found.lowest
    if lowest < 0:
        when = {"day": display.short_date(on, year=False), "amount": display.money(lowest)}
        finding = _("Cash falls to %(amount)s by %(day)s if all pay late") % when
    else:
        finding = _("Cash reaches %(amount)s by %(day)s if all pay as usual") % last
    return charts.Chart(
        finding=finding,
        question=_("Cash and banks, end of each week"),
        svg=charts.fan(
            usual, late, early, title=finding, text=display.compact, names=(_("usual"), _("late"), _("early"))
        ),
        headings=[_("Week to"), _("Late"), _("Usual"), _("Early")],
        rows=[
            (label, display.money(low.value), display.money(middle.value), display.money(high.value))
            for label, low, middle, high in zip(labels, late, usual, early, strict=True)
        ],
    )
