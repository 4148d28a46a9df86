"""What is due on a day: discount for the early, fine and interest for the late, and how an amount paid is spread.

Values in, values out. Amounts here carry no sign: what is open and what is paid, both zero or more, in whole cents.

Told with numbers: 1,000.00 due on Tuesday 2026-03-10, discount 3 % until 5 days before, fine 2 %, interest 1 % a month.

| paid on    | due                                            |
| ---------- | ---------------------------------------------- |
| 2026-03-05 | 970.00 = 1,000.00 - 30.00                      |
| 2026-03-06 | 1,000.00                                       |
| 2026-03-11 | 1,020.33 = 1,000.00 + 20.00 + 0.33 (1 day)     |
| 2026-04-09 | 1,030.00 = 1,000.00 + 20.00 + 10.00 (30 days)  |

Each line is rounded once, half up, to the cent: 1,000.00 x 0.01 x 1 / 30 = 0.333 -> 0.33. Interest is simple, never on
the fine. A due date on a day without banks may be met on the next banking day; who pays later still owes interest
from the due date itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from backoffice.core import calendar
from backoffice.core.money import CENT, split

ZERO = Decimal("0.00")
MONTH = 30  # days by which a monthly rate becomes a daily one


@dataclass(frozen=True)
class Terms:
    """Rates are fractions of one; interest_rate is by the month."""

    discount_rate: Decimal = Decimal(0)
    discount_days: int = 0  # paid so many days before due, or earlier
    fine_rate: Decimal = Decimal(0)
    interest_rate: Decimal = Decimal(0)


@dataclass(frozen=True)
class Due:
    """What settles an instalment on one day: principal - discount + fine + interest."""

    principal: Decimal
    discount: Decimal = ZERO
    fine: Decimal = ZERO
    interest: Decimal = ZERO
    days_late: int = 0

    @property
    def total(self) -> Decimal:
        return self.principal - self.discount + self.fine + self.interest


@dataclass(frozen=True)
class Cover:
    """How an amount paid is spread: paid = principal - discount + fine + interest + surplus."""

    principal: Decimal = ZERO
    discount: Decimal = ZERO
    fine: Decimal = ZERO
    interest: Decimal = ZERO
    surplus: Decimal = ZERO

    @property
    def paid(self) -> Decimal:
        return self.principal - self.discount + self.fine + self.interest + self.surplus


def cents(amount: Decimal) -> Decimal:
    """Whole cents, half up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def payable_until(due_on: date) -> date:
    """The last day on which paying is in time: the due date, or the next banking day."""
    return calendar.on_or_after(due_on, bank=True)


def days_late(due_on: date, on: date) -> int:
    """Days from the due date, 0 while paying is in time."""
    return (on - due_on).days if on > payable_until(due_on) else 0


def due(
    open_amount: Decimal,
    *,
    due_on: date,
    on: date,
    terms: Terms,
    fine_paid: Decimal = ZERO,
    interest_paid: Decimal = ZERO,
    charged_until: date | None = None,
) -> Due:
    """What settles `open_amount` on the day `on`.

    charged_until: interest up to that day was paid before, with principal.   fine_paid, interest_paid: what was paid
    of the fine, and of the interest since that day, by payments too small to reach the principal.
    """
    late = days_late(due_on, on)
    if late:
        since = max(due_on, charged_until or due_on)
        days = max((on - since).days, 0)
        return Due(
            principal=open_amount,
            fine=max(cents(open_amount * terms.fine_rate) - fine_paid, ZERO),
            interest=max(cents(open_amount * terms.interest_rate * days / MONTH) - interest_paid, ZERO),
            days_late=late,
        )
    early = terms.discount_rate > 0 and on <= due_on - timedelta(days=terms.discount_days)
    return Due(principal=open_amount, discount=cents(open_amount * terms.discount_rate) if early else ZERO)


def cover(paid: Decimal, owed: Due) -> Cover:
    """Spread `paid` over what is owed: interest first, then the fine, then the principal (Código Civil, art. 354).

    A discount only closes what is missing to the whole: who pays 99.00 of 100.00 with 3 % off gets 1.00, who pays 96.00
    gets none, and who pays 100.00 has paid without it. What is over is the payer's credit.
    """
    if owed.discount and owed.total <= paid < owed.principal:
        return Cover(principal=owed.principal, discount=owed.principal - paid)
    interest = min(paid, owed.interest)
    fine = min(paid - interest, owed.fine)
    principal = min(paid - interest - fine, owed.principal)
    return Cover(principal=principal, fine=fine, interest=interest, surplus=paid - interest - fine - principal)


def month_after(day: date, months: int = 1) -> date:
    """The same day `months` later; the last day of a shorter month: 31 January + 1 = 28 February."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def parts(
    total: Decimal, *, count: int, first_due: date, every: Sequence[int] | None = None
) -> list[tuple[date, Decimal]]:
    """`count` equal instalments, odd cents on the first ones, due monthly from `first_due` or `every` n days after it.

    Three parts of 100.00 are 33.34, 33.33, 33.33. Raises ValueError when a part would be less than a cent.
    """
    if count < 1 or total < CENT * count:
        raise ValueError("every part is at least one cent")
    days = [month_after(first_due, n) for n in range(count)]
    if every is not None:
        days = [first_due + timedelta(days=n) for n in every]
    return list(zip(days, split(total, [1] * count), strict=True))
