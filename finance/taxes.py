"""Taxes of an invoice: what each line owes, and what the customer withholds. Values in, values out.

A price holds its taxes ("por dentro"): they are deductions of the revenue and never change what the invoice asks for.
Each tax of a line is rounded once, half up, to the cent, and the invoice's tax is the sum of its lines. PIS and COFINS
do not count the line's ICMS in their base (STF, RE 574.706; Lei 10.637/2002 and 10.833/2003 as of Lei 14.592/2023).

What the customer withholds is reckoned on the whole invoice, once for each tax and rate, and reduces what is due.
Nothing is withheld up to 10.00: IRRF by itself (Lei 9.430/1996, art. 67); PIS, COFINS and CSLL together, since they are
paid in one (Lei 10.833/2003, art. 31, § 3, as of Lei 13.137/2015). INSS is not withheld below 10.00, and at 10.00 it is
(IN RFB 2.110/2022, art. 115).

Told with numbers: services of 1,000.00, ISS 5 %, PIS 0.65 %, COFINS 3 %; withheld IRRF 1.5 %, PIS 0.65 %, COFINS 3 %,
CSLL 1 %. Own taxes: 50.00, 6.50, 30.00. Withheld: 15.00, 6.50, 30.00, 10.00 = 61.50. To be paid: 938.50. The same for
200.00 withholds nothing: 3.00 of IRRF and 9.30 of the three together stay below 10.01.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from finance.terms import ZERO, cents

LEAST_WITHHELD = Decimal("10.00")  # up to this nothing is withheld; of INSS, below this
TOGETHER = frozenset({"pis", "cofins", "csll"})  # withheld in one payment, weighed against the least together
WITHOUT_ICMS = frozenset({"pis", "cofins"})


@dataclass(frozen=True)
class Rate:
    """rate: a fraction of one."""

    tax: str
    rate: Decimal
    is_withheld: bool = False


@dataclass(frozen=True)
class Item:
    """A line to be taxed. amount: BRL, taxes inside."""

    amount: Decimal
    rates: Sequence[Rate] = ()


@dataclass(frozen=True)
class Charge:
    """base × rate, rounded. line: place of its item, None for what is withheld from the whole."""

    tax: str
    base: Decimal
    rate: Decimal
    amount: Decimal
    line: int | None = None


@dataclass(frozen=True)
class Reckoning:
    total: Decimal
    own: list[Charge]
    withheld: list[Charge]

    @property
    def net(self) -> Decimal:
        """What the customer pays."""
        return self.total - sum((charge.amount for charge in self.withheld), ZERO)


def line_amount(qty: Decimal, price: Decimal) -> Decimal:
    """quantity × price, half up: 3 × 0.335 = 1.005 → 1.01."""
    return cents(qty * price)


def price_places(price: Decimal) -> int:
    """Decimals that a price is shown with: two, or as many as it needs."""
    exponent = price.normalize().as_tuple().exponent
    return max(2, -exponent) if isinstance(exponent, int) else 2


def reckon(items: Sequence[Item]) -> Reckoning:
    """Taxes of the lines and what is withheld from the whole. Charges of nothing are left out."""
    own: list[Charge] = []
    for place, item in enumerate(items):
        icms = sum((cents(item.amount * r.rate) for r in item.rates if r.tax == "icms" and not r.is_withheld), ZERO)
        for rate in item.rates:
            if not rate.is_withheld:
                base = item.amount - icms if rate.tax in WITHOUT_ICMS else item.amount
                own.append(Charge(rate.tax, base, rate.rate, cents(base * rate.rate), place))
    return Reckoning(
        total=sum((item.amount for item in items), ZERO),
        own=[charge for charge in own if charge.amount],
        withheld=_withheld(items),
    )


def credited(charge: Charge, *, of: Decimal, taken: Decimal, before: Decimal) -> Charge:
    """What of a withheld charge a credit note takes back: by its share of the invoice, whatever it would owe by itself.

    of: the invoice's total. taken: what notes take of it with this one. before: what earlier notes took of the charge.
    So many small notes take back exactly what one note would.
    """
    base, amount = cents(charge.base * taken / of), cents(charge.amount * taken / of)
    return Charge(charge.tax, base, charge.rate, amount - before)


def _withheld(items: Sequence[Item]) -> list[Charge]:
    bases: dict[tuple[str, Decimal], Decimal] = {}
    for item in items:
        for rate in item.rates:
            if rate.is_withheld:
                bases[rate.tax, rate.rate] = bases.get((rate.tax, rate.rate), ZERO) + item.amount
    found = [Charge(tax, base, rate, cents(base * rate)) for (tax, rate), base in bases.items()]
    sums: dict[str, Decimal] = {}
    for charge in found:
        sums[_group(charge.tax)] = sums.get(_group(charge.tax), ZERO) + charge.amount
    return [
        charge
        for charge in found
        if charge.amount and (charge.tax == "iss" or _is_enough(charge.tax, sums[_group(charge.tax)]))
    ]


def _is_enough(tax: str, withheld: Decimal) -> bool:
    return withheld >= LEAST_WITHHELD if tax == "inss" else withheld > LEAST_WITHHELD


def _group(tax: str) -> str:
    return "together" if tax in TOGETHER else tax
