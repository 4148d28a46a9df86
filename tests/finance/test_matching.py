from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finance import matching as kernel
from finance.formats.tokens import document_keys, tokens
from finance.matching import Item, Line, decide
from finance.models import BankAccount, Instalment, Match, MatchRun, Suggestion
from finance.rules import Condition, Part
from finance.services import ledger, matching, plan, rules
from finance.terms import Terms
from tests.factories import world
from tests.factories.banking import bank_account
from tests.factories.books import MAY, year
from tests.factories.people import person

CENT = Decimal("0.01")


# The kernel ---------------------------------------------------------------------------------------------------------


def a_line(pk: int, amount: int, text: str = "", *, days: int = 0, party: int | None = None, **more: Any) -> Line:
    return Line(pk, MAY + timedelta(days=days), Decimal(amount), frozenset(tokens(text)), party, **more)


def an_item(
    pk: int, amount: int, number: str = "", *, party: int = 1, due: date = MAY, keys: Any = (), **more: Any
) -> Item:
    own = {("doc", value) for value in document_keys(number)} | set(keys)
    return Item(pk, party, Decimal(amount), due, frozenset(own), **more)


NUMBERED = an_item(1, 100, "INV/2025/000123")
OTHER_NUMBERED = an_item(2, 100, "INV/2025/000124", party=2)
KEYED = an_item(3, 100, "9001", keys=[("nosso", "777123")])

# name, lines, items, what is posted: line → items
SCENES: list[tuple[str, list[Line], list[Item], dict[int, tuple[int, ...]]]] = [
    ("a number and its amount", [a_line(1, 100, "Payment INV/2025/000123")], [NUMBERED], {1: (1,)}),
    ("equal amounts do not contest a number", [a_line(1, 100, "INV/2025/000123")], [NUMBERED, OTHER_NUMBERED], {1: (1,)}),
    ("two numbers of the amount", [a_line(1, 100, "INV/2025/000123 INV/2025/000124")], [NUMBERED, OTHER_NUMBERED], {}),
    ("a weak number of the amount", [a_line(1, 100, "INV/2025/000123 order 000124")], [NUMBERED, OTHER_NUMBERED], {}),
    (
        "a weak number of another amount",
        [a_line(1, 100, "INV/2025/000123 order 000124")],
        [NUMBERED, an_item(2, 90, "INV/2025/000124")],
        {1: (1,)},
    ),
    ("a weak number alone", [a_line(1, 100, "terminal 000123")], [NUMBERED], {}),
    ("a date is no number", [a_line(1, 100, "PIX 20250123")], [an_item(1, 100, "20250123")], {}),
    ("two lines, one title", [a_line(1, 100, "INV/2025/000123"), a_line(2, 100, "INV/2025/000123")], [NUMBERED], {}),
    ("a prefix is another number", [a_line(1, 100, "INV/2025/00012")], [NUMBERED], {}),
    ("the longer reading", [a_line(1, 100, "A/2025/0001")], [an_item(1, 100, "A/2025/0001"), an_item(2, 100, "B/2025/0001")], {1: (1,)}),
    ("one reading, two titles", [a_line(1, 100, "NF 2025/0001")], [an_item(1, 100, "A/2025/0001"), an_item(2, 100, "B/2025/0001")], {}),
    ("the number, another amount", [a_line(1, 99, "INV/2025/000123")], [NUMBERED], {}),
    ("the sum of what is named", [a_line(1, 150, "NF 123 + NF 124")], [an_item(1, 100, "123"), an_item(2, 50, "124")], {1: (1, 2)}),
    (
        "a sum over two parties",
        [a_line(1, 150, "NF 123 + NF 124")],
        [an_item(1, 100, "123"), an_item(2, 50, "124", party=2)],
        {},
    ),
    ("a key", [a_line(1, 100, "nosso numero 777123")], [KEYED], {1: (3,)}),
    ("a key and its terms", [a_line(1, 103, "nosso numero 777123")], [an_item(3, 100, keys=[("nosso", "777123")], owed={MAY: Decimal(103)})], {1: (3,)}),
    ("a key and no terms", [a_line(1, 103, "nosso numero 777123")], [KEYED], {}),
    ("a key names another title", [a_line(1, 100, "nosso numero 777123 NF 123")], [an_item(1, 100, "123"), an_item(3, 97, keys=[("nosso", "777123")])], {}),
    ("the payer and the amount", [a_line(1, 100, party=1)], [NUMBERED, OTHER_NUMBERED], {1: (1,)}),
    ("the payer, twice the amount", [a_line(1, 100, party=1)], [NUMBERED, KEYED], {}),
    ("the payer, a sum says the same", [a_line(1, 100, party=1)], [NUMBERED, an_item(2, 60), an_item(3, 40)], {}),
    ("the payer, three say the same", [a_line(1, 100, party=1)], [NUMBERED, an_item(2, 60), an_item(3, 30), an_item(4, 10)], {}),
    ("the payer, a credit says the same", [a_line(1, 100, party=1)], [NUMBERED, an_item(2, 130), an_item(3, -30)], {}),
    ("the payer, a year ago", [a_line(1, 100, party=1, days=300)], [NUMBERED], {}),
    ("the payer, another number", [a_line(1, 100, "NF 9001", party=1)], [NUMBERED, an_item(3, 70, "9001", party=1)], {}),
    ("two lines of one payer", [a_line(1, 100, party=1), a_line(2, 100, party=1)], [NUMBERED], {}),
    ("too many to rule out a sum", [a_line(1, 100, party=1)], [NUMBERED, *(an_item(9 + n, 7 + 500 * n) for n in range(41))], {}),
    ("amount and date alone", [a_line(1, 100)], [NUMBERED], {}),
    ("money out pays what we owe", [a_line(1, -100, "NF 5001")], [an_item(1, -100, "5001"), an_item(2, 100, "5001")], {1: (1,)}),
    ("a refund pays no receivable", [a_line(1, -100, "INV/2025/000123")], [NUMBERED], {}),
    ("a line that was undone", [a_line(1, 100, "INV/2025/000123", is_fresh=False)], [NUMBERED], {}),
    ("a trusted rule", [a_line(1, -9, rules=((7, True),))], [], {1: ()}),
    ("a rule on trial", [a_line(1, -9, rules=((7, False),))], [], {}),
    ("two rules", [a_line(1, -9, rules=((7, True), (8, True)))], [], {}),
    ("a rule against a bill of that day", [a_line(1, -9, rules=((7, True),))], [an_item(1, -9)], {}),
    ("a rule against a transfer", [a_line(1, -9, rules=((7, True),)), a_line(2, 9, account=5)], [], {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lines", "items", "expected"), SCENES, ids=[scene[0] for scene in SCENES])
def test_what_contests_what(
    name: str, lines: list[Line], items: list[Item], expected: dict[int, tuple[int, ...]]
) -> None:
    found = {d.claim.line: d.claim.items for d in decide(lines, items) if d.posts}

    assert found == expected


NUMBERS = ("INV/2025/001", "NF/2025/1", "2025/001", "A/2025/001", "1001", "NF 1001", "OS-1001", "20250115", "1001/2")
TEXTS = (
    "Payment %s", "TRF/%s/SEPA", "%s", "fatura %s", "order %s thanks", "PIX", "nosso numero 77710", "NSU 555 %s",
    "CPF 111.444.777-35", "TARIFA PACOTE", "NFs %s, 1001 e 2025/001",
)  # fmt: skip
AMOUNTS = (10, 20, 30, 40, 50)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[bool]]:
    signs = st.sampled_from((1, 1, 1, -1))
    items = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "number": st.sampled_from(NUMBERS),
                    "amount": st.sampled_from(AMOUNTS),
                    "sign": signs,
                    "who": st.integers(0, 2),
                    "due": st.sampled_from((0, 1, 10, 40, -130)),
                    "key": st.sampled_from((None, None, ("nosso", "77710"), ("nsu", "555"))),
                    "late": st.booleans(),
                }
            ),
            max_size=6,
        )
    )
    lines = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "text": st.sampled_from(TEXTS),
                    "number": st.sampled_from(NUMBERS),
                    "amount": st.sampled_from((*AMOUNTS, 60, 70)),
                    "cents": st.sampled_from((0, 0, 0, 20)),
                    "sign": signs,
                    "days": st.sampled_from((0, 1, 3, 30)),
                    "account": st.integers(0, 1),
                    "tax": st.sampled_from(("", "", *world.TAX_IDS)),
                }
            ),
            max_size=5,
        )
    )
    return items, lines, draw(st.lists(st.booleans(), max_size=2))


def build(
    items: list[dict[str, Any]], lines: list[dict[str, Any]], trusted: list[bool], banks: list[BankAccount]
) -> None:
    for one in items:
        world.title(
            one["number"], str(one["sign"] * one["amount"]), who=world.party(one["who"]),
            due=MAY + timedelta(days=one["due"]), keys=(one["key"],) if one["key"] else (),
            terms=Terms(fine_rate=Decimal("0.02")) if one["late"] else None,
        )  # fmt: skip
    for one in lines:
        text = one["text"] % one["number"] if "%s" in one["text"] else one["text"]
        amount = one["sign"] * (one["amount"] + one["cents"] * CENT)
        world.line(text, str(amount), days=one["days"], account=banks[one["account"]], tax=one["tax"])
    for number, trust in enumerate(trusted):
        rule = rules.save(
            name=f"Tarifas {number}", condition=Condition("words", ("tarifa", "pacote")[number], sign="out"),
            template=[Part(plan.account_for("bank_fees").pk, role="fee")], by=None,
        )  # fmt: skip
        rules.switch(rule, by=person(), trusted=trust)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=worlds())
def test_the_database_decides_as_the_kernel(drawn: Any) -> None:
    from django.db import transaction

    with transaction.atomic():
        year()
        build(*drawn, [bank_account("Um"), bank_account("Dois")])
        lines, items = world.as_the_kernel_sees_it()
        expected = {d.claim.line: (d.claim.stage, d.claim.items) for d in decide(lines, items) if d.posts}

        made = matching.run(today=MAY)

        assert world.posted() == expected
        assert made.counts["posted"] == len(expected)
        for row in Suggestion.objects.select_related("line"):
            assert 0 < row.confidence < 1
            total = sum((Decimal(item["amount"]) for item in row.items), Decimal(0))
            assert total == -row.line.open_amount, (row.stage, row.items)
        transaction.set_rollback(True)
