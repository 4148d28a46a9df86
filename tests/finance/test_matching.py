from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backoffice.core import jobs
from backoffice.core.models import Approval, Company, Party
from finance import matching as kernel
from finance.bench import adversary
from finance.formats.tokens import document_keys, part_keys, tokens
from finance.matching import Item, Line, decide
from finance.models import BankAccount, Instalment, Match, MatchRun, Period, StatementLine, Suggestion
from finance.rules import Condition, Part
from finance.services import ledger, matching, plan, proof, reconcile, rules, titles
from finance.services.matching import posting
from finance.terms import Terms
from tests.factories import world
from tests.factories.banking import bank_account, trust
from tests.factories.books import MAY, accounts, receive, year
from tests.factories.people import person

CENT, HIGH = Decimal("0.01"), Decimal(10**6)
DAY = timedelta(days=1)
OWN = frozenset({world.TAX_IDS[0]})
MASKED = frozenset({f"***{world.TAX_IDS[0][3:9]}**"})


# The kernel ---------------------------------------------------------------------------------------------------------


def a_line(pk: int, amount: int, text: str = "", *, days: int = 0, party: int | None = None, **more: Any) -> Line:
    more.setdefault("is_reversal", kernel.speaks_of_reversal(text))
    return Line(pk, MAY + timedelta(days=days), Decimal(amount), frozenset(tokens(text)), party, **more)


def an_item(
    pk: int, amount: int, number: str = "", *, party: int = 1, due: date = MAY, keys: Any = (), **more: Any
) -> Item:
    own = {("doc", value) for value in document_keys(number)} | set(keys)
    own |= {("doc", key) for key in part_keys(number, more["part"][0])} if "part" in more else set()
    return Item(pk, party, Decimal(amount), due, frozenset(own), **more)


NUMBERED = an_item(1, 100, "INV/2025/000123")
OTHER = an_item(2, 100, "INV/2025/000124", party=2)
IN_SERIES = [an_item(1, 100, "A/2025/0001"), an_item(2, 100, "B/2025/0001")]
FIFTY = an_item(4, 50, "124")
OWED_US = an_item(2, 100, "5001")
NEXT_YEAR = an_item(5, 100, "9002", due=date(2027, 5, 4))
LATE = an_item(3, 100, keys=[("nosso", "777123")], owed={MAY: Decimal(103)})
KEYED = an_item(3, 100, "9001", keys=[("nosso", "777123")])

SEVENTH = an_item(7, 100, "NF 1-123")
THIRDS = [an_item(n, 100, "NF 1234", part=(n, 3)) for n in (2, 3)]
PADDED = [an_item(1, 100, "INV/2025/000012"), an_item(2, 100, "INV/2025/000123")]
SUPPLIERS = an_item(1, -100, "123", party=1, is_payable=True, tax_id=world.TAX_IDS[0])
OURS = an_item(1, 100, "123", tax_id=world.TAX_IDS[0])
STRANGER = frozenset({world.TAX_IDS[1]})
BY_TERMS = an_item(2, 98, owed={MAY: Decimal(100)})

# name, lines, items, what is posted: line → items
SCENES: list[tuple[str, list[Line], list[Item], dict[int, tuple[int, ...]]]] = [
    ("a number and its amount", [a_line(1, 100, "Payment INV/2025/000123")], [NUMBERED], {1: (1,)}),
    ("equal amounts do not contest a number", [a_line(1, 100, "INV/2025/000123")], [NUMBERED, OTHER], {1: (1,)}),
    ("two numbers of the amount", [a_line(1, 100, "INV/2025/000123 INV/2025/000124")], [NUMBERED, OTHER], {}),
    ("a weak number of the amount", [a_line(1, 100, "INV/2025/000123 order 000124")], [NUMBERED, OTHER], {}),
    (
        "a weak number of another amount",
        [a_line(1, 100, "INV/2025/000123 order 000124")],
        [NUMBERED, an_item(2, 90, "INV/2025/000124")],
        {1: (1,)},
    ),
    ("a weak number alone", [a_line(1, 100, "terminal 000123")], [NUMBERED], {}),
    ("a date is no number", [a_line(1, 100, "PIX 20250123")], [an_item(1, 100, "20250123")], {}),
    ("two lines, one title", [a_line(n, 100, "INV/2025/000123") for n in (1, 2)], [NUMBERED], {}),
    ("a prefix is another number", [a_line(1, 100, "INV/2025/00012")], [NUMBERED], {}),
    ("the longer reading", [a_line(1, 100, "A/2025/0001")], IN_SERIES, {1: (1,)}),
    ("one reading, two titles", [a_line(1, 100, "NF 2025/0001")], IN_SERIES, {}),
    ("the number, another amount", [a_line(1, 99, "INV/2025/000123")], [NUMBERED], {}),
    ("the sum of what is named", [a_line(1, 150, "NF 123 + NF 124")], [an_item(1, 100, "123"), FIFTY], {1: (1, 4)}),
    (
        "a sum over two parties",
        [a_line(1, 150, "NF 123 + NF 124")],
        [an_item(1, 100, "123"), an_item(4, 50, "124", party=2)],
        {},
    ),
    ("a key", [a_line(1, 100, "nosso numero 777123")], [KEYED], {1: (3,)}),
    ("a key and its terms", [a_line(1, 103, "nosso numero 777123")], [LATE], {1: (3,)}),
    ("a key and no terms", [a_line(1, 103, "nosso numero 777123")], [KEYED], {}),
    (
        "a key names another title",
        [a_line(1, 100, "nosso numero 777123 NF 123")],
        [an_item(1, 100, "123"), an_item(3, 97, keys=[("nosso", "777123")])],
        {},
    ),
    ("the payer and the amount", [a_line(1, 100, party=1)], [NUMBERED, OTHER], {1: (1,)}),
    ("the payer, twice the amount", [a_line(1, 100, party=1)], [NUMBERED, KEYED], {}),
    ("the payer, again in a year", [a_line(1, 100, party=1)], [NUMBERED, NEXT_YEAR], {}),
    ("the payer, a sum says the same", [a_line(1, 100, party=1)], [NUMBERED, an_item(2, 60), an_item(3, 40)], {}),
    (
        "the payer, three say the same",
        [a_line(1, 100, party=1)],
        [NUMBERED, an_item(2, 60), an_item(3, 30), an_item(4, 10)],
        {},
    ),
    ("the payer, a credit says the same", [a_line(1, 100, party=1)], [NUMBERED, an_item(2, 130), an_item(3, -30)], {}),
    ("the payer, a year ago", [a_line(1, 100, party=1, days=300)], [NUMBERED], {}),
    ("the payer, another number", [a_line(1, 100, "NF 9001", party=1)], [NUMBERED, an_item(3, 70, "9001")], {}),
    ("two lines of one payer", [a_line(n, 100, party=1) for n in (1, 2)], [NUMBERED], {}),
    (
        "too many to rule out a sum",
        [a_line(1, 100, party=1)],
        [NUMBERED, *(an_item(9 + n, 7 + 500 * n) for n in range(kernel.SUMMED + 1))],
        {},
    ),
    ("amount and date alone", [a_line(1, 100)], [NUMBERED], {}),
    ("money out pays what we owe", [a_line(1, -100, "NF 5001")], [an_item(1, -100, "5001"), OWED_US], {1: (1,)}),
    ("a refund pays no receivable", [a_line(1, -100, "INV/2025/000123")], [NUMBERED], {}),
    ("a line that was undone", [a_line(1, 100, "INV/2025/000123", is_fresh=False)], [NUMBERED], {}),
    ("a trusted rule", [a_line(1, -9, rules=((7, True),))], [], {1: ()}),
    ("a rule on trial", [a_line(1, -9, rules=((7, False),))], [], {}),
    ("two rules", [a_line(1, -9, rules=((7, True), (8, True)))], [], {}),
    ("a rule against a bill of that day", [a_line(1, -9, rules=((7, True),))], [an_item(1, -9)], {}),
    (
        "a rule against a title of the payer, long overdue",
        [a_line(1, 100, party=1, rules=((7, True),))],
        [an_item(1, 100, due=MAY - timedelta(days=130))],
        {},
    ),
    (
        "a rule and a title of another payer",
        [a_line(1, 100, party=2, rules=((7, True),))],
        [an_item(1, 100, due=MAY - timedelta(days=130))],
        {1: ()},
    ),
    ("a rule against a transfer", [a_line(1, -9, rules=((7, True),)), a_line(2, 9, account=5)], [], {}),
    ("the payer, a number we do not know", [a_line(1, 100, "NF 9001", party=1)], [NUMBERED], {}),
    ("the payer, a boleto we do not know", [a_line(1, 100, "nosso numero 5551", party=1)], [NUMBERED], {}),
    ("the payer, an order he speaks of", [a_line(1, 100, "PEDIDO 9001", party=1)], [NUMBERED], {}),
    ("the payer and what a bank numbers", [a_line(1, 100, "PIX 9001", party=1)], [NUMBERED], {1: (1,)}),
    ("a rule, a number we do not know", [a_line(1, -9, "NF 9001", rules=((7, True),))], [], {}),
    ("the payer, before the title was", [a_line(1, 100, party=1)], [an_item(1, 100, issued_on=MAY + DAY)], {}),
    ("a number before the title was", [a_line(1, 100, "NF 123")], [an_item(1, 100, "123", issued_on=MAY + DAY)], {}),
    (
        "an order is paid before it is issued",
        [a_line(1, 100, "PEDIDO 123")],
        [an_item(1, 100, "123", issued_on=MAY + DAY, is_order=True)],
        {1: (1,)},
    ),
    ("a key far from its title's days", [a_line(1, 100, "nosso numero 777123", days=130)], [KEYED], {}),
    (
        "a key and a number far from their days",
        [a_line(1, 100, "nosso numero 777123 NF 9001", days=130)],
        [KEYED],
        {1: (3,)},
    ),
    ("a bill of that number, another payee", [a_line(1, -100, "NF 123", tax_ids=STRANGER)], [SUPPLIERS], {}),
    ("a bill of that number and payee", [a_line(1, -100, "NF 123", tax_ids=OWN)], [SUPPLIERS], {1: (1,)}),
    ("a bill, the payee is masked", [a_line(1, -100, "NF 123", tax_ids=MASKED)], [SUPPLIERS], {1: (1,)}),
    ("our number, paid by another", [a_line(1, 100, "NF 123", tax_ids=STRANGER)], [OURS], {1: (1,)}),
    ("an order's number, paid by another", [a_line(1, 100, "PEDIDO 123", tax_ids=STRANGER)], [OURS], {}),
    ("digits divided otherwise", [a_line(1, 100, "NF 11-23")], [SEVENTH], {}),
    ("digits divided alike", [a_line(1, 100, "NF 1-123")], [SEVENTH], {1: (7,)}),
    ("cut short of another", [a_line(1, 100, "INV/2025/00012")], PADDED, {}),
    ("one digit more than another", [a_line(1, 100, "INV/2025/0000123")], PADDED, {}),
    ("zeros left out, and none longer", [a_line(1, 100, "INV/2025/123")], PADDED, {1: (2,)}),
    ("one part said, another open", [a_line(1, 100, "NF 1234 PARC 1/3")], THIRDS[:1], {}),
    ("one part said and open", [a_line(1, 100, "NF 1234 PARC 2/3")], THIRDS[:1], {1: (2,)}),
    ("taken back", [a_line(1, 100, "NF 123"), a_line(2, -100, "ESTORNO NF 123", days=1)], [OURS], {}),
    ("taken back without a name", [a_line(1, 100, "NF 123"), a_line(2, -100, "ESTORNO", days=1)], [OURS], {}),
    (
        "another is taken back",
        [a_line(1, 100, "NF 123"), a_line(2, -100, "ESTORNO NF 124", days=1)],
        [OURS],
        {1: (1,)},
    ),
    ("taken back in another week", [a_line(1, 100, "NF 123"), a_line(2, -100, "ESTORNO", days=9)], [OURS], {1: (1,)}),
    ("what comes back is no payment", [a_line(1, 100, "TED DEVOLVIDA", party=1, is_reversal=True)], [NUMBERED], {}),
    ("a rule for what comes back", [a_line(1, 9, rules=((7, True),), is_reversal=True)], [], {}),
    (
        "a rule that says so",
        [a_line(1, 9, rules=((7, True),), is_reversal=True, reversed_by=frozenset({7}))],
        [],
        {1: ()},
    ),
    ("a second person is asked", [a_line(1, 100, "NF 123", waits=True)], [OURS], {}),
    ("a second person is asked about the title", [a_line(1, 100, "NF 123")], [an_item(1, 100, "123", waits=True)], {}),
    ("charges beyond the limit", [a_line(1, 100, "NF 123")], [an_item(1, 100, "123", charges={MAY: Decimal(11)})], {}),
    (
        "charges within the limit",
        [a_line(1, 100, "NF 123")],
        [an_item(1, 100, "123", charges={MAY: Decimal(10)})],
        {1: (1,)},
    ),
    ("the payer, another title by its terms", [a_line(1, 100, party=1)], [NUMBERED, BY_TERMS], {}),
    ("who pays for others", [a_line(1, 100, party=1, pays_for_others=True)], [NUMBERED], {}),
]


@pytest.mark.parametrize(("name", "lines", "items", "expected"), SCENES, ids=[scene[0] for scene in SCENES])
def test_what_contests_what(
    name: str, lines: list[Line], items: list[Item], expected: dict[int, tuple[int, ...]]
) -> None:
    found = {d.claim.line: d.claim.items for d in decide(lines, items, limit=Decimal(10)) if d.posts}

    assert found == expected


@pytest.mark.parametrize(
    ("name", "text", "party", "paid", "items", "expected"),
    [
        ("paid twice, by the payer", "NF 77", 1, [an_item(9, 100, "NF 77")], [NUMBERED], {}),
        ("a letter's number, paid", "OS-77", 1, [an_item(9, 100, "OS-77")], [NUMBERED], {}),
        ("two numbers, one paid", "NF 77 NF 123", None, [an_item(9, 100, "NF 77")], [an_item(1, 100, "123")], {}),
        ("two numbers, one paid otherwise", "NF 77 NF 123", None, [an_item(9, 70, "NF 77")], [OURS], {1: (1,)}),
        ("a number that comes back each month", "NF 123", None, [an_item(9, 100, "123")], [OURS], {1: (1,)}),
        ("a number of two suppliers", "NF 123", None, [an_item(9, 100, "123", party=2)], [OURS], {}),
        ("a key of a paid title", "NF 123 NSU 5551", None, [an_item(9, 70, keys=[("nsu", "5551")])], [OURS], {}),
    ],
)
def test_what_is_paid_already_is_named_too(
    name: str, text: str, party: int | None, paid: list[Item], items: list[Item], expected: dict[int, tuple[int, ...]]
) -> None:
    found = decide([a_line(1, 100, text, party=party)], items, paid)

    assert {d.claim.line: d.claim.items for d in found if d.posts} == expected


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({"11144477735"}, 1),
        ({"11144477735", "52998224725"}, None),
        ({"11144477735", "12ABC34501DE35"}, None),
        ({"11144477735", "10573521000191"}, 1),
        ({"11144477735", "***444777**"}, 1),
        ({"11144477735", "***982247**"}, None),
        ({"***444777**"}, None),
        (set(), None),
    ],
)
def test_a_payer_is_the_only_one_that_a_line_shows(ids: set[str], expected: int | None) -> None:
    known = {"11144477735": 1, "12ABC34501DE35": 2}

    assert kernel.payer(kernel.shown(ids, "10573521000272"), known) == expected


NUMBERS = (
    "INV/2025/001", "NF/2025/1", "2025/001", "A/2025/001", "1001", "NF 1001", "OS-1001", "20250115", "1001/2",
    "INV/2025/011", "NF 1-001",
)  # fmt: skip
TEXTS = (
    "Payment %s", "TRF/%s/SEPA", "%s", "fatura %s", "order %s thanks", "PIX", "nosso numero 77710", "NSU 555 %s",
    "CPF 111.444.777-35", "TARIFA PACOTE", "NFs %s, 1001 e 2025/001", "ESTORNO", "TARIFA ESTORNO %s", "pedido %s",
    "NF %s PARC 1/2", "NF 9001", "PIX ***.444.777-**", "NF %s CPF 529.982.247-25", "NF 10-01", "INV/2025/01",
    "CPF 111.444.777-35 CNPJ 11.222.333/0001-81",
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
                    "issued": st.sampled_from((-100, -100, 1)),
                    "kind": st.sampled_from(("invoice", "order")),
                    "parts": st.sampled_from((1, 1, 2)),
                    "paid": st.sampled_from((False, False, True)),
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
                    "asked": st.sampled_from((False, False, False, True)),
                }
            ),
            max_size=5,
        )
    )
    return items, lines, draw(st.lists(st.booleans(), max_size=3))


def build(
    items: list[dict[str, Any]], lines: list[dict[str, Any]], trusted: list[bool], banks: list[BankAccount]
) -> None:
    Company.objects.create(pk=1, name="Nós", cnpj="11222333000181", waive_limit=Decimal("0.50"))
    Party.objects.filter(pk=world.party(2).pk).update(is_intermediary=True)
    made = []
    for one in items:
        part = world.title(
            one["number"], str(one["sign"] * one["amount"]), who=world.party(one["who"]),
            due=MAY + timedelta(days=one["due"]), keys=(one["key"],) if one["key"] else (),
            terms=Terms(fine_rate=Decimal("0.02")) if one["late"] else None, kind=one["kind"],
            issued=MAY + timedelta(days=one["issued"]), parts=one["parts"],
        )  # fmt: skip
        made.append(part)
        if one["paid"]:
            receive(part, str(part.balance))
    for one in lines:
        text = one["text"] % one["number"] if "%s" in one["text"] else one["text"]
        amount = one["sign"] * (one["amount"] + one["cents"] * CENT)
        line = world.line(text, str(amount), days=one["days"], account=banks[one["account"]], tax=one["tax"])
        if one["asked"]:
            part = next((row for row in made if row.pk), None)
            against = (
                {"kind": "instalment", "id": part.pk, "amount": "-1"} if part else {"kind": "account", "amount": "-1"}
            )
            Approval.objects.create(
                kind="finance.match", subject=line.ref, right="finance.match.approve", title="?", asked_by=person(),
                data={"lines": [[line.pk, str(amount)]], "items": [against]},
            )  # fmt: skip
    for number, trust_it in enumerate(trusted):
        rule = rules.save(
            name=f"Tarifas {number}",
            condition=Condition("words", ("tarifa", "pacote", "estorno")[number], "out", most=HIGH),
            template=[Part(plan.account_for("bank_fees").pk, role="fee")], by=None,
        )  # fmt: skip
        if trust_it:
            trust(rule)


# A bill of 130 days ago whose payer and amount a fee's line has too, and a trusted rule for that fee.
OVERDUE = (
    [
        {
            "number": "1001", "amount": 10, "sign": -1, "who": 0, "due": -130, "key": None, "late": False,
            "issued": -100, "kind": "invoice", "parts": 1, "paid": False,
        }
    ],
    [
        {
            "text": "TARIFA PACOTE", "number": "", "amount": 10, "cents": 0, "sign": -1, "days": days, "account": 0,
            "tax": tax, "asked": False,
        }
        for days, tax in ((0, world.TAX_IDS[0]), (3, ""))
    ],
    [True],
)  # fmt: skip


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=worlds())
@example(drawn=OVERDUE)
def test_the_database_decides_as_the_kernel(drawn: Any) -> None:
    with transaction.atomic():
        year()
        build(*drawn, [bank_account("Um"), bank_account("Dois")])
        seen = world.as_the_kernel_sees_it()
        expected = {d.claim.line: (d.claim.stage, d.claim.items) for d in decide(**seen) if d.posts}

        made = matching.run(today=MAY)

        assert world.posted() == expected
        assert made.counts["posted"] == len(expected)
        for row in Suggestion.objects.select_related("line"):
            assert 0 < row.confidence < 1
            total = sum((Decimal(item["amount"]) for item in row.items), Decimal(0))
            assert total == -row.line.open_amount, (row.stage, row.items)
        transaction.set_rollback(True)


# Runs ---------------------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> BankAccount:
    year()
    return bank_account("Banco")


class Interrupted(jobs.Quiet):
    """Work that is cancelled when it asks for the nth time."""

    def __init__(self, after: int) -> None:
        self.left = after

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise jobs.Cancelled


def numbered(bank: BankAccount, count: int) -> None:
    for n in range(count):
        world.title(f"NF-{7000 + n}", "100.00")
        world.line(f"pagto NF-{7000 + n}", "100.00", account=bank)


def test_a_match_takes_the_line_out_of_transit_and_settles_the_title(bank: BankAccount) -> None:
    part, line = world.title("INV/2026/000123", "100.00"), world.line("INV/2026/000123", "100.00", account=bank, days=3)

    made = matching.run(today=MAY)

    part.refresh_from_db()
    line.refresh_from_db()
    match = Match.objects.get()
    assert (part.balance, part.settled_on, line.open_amount) == (0, line.on, 0)
    assert (match.stage, match.confidence, match.automatic, match.run) == ("S2", Decimal("0.97"), True, made)
    assert match.entry.on == line.on
    assert [signal["key"] for signal in match.evidence["signals"]] == ["document", "amount", "days"]


def test_the_undoing_of_a_match_restores_everything_and_stays_undone(bank: BankAccount) -> None:
    part, line = world.title("NF 555", "100.00"), world.line("NF 555", "100.00", account=bank)
    matching.run(today=MAY)

    ledger.reverse(entry=Match.objects.get().entry_id, on=MAY)
    matching.run(today=MAY)

    part.refresh_from_db()
    line.refresh_from_db()
    assert (part.balance, line.open_amount) == (Decimal(100), Decimal(100))
    assert Suggestion.objects.get(line=line).evidence["contests"] == ["worked_on"]


def test_what_was_undone_stays_undone_when_its_line_comes_again_with_another_import(bank: BankAccount) -> None:
    world.title("NF 555", "100.00")
    seldom = world.title("NF 556", "100.00")
    first = world.line("NF 555", "100.00", account=bank)
    matching.run(today=MAY)
    ledger.reverse(entry=Match.objects.get().entry_id, on=MAY)
    ledger.reverse(entry=first.postings.get(role="bank").entry_id, on=MAY)
    StatementLine.objects.filter(pk=first.pk).update(is_void=True)
    again = world.line("NF 555", "100.00", account=bank, key=first.key)
    world.line("NF 556", "100.00", account=bank, key=first.key, occurrence=2)
    seen = world.as_the_kernel_sees_it()

    made = matching.run(today=MAY)

    assert made.counts["posted"] == sum(d.posts for d in decide(**seen)) == 1
    assert Suggestion.objects.get(line=again).evidence["contests"] == ["worked_on"]
    seldom.refresh_from_db()
    assert seldom.balance == 0


def test_a_difference_by_the_terms_is_posted_line_by_line(bank: BankAccount) -> None:
    part = world.title(
        "NF 1", "1000.00", due=date(2026, 3, 10), issued=date(2026, 2, 10), keys=(("nosso", "777123"),),
        terms=Terms(fine_rate=Decimal("0.02"), interest_rate=Decimal("0.01")),
    )  # fmt: skip
    world.line("NOSSO NUMERO 777123", "1030.00", account=bank, days=-25)

    matching.run(today=MAY)

    match = Match.objects.get()
    assert match.stage == "S1b"
    assert {(p.role, p.amount) for p in match.entry.postings.all()} == {
        ("transit", Decimal(1030)),
        ("principal", Decimal(-1000)),
        ("fine", Decimal(-20)),
        ("interest", Decimal(-10)),
    }
    part.refresh_from_db()
    assert part.balance == 0


def test_a_second_run_finds_nothing_new(bank: BankAccount) -> None:
    numbered(bank, 3)
    matching.run(today=MAY)

    again = matching.run(today=MAY)

    assert (again.counts["posted"], Match.objects.count()) == (0, 3)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("chunks", [1, 2])
def test_what_was_posted_before_a_stop_stays_and_the_rest_follows(
    bank: BankAccount, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    monkeypatch.setattr(posting, "CHUNK", 2)
    numbered(bank, 5)
    with pytest.raises(jobs.Cancelled):
        matching.run(today=MAY, work=Interrupted(after=1 + chunks))
    assert (Match.objects.count(), MatchRun.objects.get().state) == (2 * chunks, "stopped")

    matching.run(today=MAY)

    assert Match.objects.count() == 5
    assert not Instalment.objects.exclude(balance=0).exists()


@pytest.mark.django_db(transaction=True)
def test_two_connections_post_what_one_would(bank: BankAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SHARED_FROM", 4)
    monkeypatch.setattr(posting, "CHUNK", 2)
    numbered(bank, 9)

    made = matching.run(today=MAY)

    assert (made.counts["posted"], Match.objects.filter(run=made).count()) == (9, 9)
    assert not Instalment.objects.exclude(balance=0).exists()
    assert proof.verify().first_bad is None


@pytest.mark.django_db(transaction=True)
def test_what_breaks_beside_us_stops_the_run_and_the_next_one_goes_on(
    bank: BankAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SHARED_FROM", 4)
    monkeypatch.setattr(posting, "CHUNK", 1)
    numbered(bank, 12)
    real = posting._post_chunk

    def breaks(cursor: Any, run: MatchRun, low: int, high: int, **more: Any) -> int:
        if low == 8:
            raise OSError("the line is cut")
        return real(cursor, run, low, high, **more)

    monkeypatch.setattr(posting, "_post_chunk", breaks)
    with pytest.raises(OSError, match="cut"):
        matching.run(today=MAY)
    monkeypatch.setattr(posting, "_post_chunk", real)
    assert MatchRun.objects.get().state == "stopped"
    assert 2 <= Match.objects.count() < 12

    matching.run(today=MAY)

    assert Match.objects.count() == 12
    assert proof.verify().first_bad is None


def test_what_changed_since_it_was_decided_is_left_alone(bank: BankAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    numbered(bank, 2)
    first = Instalment.objects.order_by("pk")[0]
    prepare = posting.prepare

    def meanwhile(cursor: Any, **more: Any) -> int:
        total = prepare(cursor, **more)
        receive(first, "40.00")
        return total

    monkeypatch.setattr(posting, "prepare", meanwhile)
    made = matching.run(today=MAY)

    assert (made.counts["posted"], made.counts["changed"]) == (1, 1)
    first.refresh_from_db()
    assert first.balance == Decimal(60)


def test_what_a_person_set_aside_since_it_was_decided_is_left_alone(
    bank: BankAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered(bank, 2)
    line = StatementLine.objects.order_by("pk")[0]
    prepare = posting.prepare

    def meanwhile(cursor: Any, **more: Any) -> int:
        total = prepare(cursor, **more)
        reconcile.ignore(line_id=line.pk, reason="not ours", by=person())
        return total

    monkeypatch.setattr(posting, "prepare", meanwhile)
    made = matching.run(today=MAY)

    assert (made.counts["posted"], made.counts["changed"]) == (1, 1)
    line.refresh_from_db()
    assert line.open_amount == line.amount


def test_the_part_that_a_text_names_is_the_one_that_is_paid(bank: BankAccount) -> None:
    for number in ("NF 1234", "NF 2025"):
        titles.issue(
            direction="receivable", kind="invoice", number=number, party=world.party(0), issued_on=MAY,
            instalments=[titles.Part(MAY + timedelta(days=30 * n), Decimal(100)) for n in range(3)],
            against=[ledger.Line(accounts()[1], Decimal(-300))],
        )  # fmt: skip
    world.line("PAGTO NF 1234/2", "100.00", account=bank)
    for text in ("NF 12342", "NF 2025/1"):
        world.line(text, "100.00", account=bank)

    matching.run(today=MAY)

    (paid,) = Instalment.objects.filter(balance=0).select_related("title")
    assert str(paid) == "NF 1234/2"


def test_what_the_books_refuse_does_not_stop_the_others(bank: BankAccount) -> None:
    fees = plan.account_for("acquirer_fees")
    rule = rules.save(
        name="Tarifa", condition=Condition("words", "tarifa", "out", most=HIGH), template=[Part(fees.pk)], by=None
    )
    trust(rule)
    type(fees).objects.filter(pk=fees.pk).update(is_active=False)
    numbered(bank, 3)
    world.line("TARIFA PACOTE", "-9.90", account=bank)

    made = matching.run(today=MAY)

    assert (made.counts["posted"], made.counts["refused"]) == (3, 1)


def test_a_line_of_a_closed_month_is_posted_today(bank: BankAccount) -> None:
    world.title("NF 555", "100.00", issued=MAY - timedelta(days=40))
    world.line("NF 555", "100.00", account=bank, days=-31)
    Period.objects.filter(starts_on__lt=date(2026, 5, 1)).update(state="soft")

    matching.run(today=MAY)

    assert Match.objects.get().entry.on == MAY


def test_another_accounts_line_contests_though_only_one_account_is_matched(bank: BankAccount) -> None:
    world.title("NF 555", "100.00")
    world.line("NF 555", "100.00", account=bank)
    world.line("NF 555", "100.00", account=bank_account("Outro"))

    assert matching.run(bank_account=bank, today=MAY).counts["posted"] == 0


def test_who_paid_for_another_is_asked_about(bank: BankAccount) -> None:
    mine, other = world.party(0), world.party(1)
    theirs = world.title("NF 1", "70.00", who=other)
    passed = world.line("PIX", "70.00", account=bank, tax=mine.tax_id)
    made = reconcile.match(
        lines=[(passed.pk, passed.amount)],
        items=[reconcile.Item("instalment", Decimal(-70), theirs.pk)],
        by=person("finance_manager"),  # a clerk would have to ask
    )
    part = world.title("NF 2", "100.00", who=mine)
    line = world.line("PIX", "100.00", account=bank, tax=mine.tax_id)
    assert not [d for d in decide(**world.as_the_kernel_sees_it()) if d.posts]

    matching.run(today=MAY)

    assert Suggestion.objects.get(line=line).evidence["contests"] == ["pays_for_others"]
    ledger.reverse(entry=made.entry_id, on=MAY)
    matching.run(today=MAY)
    part.refresh_from_db()
    assert part.balance == 0


def test_an_intermediary_is_never_a_payer(bank: BankAccount) -> None:
    mine = world.party(0)
    Party.objects.filter(pk=mine.pk).update(is_intermediary=True)
    world.title("NF 2", "100.00", who=mine)
    world.line("PIX", "100.00", account=bank, tax=mine.tax_id)

    assert matching.run(today=MAY).counts["posted"] == 0


def test_a_payment_and_its_reversal_are_proposed_as_a_pair(bank: BankAccount) -> None:
    world.title("NF 77", "300.00")
    paid = world.line("PIX NF 77", "300.00", account=bank)
    back = world.line("ESTORNO PIX NF 77", "-300.00", account=bank, days=1)

    assert matching.run(today=MAY).counts["posted"] == 0

    pairs = {s.line_id: s.items for s in Suggestion.objects.filter(stage="S7")}
    assert pairs == {
        paid.pk: [{"kind": "line", "id": back.pk, "amount": "-300.00"}],
        back.pk: [{"kind": "line", "id": paid.pk, "amount": "300.00"}],
    }
    first = Suggestion.objects.get(line=back, rank=1)
    made = reconcile.accept(suggestion_id=first.pk, by=person("finance_manager"))
    assert not StatementLine.objects.exclude(open_amount=0).exists()
    assert {posting.role for posting in made.entry.postings.all()} == {"transit"}


def test_charges_that_are_let_go_are_said(bank: BankAccount) -> None:
    late = Terms(fine_rate=Decimal("0.02"))
    Company.objects.create(pk=1, name="Nós", waive_limit=Decimal(5))
    for number, amount in (("NF 1001", "100.00"), ("NF 1002", "300.00")):
        world.title(number, amount, due=MAY - 20 * DAY, issued=MAY - 40 * DAY, terms=late)
        world.line(number, amount, account=bank)

    matching.run(today=MAY)

    (made,) = Match.objects.all()
    assert {"key": "waived", "value": "2.00"} in made.evidence["signals"]
    assert Suggestion.objects.get(rank=1).evidence["contests"] == ["charges"]


def test_suggestions_say_what_a_person_would_find(bank: BankAccount) -> None:
    who = world.party(1)
    parts = {
        n: world.title(f"NF {n}", amount, who=who) for n, amount in ((4001, "60.00"), (4002, "30.00"), (4003, "5.00"))
    }
    summed = world.line("PIX", "90.00", account=bank, tax=who.tax_id)
    partly = world.line("NF 4001", "20.00", account=bank)
    over = world.line("NF 4003", "7.00", account=bank)
    named = world.line("TED", "30.00", account=bank, payer="CLIENTE 1 COMERCI")
    moved = [world.line("TRANSF", a, account=b) for a, b in (("77.00", bank), ("-77.00", bank_account("Dois")))]

    matching.run(today=MAY)

    first = {s.line_id: s for s in Suggestion.objects.filter(rank=1)}
    assert (first[summed.pk].stage, {i["id"] for i in first[summed.pk].items}) == (
        "S4",
        {parts[4001].pk, parts[4002].pk},
    )
    assert first[partly.pk].items == [{"kind": "instalment", "id": parts[4001].pk, "amount": "-20.00"}]
    assert first[over.pk].items[1] == {"kind": "advance", "party": who.pk, "amount": "-2.00"}
    assert (first[named.pk].stage, first[named.pk].confidence) == ("S5", Decimal("0.80"))
    assert first[moved[0].pk].items == [{"kind": "line", "id": moved[1].pk, "amount": "-77.00"}]
    for suggestion in first.values():
        assert len(suggestion.evidence["signals"]) >= 2


def test_nothing_wrong_is_posted_where_every_scene_misleads() -> None:
    drawn = adversary.draw(3 * len(adversary.SCENES))
    adversary.bring_in(drawn)

    matching.run(today=MAY)
    found = adversary.judge(drawn)

    assert found["wrong_scenes"] == {}
    assert found["clear_automatic"] == found["clear"] > 20


def test_a_statement_that_came_in_is_matched_by_a_worker(bank: BankAccount) -> None:
    first, second = matching.ask(), matching.ask(by=person())

    assert first == second
    assert jobs.kinds()[matching.JOB]
