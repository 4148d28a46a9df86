"""Scenes made to mislead a matcher, each with its truth: `bench reconcile --adversary N`, and a small one as a test.

Eight popular prices all over, three of four payers with a CPF, receivables and payables, two bank accounts. What a line
pays is known because it was drawn; where even a person could not know, nothing that is posted counts as right.
"""

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from backoffice.core.bench import Say
from finance.models import BankAccount
from finance.services import matching, periods, plan, statements, titles

PRICES = [1990, 4990, 9990, 12900, 19900, 29900, 49900, 99900]  # cents
FIRST = date(2025, 2, 3)
UNKNOWABLE: frozenset[int] = frozenset({-1})  # posting it is wrong, whatever is posted


@dataclass(frozen=True)
class Title:
    number: str
    cents: int  # signed
    party: int
    due: date
    nosso: str = ""
    terms: tuple[str, str] = ("0", "0")  # fine, monthly interest
    kind: str = "invoice"
    issued: date = FIRST


@dataclass(frozen=True)
class Line:
    scene: str
    account: int
    on: date
    cents: int
    text: str
    truth: frozenset[int]  # places in World.titles; empty: pays no title
    document: str = ""  # the bank's own number, in a field of its own
    is_early: bool = False  # of a statement that was matched before the others came


@dataclass
class World:
    chance: random.Random
    titles: list[Title] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    tax_ids: list[str] = field(default_factory=list)
    serial: int = 100
    longer: set[str] = field(default_factory=set)  # numbers drawn out of their turn

    def party(self, tax_id: str = "") -> int:
        self.tax_ids.append(tax_id or cpf(100_000_000 + len(self.tax_ids) * 7919))
        return len(self.tax_ids) - 1

    def number(self, series: str = "INV/2025/") -> str:
        self.serial += 1
        while f"INV/2025/{self.serial:06}" in self.longer:
            self.serial += 1
        return f"{series}{self.serial:06}"

    def price(self) -> int:
        return self.chance.choice(PRICES)

    def title(self, cents: int, *, party: int, number: str = "", days: int = 30, **more: Any) -> int:
        due = FIRST + timedelta(days=days + self.chance.randrange(20))
        self.titles.append(Title(number or self.number(), cents, party, due, **more))
        return len(self.titles) - 1

    def line(
        self, scene: str, cents: int, text: str, *truth: int, like: int, account: int = 0, days: int = 0, **more: Any
    ) -> None:
        on = self.titles[like].due + timedelta(days=days)
        self.lines.append(Line(scene, account, on, cents, text, frozenset(truth), **more))

    def paid(self, cents: int, *, party: int, text: str = "NF %s", **more: Any) -> int:
        """A title that an earlier line paid."""
        one = self.title(cents, party=party, **more)
        self.line("paid before", cents, text % self.said(one), one, like=one, days=-8, is_early=True)
        return one

    def said(self, title: int) -> str:
        return self.titles[title].number


def cpf(base: int) -> str:
    """Nine digits with their two check digits."""
    digits = [int(sign) for sign in f"{base % 10**9:09}"]
    for _ in range(2):
        rest = sum(digit * weight for digit, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return "".join(map(str, digits))


def cnpj(base: int, branch: int) -> str:
    """Eight digits of a company and its branch with their two check digits."""
    digits = [int(sign) for sign in f"{base:08}{branch:04}"]
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return "".join(map(str, digits))


def numbered(w: World) -> None:
    one = w.title(w.price(), party=w.party())
    text = w.chance.choice(("Payment %s", "TRF/%s/SEPA", "PIX RECEBIDO fatura %s obrigado", "%s"))
    w.line("number", w.titles[one].cents, text % w.said(one), one, like=one, days=w.chance.randrange(-20, 60))


def equal_titles_numbered(w: World) -> None:
    price, party = w.price(), w.party()
    _first, second = w.title(price, party=party), w.title(price, party=party)
    w.line("equal amounts, number", price, f"NF {w.said(second)}", second, like=second)


def equal_titles_by_payer(w: World) -> None:
    price, party = w.price(), w.party()
    one, other = w.title(price, party=party), w.title(price, party=party, days=60)
    paid = w.chance.choice((one, other))
    w.line("equal amounts, payer", price, f"PIX CPF {w.tax_ids[party]}", *UNKNOWABLE, like=paid)


def payer(w: World) -> None:
    party = w.party()
    one = w.title(w.price(), party=party)
    w.line("payer", w.titles[one].cents, f"PIX RECEBIDO CPF {w.tax_ids[party]}", one, like=one, days=2)


def sum_of_two(w: World) -> None:
    party, part = w.party(), w.price()
    whole = w.title(part + 5000, party=party)
    one, other = w.title(part, party=party), w.title(5000, party=party)
    w.line("a sum is one title", part + 5000, f"PIX CPF {w.tax_ids[party]}", one, other, like=whole)


def sum_of_three(w: World) -> None:
    party = w.party()
    whole = w.title(10000, party=party)
    parts = [w.title(cents, party=party) for cents in (5000, 3000, 2000)]
    w.line("three are one title", 10000, f"PIX CPF {w.tax_ids[party]}", *parts, like=whole)


def sum_with_credit(w: World) -> None:
    party, price = w.party(), w.price()
    alone = w.title(price, party=party)
    more = w.title(price + 700, party=party)
    credit = w.title(-700, party=party, number=w.number("CR2025/"))
    w.line("netted with a credit", price, f"TED CPF {w.tax_ids[party]}", more, credit, like=alone)


def swapped_dates(w: World) -> None:
    price, party = w.price(), w.party()
    early, late = w.title(price, party=party, days=10), w.title(price, party=party, days=70)
    w.line("swapped dates", price, f"PIX CPF {w.tax_ids[party]}", *UNKNOWABLE, like=late)
    w.line("swapped dates", price, f"PIX CPF {w.tax_ids[party]}", *UNKNOWABLE, like=early)


def part_that_equals_another(w: World) -> None:
    party, price = w.party(), w.price()
    named = w.title(price + 12345, party=party)
    decoy = w.title(price, party=party)
    w.line(
        "part payment, decoy", price, f"adiantamento {w.said(named)} CPF {w.tax_ids[party]}", *UNKNOWABLE, like=decoy
    )


def prefix(w: World) -> None:
    one = w.title(w.price(), party=w.party(), number=w.number("FT2025"))
    w.line("prefix", w.titles[one].cents, f"PAGTO {w.said(one)[:-1]}", *UNKNOWABLE, like=one)


def longer_number(w: World) -> None:
    one = w.title(w.price(), party=w.party())
    w.line("one digit more", w.titles[one].cents, f"PAGTO {w.said(one)}4", *UNKNOWABLE, like=one)


def date_as_number(w: World) -> None:
    day = FIRST + timedelta(days=w.chance.randrange(300))
    one = w.title(w.price(), party=w.party(), number=f"{day:%d%m%Y}")
    text = w.chance.choice((f"COMPRA {day:%d%m%Y}", f"COMPRA {day:%d/%m/%Y}", f"TRANSF AGENDADA {day:%Y-%m-%d}"))
    w.line("a date", w.titles[one].cents, text, *UNKNOWABLE, like=one)


def telephone(w: World) -> None:
    phone = f"119{w.chance.randrange(10**7, 10**8)}"
    one = w.title(w.price(), party=w.party(), number=phone)
    w.line("a telephone", w.titles[one].cents, f"PIX CHAVE +55{phone} TEL {phone}", *UNKNOWABLE, like=one)


def terminal(w: World) -> None:
    number = f"{w.chance.randrange(1000, 99999)}"
    one = w.title(w.price(), party=w.party(), number=number)
    text = w.chance.choice(("CARTAO TERMINAL %s", "AG 0001 CONTA %s", "CHEQUE N %s", "SAQUE ATM %s"))
    w.line("a terminal", w.titles[one].cents, text % f"00{number}", *UNKNOWABLE, like=one)


def paid_twice(w: World) -> None:
    one = w.title(w.price(), party=w.party())
    for days in (0, w.chance.randrange(3)):
        w.line("paid twice", w.titles[one].cents, f"TED {w.said(one)}", *UNKNOWABLE, like=one, days=days)


def in_two_halves(w: World) -> None:
    one = w.title(2 * w.price(), party=w.party())
    for days in (0, 3):
        w.line("two halves", w.titles[one].cents // 2, f"NF {w.said(one)}", *UNKNOWABLE, like=one, days=days)


def refund(w: World) -> None:
    party, price = w.party(), w.price()
    one = w.title(price, party=party)
    w.line("refund", -price, f"DEVOLUCAO {w.said(one)} CPF {w.tax_ids[party]}", *UNKNOWABLE, like=one)


def fee_netted(w: World) -> None:
    party, fee = w.party(), 390
    one = w.title(w.price(), party=party)
    w.title(w.titles[one].cents - fee, party=party)
    w.line(
        "fee netted", w.titles[one].cents - fee, f"REPASSE {w.said(one)} CPF {w.tax_ids[party]}", *UNKNOWABLE, like=one
    )


def both_ways(w: World) -> None:
    price, number = w.price(), w.number("NF-")
    owed, owing = w.title(price, party=w.party(), number=number), w.title(-price, party=w.party(), number=number)
    w.line("money in", price, f"RECEBIMENTO {number}", owed, like=owed)
    w.line("money out", -price, f"PAGAMENTO {number}", owing, like=owing, account=1)


def two_numbers_of_one_amount(w: World) -> None:
    price, party = w.price(), w.party()
    one, other = w.title(price, party=party), w.title(price, party=party)
    w.line("two numbers", price, f"{w.said(one)} ref {w.said(other)}", *UNKNOWABLE, like=one)


def another_amount_beside(w: World) -> None:
    one, other = w.title(w.price(), party=w.party()), w.title(w.price() + 1, party=w.party())
    w.line("other number beside", w.titles[one].cents, f"{w.said(one)} order {w.said(other)[-6:]}", one, like=one)


def several_named(w: World) -> None:
    party = w.party()
    some = [w.title(w.price(), party=party) for _ in range(w.chance.choice((2, 3)))]
    total = sum(w.titles[one].cents for one in some)
    w.line("several numbers", total, "Faturas " + " + ".join(map(w.said, some)), *some, like=some[0])


def key_with_terms(w: World) -> None:
    nosso = f"{w.chance.randrange(10**9, 10**10)}"
    one = w.title(100_000, party=w.party(), nosso=nosso, terms=("0.02", "0.01"))
    late = w.titles[one].due + timedelta(days=40)
    cents = 100_000 + 2_000 + round(Decimal(100_000) * 40 / 3000)
    w.lines.append(Line("key, interest", 0, late, cents, f"LIQ TITULO NOSSO NUMERO {nosso}", frozenset({one})))


def key_without_reason(w: World) -> None:
    nosso = f"{w.chance.randrange(10**9, 10**10)}"
    one = w.title(w.price(), party=w.party(), nosso=nosso, terms=("0.02", "0.01"))
    w.line("key, odd amount", w.titles[one].cents + 17, f"NOSSO NUMERO {nosso}", *UNKNOWABLE, like=one)


def own_transfer(w: World) -> None:
    party = w.party()
    one = w.title(77_700 + w.serial * 100, party=party)
    cents = w.titles[one].cents
    w.line("transfer", cents, f"TRANSF ENTRE CONTAS CPF {w.tax_ids[party]}", *UNKNOWABLE, like=one)
    w.line("transfer", -cents, "TRANSF ENTRE CONTAS", *UNKNOWABLE, like=one, account=1)


def series(w: World) -> None:
    price, tail = w.price(), w.number("")
    first, second = (w.title(price, party=w.party(), number=f"{letter}/2025/{tail}") for letter in "AB")
    if w.chance.random() < 0.5:
        w.line("series named", price, f"pagto {w.said(first)}", first, like=first)
    else:
        w.line("series not named", price, f"pagto NF 2025/{tail}", *UNKNOWABLE, like=second)


def nobody(w: World) -> None:
    like = w.title(w.price(), party=w.party(), days=w.chance.randrange(200))
    w.line("amount only", w.titles[like].cents, "WIRE TRANSFER", *UNKNOWABLE, like=like)


def payer_of_another(w: World) -> None:
    price, party = w.price(), w.party()
    w.title(price, party=party)
    named = w.title(price, party=w.party())
    w.line("pays for another", price, f"NF {w.said(named)} CPF {w.tax_ids[party]}", named, like=named)


def paid_again(w: World) -> None:
    party, price = w.party(), w.price()
    before, other = w.paid(price, party=party), w.title(price, party=party)
    text = w.chance.choice(("PIX NF %s CPF %s", "PIX %s CPF %s")) % (w.said(before), w.tax_ids[party])
    w.line("paid again", price, text, *UNKNOWABLE, like=other)


def two_numbers_one_paid(w: World) -> None:
    party, price = w.party(), w.price()
    before, other = w.paid(price, party=party), w.title(price, party=party)
    w.line("two numbers, one paid", price, f"NF {w.said(before)} NF {w.said(other)}", *UNKNOWABLE, like=other)


def number_not_ours(w: World) -> None:
    party, price = w.party(), w.price()
    one = w.title(price, party=party)
    word = w.chance.choice(("NF", "FATURA", "PEDIDO", "NOSSO NUMERO"))
    w.line("number not ours", price, f"PIX {word} 88{w.serial} CPF {w.tax_ids[party]}", *UNKNOWABLE, like=one)


def before_it_was_issued(w: World) -> None:
    party, price = w.party(), w.price()
    one = w.title(price, party=party, issued=FIRST + timedelta(days=60), days=70)
    text = w.chance.choice((f"PIX CPF {w.tax_ids[party]}", f"NF {w.said(one)}"))
    w.line("not issued yet", price, text, *UNKNOWABLE, like=one, days=-40)
    order = w.title(w.price(), party=party, kind="order", issued=FIRST + timedelta(days=60), days=70)
    w.line("order paid before", w.titles[order].cents, f"PEDIDO {w.said(order)}", order, like=order, days=-40)


def banks_own_number(w: World) -> None:
    one = w.title(-w.price(), party=w.party(), number=str(50_000 + w.serial))
    text = w.chance.choice(("PAGAMENTO DE TITULO", "PAGTO NF", "BOLETO"))
    w.line("the bank's number", w.titles[one].cents, text, *UNKNOWABLE, like=one, document=f"000{w.said(one)}")


def somebody_between(w: World) -> None:
    between = w.party()
    one, tax_id = w.title(w.price(), party=between), w.tax_ids[between]
    who = w.chance.choice(("11.222.333/0001-81", "***.123.456-**", "XXX.123.456-XX"))
    w.line("somebody between", w.titles[one].cents, f"PIX {who} VIA {tax_id}", *UNKNOWABLE, like=one)


def pays_for_others(w: World) -> None:
    between = w.party()
    w.paid(w.price(), party=w.party(), text=f"NF %s CPF {w.tax_ids[between]}")
    own = w.title(w.price(), party=between)
    w.line("pays for others", w.titles[own].cents, f"PIX CPF {w.tax_ids[between]}", *UNKNOWABLE, like=own)


def bills_of_two_suppliers(w: World) -> None:
    one, other = w.party(), w.party()
    bill = w.title(-w.price(), party=one, number=str(70_000 + w.serial))
    cents, number = w.titles[bill].cents, w.said(bill)
    if w.chance.random() < 0.5:
        w.line("bill and payee", cents, f"PAGTO NF {number} CPF {w.tax_ids[one]}", bill, like=bill, account=1)
    else:
        w.line("bill, another payee", cents, f"PAGTO NF {number} CPF {w.tax_ids[other]}", *UNKNOWABLE, like=bill)


def branch_of_a_supplier(w: World) -> None:
    base = 20_000_000 + len(w.tax_ids)
    one, other = w.party(cnpj(base, 1)), w.party(cnpj(base, 2))
    bill = w.title(-w.price(), party=one, number=str(80_000 + w.serial))
    w.line("another branch", w.titles[bill].cents, f"NF {w.said(bill)} {w.tax_ids[other]}", *UNKNOWABLE, like=bill)


def order_of_another(w: World) -> None:
    one = w.title(w.price(), party=w.party())
    word = w.chance.choice(("PEDIDO", "REF", "CONTRATO", "RECIBO"))
    text = f"{word} {w.said(one).removeprefix('INV/')} CPF {w.tax_ids[w.party()]}"
    w.line("order of another", w.titles[one].cents, text, *UNKNOWABLE, like=one)


def competence(w: World) -> None:
    year, month = w.chance.randrange(2020, 2030), w.chance.randrange(1, 13)
    one = w.title(w.price(), party=w.party(), number=f"{year}/{month:02}")
    text = w.chance.choice((f"MENSALIDADE REF {year}{month:02}", f"REF {month:02}/{year}", f"FATURA {month:02}{year}"))
    w.line("competence", w.titles[one].cents, text, *UNKNOWABLE, like=one)


def taken_back(w: World) -> None:
    one = w.title(w.price(), party=w.party())
    w.line("taken back", w.titles[one].cents, f"NF {w.said(one)}", *UNKNOWABLE, like=one)
    w.line("taken back", -w.titles[one].cents, f"ESTORNO NF {w.said(one)}", *UNKNOWABLE, like=one, days=1)


def returned(w: World) -> None:
    party, price = w.party(), w.price()
    one = w.title(price, party=party)
    w.line("returned", price, f"TED DEVOLVIDA CPF {w.tax_ids[party]}", *UNKNOWABLE, like=one)
    credit = w.title(-price, party=party, number=w.number("CR2025/"))
    w.line("returned", -price, f"ESTORNO PIX CPF {w.tax_ids[party]}", *UNKNOWABLE, like=credit, account=1, days=9)


def another_by_its_terms(w: World) -> None:
    party = w.party()
    w.title(10_000, party=party, terms=("0.02", "0"), days=30)
    whole = w.title(10_200, party=party, days=70)
    w.line("another by its terms", 10_200, f"PIX CPF {w.tax_ids[party]}", *UNKNOWABLE, like=whole)


def charges_let_go(w: World) -> None:
    one = w.title(1_000_000, party=w.party(), terms=("0.02", "0.01"))
    w.line("charges let go", 1_000_000, f"NF {w.said(one)}", *UNKNOWABLE, like=one, days=20)


def key_of_another_year(w: World) -> None:
    nosso = f"{w.chance.randrange(10**9, 10**10)}"
    one = w.title(w.price(), party=w.party(), nosso=nosso)
    w.line("key of another year", w.titles[one].cents, f"NOSSO NUMERO {nosso}", *UNKNOWABLE, like=one, days=200)


def key_of_two(w: World) -> None:
    nosso = f"{w.chance.randrange(10**9, 10**10)}"
    w.paid(w.price(), party=w.party(), nosso=nosso)
    one = w.title(w.price(), party=w.party(), nosso=nosso)
    w.line("key of two", w.titles[one].cents, f"NOSSO NUMERO {nosso}", *UNKNOWABLE, like=one)


def divided_otherwise(w: World) -> None:
    head, tail = w.chance.randrange(1, 9), w.number("")[2:]
    one = w.title(w.price(), party=w.party(), number=f"NF {head}-{tail[0]}{tail[1:]}")
    text = f"NF {head}{tail[0]}-{tail[1:]}"
    w.line("divided otherwise", w.titles[one].cents, text, *UNKNOWABLE, like=one)


def cut_short(w: World) -> None:
    price = w.price()
    one = w.title(price, party=w.party())
    number = f"INV/2025/{w.serial * 10 + 3:06}"
    w.longer.add(number)
    longer = w.title(price, party=w.party(), number=number)
    w.line("cut short", price, f"PAGTO {w.said(longer)[:-1]}", *UNKNOWABLE, like=one)


def amount_as_number(w: World) -> None:
    price = w.price()
    one = w.title(price, party=w.party(), number=f"{price // 100}")
    reais = f"{price // 100},{price % 100:02}"
    text = w.chance.choice((f"PAGTO FATURA {reais}", f"BOLETO R$ {reais}", f"NF {w.number('')}, {reais}"))
    w.line("an amount", price, text, *UNKNOWABLE, like=one)


def freight(w: World) -> None:
    one = w.title(-w.price(), party=w.party(), number=str(90_000 + w.serial))
    text = w.chance.choice(("FRETE CTE %s", "CT-e %s", "FRETE CT %s")) % w.said(one)
    w.line("freight", w.titles[one].cents, text, *UNKNOWABLE, like=one)


def look_alike(w: World) -> None:
    one = w.title(w.price(), party=w.party(), number=f"1{w.number('')}")
    said = w.said(one)
    text = "NF " + w.chance.choice((said.replace("0", "O"), "I" + said[1:], said[:-1], said + "A"))
    w.line("look-alike", w.titles[one].cents, text, *UNKNOWABLE, like=one)


def piece_of_an_id(w: World) -> None:
    digits = w.tax_ids[w.party()]
    one = w.title(w.price(), party=w.party(), number=digits[:9])
    text = w.chance.choice((f"PIX CPF {digits[:9]}", f"PIX {digits[:3]}.{digits[3:6]}.{digits[6:9]}", f"CPF {digits}"))
    w.line("piece of an id", w.titles[one].cents, text, *UNKNOWABLE, like=one)


def account_number(w: World) -> None:
    one = w.title(w.price(), party=w.party(), number=f"{w.number('')}-7")
    text = w.chance.choice(("TED AG 1234 CONTA %s", "PIX BANCO 237 AG 0001 C/C %s", "DOCTO 7 CONTA N %s"))
    w.line("account number", w.titles[one].cents, text % w.said(one), *UNKNOWABLE, like=one)


def zeros_before(w: World) -> None:
    one = w.title(w.price(), party=w.party(), number=f"NF {10_000 + w.serial}")
    text = w.chance.choice(("NF 0000%s", "NFe %s", "nf. %s")) % w.said(one).removeprefix("NF ")
    w.line("zeros before", w.titles[one].cents, text, one, like=one)


SCENES: Sequence[Callable[[World], None]] = (
    numbered, equal_titles_numbered, equal_titles_by_payer, payer, sum_of_two, sum_of_three, sum_with_credit,
    swapped_dates, part_that_equals_another, prefix, longer_number, date_as_number, telephone, terminal, paid_twice,
    in_two_halves, refund, fee_netted, both_ways, two_numbers_of_one_amount, another_amount_beside, several_named,
    key_with_terms, key_without_reason, own_transfer, series, nobody, payer_of_another, paid_again,
    two_numbers_one_paid, number_not_ours, before_it_was_issued, banks_own_number, somebody_between, pays_for_others,
    bills_of_two_suppliers, branch_of_a_supplier, order_of_another, competence, taken_back, returned,
    another_by_its_terms, charges_let_go, key_of_another_year, key_of_two, divided_otherwise, cut_short,
    amount_as_number, freight, look_alike, piece_of_an_id, account_number, zeros_before,
)  # fmt: skip
CLEAR = {
    "number", "equal amounts, number", "payer", "money in", "money out", "other number beside", "several numbers",
    "key, interest", "series named", "pays for another", "paid before", "order paid before", "bill and payee",
    "zeros before",
}  # fmt: skip


def draw(scenes: int, seed: int = 7) -> World:
    """Every scene in turn, `scenes` of them."""
    world = World(random.Random(seed))  # noqa: S311 (drawn again alike)
    for place in range(scenes):
        SCENES[place % len(SCENES)](world)
    return world


def run(scenes: int, say: Say) -> dict[str, Any]:
    """Scenes into the books, the engine over them, and what it posted against what was drawn."""
    world = draw(scenes)
    say(f"{len(world.titles)} titles, {len(world.lines)} lines")
    bring_in(world)
    made = matching.run()
    found = judge(world)
    again = matching.run()
    return found | {
        "match_s": made.counts["match_s"],
        "post_s": made.counts["post_s"],
        "again_posted": again.counts["posted"],
    }


def bring_in(world: World) -> None:
    """The titles as titles, the lines through statement files, one an account; those of earlier ones are matched."""
    periods.ensure(date(2024, 12, 1), date(2026, 12, 1))
    accounts = plan.accounts_for("receivable", "payable", "customer_advance", "sales", "other_expense")
    journals = titles.journals()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM core_party")
        base = cursor.fetchone()[0] + 1
        with cursor.copy("COPY core_party (id, kind, name, tax_id, email, phone, version) FROM STDIN") as copy:
            for place, tax_id in enumerate(world.tax_ids):
                copy.write_row((base + place, "person", f"Pessoa {place}", tax_id, "", "", 1))
        cursor.execute("SELECT setval(pg_get_serial_sequence('core_party', 'id'), (SELECT max(id) FROM core_party))")
        titles.begin_titles(cursor)
        columns = (
            "key, direction, kind, number, party_id, account_id, against_id, journal_id, issued_on, origin,"
            " fine_rate, interest_rate"
        )
        with cursor.copy(f"COPY incoming_title ({columns}) FROM STDIN") as copy:
            for place, title in enumerate(world.titles):
                credit = title.number.startswith("CR")
                owed = credit or title.cents > 0
                control = "customer_advance" if credit else "receivable" if owed else "payable"
                copy.write_row(
                    (place, "receivable" if owed else "payable", "credit" if credit else title.kind, title.number,
                     base + title.party, accounts[control], accounts["sales" if owed else "other_expense"],
                     journals["sales" if owed else "purchases"], title.issued, str(place), *title.terms)
                )  # fmt: skip
        with cursor.copy("COPY incoming_instalment (title_key, seq, due_on, amount) FROM STDIN") as copy:
            for place, title in enumerate(world.titles):
                copy.write_row((place, 1, title.due, Decimal(title.cents) / 100))
        with cursor.copy("COPY incoming_key (title_key, kind, value) FROM STDIN") as copy:
            for place, title in enumerate(world.titles):
                if title.nosso:
                    copy.write_row((place, "nosso", title.nosso))
        titles.issue_set(cursor)
    banks = [plan.open_bank_account(name=f"Banco {account}", number=f"1000{account}") for account in (0, 1)]
    for is_early in (True, False):
        for account, bank in enumerate(banks):
            lines = [(place, line) for place, line in enumerate(world.lines) if line.account == account]
            _import(bank, [(place, line) for place, line in lines if line.is_early == is_early])
        if is_early:
            matching.run()


def _import(bank: BankAccount, lines: list[tuple[int, Line]]) -> None:
    if not lines:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "statement.ofx"
        rows = "".join(
            f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{line.on:%Y%m%d}<TRNAMT>{Decimal(line.cents) / 100}<FITID>L{place}X"
            f"<MEMO>{line.text}{'<CHECKNUM>' if line.document else ''}{line.document}</STMTTRN>\n"
            for place, line in lines
        )
        path.write_text(
            "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n<OFX><BANKMSGSRSV1><STMTTRNRS>"
            "<STMTRS><CURDEF>BRL<BANKACCTFROM><BANKID>001<ACCTID>" + bank.number + "<ACCTTYPE>CHECKING</BANKACCTFROM>"
            f"<BANKTRANLIST>\n{rows}</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
        )
        statements.import_file(path, bank_account=bank)


_POSTED = """
SELECT substring(l.reference from 'L([0-9]+)X')::bigint, m.stage,
       array_remove(array_agg(t.origin::bigint), NULL)
FROM finance_match m JOIN finance_posting b ON b.entry_id = m.entry_id AND b.role = 'transit'
JOIN finance_statementline l ON l.id = b.line_id
LEFT JOIN finance_posting p ON p.entry_id = m.entry_id AND p.instalment_id IS NOT NULL
LEFT JOIN finance_instalment i ON i.id = p.instalment_id LEFT JOIN finance_title t ON t.id = i.title_id
WHERE m.automatic GROUP BY l.id, m.id
"""


def judge(world: World) -> dict[str, Any]:
    """Counts of lines, and by scene what was posted and what was wrong."""
    with connection.cursor() as cursor:
        cursor.execute(_POSTED)
        posted = {place: frozenset(found) for place, _stage, found in cursor.fetchall()}
        cursor.execute("SELECT count(DISTINCT line_id) FROM finance_suggestion")
        suggested = cursor.fetchone()[0]
    wrong = Counter(world.lines[place].scene for place, found in posted.items() if found != world.lines[place].truth)
    drawn = Counter(line.scene for line in world.lines)
    automatic = Counter(world.lines[place].scene for place in posted)
    clear = sum(count for scene, count in drawn.items() if scene in CLEAR)
    return {
        "lines": len(world.lines),
        "titles": len(world.titles),
        "automatic": len(posted),
        "automatic_right": len(posted) - wrong.total(),
        "wrong": wrong.total(),
        "suggested": suggested,
        "clear": clear,
        "clear_automatic": sum(automatic[scene] for scene in CLEAR),
        "scenes": {scene: [automatic[scene], drawn[scene]] for scene in sorted(drawn)},
        "wrong_scenes": dict(wrong),
    }
