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
from django.utils.translation import gettext as _

from backoffice.core import charts
from backoffice.core.calendar import DAY
from backoffice.core.templatetags import display
from finance.models import Account, BankAccount, RecurringBill, RecurringEntry
from finance.services.settlement import ACQUIRERS

from . import balances, cash, links, tree
from .asking import Asked
from .sheets import Cell, Fact, Head, Row, Sheet
from .tree import ZERO, Tree

WEEKS = 13
FEWEST = 5  # payments that make a habit
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
), due AS (
    SELECT i.party_id, i.due_on, sum(i.balance) AS amount
    FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id
    WHERE i.balance > 0 AND t.direction = 'receivable' GROUP BY 1, 2
)
SELECT 'due', d.due_on, h.delays, sum(d.amount) FROM due d LEFT JOIN habits h USING (party_id) GROUP BY 2, 3
UNION ALL
SELECT 'all', NULL, ARRAY[delay], count(*) FROM paid GROUP BY delay
UNION ALL
SELECT 'owed', greatest(i.due_on, %(tomorrow)s), NULL, -sum(i.balance)
FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id
WHERE i.balance < 0 AND t.direction = 'payable' AND i.due_on < %(end)s GROUP BY 2
"""


# What acquirers came to owe and paid out, day by day; what was owed before stands on the first day.
_ACQUIRERS = """
SELECT p.account_id, greatest(p."on", %(since)s::date) AS day, sum(greatest(p.amount, 0)), -sum(least(p.amount, 0))
FROM finance_posting p JOIN finance_account a ON a.id = p.account_id
WHERE a.purpose = ANY(%(purposes)s) AND p."on" <= %(today)s GROUP BY 1, 2 ORDER BY 1, 2
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
    """beyond: receivables expected after the last week, by course. payments: how many the habits are read from."""

    today: date
    opening: Decimal
    weeks: list[Week]
    beyond: tuple[Decimal, Decimal, Decimal]
    payments: int

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
) -> Projection:
    """From the cash of today's end on, week by week. The same books give the same figures.

    held, opening: the accounts of money and what they hold, where that is known already.
    """
    tomorrow = today + DAY
    end = tomorrow + timedelta(weeks=weeks)
    if held is None:
        held, _transits = cash.accounts(plan or tree.read())
    if opening is None:
        opening = sum(balances.total(balances.standing([tomorrow], accounts=held)[tomorrow]).values(), ZERO)
    due, owed, delays = _read(today, tomorrow, end, money=_money(held))
    receipts = [[ZERO] * weeks for _course in QUANTILES]
    beyond = [ZERO] * len(QUANTILES)
    for due_on, habit, amount in due:
        for course in range(len(QUANTILES)):
            on = expected(due_on, habit, course, today, delays)
            if on is None or on >= end:
                beyond[course] += amount
            else:
                receipts[course][(on - tomorrow).days // 7] += amount
    for sold_on, amount, payouts in acquirers(today):
        for course in range(len(QUANTILES)):
            on = expected(sold_on, None, course, today, payouts)
            if on is None or on >= end:
                beyond[course] += amount
            else:
                receipts[course][(on - tomorrow).days // 7] += amount
    paid, recurring = [ZERO] * weeks, [ZERO] * weeks
    for on, amount in owed:
        paid[(on - tomorrow).days // 7] += amount
    for on, amount in _recurring(tomorrow, end, held):
        recurring[(on - tomorrow).days // 7] += amount
    made, running = [], [opening] * len(QUANTILES)
    for n in range(weeks):
        running = [at + receipts[course][n] - paid[n] - recurring[n] for course, at in enumerate(running)]
        start = tomorrow + timedelta(weeks=n)
        into = tuple(receipts[course][n] for course in range(3))
        made.append(Week(start, start + timedelta(weeks=1), into, paid[n], recurring[n], tuple(running)))  # type: ignore[arg-type]
    return Projection(today, opening, made, tuple(beyond), len(delays))  # type: ignore[arg-type]


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


def acquirers(today: date) -> list[tuple[date, Decimal, Delays]]:
    """What acquirers owe by the day it was sold, and how late each of them pays, weighed by whole reais."""
    days: dict[int, list[tuple[date, Decimal, Decimal]]] = {}
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"since": today - MEMORY * DAY, "today": today, "purposes": list(ACQUIRERS)}
        cursor.execute(_ACQUIRERS, asked)
        for account, day, sold, paid in cursor.fetchall():
            days.setdefault(account, []).append((day, sold, paid))
    found = []
    for moves in days.values():
        waiting, delays = paid_out(moves)
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


def _money(held: Sequence[int]) -> list[int]:
    """Accounts through which customers pay: cash, banks and their transit, acquirers."""
    transits = BankAccount.objects.values_list("transit_id", flat=True)
    return [*held, *transits, *Account.objects.filter(purpose__in=ACQUIRERS).values_list("pk", flat=True)]


Due = tuple[date, list[int] | None, Decimal]


def _read(
    today: date, tomorrow: date, end: date, *, money: list[int]
) -> tuple[list[Due], list[tuple[date, Decimal]], Delays]:
    """What is open by due date and habit; what we owe by the day it is paid; every delay of the past."""
    due: list[Due] = []
    owed: list[tuple[date, Decimal]] = []
    counts: dict[int, int] = {}
    asked: dict[str, Any] = {
        "since": today - MEMORY * DAY,
        "today": today,
        "tomorrow": tomorrow,
        "end": end,
        "fewest": FEWEST,
        "money": money,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HABITS, asked)
        for kind, day, delays, amount in cursor.fetchall():
            if kind == "due":
                due.append((day, delays, amount))
            elif kind == "owed":
                owed.append((day, amount))
            else:
                counts[delays[0]] = int(amount)
    return sorted(due, key=lambda one: (one[0], one[1] or [])), owed, Delays(counts)


def _recurring(tomorrow: date, end: date, held: list[int]) -> Iterator[tuple[date, Decimal]]:
    """What recurring bills and entries will take from cash; what an entry brings is negative."""
    for bill in RecurringBill.objects.filter(is_active=True, next_due_on__lt=end):
        for on in _dates(bill.next_due_on, bill.day, bill.months, min(end, (bill.ends_on or end) + DAY)):
            if on >= tomorrow:
                yield on, bill.amount
    for entry in RecurringEntry.objects.filter(is_active=True, next_on__lt=end).prefetch_related("lines"):
        amount = -sum((line.amount for line in entry.lines.all() if line.account_id in held), ZERO)
        if amount and entry.next_on:
            for on in _dates(entry.next_on, entry.day, 1, min(end, (entry.ends_on or end) + DAY)):
                if on >= tomorrow:
                    yield on, amount


def _dates(first: date, day: int, months: int, end: date) -> Iterator[date]:
    """`first`, then every so many months on that day (a shorter month's last), before `end`."""
    on = first
    while on < end:
        yield on
        place = on.year * 12 + on.month - 1 + months
        year, month = divmod(place, 12)
        on = date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def sheet(asked: Asked) -> Sheet:
    """Thirteen weeks: a fan of three courses, and the same in figures."""
    found = projection(asked.today)
    rows = [Row(_("Cash and banks today"), _opening(found), style="step")]
    for week in found.weeks:
        last = week.end - DAY
        shown = {"start": week.start.isoformat(), "last": last.isoformat()}
        rows.append(
            Row(
                f"{display.short_date(week.start, year=False)} – {display.short_date(last, year=False)}",
                [
                    *(Cell(amount) for amount in week.receipts),
                    Cell(-week.paid, _due("payable", shown) if week is not found.weeks[0] else ""),
                    Cell(-week.recurring),
                    *(Cell(amount) for amount in week.closing),
                ],
            )
        )
    rows.append(
        Row(_("Expected later"), [*(Cell(amount) for amount in found.beyond), *[Cell(None)] * 5], style="check")
    )
    courses = (_("early"), _("usual"), _("late"))
    heads = [Head(_("Receipts, %(course)s") % {"course": course}, quiet=n != 1) for n, course in enumerate(courses)]
    heads += [Head(_("Bills")), Head(_("Recurring"))]
    heads += [Head(_("Cash, %(course)s") % {"course": course}, quiet=n != 1) for n, course in enumerate(courses)]
    usual = found.weeks[-1].closing[1]
    return Sheet(
        title=_("Cash projection"),
        lead=_("What is open by its due date, moved by how late each customer is used to pay, in reais."),
        heads=heads,
        rows=rows,
        first=_("Week"),
        facts=[
            Fact(_("Today"), found.opening, links.postings(end=asked.today + DAY, flow="cash")),
            Fact(_("In %(n)s weeks, as usual") % {"n": len(found.weeks)}, usual),
            Fact(_("Lowest, if all pay late"), found.lowest[1]),
        ],
        chart=chart(found),
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
        ],
    )


def _opening(found: Projection) -> list[Cell]:
    return [*[Cell(None)] * 5, *[Cell(found.opening)] * 3]


def _due(direction: str, days: dict[str, str]) -> str:
    return links.postings(direction=direction, part="claim", due_from=days["start"], due_to=days["last"])


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
