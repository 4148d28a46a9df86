"""Reconciling by people: one effect, explained, undone to the cent, and the loser of a race told who won."""

from datetime import date
from decimal import Decimal

import pytest
from django.db.models import Sum

from finance.models import Instalment, JournalEntry, Match, PayerName, Posting, StatementLine
from finance.services import ledger, plan, reconcile
from finance.services.reconcile import Item
from tests.factories.banking import bank_account, line, suggestion
from tests.factories.books import MAY, party, receivable, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db
D = Decimal


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

    assert open_of(paid) == 0 and open_of(title) == 0
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

    assert open_of(paid) == D("98.00") and open_of(title) == D("100.00")
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
    assert open_of(credit) == 0 and open_of(title) == D("100.00")


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

    assert len(made) == 5 and ledger.balance_of(fees) == D("50.00")
    assert ledger.balance_of(account.transit_id) == 0


def test_a_transfer_meets_both_sides() -> None:
    ours, theirs = bank_account(), bank_account()
    out, back = line("-500.00", account=ours), line("500.00", account=theirs, on=date(2026, 5, 5))

    assert [one.pk for one in reconcile.transfer_candidates(out)] == [back.pk]
    made = reconcile.transfer(line_a=out.pk, line_b=back.pk, by=person("finance_clerk"))

    assert open_of(out) == 0 and open_of(back) == 0
    assert made.entry.on == date(2026, 5, 5)


def test_a_line_of_a_closed_month_is_posted_today() -> None:
    from finance.models import Period

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
