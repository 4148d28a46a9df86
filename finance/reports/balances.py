"""What accounts moved, in as many spans of days as a report has columns, by one question to the database.

Months that are closed come from what closing froze (`PeriodBalance`), other days from what each of them moved
(`DayBalance`) and the entries that were sealed since those sums were made; where these are too many, from the postings,
which an index answers alone. All in one statement, that also tells up to where the books are closed: should a month
close or reopen between planning the question and asking it, it is planned again.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection, transaction

from finance.models import Journal, JournalYear
from finance.services.day_sums import BEHIND, FRESH, MOST

ALL, NONE = -1, 0  # cost centres: whatever the posting names; the postings that name none
FIRST_DAY = date(1, 1, 1)
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Span:
    """The days from `start` (None: since the books began) up to, not including, `end`."""

    start: date | None
    end: date


@dataclass(frozen=True)
class Move:
    """debit and credit: not below zero."""

    debit: Decimal
    credit: Decimal

    @property
    def net(self) -> Decimal:
        return self.debit - self.credit


Moves = dict[tuple[int, int, int], Move]  # (place of the span, account, cost centre or NONE) → what it moved


@dataclass
class _Look:
    """What the questions of one look need not ask again: how far the books are closed and summed, what closes years."""

    state: tuple[date | None, int] | None = None
    closing: list[int] | None = None


_look: ContextVar[_Look | None] = ContextVar("look", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Let several questions see the books of one moment, whatever is posted meanwhile."""
    before = _look.set(_Look())
    try:
        if connection.in_atomic_block:
            yield
            return
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    finally:
        _look.reset(before)


_FRONTIER = "SELECT max(ends_on) FROM finance_period WHERE state = 'closed'"
_FROZEN = """
SELECT {place} AS place, b.account_id, coalesce({centre}, 0) AS centre, sum(b.debit) AS debit, sum(b.credit) AS credit
FROM finance_period d JOIN finance_periodbalance b ON b.period_id = d.id
WHERE d.starts_on >= '{first}' AND d.starts_on < '{end}'{only}
GROUP BY b.account_id{group}
"""

_LIVE = """
SELECT {place} AS place, b.account_id, coalesce({centre}, 0) AS centre,
       coalesce(sum(b.amount) FILTER (WHERE b.amount > 0), 0) AS debit,
       -coalesce(sum(b.amount) FILTER (WHERE b.amount < 0), 0) AS credit
FROM finance_posting b
WHERE b."on" >= '{first}' AND b."on" < '{end}'{only}
GROUP BY b.account_id{group}
"""

_SUMMED = """
SELECT {place} AS place, b.account_id, coalesce({centre}, 0) AS centre, sum(b.debit) AS debit, sum(b.credit) AS credit
FROM (
    SELECT account_id, cost_centre_id, debit, credit FROM finance_daybalance WHERE "on" >= '{first}' AND "on" < '{end}'
    UNION ALL
    SELECT account_id, cost_centre_id, greatest(amount, 0), -least(amount, 0) FROM fresh
    WHERE "on" >= '{first}' AND "on" < '{end}'
) b
WHERE true{only}
GROUP BY b.account_id{group}
"""

_CLOSING = """
SELECT {place} AS place, b.account_id, coalesce({centre}, 0) AS centre,
       -coalesce(sum(b.amount) FILTER (WHERE b.amount > 0), 0) AS debit,
       coalesce(sum(b.amount) FILTER (WHERE b.amount < 0), 0) AS credit
FROM finance_journalentry e JOIN finance_posting b ON b.entry_id = e.id
WHERE e.journal_id = {journal} AND e.year BETWEEN extract(year FROM date '{first}') AND extract(year FROM date '{end}')
      AND e."on" >= '{first}' AND e."on" < '{end}'{only}
GROUP BY b.account_id{group}
"""

# Whether the sums of days can tell; then what they and the entries since tell.
_TOLD = f"""
SELECT ({BEHIND}) <= %(most)s
       AND EXISTS (SELECT FROM finance_daysummary WHERE money = %(money)s::bigint[]) AS told, NULL, NULL, NULL
"""  # noqa: S608
_FLOWS = """
SELECT NULL, {place}, account_id::text || ' ' || coalesce({centre}, 0), sum(flow) FROM (
    SELECT account_id, cost_centre_id, flow FROM finance_daybalance
    WHERE "on" >= '{first}' AND "on" < '{end}' AND flow <> 0
    UNION ALL
    SELECT account_id, cost_centre_id, -amount FROM fresh
    WHERE "on" >= '{first}' AND "on" < '{end}' AND account_id <> ALL (%(money)s::bigint[])
          AND entry_id IN (SELECT entry_id FROM fresh WHERE account_id = ANY (%(money)s::bigint[]))
) f
GROUP BY 3
"""

_ASK = """
%sSELECT (%s), NULL, NULL, NULL, NULL UNION ALL
SELECT NULL, place, account_id::text || ' ' || centre, sum(debit), sum(credit) FROM (%s) parts
GROUP BY place, account_id, centre
"""


def moved(
    spans: Sequence[Span],
    *,
    accounts: Iterable[int] | None = None,
    cost_centre: int = ALL,
    by_centre: bool = False,
    without: Sequence[int] = (),
) -> Moves:
    """Debits and credits of each account in each span.

    accounts: only these. cost_centre: an id, NONE or ALL. by_centre: told apart by cost centre, else under NONE.
    without: journals to leave out, see `closing_journals`.
    """
    only = "" if accounts is None else f" AND b.account_id IN ({_numbers(accounts)})"
    if cost_centre == NONE:
        only += " AND b.cost_centre_id IS NULL"
    elif cost_centre != ALL:
        only += f" AND b.cost_centre_id = {int(cost_centre)}"
    centre = (
        {"centre": "b.cost_centre_id", "group": ", b.cost_centre_id"} if by_centre else {"centre": "0", "group": ""}
    )
    with connection.cursor() as cursor:
        look = _look.get() or _Look()
        if look.state is None:
            cursor.execute(f"SELECT ({_FRONTIER}), ({BEHIND})")
            look.state = cursor.fetchone()
        frontier, behind = look.state
        live, fresh = (_SUMMED, f"WITH {FRESH} ") if behind <= MOST else (_LIVE, "")
        while True:
            parts = [
                part.format(place=place, first=first, end=end, only=only, **centre, **more)
                for place, span in enumerate(spans)
                for part, first, end, more in _parts(span, frontier, without, live)
            ]
            if not parts:
                return {}
            cursor.execute(_ASK % (fresh, _FRONTIER, " UNION ALL ".join(parts)))
            (seen, *_rest), *rows = cursor.fetchall()
            if seen == frontier:
                break
            frontier = seen
            look.state = frontier, behind
    found: Moves = {}
    for _none, place, key, debit, credit in rows:
        account, _space, centre_id = key.partition(" ")
        found[place, int(account), int(centre_id)] = Move(debit, credit)
    return found


def _parts(
    span: Span, frontier: date | None, without: Sequence[int], live: str
) -> Iterator[tuple[str, date, date, dict[str, int]]]:
    """The pieces of one span: whole closed months, what lies before and after them, what to take off."""
    start, end = span.start or FIRST_DAY, span.end
    if start >= end:
        return
    first = FIRST_DAY if span.start is None else _next_month(start)
    last = min(end.replace(day=1), frontier) if frontier else first
    if first < last:
        yield _FROZEN, first, last, {}
        pieces = [(start, first), (last, end)] if span.start else [(last, end)]
    else:
        pieces = [(start, end)]
    for low, high in pieces:
        if low < high:
            yield live, low, high, {}
    for journal in without:
        yield _CLOSING, start, end, {"journal": journal}


def flows(spans: Sequence[Span], money: Sequence[int], *, by_centre: bool = False) -> Moves | None:
    """What came in against each account from those of `money` in each span (out: a credit); from the sums of days.

    by_centre: told apart by the cost centre of the other side, else under NONE.
    None where these do not tell: too much was posted since, or other accounts were money to them.
    """
    centre = "cost_centre_id" if by_centre else "0"
    parts = " UNION ALL ".join(
        _FLOWS.format(place=place, first=span.start or FIRST_DAY, end=span.end, centre=centre)
        for place, span in enumerate(spans)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {FRESH} {_TOLD} UNION ALL {parts}", {"money": sorted(money), "most": MOST})
        (told, *_rest), *rows = cursor.fetchall()
    if not told:
        return None
    found: Moves = {}
    for _none, place, key, flow in rows:
        account, _space, centre_id = key.partition(" ")
        if flow:
            found[place, int(account), int(centre_id)] = Move(flow, ZERO)
    return found


def _next_month(day: date) -> date:
    """The first day of a month on or after `day`."""
    if day.day == 1:
        return day
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def closing_journals() -> list[int]:
    """Journals that empty the result accounts at the end of a year, as far as anything is in them."""
    look = _look.get() or _Look()
    if look.closing is None:
        kept = JournalYear.objects.filter(journal__kind=Journal.Kind.CLOSING, last__gt=0)
        look.closing = sorted(set(kept.values_list("journal_id", flat=True)))
    return look.closing


def _numbers(values: Iterable[int]) -> str:
    return ", ".join(str(int(value)) for value in values) or "NULL"


def nets(moves: Moves, place: int) -> dict[int, Decimal]:
    """Account → net of one span, debit positive."""
    total: dict[int, Decimal] = {}
    for (at, account, _centre), move in moves.items():
        if at == place:
            total[account] = total.get(account, ZERO) + move.net
    return total


def standing(
    days: Sequence[date], *, accounts: Iterable[int] | None = None, cost_centre: int = ALL, by_centre: bool = False
) -> dict[date, dict[tuple[int, int], Decimal]]:
    """What accounts hold at the beginning of each day: (account, cost centre or NONE) → net, debit positive."""
    spans = between(days)
    return piled(spans, moved(spans, accounts=accounts, cost_centre=cost_centre, by_centre=by_centre))


def between(days: Sequence[date]) -> list[Span]:
    """The spans before and between days."""
    edges = sorted(set(days))
    return [Span(low, high) for low, high in zip([None, *edges], edges, strict=False)]


def piled(spans: Sequence[Span], moves: Moves) -> dict[date, dict[tuple[int, int], Decimal]]:
    """What accounts hold at the end of each of the spans that follow each other from the beginning."""
    held: dict[date, dict[tuple[int, int], Decimal]] = {}
    running: dict[tuple[int, int], Decimal] = {}
    for place, span in enumerate(spans):
        for (at, account, centre), move in moves.items():
            if at == place:
                running[account, centre] = running.get((account, centre), ZERO) + move.net
        held[span.end] = dict(running)
    return held


def total(held: dict[tuple[int, int], Decimal], centre: int | None = None) -> dict[int, Decimal]:
    """Account → what it holds, of one cost centre or of all."""
    found: dict[int, Decimal] = {}
    for (account, at), amount in held.items():
        if centre is None or at == centre:
            found[account] = found.get(account, ZERO) + amount
    return found
