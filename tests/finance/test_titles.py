from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.core.models import Company, Party
from finance.formats.tokens import document_keys, part_keys
from finance.models import Account, Instalment, InstalmentKey, JournalEntry, Posting, Title
from finance.services import ledger, plan, settlement, titles
from finance.services.ledger import Line
from finance.services.titles import Part
from finance.terms import Terms
from tests.factories.books import MAY, approval, party, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def sold(*amounts: str, who: Party | None = None, due_on: date = MAY, **more: Any) -> Title:
    """A receivable of these parts against sales."""
    return issued("receivable", "invoice", [D(a) for a in amounts or ("100.00",)], who=who, due_on=due_on, **more)


def bought(*amounts: str, who: Party | None = None, due_on: date = MAY, **more: Any) -> Title:
    """A payable of these parts against an expense."""
    return issued("payable", "bill", [-D(a) for a in amounts or ("100.00",)], who=who, due_on=due_on, **more)


def issued(
    direction: str, kind: str, amounts: list[D], *, who: Party | None = None, due_on: date = MAY,
    number: str = "NF 2026/17", **more: Any,
) -> Title:  # fmt: skip
    other = plan.account_for("sales" if direction == "receivable" else "bank_fees")
    return titles.issue(
        direction=direction, kind=kind, number=number, party=who or party(), issued_on=MAY,
        instalments=[Part(due_on, amount) for amount in amounts], against=[Line(other.pk, -sum(amounts))], **more,
    )  # fmt: skip


def cash() -> int:
    return plan.account_for("cash").pk


def balance(purpose: str) -> D:
    return ledger.balance_of(plan.account_for(purpose).pk)


def part(title: Title, seq: int = 1) -> Instalment:
    return title.instalments.select_related("title").get(seq=seq)


def books_agree() -> None:
    """The control accounts are the titles: what is open there is open here, to the cent."""
    open_there = {account.pk: ledger.balance_of(account.pk) for account in Account.objects.filter(is_control=True)}
    open_here = dict(Instalment.objects.order_by().values_list("title__account").annotate(total=Sum("balance")))
    assert {pk: total for pk, total in open_there.items() if total} == {pk: t for pk, t in open_here.items() if t}


def test_a_title_comes_with_its_parts_keys_and_entry() -> None:
    title = sold("60.00", "40.00", number="NF 2026/000123")

    assert title.amount == D("100.00")
    assert [(row.seq, row.amount, row.balance) for row in title.instalments.order_by("seq")] == [
        (1, D("60.00"), D("60.00")), (2, D("40.00"), D("40.00")),
    ]  # fmt: skip
    assert (balance("receivable"), balance("sales")) == (D("100.00"), D("-100.00"))
    assert InstalmentKey.objects.filter(instalment__title=title, kind="doc").exists()
    assert JournalEntry.objects.get(pk=title.entry_id).journal.kind == "sales"
    books_agree()


def test_a_part_on_the_wrong_side_is_refused() -> None:
    with pytest.raises(titles.WrongParts):
        issued("payable", "bill", [D("10.00")])


def test_a_payment_in_parts_leaves_the_rest_open() -> None:
    title = sold("100.00")

    settlement.settle(instalment_id=part(title).pk, paid=D("30.00"), on=MAY, account=cash(), by=None)

    assert part(title).balance == D("70.00")
    settlement.settle(instalment_id=part(title).pk, paid=D("70.00"), on=MAY, account=cash(), by=None)
    assert (part(title).balance, part(title).settled_on, balance("cash")) == (D("0.00"), MAY, D("100.00"))
    with pytest.raises(settlement.NotOpen):
        settlement.settle(instalment_id=part(title).pk, paid=D("1.00"), on=MAY, account=cash(), by=None)
    books_agree()


def test_what_is_paid_too_much_becomes_a_credit_that_settles_the_next_title() -> None:
    title = sold("100.00")
    settled = settlement.settle(instalment_id=part(title).pk, paid=D("130.00"), on=MAY, account=cash(), by=None)
    credit = Instalment.objects.get(title__kind="credit")
    assert (credit.balance, balance("customer_advance"), settled.cover.surplus) == (
        D("-30.00"),
        D("-30.00"),
        D("30.00"),
    )
    other = sold("50.00", who=title.party, number="NF 2026/18")

    settlement.apply_credit(credit_id=credit.pk, instalment_id=part(other).pk, amount=D("30.00"), on=MAY, by=None)

    credit.refresh_from_db()
    assert (credit.balance, part(other).balance, balance("customer_advance")) == (D(0), D("20.00"), D(0))
    books_agree()


def test_a_credit_of_somebody_else_is_refused() -> None:
    settlement.settle(instalment_id=part(sold("10.00")).pk, paid=D("20.00"), on=MAY, account=cash(), by=None)
    credit = Instalment.objects.get(title__kind="credit")

    with pytest.raises(settlement.NoCredit):
        settlement.apply_credit(
            credit_id=credit.pk, instalment_id=part(sold(who=party("Bia"))).pk, amount=D(5), on=MAY, by=None
        )


def test_fine_interest_and_discount_are_lines_of_their_own() -> None:
    terms = Terms(discount_rate=D("0.05"), discount_days=10, fine_rate=D("0.02"), interest_rate=D("0.01"))
    early, late = (sold("1000.00", due_on=date(2026, 5, day), terms=terms) for day in (28, 5))

    settlement.settle(instalment_id=part(early).pk, paid=D("950.00"), on=date(2026, 5, 18), account=cash(), by=None)
    settlement.settle(instalment_id=part(late).pk, paid=D("1025.00"), on=date(2026, 5, 20), account=cash(), by=None)

    assert part(early).balance == part(late).balance == 0
    assert (balance("discount_given"), balance("fine_income"), balance("interest_income")) == (
        D("50.00"), D("-20.00"), D("-5.00"),
    )  # fmt: skip
    books_agree()


def test_a_fine_is_charged_once_and_interest_goes_on_from_the_last_part() -> None:
    terms = Terms(fine_rate=D("0.02"), interest_rate=D("0.01"))
    title = sold("1000.00", due_on=date(2026, 5, 5), terms=terms)
    first = settlement.settle(
        instalment_id=part(title).pk, paid=D("525.00"), on=date(2026, 5, 20), account=cash(), by=None
    )
    assert (first.cover.fine, first.cover.interest, first.cover.principal) == (D(20), D(5), D(500))

    due = settlement.owed(part(title), on=date(2026, 5, 29))

    assert (due.principal, due.fine, due.interest) == (D(500), D(0), D("1.50"))  # 9 days of 500.00


def test_what_was_paid_of_fine_and_interest_is_not_asked_again() -> None:
    usual = Terms(fine_rate=D("0.02"), interest_rate=D("0.01"))
    one, other = (sold("1000.00", due_on=date(2026, 5, 5), terms=usual) for _n in range(2))
    settlement.settle(instalment_id=part(one).pk, paid=D("10.00"), on=date(2026, 5, 20), account=cash(), by=None)

    due = settlement.owed(part(one), on=date(2026, 5, 21))

    assert (due.principal, due.fine, due.interest) == (D(1000), D("15.00"), D("0.33"))  # 5 of each were paid
    assert settlement.owed(part(other), on=date(2026, 5, 20)).total == D("1025.00")


def test_a_fine_of_one_title_is_not_anothers() -> None:
    usual = Terms(fine_rate=D("0.02"))
    one, other = (part(sold("100.00", due_on=date(2026, 5, 5), terms=usual)) for _n in range(2))
    fine = plan.account_for("fine_income").pk
    lines = [Line(cash(), D(102)), settlement.principal(one, D(-50)), settlement.principal(other, D(-50))]
    ledger.post(journal="matching", on=date(2026, 5, 20), text="x", lines=[*lines, Line(fine, D(-2), role="fine")])

    assert settlement.owed(part(other.title), on=date(2026, 5, 21)).fine == D("1.00")


def test_nothing_is_settled_on_a_day_to_come() -> None:
    with pytest.raises(ledger.Refused):
        settlement.settle(
            instalment_id=part(sold()).pk, paid=D(1), on=timezone.localdate() + timedelta(days=1), account=cash(),
            by=None,
        )  # fmt: skip


@pytest.mark.parametrize(("charge", "days"), [(False, 0), (True, 30)])
def test_charges_above_the_limit_are_not_forgone_by_one(charge: bool, days: int) -> None:
    today = timezone.localdate()
    year(today.year)
    Company.objects.update_or_create(pk=1, defaults={"name": "Casa Verde", "waive_limit": D("20.00")})
    title = sold("1000.00", due_on=today - timedelta(days=30), terms=Terms(fine_rate=D("0.03")))
    settle = {"instalment_id": part(title).pk, "paid": D(1000), "account": cash(), "charge": charge}

    with pytest.raises(settlement.GivesUp):
        settlement.settle(on=today - timedelta(days=days), by=person("finance_clerk"), **settle)

    clerk, manager = person("finance_clerk"), person("finance_manager")
    approval(part(title).ref, by=clerk, decided_by=manager, right="finance.match.approve")
    settlement.settle(on=today - timedelta(days=days), by=clerk, approved_by=manager, **settle)
    assert part(title).balance == 0


def test_a_title_that_came_with_another_record_is_not_cancelled_by_itself() -> None:
    paper = sold(origin="finance.invoice:7")
    settlement.settle(instalment_id=part(sold("10.00")).pk, paid=D(15), on=MAY, account=cash(), by=None)

    for title in (paper, Title.objects.get(kind="credit")):
        with pytest.raises(settlement.NotHere):
            settlement.cancel(title_id=title.pk, on=MAY, by=None, reason="Wrong")


def test_a_supplier_is_paid_in_cash_with_the_signs_turned() -> None:
    terms = Terms(fine_rate=D("0.02"), interest_rate=D("0.01"))
    title = bought("300.00", due_on=date(2026, 5, 5), terms=terms)

    settlement.settle(instalment_id=part(title).pk, paid=D("320.00"), on=date(2026, 5, 15), account=cash(), by=None)

    assert part(title).balance == 0
    assert (balance("cash"), balance("fine_expense"), balance("interest_expense")) == (D(-320), D(6), D(1))
    assert balance("supplier_advance") == D(13)
    books_agree()


def test_undoing_a_settlement_restores_every_balance() -> None:
    title = sold("100.00")
    settled = settlement.settle(instalment_id=part(title).pk, paid=D("130.00"), on=MAY, account=cash(), by=None)

    settlement.undo(entry=settled.entry, on=MAY, by=None)

    assert (part(title).balance, part(title).settled_on) == (D("100.00"), None)
    assert (balance("cash"), balance("customer_advance")) == (D(0), D(0))
    books_agree()


def test_a_settlement_whose_credit_was_used_is_not_undone() -> None:
    title = sold("100.00")
    settled = settlement.settle(instalment_id=part(title).pk, paid=D("130.00"), on=MAY, account=cash(), by=None)
    other = sold("50.00", who=title.party)
    credit = Instalment.objects.get(title__kind="credit")
    settlement.apply_credit(credit_id=credit.pk, instalment_id=part(other).pk, amount=D(30), on=MAY, by=None)

    with pytest.raises(ledger.TooMuch):
        settlement.undo(entry=settled.entry, on=MAY, by=None)


def test_a_title_is_cancelled_only_while_nothing_of_it_is_settled() -> None:
    title = sold("100.00")
    settled = settlement.settle(instalment_id=part(title).pk, paid=D("30.00"), on=MAY, account=cash(), by=None)
    with pytest.raises(ledger.TooMuch):
        settlement.cancel(title_id=title.pk, on=MAY, by=None, reason="Wrong customer")
    settlement.undo(entry=settled.entry, on=MAY, by=None)

    settlement.cancel(title_id=title.pk, on=MAY, by=None, reason="Wrong customer")

    assert settlement.is_cancelled(title)
    assert part(title).balance == balance("receivable") == balance("sales") == 0
    books_agree()


def test_money_goes_only_through_cash_and_acquirers_without_a_statement() -> None:
    bank = plan.open_bank_account(name="Banco")

    with pytest.raises(settlement.NotAMeans):
        settlement.settle(instalment_id=part(sold()).pk, paid=D(1), on=MAY, account=bank.account_id, by=None)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(1, 10**9), min_size=1, max_size=4), min_size=1, max_size=40))
def test_a_set_issues_what_the_same_titles_issue_one_by_one(rows: list[list[int]]) -> None:
    who, receivable, sales = party(), plan.account_for("receivable").pk, plan.account_for("sales").pk
    before = balance("receivable")
    with transaction.atomic(), connection.cursor() as cursor:
        titles.begin_titles(cursor)
        for key, parts in enumerate(rows):
            cursor.execute(
                "INSERT INTO incoming_title (key, direction, kind, number, party_id, account_id, against_id,"
                " journal_id, issued_on) VALUES (%s, 'receivable', 'other', %s, %s, %s, %s, %s, %s)",
                [key, f"INV/2026/{key:06}", who.pk, receivable, sales, titles.journals()["sales"], MAY],
            )
            for seq, amount in enumerate(parts, 1):
                cursor.execute(
                    "INSERT INTO incoming_instalment (title_key, seq, due_on, amount) VALUES (%s, %s, %s, %s)",
                    [key, seq, MAY, D(amount) / 100],
                )
        assert titles.issue_set(cursor) == len(rows)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")

    made = Title.objects.filter(party=who).order_by("pk")
    assert [title.amount for title in made] == [D(sum(parts)) / 100 for parts in rows]
    assert balance("receivable") - before == D(sum(map(sum, rows))) / 100
    assert Posting.objects.filter(instalment__title__party=who, role="issue").count() == sum(map(len, rows))
    one = sold("60.00", "40.00", number="INV/2026/999999")
    for title in (*made, one):
        for row in title.instalments.all():
            said = set(InstalmentKey.objects.filter(instalment=row, kind="doc").values_list("value", flat=True))
            own = part_keys(title.number, row.seq) if title.instalments.count() > 1 else set()
            assert said == document_keys(title.number) | own
    books_agree()
