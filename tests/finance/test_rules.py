from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.core.models import Approval
from backoffice.core.services import approvals
from finance.models import BankAccount, CostCentre, Match, MatchRule, MatchRuleVersion, StatementLine, Suggestion
from finance.rules import Condition, Part, WrongRule, folded, proposed_pattern, spread, template_of
from finance.services import ledger, matching, plan, rules, second_person
from finance.services.reconcile import Item, match
from tests.factories import world
from tests.factories.banking import bank_account, line, trust
from tests.factories.books import MAY, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db
CENT, HIGH = Decimal("0.01"), Decimal(1000)


@pytest.fixture
def bank() -> BankAccount:
    year()
    return bank_account("Banco")


def fees() -> int:
    return plan.account_for("bank_fees").pk


def tariff(most: str = "50.00") -> MatchRule:
    condition = Condition("words", "tarifa pacote", sign="out", most=Decimal(most))
    return rules.save(
        name="Tarifas", condition=condition,
        template=[Part(fees(), role="fee")], by=None,
    )  # fmt: skip


# The kernel ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "pattern", "fits"),
    [
        ("contains", "arifa pac", True),
        ("words", "pacote tarifa", True),
        ("words", "taríf", False),
        ("words", "TARIFA", True),
        ("starts", "débito tarifa", True),
        ("starts", "tarifa", False),
        ("exact", "debito tarifa pacote jan 01 banco", True),
        ("exact", "debito tarifa pacote", False),
    ],
)
def test_a_condition_reads_words_not_signs(how: str, pattern: str, fits: bool) -> None:
    condition = Condition(how, pattern)

    assert (
        condition.fits(text="DÉBITO-TARIFA  PACOTE Jan/01", payer="Banco", amount=Decimal(-9), bank_account=1) is fits
    )


def test_amount_direction_and_account_narrow_a_rule() -> None:
    rule = Condition("words", "tarifa", sign="out", least=Decimal(5), most=Decimal(10), bank_account=3)

    def fits(amount: str, account: int = 3) -> bool:
        return rule.fits(text="tarifa", payer="", amount=Decimal(amount), bank_account=account)

    assert [fits("-5.00"), fits("-10.00"), fits("-4.99"), fits("-10.01"), fits("7.00"), fits("-7.00", 4)] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "facts",
    [
        {"how": "like", "pattern": "abc"},
        {"how": "words", "pattern": "a!"},
        {"how": "words", "pattern": "abc", "sign": "up"},
    ],
)
def test_a_condition_that_says_nothing_is_refused(facts: dict[str, str]) -> None:
    with pytest.raises(WrongRule):
        Condition(**facts)


@given(amount=st.integers(-(10**9), 10**9).filter(bool), weights=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_what_a_rule_spreads_sums_to_the_line(amount: int, weights: list[int]) -> None:
    shares = [Decimal(w) / sum(weights) for w in weights[:-1]]
    parts = [Part(n, share) for n, share in enumerate([*shares, 1 - sum(shares)], 1)]

    found = spread(amount * CENT, parts)

    assert sum(cents for _part, cents in found) == -amount * CENT
    assert all(cents for _part, cents in found)


def test_shares_sum_to_one() -> None:
    with pytest.raises(WrongRule):
        template_of([{"account": 1, "share": "0.5"}, {"account": 2, "share": "0.4"}])


def test_two_texts_propose_what_they_share() -> None:
    assert proposed_pattern("TARIFA PACOTE 01/2026 REF 881", "Tarifa pacote 02/2026 ref 992") == "tarifa pacote"
    assert proposed_pattern("PIX ANA", "TED 77") == ""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("PIX ENVIADO ANA LIMA", "PIX ENVIADO JOSE REIS"),
        ("PAGTO BOLETO 123 NOV", "PAGTO BOLETO 456 NOV"),
        ("Transferência enviada pelo Pix - Ana", "Transferência enviada pelo Pix - Rui"),
        ("DEBITO AUTOMATICO 1A2B", "DEBITO AUTOMATICO 1A2B"),
    ],
)
def test_words_of_any_bank_line_propose_nothing(first: str, second: str) -> None:
    assert proposed_pattern(first, second) == ""


WORDS = st.sampled_from(["tarifa", "PACOTE", "pix", "ção", "100%", "_x_", "a\\b", "Ünï", "01/26", "'", "-"])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    how=st.sampled_from(["contains", "starts", "words", "exact"]),
    pattern=st.lists(WORDS, min_size=1, max_size=3).map(" ".join),
    texts=st.lists(st.lists(WORDS, max_size=4).map(" ".join), min_size=1, max_size=4),
)
def test_the_database_fits_as_the_kernel(how: str, pattern: str, texts: list[str]) -> None:
    try:
        condition = Condition(how, pattern)
    except WrongRule:
        return
    clause, values = rules.where(condition)
    with connection.cursor() as cursor:
        for text in texts:
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM (SELECT %s AS text, '' AS payer, -1.00 AS amount, 1 AS bank_account_id,"
                f" false AS is_void) l WHERE {clause})",
                [text, *values],
            )
            assert cursor.fetchone()[0] is condition.fits(text=text, payer="", amount=Decimal(-1), bank_account=1), (
                folded(text)
            )


# Rules at work ------------------------------------------------------------------------------------------------------


def test_a_new_rule_suggests_and_a_trusted_one_posts(bank: BankAccount) -> None:
    rule, paid = tariff(), world.line("TARIFA PACOTE 05", "-29.90", account=bank)

    matching.run(today=MAY)

    suggested = Suggestion.objects.get(line=paid)
    assert suggested.items == [{"kind": "account", "account": fees(), "role": "fee", "amount": "29.90"}]
    trust(rule)
    matching.run(today=MAY)
    made = Match.objects.get()
    assert (made.stage, made.automatic, made.rule_version) == ("S6", True, rule.versions.get())
    assert made.evidence["signals"][0] == {"key": "rule", "value": "Tarifas", "version": 1}
    assert not Suggestion.objects.exists()


def test_a_rule_shares_a_line_to_the_cent(bank: BankAccount) -> None:
    other, centre = plan.account_for("acquirer_fees").pk, CostCentre.objects.create(code="1", name="Loja")
    parts = [
        Part(fees(), Decimal("0.333")),
        Part(other, Decimal("0.333")),
        Part(fees(), Decimal("0.334"), cost_centre=centre.pk),
    ]
    rule = rules.save(name="Três", condition=Condition("words", "rateio", "out", most=HIGH), template=parts, by=None)
    world.line("RATEIO", "-10.01", account=bank)
    matching.run(today=MAY)
    suggested = [Decimal(item["amount"]) for item in Suggestion.objects.get().items]

    trust(rule)
    matching.run(today=MAY)

    posted = [p.amount for p in Match.objects.get().entry.postings.order_by("seq") if not p.line_id]
    assert posted == suggested == [cents for _part, cents in spread(Decimal("-10.01"), parts)]


def test_a_changed_rule_is_a_new_version_and_loses_its_trust(bank: BankAccount) -> None:
    rule = tariff()
    trust(rule)

    changed = rules.save(
        name="Tarifas", condition=Condition("words", "tarifa"), template=[Part(fees())], by=person(), rule=rule
    )

    assert (changed.is_trusted, list(changed.versions.values_list("number", flat=True).order_by("number"))) == (
        False,
        [1, 2],
    )
    assert [version.number for version in rules.current()] == [2]


@pytest.mark.parametrize("purpose", ["receivable", "banks"])
def test_a_rule_posts_to_no_account_of_titles_and_to_no_group(purpose: str) -> None:
    with pytest.raises(rules.RuleRefused):
        rules.save(
            name="x", condition=Condition("words", "tarifa"), template=[Part(plan.account_for(purpose).pk)], by=None
        )


def test_a_trial_tells_what_was_booked_alike_and_otherwise(bank: BankAccount) -> None:
    clerk = person("finance_manager")
    for text, account in (("TARIFA PACOTE 1", fees()), ("TARIFA PACOTE 2", plan.account_for("other_expense").pk)):
        paid = world.line(text, "-9.00", account=bank)
        match(lines=[(paid.pk, paid.amount)], items=[Item("account", Decimal(9), account)], by=clerk)
    world.line("TARIFA PACOTE 3", "-9.00", account=bank)
    world.line("TARIFA PACOTE 4", "9.00", account=bank)
    before = (StatementLine.objects.count(), Match.objects.count(), MatchRule.objects.count())

    trial = rules.try_out(Condition("words", "tarifa pacote", sign="out"), [Part(fees())])

    assert (trial.hits, trial.open, trial.alike, trial.against) == (3, 1, 1, 1)
    assert len(trial.lines) == 3
    assert (StatementLine.objects.count(), Match.objects.count(), MatchRule.objects.count()) == before


def test_two_equal_decisions_propose_a_rule_out_of_force(bank: BankAccount) -> None:
    manager = person("finance_manager")
    made = []
    for month, amount in (("04", "31.50"), ("05", "29.90")):
        paid = world.line(f"TARIFA PACOTE {month}/2026", f"-{amount}", account=bank)
        made.append(
            match(lines=[(paid.pk, paid.amount)], items=[Item("account", Decimal(amount), fees(), "fee")], by=manager)
        )

    proposed = MatchRule.objects.first() or rules.propose_after(made[1])

    assert proposed is not None
    assert (proposed.is_active, proposed.is_trusted) == (False, False)
    version = proposed.versions.get()
    assert version.condition == {
        "how": "words", "pattern": "tarifa pacote", "sign": "out", "least": "29.90", "most": "31.50",
        "bank_account": bank.pk,
    }  # fmt: skip
    assert version.template == [{"account": fees(), "share": "1", "role": "fee"}]
    assert rules.propose_after(made[1]) is None


def test_an_undone_decision_proposes_nothing(bank: BankAccount) -> None:
    manager = person("finance_manager")
    first = world.line("SEGURO CARRO", "-80.00", account=bank)
    done = match(lines=[(first.pk, first.amount)], items=[Item("account", Decimal(80), fees())], by=manager)
    ledger.reverse(entry=done.entry_id, on=MAY)
    again = world.line("SEGURO CASA", "-80.00", account=bank)
    made = match(lines=[(again.pk, again.amount)], items=[Item("account", Decimal(80), fees())], by=manager)

    assert rules.propose_after(made) is None
    assert not MatchRule.objects.exists()


# Pages --------------------------------------------------------------------------------------------------------------


def rule_data(**more: str) -> dict[str, str]:
    return {
        "name": "Tarifas",
        "how": "words",
        "pattern": "tarifa",
        "sign": "out",
        "account_1": str(fees()),
        "share_1": "100",
    } | more


def test_a_rule_is_tried_before_it_is_kept(client: Client, bank: BankAccount) -> None:
    client.force_login(person("finance_manager"))
    line("-9.00", account=bank, text="TARIFA")

    tried = client.post("/finance/rules/new/", rule_data(keep="1"))
    assert not MatchRule.objects.exists()
    assert tried.context["trial"].hits == 1
    kept = client.post("/finance/rules/new/", rule_data(keep="1", tried=tried.context["form"].digest))

    rule = MatchRule.objects.get()
    assert kept.status_code == 302
    page = client.get(f"/finance/rules/{rule.pk}/").content.decode()
    assert "Matches" in page or "could post anything" in page


def test_a_clerk_asks_and_another_trusts_the_rule(client: Client, bank: BankAccount) -> None:
    rule, page = tariff(), "Ask to let it post by itself"
    client.force_login(person("finance_clerk"))

    assert page in client.get(f"/finance/rules/{rule.pk}/").content.decode()
    client.post(f"/finance/rules/{rule.pk}/trust/", {"to": "on"})
    assert "A second person has been asked whether" in client.get(f"/finance/rules/{rule.pk}/").content.decode()
    rule.refresh_from_db()
    assert not rule.is_trusted
    manager = person("finance_manager")
    approvals.decide(Approval.objects.get().pk, yes=True, by=manager)

    rule.refresh_from_db()
    assert (rule.is_trusted, rule.trusted_by, rule.trusted_version) == (True, manager, 1)
    client.post(f"/finance/rules/{rule.pk}/trust/", {"to": "off"})
    rule.refresh_from_db()
    assert (rule.is_trusted, rule.trusted_by) == (False, None)


def test_who_wrote_a_rule_does_not_trust_it_through_anybody(bank: BankAccount) -> None:
    author = person("finance_manager")
    rule = rules.save(
        name="X", condition=Condition("words", "saque", "out", most=HIGH), template=[Part(fees())], by=author
    )
    asked = rules.ask_trust(rule, by=person("finance_clerk"))

    with pytest.raises(approvals.NotTheirs):
        approvals.decide(asked.pk, yes=True, by=author)
    for by in (author, person("finance_clerk"), None):
        with pytest.raises(IntegrityError, match="another person than its author"), transaction.atomic():
            MatchRule.objects.filter(pk=rule.pk).update(is_trusted=True, trusted_by=by, trusted_version=1)

    rule.refresh_from_db()
    assert not rule.is_trusted


@pytest.mark.parametrize("condition", [Condition("words", "saque", most=HIGH), Condition("words", "saque", "out")])
def test_a_rule_without_direction_or_highest_amount_posts_nothing_by_itself(
    bank: BankAccount, condition: Condition
) -> None:
    rule = rules.save(name="X", condition=condition, template=[Part(fees())], by=person("finance_clerk"))

    with pytest.raises(rules.RuleRefused, match="could post anything"):
        rules.ask_trust(rule, by=person("finance_clerk"))
    with pytest.raises(IntegrityError, match="highest amount"), transaction.atomic():
        MatchRule.objects.filter(pk=rule.pk).update(
            is_trusted=True, trusted_by=person("finance_manager"), trusted_version=1
        )


def test_a_large_rule_is_trusted_by_a_director_and_a_new_version_by_nobody(bank: BankAccount) -> None:
    rule = tariff(most="20000.00")
    asked = rules.ask_trust(rule, by=person("finance_clerk"))
    assert asked.right == second_person.ABOVE
    approvals.decide(asked.pk, yes=True, by=person("director"))

    MatchRuleVersion.objects.create(rule=rule, number=2, condition={}, template=[], made_by=person("finance_clerk"))

    rule.refresh_from_db()
    assert (rule.is_trusted, rule.trusted_by) == (False, None)


def test_the_form_says_what_is_wrong(client: Client, bank: BankAccount) -> None:
    client.force_login(person("finance_manager"))

    short = client.post("/finance/rules/new/", rule_data(pattern="-"))
    shares = client.post("/finance/rules/new/", rule_data(share_1="90"))

    assert short.status_code == shares.status_code == 422
    assert "at least three letters" in short.content.decode()
    assert "sum to 100" in shares.content.decode()
