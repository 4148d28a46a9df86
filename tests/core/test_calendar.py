from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.core.calendar import (
    Period,
    add_business_days,
    business_days,
    is_business_day,
    on_or_after,
    on_or_before,
)

days = st.dates(date(2016, 1, 1), date(2030, 12, 31))
grains = st.sampled_from(["day", "week", "month", "quarter", "year"])


@pytest.mark.parametrize("day", [date(2026, 4, 3), date(2026, 9, 7), date(2026, 11, 20), date(2026, 11, 21)])
def test_national_holidays_and_weekends_are_no_business_days(day):
    assert not is_business_day(day)


def test_banks_rest_on_carnival_and_corpus_christi_and_offices_do_not():
    for day in (date(2026, 2, 16), date(2026, 2, 17), date(2026, 6, 4)):
        assert is_business_day(day)
        assert not is_business_day(day, bank=True)


def test_a_due_date_on_a_holiday_moves_to_the_next_business_day():
    assert on_or_after(date(2026, 4, 3)) == date(2026, 4, 6)
    assert on_or_before(date(2026, 4, 3)) == date(2026, 4, 2)


@given(start=days, length=st.integers(0, 400), bank=st.booleans())
def test_business_days_are_those_counted_one_by_one(start, length, bank):
    end = start + timedelta(days=length)

    counted = sum(is_business_day(start + timedelta(days=i), bank=bank) for i in range(length))

    assert business_days(start, end, bank=bank) == counted
    assert business_days(end, start, bank=bank) == -counted


@given(start=days, count=st.integers(-40, 40))
def test_adding_business_days_is_undone_by_taking_them_away(start, count):
    start = on_or_after(start)

    there = add_business_days(start, count)

    assert is_business_day(there)
    assert add_business_days(there, -count) == start
    assert business_days(start, there) == count


@given(day=days, grain=grains)
def test_periods_of_a_kind_meet_without_gap_or_overlap(day, grain):
    period = Period.of(grain, day)

    assert day in period
    assert period.end not in period
    assert period.previous().end == period.start
    assert period.next().start == period.end
    assert period.next().previous() == period


@given(day=days, length=st.integers(1, 500), grain=grains)
def test_parts_cover_a_period_exactly(day, length, grain):
    whole = Period(day, day + timedelta(days=length))

    parts = list(whole.parts(grain))

    assert (parts[0].start, parts[-1].end) == (whole.start, whole.end)
    assert all(left.end == right.start for left, right in pairwise(parts))


def test_last_year_keeps_months_whole_and_weeks_on_their_weekday():
    assert Period.of("month", date(2024, 2, 29)).last_year() == Period(date(2023, 2, 1), date(2023, 3, 1), "month")
    assert Period.of("day", date(2024, 2, 29)).last_year() == Period.of("day", date(2023, 2, 28))
    assert Period.of("week", date(2026, 3, 4)).last_year().start.weekday() == 0
    span = Period(date(2024, 2, 1), date(2024, 3, 1))
    assert span.last_year() == Period(date(2023, 2, 1), date(2023, 3, 1))


def test_a_period_has_at_least_one_day():
    with pytest.raises(ValueError, match="one day"):
        Period(date(2026, 1, 1), date(2026, 1, 1))


def test_midnight_that_daylight_saving_skipped_is_the_first_instant_of_the_day():
    start, end = Period.of("day", date(2017, 10, 15)).instants(ZoneInfo("America/Sao_Paulo"))

    assert (end.timestamp() - start.timestamp()) / 3600 == 23
