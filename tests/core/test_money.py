from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.core.money import CENT, LARGEST, NotMoney, brl, format_money, format_number, parse_money, split

amounts = st.decimals(min_value=-LARGEST, max_value=LARGEST, places=2).map(lambda value: value + 0)
languages = st.sampled_from(["pt-br", "en"])


@pytest.mark.parametrize(
    ("text", "language", "amount"),
    [
        ("1.234,56", "pt-br", "1234.56"),
        ("R$ 1.234,56", "pt-br", "1234.56"),
        ("R$\u00a01.234,56", "pt-br", "1234.56"),
        ("1 234,56", "pt-br", "1234.56"),
        ("1234,5", "pt-br", "1234.50"),
        ("1.234", "pt-br", "1234.00"),
        ("12.500", "pt-br", "12500.00"),
        ("-R$ 12,00", "pt-br", "-12.00"),
        ("R$ -12,00", "pt-br", "-12.00"),
        ("\u221212,00", "pt-br", "-12.00"),
        ("-0,00", "pt-br", "0.00"),
        ("1,234.56", "en", "1234.56"),
        ("1,234", "en", "1234.00"),
        ("12.5", "en", "12.50"),
    ],
)
def test_amounts_are_read_as_people_write_them(text, language, amount):
    assert parse_money(text, language) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "language", "reason", "offer"),
    [
        ("12.50", "pt-br", "mark", "12,50"),
        ("-12.50", "pt-br", "mark", "-12,50"),
        ("1,234.56", "pt-br", "mark", "1234,56"),
        ("12,50", "en", "mark", "12.50"),
        ("12,345", "pt-br", "decimals", ""),
        ("1,234,567", "pt-br", "mark", "1234567,00"),
        ("1.2345,00", "pt-br", "text", ""),
        ("12,3456", "pt-br", "decimals", ""),
        ("١٢,٥٠", "pt-br", "text", ""),
        ("１２,５０", "pt-br", "text", ""),
        ("1e5", "pt-br", "text", ""),
        ("NaN", "en", "text", ""),
        ("--1", "en", "text", ""),
        ("-R$-1", "pt-br", "text", ""),
        ("1 2 3", "pt-br", "text", ""),
        ("1.234 567,00", "pt-br", "text", ""),
        ("", "pt-br", "empty", ""),
        ("  ", "pt-br", "empty", ""),
        ("9" * 400, "pt-br", "size", ""),
        ("1\x0012", "pt-br", "text", ""),
    ],
)
def test_what_is_no_amount_is_refused_with_a_reason(text, language, reason, offer):
    with pytest.raises(NotMoney) as problem:
        parse_money(text, language)

    assert (problem.value.reason, problem.value.offer) == (reason, offer)


@given(amount=amounts, language=languages)
def test_what_is_shown_is_read_back(amount, language):
    assert parse_money(format_money(amount, language), language) == amount
    assert parse_money(format_money(amount, language, symbol=False), language) == amount


@given(text=st.text(max_size=30), language=languages)
def test_any_text_is_an_amount_or_refused(text, language):
    try:
        value = parse_money(text, language)
    except NotMoney as problem:
        value = parse_money(problem.offer or "0", language)

    assert value == value.quantize(CENT)


def test_amounts_show_a_true_minus_before_the_symbol():
    assert format_money(Decimal("-1234.56"), "pt-br") == "\u2212R$\u00a01.234,56"
    assert format_money(Decimal("-1234.56"), "en") == "\u2212R$1,234.56"
    assert format_number(Decimal("-0.001"), "en", 2) == "0.00"
    assert format_number(-1234, "pt-br") == "\u22121.234"


def test_finer_than_a_cent_is_an_error():
    with pytest.raises(ValueError, match="finer"):
        brl("0.001")


@given(total=amounts, weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_split_never_loses_a_cent(total, weights):
    shares = split(total, weights)

    assert sum(shares) == total
    exact = [total * weight / sum(weights) for weight in weights]
    assert all(abs(share - fair) < CENT for share, fair in zip(shares, exact, strict=True))


def test_split_refuses_weights_that_share_nothing():
    with pytest.raises(ValueError, match="above zero"):
        split(brl("1.00"), [0, 0])
