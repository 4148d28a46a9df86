from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finance.taxes import Charge, Item, Rate, credited, line_amount, reckon

D = Decimal
SERVICE = [Rate("iss", D("0.05")), Rate("pis", D("0.0065")), Rate("cofins", D("0.03"))]
WITHHELD = [
    Rate("irrf", D("0.015"), True), Rate("pis", D("0.0065"), True), Rate("cofins", D("0.03"), True),
    Rate("csll", D("0.01"), True),
]  # fmt: skip
GOODS = [Rate("icms", D("0.18")), Rate("pis", D("0.0165")), Rate("cofins", D("0.076"))]


def amounts(charges) -> dict[str, D]:
    return {charge.tax: charge.amount for charge in charges}


def test_a_service_owes_its_taxes_and_the_customer_withholds_theirs() -> None:
    found = reckon([Item(D("1000.00"), [*SERVICE, *WITHHELD])])

    assert amounts(found.own) == {"iss": D("50.00"), "pis": D("6.50"), "cofins": D("30.00")}
    assert amounts(found.withheld) == {"irrf": D("15.00"), "pis": D("6.50"), "cofins": D("30.00"), "csll": D("10.00")}
    assert (found.total, found.net) == (D("1000.00"), D("938.50"))


@pytest.mark.parametrize(
    ("amount", "withheld"),
    [
        ("200.00", {}),  # IRRF 3.00; the three 9.30
        ("215.05", {}),  # the three: 1.40 + 6.45 + 2.15 = 10.00, not above it
        ("215.20", {"pis": D("1.40"), "cofins": D("6.46"), "csll": D("2.15")}),  # 10.01; IRRF 3.23
        ("666.66", {"pis": D("4.33"), "cofins": D("20.00"), "csll": D("6.67")}),  # IRRF 10.00
        ("667.00", {"irrf": D("10.01"), "pis": D("4.34"), "cofins": D("20.01"), "csll": D("6.67")}),
    ],
)
def test_up_to_ten_reais_nothing_is_withheld(amount: str, withheld: dict[str, D]) -> None:
    assert amounts(reckon([Item(D(amount), WITHHELD)]).withheld) == withheld


@pytest.mark.parametrize(("amount", "withheld"), [("90.86", {}), ("90.91", {"inss": D("10.00")})])
def test_inss_is_withheld_from_ten_reais_on(amount: str, withheld: dict[str, D]) -> None:
    """90.86 × 11 % = 9.99; 90.91 × 11 % = 10.00 (IN RFB 2.110/2022, art. 115: below 10.00)."""
    assert amounts(reckon([Item(D(amount), [Rate("inss", D("0.11"), True)])]).withheld) == withheld


@given(st.integers(1, 10**6), st.lists(st.integers(1, 1000), min_size=1, max_size=12))
def test_credit_notes_take_back_what_was_withheld_to_the_cent(cents_withheld: int, shares: list[int]) -> None:
    total = D(sum(shares))
    kept = Charge("irrf", total, D("0.015"), D(cents_withheld) / 100)
    taken = before = D(0)
    for share in shares:
        taken += share
        before += credited(kept, of=total, taken=taken, before=before).amount

    assert before == kept.amount


def test_pis_and_cofins_leave_icms_out_of_their_base() -> None:
    found = reckon([Item(D("100.00"), GOODS)])

    assert [(c.tax, c.base, c.amount) for c in found.own] == [
        ("icms", D("100.00"), D("18.00")),
        ("pis", D("82.00"), D("1.35")),  # 1.353
        ("cofins", D("82.00"), D("6.23")),  # 6.232
    ]
    assert found.net == D("100.00")


def test_own_taxes_are_rounded_by_line_and_withheld_ones_on_the_whole() -> None:
    rates = [Rate("iss", D("0.05")), Rate("irrf", D("0.015"), True)]

    found = reckon([Item(D("333.50"), rates), Item(D("333.50"), rates)])

    assert [c.amount for c in found.own] == [D("16.68"), D("16.68")]  # 16.675 twice
    assert [c.amount for c in found.withheld] == [D("10.01")]  # 667.00 × 1.5 % = 10.005


def test_quantity_times_price_rounds_half_up() -> None:
    assert line_amount(D("3"), D("0.335")) == D("1.01")
    assert line_amount(D("1.5"), D("19.99")) == D("29.99")


rates = st.lists(
    st.builds(
        Rate,
        st.sampled_from(["icms", "iss", "pis", "cofins", "irrf", "csll", "inss"]),
        st.integers(1, 3000).map(lambda n: D(n) / 10000),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda rate: (rate.tax, rate.is_withheld),
)
items = st.lists(st.builds(Item, st.integers(1, 10**9).map(lambda n: D(n) / 100), rates), min_size=1, max_size=6)


@settings(deadline=None)
@given(items)
def test_what_is_paid_and_what_is_withheld_make_the_total(some: list[Item]) -> None:
    found = reckon(some)

    assert found.net + sum(charge.amount for charge in found.withheld) == found.total == sum(i.amount for i in some)
    assert all(abs(charge.amount - charge.base * charge.rate) <= D("0.005") for charge in found.own + found.withheld)
