from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finance.terms import Cover, Due, Terms, cover, days_late, due, month_after, parts, payable_until

D = Decimal
TUESDAY = date(2026, 3, 10)
USUAL = Terms(discount_rate=D("0.03"), discount_days=5, fine_rate=D("0.02"), interest_rate=D("0.01"))

cents = st.integers(1, 10**11).map(lambda n: D(n) / 100)
rates = st.integers(0, 5000).map(lambda n: D(n) / 10000)
terms = st.builds(Terms, discount_rate=rates, discount_days=st.integers(0, 30), fine_rate=rates, interest_rate=rates)
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("on", "total"),
    [
        (date(2026, 3, 1), "970.00"),
        (date(2026, 3, 5), "970.00"),
        (date(2026, 3, 6), "1000.00"),
        (date(2026, 3, 10), "1000.00"),
        (date(2026, 3, 11), "1020.33"),
        (date(2026, 4, 9), "1030.00"),
        (date(2027, 3, 10), "1141.67"),  # 365 days: 121.666… of interest
    ],
)
def test_what_is_due_follows_the_day(on: date, total: str) -> None:
    assert due(D("1000.00"), due_on=TUESDAY, on=on, terms=USUAL).total == D(total)


@pytest.mark.parametrize(
    ("amount", "rate", "late", "interest"),
    [
        ("150.00", "0.01", 1, "0.05"),  # 0.05 exactly
        ("45.00", "0.01", 1, "0.02"),  # 0.015: half goes up
        ("44.99", "0.01", 1, "0.01"),  # 0.01499…
        ("0.01", "0.01", 1, "0.00"),
        ("1234.56", "0.0333", 17, "23.30"),  # 23.2961…
    ],
)
def test_interest_is_by_the_day_and_rounded_once_half_up(amount: str, rate: str, late: int, interest: str) -> None:
    found = due(D(amount), due_on=TUESDAY, on=TUESDAY + timedelta(days=late), terms=Terms(interest_rate=D(rate)))

    assert found.interest == D(interest)


def test_a_due_date_without_banks_may_be_met_on_the_next_banking_day() -> None:
    saturday, monday, tuesday = date(2026, 3, 14), date(2026, 3, 16), date(2026, 3, 17)
    carnival = date(2026, 2, 16)  # Monday and Tuesday; banks open on Wednesday the 18th

    assert payable_until(saturday) == monday
    assert payable_until(carnival) == date(2026, 2, 18)
    assert (days_late(saturday, monday), days_late(saturday, tuesday)) == (0, 3)
    assert due(D(300), due_on=saturday, on=monday, terms=USUAL).total == D(300)
    assert due(D(300), due_on=saturday, on=tuesday, terms=USUAL) == Due(
        D(300), fine=D(6), interest=D("0.30"), days_late=3
    )


def test_what_was_charged_with_an_earlier_part_is_not_charged_again() -> None:
    found = due(
        D("500.00"), due_on=TUESDAY, on=date(2026, 4, 9), terms=USUAL, fine_paid=D(20), charged_until=date(2026, 3, 30)
    )

    assert (found.fine, found.interest) == (D("0.00"), D("1.67"))  # 10 days of 500.00


@pytest.mark.parametrize(
    ("paid", "owed", "spread"),
    [
        ("97.00", Due(D(100), discount=D(3)), Cover(D(100), discount=D(3))),
        ("99.00", Due(D(100), discount=D(3)), Cover(D(100), discount=D(1))),
        ("96.00", Due(D(100), discount=D(3)), Cover(D(96))),
        ("100.00", Due(D(100), discount=D(3)), Cover(D(100))),
        ("103.00", Due(D(100), fine=D(2), interest=D(1)), Cover(D(100), fine=D(2), interest=D(1))),
        ("2.50", Due(D(100), fine=D(2), interest=D(1)), Cover(fine=D("1.50"), interest=D(1))),
        ("50.00", Due(D(100), fine=D(2), interest=D(1)), Cover(D(47), fine=D(2), interest=D(1))),
        ("110.00", Due(D(100)), Cover(D(100), surplus=D(10))),
    ],
)
def test_an_amount_paid_covers_interest_then_fine_then_principal(paid: str, owed: Due, spread: Cover) -> None:
    assert cover(D(paid), owed) == spread


@settings(deadline=None)
@given(cents, cents, days, days, terms)
def test_covering_never_loses_a_cent(amount: D, paid: D, due_on: date, on: date, some: Terms) -> None:
    owed = due(amount, due_on=due_on, on=on, terms=some)
    spread = cover(paid, owed)

    assert spread.paid == paid
    assert min(spread.principal, spread.discount, spread.fine, spread.interest, spread.surplus) >= 0
    assert spread.principal <= amount
    assert cover(owed.total, owed).principal == amount or owed.total == 0


@settings(deadline=None)
@given(cents, days, terms, st.integers(0, 400))
def test_waiting_a_day_never_makes_it_cheaper(amount: D, due_on: date, some: Terms, wait: int) -> None:
    on = due_on + timedelta(days=wait - 30)

    today, tomorrow = (due(amount, due_on=due_on, on=on + timedelta(days=n), terms=some) for n in (0, 1))

    assert today.total <= tomorrow.total
    assert today.total <= amount or today.days_late > 0


def test_months_keep_their_day_where_they_can() -> None:
    last = date(2026, 1, 31)

    assert [month_after(last, n) for n in (0, 1, 2, 11, 12, 13)] == [
        last, date(2026, 2, 28), date(2026, 3, 31), date(2026, 12, 31), date(2027, 1, 31), date(2027, 2, 28),
    ]  # fmt: skip


def test_parts_sum_to_the_whole_and_fall_due_monthly() -> None:
    assert parts(D("100.00"), count=3, first_due=date(2026, 12, 31)) == [
        (date(2026, 12, 31), D("33.34")),
        (date(2027, 1, 31), D("33.33")),
        (date(2027, 2, 28), D("33.33")),
    ]
    with pytest.raises(ValueError, match="one cent"):
        parts(D("0.02"), count=3, first_due=TUESDAY)


@settings(deadline=None)
@given(cents.filter(lambda c: c >= 1), st.integers(1, 60), days)
def test_parts_never_lose_a_cent(total: D, count: int, first: date) -> None:
    assert sum(amount for _day, amount in parts(total, count=count, first_due=first)) == total
