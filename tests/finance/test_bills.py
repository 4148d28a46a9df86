from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from backoffice.core.services import approvals
from finance.models import Bill, BillLine, RecurringBill, TitlePolicy
from finance.services import bills, ledger, papers, plan, settlement
from tests.factories.books import MAY, approval, party, year
from tests.factories.papers import bill, decide
from tests.factories.people import person
from tests.finance.test_titles import balance, books_agree, cash

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def approved(made: Bill) -> Bill:
    decide(bills.submit(bill_id=made.pk, by=made.made_by), by=person("finance_manager"))
    made.refresh_from_db()
    return made


def test_an_approved_bill_is_a_title_against_its_expenses() -> None:
    made = approved(bill("100.00", count=3, withheld={"irrf": D("1.50")}))

    assert made.state == "approved"
    assert made.title is not None
    assert [(p.due_on, p.balance) for p in made.title.instalments.order_by("seq")] == [
        (date(2026, 6, 5), D("-32.84")), (date(2026, 7, 5), D("-32.83")), (date(2026, 8, 5), D("-32.83")),
    ]  # fmt: skip
    assert (balance("bank_fees"), balance("payable"), balance("withheld_payable")) == (D(100), D("-98.50"), D("-1.50"))
    books_agree()


def test_nobody_approves_the_bill_they_entered() -> None:
    both = person("finance_clerk", "finance_manager")
    made = bill(by=both)
    asked = bills.submit(bill_id=made.pk, by=both)

    with pytest.raises(approvals.NotTheirs):
        approvals.decide(asked.pk, yes=True, by=both)
    with pytest.raises(ledger.Refused, match="does not approve"):
        bills.approve(bill=made, approved_by=both, today=MAY)
    with pytest.raises(DatabaseError, match="finance_bill_second_person"), transaction.atomic():
        Bill.objects.filter(pk=made.pk).update(approved_by=both)


def test_above_the_limit_a_director_decides() -> None:
    TitlePolicy.objects.create(pk=1, approval_limit=D("500.00"))
    small, large = bill("500.00"), bill("500.01", number="NF 78", who=party("Outro"))
    manager = person("finance_manager")

    decide(bills.submit(bill_id=small.pk, by=small.made_by), by=manager)
    asked = bills.submit(bill_id=large.pk, by=large.made_by)
    with pytest.raises(approvals.NotTheirs):
        decide(asked, by=manager)
    decide(asked, by=person("director"))

    assert set(Bill.objects.values_list("state", flat=True)) == {"approved"}


def test_splitting_a_bill_does_not_pass_below_the_limit() -> None:
    TitlePolicy.objects.create(pk=1, approval_limit=D("500.00"))
    who = party()
    approved(bill("400.00", who=who))
    second = bill("400.00", who=who, number="NF 78")

    assert bills.submit(bill_id=second.pk, by=second.made_by).right == "finance.above_limit.approve"


def test_a_rejected_bill_is_a_draft_again_with_the_answer() -> None:
    made = bill()
    decide(bills.submit(bill_id=made.pk, by=made.made_by), by=person("finance_manager"), yes=False)

    made.refresh_from_db()

    assert (made.state, made.answer, made.title) == ("draft", "Not so", None)
    assert balance("payable") == 0


def test_what_waits_is_not_changed() -> None:
    made = bill()
    bills.submit(bill_id=made.pk, by=made.made_by)

    with pytest.raises(papers.NotADraft):
        bill(by=made.made_by) and bills.save(
            values={}, lines=[bills.LineFacts(1, D(5))], withheld={}, by=made.made_by, bill_id=made.pk, version=2
        )


def test_a_draft_that_somebody_changed_is_told() -> None:
    made = bill()

    with pytest.raises(papers.Outdated):
        bills.save(
            values={}, lines=[bills.LineFacts(1, D(5))], withheld={}, by=made.made_by, bill_id=made.pk, version=9
        )


def test_an_approved_bill_keeps_its_facts_in_the_database() -> None:
    made = approved(bill())

    for act in (
        lambda: Bill.objects.filter(pk=made.pk).update(total=1),
        lambda: BillLine.objects.filter(bill=made).update(amount=1),
        lambda: BillLine.objects.filter(bill=made).delete(),
    ):
        with pytest.raises(DatabaseError, match="in the books"), transaction.atomic():
            act()


def test_the_same_number_of_the_same_supplier_is_seen() -> None:
    who = party()
    first, other = bill(who=who), bill(who=party("Outro"))

    assert list(bills.twins(party=who, number=" nf 77")) == [first]
    assert not bills.twins(party=who, number="NF 77", besides=first.pk).exists()
    assert other.pk


def test_a_cancelled_bill_leaves_the_books_as_they_were() -> None:
    made = approved(bill())

    bills.cancel(bill_id=made.pk, reason="Twice", by=person("finance_manager"), today=MAY)

    made.refresh_from_db()
    assert (made.state, balance("payable"), balance("bank_fees")) == ("cancelled", D(0), D(0))


def test_a_paid_bill_is_not_cancelled() -> None:
    made = approved(bill())
    assert made.title is not None
    part = made.title.instalments.get()
    settlement.settle(instalment_id=part.pk, paid=D(1), on=MAY, account=cash(), by=None)

    with pytest.raises(Exception, match="open amount"):
        bills.cancel(bill_id=made.pk, reason="Twice", by=person("finance_manager"), today=MAY)


def test_a_closed_month_takes_the_bill_on_the_day_of_approval() -> None:
    from finance.models import Period

    made = bill(issued_on=date(2026, 1, 15))
    Period.objects.filter(starts_on=date(2026, 1, 1)).update(state="closed")

    manager = person("finance_manager")
    approval(made.ref, by=made.made_by, decided_by=manager, right="finance.bill.approve")
    title = bills.approve(bill=made, approved_by=manager, today=MAY)

    assert (title.issued_on, title.entry.on) == (date(2026, 1, 15), MAY)


def test_recurring_bills_are_drafted_once_a_period() -> None:
    one = RecurringBill.objects.create(
        party=party("Imobiliária"), text="Aluguel", account=plan.account_for("bank_fees"), amount=D("3000.00"), day=31,
        next_due_on=date(2026, 1, 31), days_before=10, made_by=person("finance_clerk"),
    )  # fmt: skip

    assert not bills.draft_due(today=date(2026, 1, 20))
    made = bills.draft_due(today=date(2026, 3, 21))
    assert not bills.draft_due(today=date(2026, 3, 21))

    assert [b.first_due_on for b in made] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]
    one.refresh_from_db()
    assert one.next_due_on == date(2026, 4, 30)
    assert Bill.objects.filter(state="draft").count() == 3


def test_recurring_bills_end() -> None:
    RecurringBill.objects.create(
        party=party(), text="Curso", account=plan.account_for("bank_fees"), amount=D("30.00"), day=5,
        next_due_on=date(2026, 1, 5), ends_on=date(2026, 2, 5), made_by=person("finance_clerk"),
    )  # fmt: skip

    assert len(bills.draft_due(today=date(2026, 12, 1))) == 2


def test_who_wrote_any_part_of_a_bill_does_not_approve_it() -> None:
    first = person("finance_clerk", "finance_manager")
    made = bill(by=first)
    lines = [bills.LineFacts(plan.account_for("bank_fees").pk, D(100))]
    last = person("finance_clerk")
    made = bills.save(values={}, lines=lines, withheld={}, by=last, bill_id=made.pk, version=made.version)

    asked = bills.submit(bill_id=made.pk, by=last)

    with pytest.raises(approvals.NotTheirs):
        decide(asked, by=first)
    decide(asked, by=person("finance_manager"))
