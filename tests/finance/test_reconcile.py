"""Reconciling by people: one effect, explained, undone to the cent, and the loser of a race told who won."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import Sum
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice.core import pdf
from backoffice.core.models import Approval, Company, Event, User
from backoffice.core.services import approvals
from finance.decisions.reconcile import propose_rule
from finance.models import (
    Instalment,
    JournalEntry,
    Match,
    MatchRule,
    PayerName,
    Period,
    Posting,
    StatementLine,
    Suggestion,
    Title,
    TitlePolicy,
)
from finance.rules import WORDS, Condition, Part
from finance.selectors.proof import proof
from finance.selectors.reconciliation import reconciliation
from finance.services import ledger, plan, reconcile, rules, second_person
from finance.services.reconcile import Item
from finance.views import matches
from tests.factories.banking import bank_account, line, statement, suggestion, trust
from tests.factories.books import MAY, party, payable, receivable, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db
D = Decimal
MONTH = date(2026, 5, 1)


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def open_of(thing: StatementLine | Instalment) -> Decimal:
    thing.refresh_from_db()
    return thing.open_amount if isinstance(thing, StatementLine) else thing.balance


def test_accepting_a_suggestion_settles_the_line_and_its_title() -> None:
    title, clerk = receivable("100.00"), person("finance_clerk")
    paid = line("100.00", payer="Ána  Souza ME", on=date(2026, 5, 6))
    proposed = suggestion(paid, title)

    made = reconcile.accept(suggestion_id=proposed.pk, by=clerk)

    assert open_of(paid) == 0
    assert open_of(title) == 0
    assert (made.stage, made.confidence, made.automatic, made.by) == ("S2", D("0.97"), False, clerk)
    assert made.entry.on == date(2026, 5, 6)
    assert PayerName.objects.get().text == "ANA SOUZA ME"


def test_undo_restores_every_balance_and_the_ledger() -> None:
    title, manager = receivable("100.00"), person("finance_manager")
    paid = line("98.00", payer="Ana")
    made = reconcile.match(
        lines=[(paid.pk, D("98.00"))],
        items=[Item("instalment", D("-100.00"), title.pk), Item("account", D("2.00"), role="fee")],
        by=manager,
    )

    reconcile.undo(match_id=made.pk, by=manager)

    assert open_of(paid) == D("98.00")
    assert open_of(title) == D("100.00")
    moved = Posting.objects.filter(entry__in=[made.entry_id, made.entry.reversed_by.pk])
    assert not [row for row in moved.values("account").annotate(total=Sum("amount")) if row["total"]]
    assert PayerName.objects.get().times == 0
    with pytest.raises(reconcile.Taken) as told:
        reconcile.undo(match_id=made.pk, by=person("finance_manager"))
    assert told.value.who == str(manager)


def test_the_loser_of_a_line_is_told_who_won_and_when() -> None:
    title, ana, rui = receivable("100.00"), person("finance_clerk", name="Ana"), person("finance_clerk", name="Rui")
    paid = line("100.00")
    proposed = suggestion(paid, title)
    won = reconcile.accept(suggestion_id=proposed.pk, by=ana)

    with pytest.raises(reconcile.Taken) as told:
        reconcile.accept(suggestion_id=proposed.pk, by=rui)

    assert (told.value.who, told.value.when, told.value.match) == ("Ana", won.entry.posted_at, won.pk)
    assert Match.objects.count() == 1


def test_one_title_is_not_paid_twice() -> None:
    title, ana = receivable("100.00"), person("finance_clerk", name="Ana")
    account = bank_account()
    first, second = line("100.00", account=account), line("100.00", account=account)
    reconcile.accept(suggestion_id=suggestion(first, title).pk, by=ana)
    late = suggestion(second, title)
    late.items = [{"kind": "instalment", "id": title.pk, "amount": "-100.00"}]
    late.save()

    with pytest.raises(reconcile.Taken, match="F1 was settled by Ana"):
        reconcile.accept(suggestion_id=late.pk, by=ana)

    assert open_of(second) == D("100.00")


def test_two_sides_that_differ_are_refused() -> None:
    title, paid = receivable("100.00"), line("98.00")

    with pytest.raises(reconcile.Unbalanced):
        reconcile.match(
            lines=[(paid.pk, D("98.00"))],
            items=[Item("instalment", D("-100.00"), title.pk)],
            by=person("finance_manager"),
        )

    assert open_of(title) == D("100.00")


def test_a_line_pays_several_titles_and_keeps_the_rest_open() -> None:
    one, two = receivable("40.00", number="A"), receivable("50.00", number="B")
    paid = line("100.00")

    reconcile.match(
        lines=[(paid.pk, D("70.00"))],
        items=[Item("instalment", D("-40.00"), one.pk), Item("instalment", D("-30.00"), two.pk)],
        by=person("finance_clerk"),
    )

    assert (open_of(paid), open_of(one), open_of(two)) == (D("30.00"), D("0.00"), D("20.00"))


def test_an_overpayment_becomes_a_credit_of_the_customer() -> None:
    who = party("Ana")
    title, paid = receivable("100.00", who=who), line("120.00")

    made = reconcile.match(
        lines=[(paid.pk, D("120.00"))],
        items=[Item("instalment", D("-100.00"), title.pk), Item("advance", D("-20.00"), party=who.pk)],
        by=person("finance_clerk"),
    )

    credit = Instalment.objects.get(title__kind="credit")
    assert (credit.party, credit.balance) == (who, D("-20.00"))
    reconcile.undo(match_id=made.pk, by=person("finance_clerk"))
    assert open_of(credit) == 0
    assert open_of(title) == D("100.00")


def test_a_clerk_posts_exact_matches_and_asks_for_the_rest() -> None:
    title, paid, clerk = receivable("100.00"), line("98.00"), person("finance_clerk")
    items = [Item("instalment", D("-100.00"), title.pk), Item("account", D("2.00"), role="fee")]

    with pytest.raises(reconcile.NeedsSecond):
        reconcile.match(lines=[(paid.pk, D("98.00"))], items=items, by=clerk)

    assert open_of(paid) == D("98.00")


def test_lines_are_coded_to_one_account_all_or_none() -> None:
    manager, account = person("finance_manager"), bank_account()
    lines = [line("-10.00", account=account, text="TARIFA") for _n in range(5)]
    fees = plan.account_for("bank_fees").pk

    made = reconcile.new_entry(line_ids=[one.pk for one in lines], account=fees, by=manager)

    assert len(made) == 5
    assert ledger.balance_of(fees) == D("50.00")
    assert ledger.balance_of(account.transit_id) == 0


def test_a_transfer_meets_both_sides() -> None:
    ours, theirs = bank_account(), bank_account()
    out, back = line("-500.00", account=ours), line("500.00", account=theirs, on=date(2026, 5, 5))

    assert [one.pk for one in reconcile.transfer_candidates(out)] == [back.pk]
    made = reconcile.transfer(line_a=out.pk, line_b=back.pk, by=person("finance_clerk"))

    assert open_of(out) == 0
    assert open_of(back) == 0
    assert made.entry.on == date(2026, 5, 5)


def test_a_line_of_a_closed_month_is_posted_today() -> None:
    title, paid = receivable("100.00"), line("100.00", on=MAY)
    Period.objects.filter(starts_on__lte=MAY).update(state="closed")

    made = reconcile.accept(
        suggestion_id=suggestion(paid, title).pk, by=person("finance_clerk"), today=date(2026, 6, 9)
    )

    assert made.entry.on == date(2026, 6, 9)


def test_setting_a_line_aside_needs_a_reason_and_is_taken_back() -> None:
    paid, ana = line("100.00"), person("finance_clerk")

    with pytest.raises(reconcile.ReasonMissing):
        reconcile.ignore(line_id=paid.pk, reason=" ", by=ana)
    reconcile.ignore(line_id=paid.pk, reason="Test of the bank", by=ana)
    with pytest.raises(reconcile.Taken):
        reconcile.ignore(line_id=paid.pk, reason="Again", by=person("finance_clerk"))
    reconcile.restore(line_id=paid.pk, by=ana)

    assert open_of(paid) == D("100.00")
    assert JournalEntry.objects.filter(journal__kind="matching").count() == 0


def test_many_suggestions_are_accepted_and_the_losers_named() -> None:
    account, clerk = bank_account(), person("finance_clerk")
    title = receivable("100.00")
    both = [line("100.00", account=account) for _n in range(2)]
    chosen = [suggestion(one, title) for one in both]

    done = reconcile.accept_many([one.pk for one in chosen], by=clerk)

    assert [match.entry.text for match in done.matches] == ["F1 · PIX RECEBIDO"]
    assert list(done.refused) == [both[1].pk]


# the page, by plain forms --------------------------------------------------------------------------------------------


@pytest.fixture
def manager(client: Client) -> User:
    user = person("finance_manager", name="Rui")
    client.force_login(user)
    return user


def balanced(amount: str = "100.00") -> tuple[StatementLine, Instalment, Suggestion]:
    """One line of a statement whose balance is that line, its title and the proposal."""
    title = receivable(amount, number="INV/2026/7")
    paid = line(amount, of=statement(bank_account(), closing=amount))
    return paid, title, suggestion(paid, title)


def page_of(paid: StatementLine) -> str:
    return reverse("finance:reconcile", args=[paid.bank_account_id])


def act_on(paid: StatementLine, act: str) -> str:
    return reverse(f"finance:reconcile_{act}", args=[paid.pk])


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_every_proposal_states_its_confidence_and_two_signals(client: Client, manager: User) -> None:
    paid, _title, _proposed = balanced()

    text = text_of(client.get(page_of(paid)))

    assert "INV/2026/7" in text
    assert re.search(r"High .*INV/2026/7.*amount", text)


def test_the_word_reconciled_stands_only_at_zero(client: Client, manager: User) -> None:
    paid, _title, proposed = balanced()
    before = client.get(page_of(paid))

    done = client.post(act_on(paid, "accept"), {"suggestion": proposed.pk, "back": page_of(paid)}, follow=True)

    assert "Reconciled" not in text_of(before)
    assert "R$100.00" in re.sub(r" ", "", text_of(before).partition("Difference")[2])
    assert "Reconciled" in text_of(done)
    assert "Matched." in text_of(done)
    made = Match.objects.get()
    client.post(reverse("finance:match_undo", args=[made.pk]))
    assert "Reconciled" not in text_of(client.get(page_of(paid)))


def test_two_open_lines_that_cancel_out_do_not_reconcile(client: Client, manager: User) -> None:
    of = statement(bank_account(), closing="0.00")
    line("10.00", of=of), line("-10.00", of=of)

    assert "Reconciled" not in text_of(client.get(reverse("finance:reconcile", args=[of.bank_account_id])))


def test_the_proof_is_exact_after_every_act(client: Client, manager: User) -> None:
    of = statement(bank_account(), closing="300.00", ends_on=MAY)
    lines = [line("100.00", of=of) for _n in range(3)]

    found = [proof(of.bank_account).difference]
    for one in lines:
        reconcile.accept(suggestion_id=suggestion(one, receivable("100.00")).pk, by=manager)
        found.append(proof(of.bank_account).difference)
    reconcile.undo(match_id=Match.objects.latest("pk").pk, by=manager)
    found.append(proof(of.bank_account).difference)

    assert found == [D("300.00"), D("200.00"), D("100.00"), D("0.00"), D("100.00")]


def test_kept_sums_of_another_chain_are_not_believed(client: Client, manager: User) -> None:
    of = statement(bank_account(), closing="100.00", ends_on=MAY)
    line("100.00", of=of)
    key = f"finance.position:{of.bank_account_id}:{MAY}"
    proof(of.bank_account)
    heads, *_sums = cache.get(key)
    cache.set(key, ([[journal, seq, "00"] for journal, seq, _hash in heads], "999.00", "0", "0"))

    assert proof(of.bank_account).position.balance == D("100.00")


def test_a_double_click_has_one_effect_and_the_same_answer(client: Client, manager: User) -> None:
    paid, _title, proposed = balanced()
    sent = {"suggestion": proposed.pk, "once": "double-click-1", "back": page_of(paid)}

    answers = [client.post(act_on(paid, "accept"), sent) for _n in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Match.objects.count() == 1


def test_the_loser_sees_who_won_on_the_row(client: Client, manager: User) -> None:
    paid, _title, proposed = balanced()
    reconcile.accept(suggestion_id=proposed.pk, by=person("finance_clerk", name="Ana"))

    answer = client.post(act_on(paid, "accept"), {"suggestion": proposed.pk}, headers={"HX-Request": "true"})

    assert answer.status_code == 409
    assert "Ana was faster: this line is reconciled already." in text_of(answer)
    assert "saved by Ana" in text_of(answer)


SPLITS = [
    ({}, "", "The difference is 98.00"),
    ({"kind-0": "fee", "extra-0": "2.00"}, "100.00", ""),
    ({"kind-0": "discount", "extra-0": "2.00"}, "100.00", ""),
    ({"kind-0": "fee", "extra-0": "1.99"}, "100.00", "The difference is -0.01"),
    ({}, "98.00", ""),
    ({}, "90.00", "The difference is 8.00"),
    ({"partly": "1"}, "90.00", ""),
    ({"partly": "1"}, "98.01", "The difference is -0.01"),
    ({"kind-0": "advance", "extra-0": "3.00"}, "95.00", ""),
    ({"kind-0": "advance", "extra-0": "-2.00"}, "100.00", "Paid in advance, as a credit: “-2.00” is not above zero."),
    ({"kind-0": "interest", "extra-0": "-2.00"}, "100.00", "Interest: “-2.00” is not above zero."),
    ({"kind-0": "exchange", "extra-0": "-2.00"}, "100.00", ""),
    ({"extra-0": "8.00"}, "90.00", "Say what the difference is."),
    ({"kind-0": "interest", "extra-0": "x"}, "90.00", "“x” is not an amount."),
]


@pytest.mark.parametrize(("more", "amount", "problem"), SPLITS)
def test_a_split_is_posted_only_when_nothing_is_left_over(
    client: Client, manager: User, more: dict[str, str], amount: str, problem: str
) -> None:
    Company.objects.create(pk=1, name="Casa", waive_limit=5)
    title, paid = receivable("100.00"), line("98.00")
    chosen = {"pick": title.pk, f"amount-{title.pk}": amount} if amount else {}

    answer = client.post(act_on(paid, "match"), chosen | more)

    assert answer.status_code == (422 if problem else 302)
    if problem:
        assert problem in text_of(answer)
        assert open_of(paid) == D("98.00")
    else:
        assert open_of(paid) == (D("8.00") if "partly" in more else 0)


def test_a_write_off_above_the_limit_waits_for_a_second_person(client: Client, manager: User) -> None:
    Company.objects.create(pk=1, name="Casa", waive_limit=5)
    title, paid = receivable("100.00"), line("90.00")
    sent = {"pick": title.pk, f"amount-{title.pk}": "100.00", "kind-0": "write_off", "extra-0": "10.00"}

    client.post(act_on(paid, "match"), sent | {"reason": "Closed shop"})

    asked = Approval.objects.get()
    assert (asked.amount, open_of(paid)) == (D("10.00"), D("90.00"))
    approvals.decide(asked.pk, yes=True, by=person("director"))
    assert open_of(paid) == 0
    assert open_of(title) == 0


def test_a_rule_of_ones_own_is_no_second_person() -> None:
    clerk, other = person("finance_clerk"), person("finance_clerk")
    loss = plan.account_for("other_expense").pk
    paid = line("-40.00", text="SAQUE AVULSO")
    condition = Condition(how=WORDS, pattern="SAQUE AVULSO", sign="out", most=D(50))
    rule = rules.save(name="Cash", condition=condition, template=[Part(loss, D(1))], by=clerk)
    proposed = suggestion(paid, stage="S6", more=[{"kind": "account", "account": loss, "amount": "40.00"}])
    proposed.rule_version = rule.versions.get()
    proposed.save()

    with pytest.raises(reconcile.NeedsSecond):
        reconcile.accept(suggestion_id=proposed.pk, by=clerk)
    assert reconcile.cannot_accept([paid.pk], by=clerk)
    assert not reconcile.cannot_accept([paid.pk], by=other)
    trust(rule)
    assert reconcile.accept(suggestion_id=proposed.pk, by=clerk).stage == "S6"


def test_who_could_not_approve_a_match_does_not_undo_it() -> None:
    title, paid, clerk = receivable("100.00"), line("98.00"), person("finance_clerk")
    items = [Item("instalment", D("-100.00"), title.pk), Item("account", D("2.00"), role="fee")]
    asked = reconcile.match_or_ask(lines=[(paid.pk, D("98.00"))], items=items, by=clerk)
    approvals.decide(asked.pk, yes=True, by=person("finance_manager"))
    made = Match.objects.get()

    with pytest.raises(reconcile.SecondPersonDid):
        reconcile.undo(match_id=made.pk, by=clerk)
    assert list(matches.UndoMatches().refusals([made], by=clerk)) == [made.pk]
    reconcile.undo(match_id=made.pk, by=person("finance_manager"))

    assert open_of(paid) == D("98.00")


@pytest.mark.parametrize("known_by", ["tax_id", "name"])
def test_a_known_payers_money_goes_to_anothers_title_with_a_reason_and_a_manager(known_by: str) -> None:
    ana, bia = party("Ana", tax_id="39053344705"), party("Bia")
    account, clerk = bank_account(), person("finance_clerk")
    facts = {"payer": "ANA S"} | ({"payer_tax_id": ana.tax_id} if known_by == "tax_id" else {})
    if known_by == "name":
        before = receivable("10.00", who=ana, number="A1")
        one = line("10.00", account=account, **facts)
        reconcile.match(lines=[(one.pk, D(10))], items=[Item("instalment", D(-10), before.pk)], by=clerk)
    others, paid = receivable("100.00", who=bia, number="B1"), line("100.00", account=account, **facts)
    act = {"lines": [(paid.pk, D(100))], "items": [Item("instalment", D(-100), others.pk)], "by": clerk}

    with pytest.raises(reconcile.NeedsSecond, match="Give the reason"):
        reconcile.match_or_ask(**act)
    asked = reconcile.match_or_ask(**act, reason="Ana pays for her sister")

    assert isinstance(asked, Approval)
    approvals.decide(asked.pk, yes=True, by=person("finance_manager"))
    assert open_of(others) == 0


GIFTS = [
    *({"role": role} for role in ("discount", "rebate", "fee", "exchange", "interest", "fine")),
    *({"account": purpose} for purpose in ("discount_given", "write_off", "bank_fees", "other_expense")),
]


@pytest.mark.parametrize("gift", GIFTS)
def test_a_large_gift_by_any_name_waits_for_a_director(manager: User, gift: dict[str, str]) -> None:
    Company.objects.create(pk=1, name="Casa", waive_limit=50)
    limit = second_person.policy().approval_limit
    title, paid = receivable(str(limit + 2)), line("1.00", on=MAY)
    account = plan.account_for(gift["account"]).pk if "account" in gift else 0
    items = [
        Item("instalment", -limit - 2, title.pk),
        Item("account", limit + 1, account, gift.get("role", "")),
    ]

    asked = reconcile.match_or_ask(lines=[(paid.pk, D("1.00"))], items=items, by=manager)

    assert isinstance(asked, Approval)
    assert (asked.right, open_of(paid)) == (second_person.ABOVE, D("1.00"))


def test_a_clerk_who_asks_to_give_up_much_asks_a_director() -> None:
    limit = second_person.policy().approval_limit
    title, paid = receivable(str(limit + 2)), line("1.00")
    items = [Item("instalment", -limit - 2, title.pk), Item("account", limit + 1, role="fee")]

    asked = reconcile.match_or_ask(lines=[(paid.pk, D("1.00"))], items=items, by=person("finance_clerk"))

    assert isinstance(asked, Approval)
    assert asked.right == second_person.ABOVE


def test_slices_below_the_limit_are_weighed_together(manager: User) -> None:
    """Alone up to the limit, then a second person, then a director: of one party within seven days."""
    Company.objects.create(pk=1, name="Casa", waive_limit=50)
    TitlePolicy.objects.create(pk=1, approval_limit=100)
    who, account = party("Bia"), bank_account()

    def slice_off(amount: str) -> str:
        title, paid = receivable(str(D(amount) + 1), who=who), line("1.00", account=account)
        items = [Item("instalment", -title.balance, title.pk), Item("account", D(amount), role="fee")]
        done = reconcile.match_or_ask(lines=[(paid.pk, D("1.00"))], items=items, by=manager)
        return done.right if isinstance(done, Approval) else ""

    first, second, third = slice_off("30.00"), slice_off("30.00"), slice_off("50.00")

    assert (first, second, third) == ("", "finance.write_off.approve", second_person.ABOVE)


def test_slices_of_one_line_or_of_one_account_are_weighed_together(manager: User) -> None:
    Company.objects.create(pk=1, name="Casa", waive_limit=50)
    rent, account = plan.account_for("other_expense").pk, bank_account()
    paid = line("-80.00", account=account)

    def book(one: StatementLine, amount: str) -> bool:
        items = [Item("account", -D(amount), rent)]
        done = reconcile.match_or_ask(lines=[(one.pk, D(amount))], items=items, by=manager)
        return isinstance(done, Match)

    alone = [book(paid, "-40.00"), book(paid, "-40.00"), book(line("-20.00", account=account), "-20.00")]
    fees = [line("-20.00", account=account, text="TARIFA") for _n in range(4)]
    made = reconcile.new_entry(line_ids=[one.pk for one in fees], account=plan.account_for("bank_fees").pk, by=manager)

    assert (alone, len(made)) == ([True, False, False], 4)


def test_what_the_terms_ask_and_grant_weighs_nothing(manager: User) -> None:
    Company.objects.create(pk=1, name="Casa", waive_limit=5)
    title, paid = receivable("1000.00"), line("1030.00", on=date(2026, 6, 3))
    Title.objects.filter(pk=title.title_id).update(fine_rate=D("0.02"), interest_rate=D("0.01"))
    items = [
        Item("instalment", D("-1000.00"), title.pk),
        Item("account", D("-20.00"), role="fine"),
        Item("account", D("-10.00"), role="interest"),
    ]

    reconcile.match(lines=[(paid.pk, D("1030.00"))], items=items, by=manager)

    assert open_of(title) == 0


def test_a_credit_never_goes_against_the_money() -> None:
    who = party("Ana")
    title, paid = receivable("100.00", who=who), line("80.00")
    items = [Item("instalment", D("-100.00"), title.pk), Item("advance", D("20.00"), party=who.pk)]

    for act in (reconcile.match, reconcile.match_or_ask):
        with pytest.raises(ledger.Refused, match="Only money that moved becomes a credit"):
            act(lines=[(paid.pk, D("80.00"))], items=items, by=person("finance_clerk"))

    assert not Title.objects.filter(kind="credit").exists()


def test_a_supplier_is_paid_ahead_by_two_people(client: Client) -> None:
    clerk, who = person("finance_clerk"), party("Gráfica")
    client.force_login(clerk)
    owed, paid = payable("100.00", who=who), line("-50000.00")
    sent = {"pick": owed.pk, f"amount-{owed.pk}": "", "kind-0": "advance", "extra-0": "50000.00"}

    client.post(act_on(paid, "match"), sent)

    assert (open_of(paid), Approval.objects.get().right) == (D("-50000.00"), second_person.ABOVE)
    approvals.decide(Approval.objects.get().pk, yes=True, by=person("director"))
    assert open_of(paid) == 0


def test_a_settled_part_is_not_opened_again_by_a_match() -> None:
    title, account = receivable("100.00"), bank_account()
    paid, back = line("40.00", account=account), line("-40.00", account=account)
    clerk = person("finance_clerk")
    reconcile.match(lines=[(paid.pk, D("40.00"))], items=[Item("instalment", D("-40.00"), title.pk)], by=clerk)

    with pytest.raises(reconcile.Taken):
        reconcile.match(lines=[(back.pk, D("-40.00"))], items=[Item("instalment", D("40.00"), title.pk)], by=clerk)


def test_a_large_line_is_booked_to_an_account_by_two_people(client: Client, manager: User) -> None:
    account, rent = bank_account(), plan.account_for("other_expense")
    one, other = line("-5000.00", account=account), line("-6000.00", account=account)

    client.post(act_on(one, "entry"), {"account": rent.pk, "text": "Aluguel"})
    first = Approval.objects.get()
    client.post(reverse("finance:reconcile_code", args=[account.pk]), {"line": [one.pk, other.pk], "account": rent.pk})

    assert (first.right, first.amount, open_of(one)) == ("finance.write_off.approve", D("5000.00"), D("-5000.00"))
    approvals.withdraw(first.pk, by=manager)
    answer = client.post(
        reverse("finance:reconcile_code", args=[account.pk]),
        {"line": [one.pk, other.pk], "account": rent.pk},
        follow=True,
    )
    assert "A second person is asked; 2 lines wait." in text_of(answer)
    asked = Approval.objects.get(state="waiting")
    assert (asked.right, asked.amount) == (second_person.ABOVE, D("11000.00"))
    approvals.decide(asked.pk, yes=True, by=person("director"))
    assert (open_of(one), open_of(other)) == (0, 0)


def test_a_discount_that_the_titles_terms_grant_is_no_gift() -> None:
    title, paid = receivable("100.00"), line("90.00")
    more = [{"kind": "account", "role": "discount", "amount": "10.00"}]
    proposed = suggestion(paid, title, stage="S1b", more=more)
    proposed.evidence["signals"].append({"key": "terms", "discount": "10.00", "fine": "0", "interest": "0"})
    proposed.save()

    reconcile.accept(suggestion_id=proposed.pk, by=person("finance_clerk"))

    assert (open_of(paid), open_of(title)) == (0, 0)


def test_a_line_set_aside_meanwhile_is_not_matched() -> None:
    paid, title, proposed = balanced()
    reconcile.ignore(line_id=paid.pk, reason="Asked the bank", by=person("finance_clerk", name="Ana"))

    with pytest.raises(reconcile.Taken, match="Ana set this line aside meanwhile"):
        reconcile.accept(suggestion_id=proposed.pk, by=person("finance_clerk"))

    assert open_of(title) == D("100.00")


@pytest.mark.parametrize("odd", ["²", "9" * 40, "-1", "x"])
def test_keys_that_are_none_are_left_aside(client: Client, manager: User, odd: str) -> None:
    paid = line("98.00")
    client.force_login(manager)
    match, code = (
        reverse("finance:reconcile_match", args=[paid.pk]),
        reverse("finance:reconcile_code", args=[paid.bank_account_id]),
    )

    pages = [client.get(match, {"pick": odd}), client.get(match, {"sum": "1", "party": odd, "set": odd})]
    pages += [client.get(code, {"line": odd}), client.post(match, {"pick": odd, "next": odd})]
    pages += [client.post(reverse("finance:reconcile_transfer", args=[paid.pk]), {"other": odd})]

    assert {page.status_code for page in pages} <= {200, 302, 422}
    assert open_of(paid) == D("98.00")


def test_a_forged_account_is_not_posted_to(client: Client, manager: User) -> None:
    paid = line("98.00")
    for forged in (str(paid.bank_account.account_id), "987654321", "9" * 40, "²", ""):
        sent = {"kind-0": "account", "extra-0": "98.00", "account-0": forged}
        answer = client.post(act_on(paid, "match"), sent)
        assert (answer.status_code, "Choose the account." in text_of(answer)) == (422, True), forged
        sent = {"line": paid.pk, "account": forged}
        for url in (act_on(paid, "entry"), reverse("finance:reconcile_code", args=[paid.bank_account_id])):
            assert client.post(url, sent).status_code == 422, (url, forged)

    assert open_of(paid) == D("98.00")


def test_a_month_that_is_not_there_yet_comes_into_being() -> None:
    title, paid = receivable("100.00"), line("100.00", on=MAY)
    Period.objects.filter(starts_on__lte=MAY).update(state="closed")
    today = date(2031, 2, 3)

    made = reconcile.accept(suggestion_id=suggestion(paid, title).pk, by=person("finance_clerk"), today=today)

    assert (made.entry.on, Period.objects.filter(starts_on=today.replace(day=1)).count()) == (today, 1)


def test_finding_by_amount_number_and_name(client: Client, manager: User) -> None:
    receivable("123.45", number="NF-2026-991", who=party("Zélia Prado"))
    paid = line("5.00")

    for query in ("123.45", "2026-991", "zelia prado"):
        assert "NF-2026-991" in text_of(client.get(act_on(paid, "match"), {"q": query})), query
    assert "NF-2026-991" not in text_of(client.get(act_on(paid, "match"), {"q": "nobody"}))


def test_titles_that_add_up_are_found_and_chosen(client: Client, manager: User) -> None:
    who = party("Ana Souza", tax_id="39053344705")
    parts = [receivable(amount, number=f"N{amount}", who=who) for amount in ("10.00", "20.00", "70.50")]
    paid = line("80.50", payer="ANA", payer_tax_id="39053344705")

    text = client.get(act_on(paid, "match"), {"sum": "1"}).content.decode()

    assert "Only these titles of Ana Souza add up to it" in text
    chosen = re.findall(r'name="pick" value="(\d+)" data-pick checked', text)
    assert {int(pk) for pk in chosen} == {parts[0].pk, parts[2].pk}


def test_many_lines_are_booked_to_one_account_in_one_act(client: Client, manager: User) -> None:
    account = bank_account()
    lines = [line("-1.00", account=account, text="TARIFA") for _n in range(100)]
    fees = plan.account_for("bank_fees")

    client.post(
        reverse("finance:reconcile_code", args=[account.pk]),
        {"line": [one.pk for one in lines], "account": fees.pk, "text": "Tarifas"},
    )

    assert ledger.balance_of(fees.pk) == D("100.00")
    assert not StatementLine.objects.exclude(open_amount=0).exists()


def test_the_page_asks_ten_times_for_one_line_and_for_fifty(client: Client, manager: User) -> None:
    of = statement(bank_account(), closing="1.00")
    counts = []
    for few in (1, 50):
        for n in range(few):
            one = line("10.00", of=of)
            extra = [{"kind": "account", "purpose": "bank_fees", "role": "fee", "amount": "1.00"}] if n % 2 else []
            suggestion(one, receivable("10.00"), more=extra)
        client.get(page_of(one))
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(page_of(one))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 10
    assert len(re.findall(r'class="pair"', answer.content.decode())) == 50


def test_split_account_and_bank_account_ask_ten_times_at_most(
    client: Client, manager: User, django_assert_max_num_queries: Any
) -> None:
    paid, _part, _suggestion = balanced()
    bank = paid.bank_account
    pages = [
        reverse("finance:reconcile_match", args=[paid.pk]) + "?split=1",
        reverse("finance:account", args=[bank.account_id]),
        reverse("finance:bank_account", args=[bank.pk]),
    ]
    for address in pages:
        client.get(address)
        with django_assert_max_num_queries(10):
            assert client.get(address).status_code == 200


def test_who_works_on_a_line_is_seen_by_others(client: Client, manager: User) -> None:
    paid, _title, _proposed = balanced()
    ana = Client()
    ana.force_login(person("finance_clerk", name="Ana"))

    assert ana.post(act_on(paid, "claim")).status_code == 204
    answer = client.post(act_on(paid, "claim"))

    assert answer.content.decode() == "Ana is working on it"
    assert "Ana is working on it" in text_of(client.get(page_of(paid)))


def test_a_clerk_who_may_not_decide_sees_no_button(client: Client) -> None:
    paid, _title, proposed = balanced()
    client.force_login(person("auditor"))

    assert "Accept" not in text_of(client.get(page_of(paid)))
    assert client.post(act_on(paid, "accept"), {"suggestion": proposed.pk}).status_code == 403


def test_history_undoes_in_bulk_after_a_dry_run(client: Client, manager: User) -> None:
    account = bank_account()
    for n in range(3):
        one = line("10.00", account=account)
        reconcile.accept(suggestion_id=suggestion(one, receivable("10.00", number=f"N{n}")).pk, by=manager)
    first = Match.objects.earliest("pk")
    reconcile.undo(match_id=first.pk, by=manager)
    rows = list(Match.objects.order_by("pk"))

    action = matches.UndoMatches()
    assert list(action.refusals(rows, by=manager)) == [first.pk]
    action.apply([row.pk for row in rows[1:]], by=manager)

    assert StatementLine.objects.exclude(open_amount=0).count() == 3
    assert client.get(reverse("finance:matches"), {"account": account.pk}).status_code == 200
    assert "every balance is as before" in text_of(client.get(reverse("finance:match", args=[first.pk])))


def test_after_two_equal_decisions_a_rule_is_proposed(manager: User) -> None:
    account, fees = bank_account(), plan.account_for("bank_fees")
    for _n in range(2):
        one = line("-9.90", account=account, text="TARIFA MENSAL PACOTE")
        [made] = reconcile.new_entry(line_ids=[one.pk], account=fees.pk, by=manager)
        propose_rule(Event(name="finance.lines_matched", data={"match_id": made.pk}))

    assert not MatchRule.objects.get().is_active


def test_the_report_adds_up_and_lists_both_sides(client: Client, manager: User) -> None:
    of = statement(bank_account(), closing="150.00", ends_on=date(2026, 5, 31), opening=D("0.00"))
    met, aside = line("100.00", of=of, payer="ANA"), line("50.00", of=of, payer="RUI")
    reconcile.accept(suggestion_id=suggestion(met, receivable("100.00", number="F77")).pk, by=manager)
    reconcile.ignore(line_id=aside.pk, reason="Asked the bank", by=manager)

    found = reconciliation(of.bank_account, MONTH)
    page = text_of(client.get(reverse("finance:reconcile_report", args=[of.bank_account_id]), {"month": "2026-05"}))

    assert (found.computed, found.off, found.ledger) == (D("150.00"), D("0.00"), D("150.00"))
    assert (found.difference, found.waiting_sum, found.unexplained) == (D("50.00"), D("50.00"), D("0.00"))
    assert [(row.name, row.aside) for row in found.waiting] == [("RUI", "Asked the bank")]
    assert next((row.name, row.met, row.by) for row in found.lines) == ("ANA", "F77 · PIX RECEBIDO", "Rui")
    assert "Not reconciled" in page


def test_the_report_opens_with_the_newest_month_that_is_told_in_ten_queries(
    client: Client, manager: User, django_assert_max_num_queries: Any
) -> None:
    account = bank_account()
    for month, opening, closing in ((4, "7.00", "9.00"), (5, "8.00", "15.00"), (6, "1.00", None)):
        statement(account, closing=closing, opening=D(opening), ends_on=date(2026, month, 28))
    first, month = (reverse("finance:reconcile_report", args=[account.pk]) + more for more in ("", "?month=2026-04"))
    client.get(first)

    with django_assert_max_num_queries(10):
        found = client.get(first).context["found"]
    assert (found.first, found.last, found.opening, found.closing) == (MONTH, date(2026, 5, 28), D("9.00"), D("15.00"))
    found = client.get(month).context["found"]
    assert (found.first, found.opening, found.closing) == (date(2026, 4, 1), D("7.00"), D("9.00"))
    found = reconciliation(account, date(2026, 6, 1))
    assert (found.last, found.opening, found.closing) == (date(2026, 6, 30), D("15.00"), None)


def test_a_worker_draws_the_report_for_signatures(manager: User) -> None:
    of = statement(bank_account(), closing="1.00", ends_on=date(2026, 5, 31))
    line("1.00", of=of)
    sheet = "finance/reconcile/report_sheet.html"
    context = {"found": reconciliation(of.bank_account, MONTH), "by": manager}

    html = render_to_string(sheet, context | {"made_at": timezone.now()})

    assert pdf.render(sheet, context).startswith(b"%PDF")
    assert "Prepared by" in html
    assert "Reviewed by" in html
