"""What a reader sees for a value, in both languages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.template import Context, Template
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from backoffice.core.templatetags import display

NOON = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # 12:00 in São Paulo


@pytest.mark.parametrize(
    ("value", "english", "portuguese"),
    [
        ("1234.56", "R$1,234.56", "R$\u00a01.234,56"),
        ("-1234.5", "\u2212R$1,234.50", "\u2212R$\u00a01.234,50"),
        ("0.005", "R$0.01", "R$\u00a00,01"),
        ("-0.001", "R$0.00", "R$\u00a00,00"),
        (None, "–", "–"),
    ],
)
def test_money_is_written_as_each_reader_writes_it(value, english, portuguese):
    with translation.override("en"):
        assert display.money(value) == english
    with translation.override("pt-br"):
        assert display.money(value) == portuguese


def test_the_unit_of_money_is_quieter_than_its_digits_and_a_gain_may_show_its_sign():
    page = Template("{% money amount plus=True %}").render(Context({"amount": Decimal("12")}))

    assert page == '<span class="money">+<span class="unit">R$</span>12.00</span>'


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=2))
def test_a_portuguese_amount_reads_back_to_the_same_cents(amount):
    with translation.override("pt-br"):
        text = display.money(amount)

    digits = text.replace("\u2212", "-").replace("R$\u00a0", "").replace(".", "").replace(",", ".")
    assert Decimal(digits) == amount


def test_fractions_are_shown_as_percent_and_their_differences_as_points():
    with translation.override("pt-br"):
        assert display.percent("0.0412") == "4,1\u00a0%"
        assert display.points("-0.012") == "\u22121,2\u00a0pp"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.24, "3.2\u00a0s"),
        (720, "12\u00a0min"),
        (timedelta(hours=10, minutes=12), "10.2\u00a0h"),
        (293 * 3600, "12.2\u00a0days"),
    ],
)
def test_durations_use_the_unit_that_people_would_use(value, text):
    assert display.duration(value) == text


def test_numbers_for_axes_are_short():
    with translation.override("pt-br"):
        assert display.compact(15_421_083) == "15,4\u00a0mi"
    assert display.compact(-1500) == "\u22121.5\u00a0k"
    assert display.compact(999) == "999"


@time_machine.travel(NOON, tick=False)
def test_dates_near_today_are_words_and_far_ones_carry_their_year():
    assert display.moment(NOON) == "today, 12:00"
    assert display.day(date(2026, 11, 21)) == "yesterday"
    assert display.day(date(2026, 11, 2)) == "2\u00a0Nov"
    assert display.day(date(2018, 3, 1)) == "1\u00a0Mar\u00a02018"
    with translation.override("pt-br"):
        assert display.day(date(2018, 3, 1)) == "1\u00a0mar\u00a02018"
        assert display.month(date(2018, 3, 1)) == "março de 2018"


@time_machine.travel(datetime(2026, 11, 22, 1, 30, tzinfo=UTC), tick=False)
def test_the_day_is_that_of_the_company_and_not_that_of_utc():
    assert display.day(datetime(2026, 11, 22, 1, 0, tzinfo=UTC)) == "today"
    assert display.day(date(2026, 11, 22)) == "tomorrow"


@time_machine.travel(NOON, tick=False)
def test_the_full_stamp_stands_on_hover():
    page = Template("{% when at %}").render(Context({"at": NOON - timedelta(minutes=5)}))

    assert 'title="Sun 22 Nov 2026, 11:55:00 \u221203"' in page
    assert ">today, 11:55</time>" in page


@time_machine.travel(NOON, tick=False)
def test_ages_are_short_and_past_times_are_sentences():
    assert display.age(NOON - timedelta(days=6)) == "6 d"
    assert display.ago(NOON - timedelta(seconds=20)) == "just now"
    assert display.ago(NOON - timedelta(days=6)) == "6 days ago"
    assert display.overdue(NOON - timedelta(seconds=1))
    assert not display.overdue(date(2026, 11, 22))


def test_a_badge_escapes_its_word_and_falls_back_to_quiet():
    assert display.badge("loud", "<b>") == '<span class="badge quiet">&lt;b&gt;</span>'


def test_an_avatar_shows_first_and_last_initial():
    assert ">MA</span>" in display.avatar("Marta de Azevedo")
    assert ">·</span>" in display.avatar("")


def test_a_browser_is_named_by_its_short_name():
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"

    assert display.browser(agent) == "Chrome, Linux"
    assert display.browser("") == "–"
