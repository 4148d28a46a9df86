from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from backoffice.core.services import approvals
from finance.models import Instalment, Invoice, InvoiceLine, TaxProfile, TaxRate
from finance.services import by_word, invoices, ledger, papers, settlement
from tests.factories.books import MAY, year
from tests.factories.papers import decide, invoice
from tests.factories.people import person
from tests.finance.test_titles import balance, books_agree, cash

pytestmark = pytest.mark.django_db
D = Decimal
RETAINED = "Serviços a empresas, com retenções"


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def issued(draft: Invoice) -> Invoice:
    decide(invoices.submit(invoice_id=draft.pk, by=draft.made_by), by=person("finance_manager"))
    draft.refresh_from_db()
    return draft


def test_an_issued_invoice_is_numbered_and_booked_with_its_taxes() -> None:
    made = issued(invoice("1000.00", profile=RETAINED, count=2))

    assert (made.state, made.number, made.total, made.withheld) == ("issued", "FAT2026/000001", D(1000), D("61.50"))
    assert [p.balance for p in Instalment.objects.order_by("seq")] == [D("469.25"), D("469.25")]
    assert {p: balance(p) for p in ("services", "receivable", "iss_expense", "iss_payable", "pis_withheld",
                                    "cofins_withheld", "csll_withheld", "irrf_withheld")} == {
        "services": D(-1000), "receivable": D("938.50"), "iss_expense": D(50), "iss_payable": D(-50),
        "pis_withheld": D("6.50"), "cofins_withheld": D(30), "csll_withheld": D(10), "irrf_withheld": D(15),
    }  # fmt: skip
    books_agree()


def test_numbers_have_no_gap() -> None:
    first, lost, second = issued(invoice()), invoice(), invoice()
    invoices.discard(invoice_id=lost.pk, by=lost.made_by)

    assert [first.number, issued(second).number] == ["FAT2026/000001", "FAT2026/000002"]


def test_nobody_issues_what_they_wrote() -> None:
    both = person("finance_clerk", "finance_manager")
    made = invoice(by=both)

    with pytest.raises(approvals.NotTheirs):
        decide(invoices.submit(invoice_id=made.pk, by=both), by=both)
    with pytest.raises(ledger.Refused, match="does not approve"):
        invoices.issue(invoice=made, approved_by=both, today=MAY)
    with pytest.raises(DatabaseError, match="finance_invoice_second_person"), transaction.atomic():
        Invoice.objects.filter(pk=made.pk).update(approved_by=both)


def test_an_issued_invoice_keeps_its_facts_in_the_database() -> None:
    made = issued(invoice())

    for act in (
        lambda: Invoice.objects.filter(pk=made.pk).update(number="X"),
        lambda: InvoiceLine.objects.filter(invoice=made).update(amount=1),
        lambda: Invoice.objects.filter(pk=made.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match=r"in the books|is booked"), transaction.atomic():
            act()


def test_a_whole_credit_note_takes_the_invoice_back() -> None:
    made = issued(invoice("1000.00", profile=RETAINED))
    note = issued(invoices.draft_credit_note(invoice_id=made.pk, by=person("finance_clerk"), today=MAY))

    assert (note.number, note.net) == ("NC2026/000001", D("938.50"))
    for purpose in ("receivable", "iss_expense", "iss_payable", "pis_withheld", "irrf_withheld"):
        assert balance(purpose) == 0, purpose
    assert (balance("services"), balance("returns")) == (D(-1000), D(1000))
    assert not Instalment.objects.exclude(balance=0).exists()
    books_agree()


def test_a_credit_note_of_a_part_leaves_the_rest_and_of_a_paid_one_a_credit() -> None:
    made = issued(invoice("600.00", "400.00"))
    part = Instalment.objects.get()
    settlement.settle(instalment_id=part.pk, paid=D("900.00"), on=MAY, account=cash(), by=None)
    draft = invoices.draft_credit_note(invoice_id=made.pk, by=person("finance_clerk"), today=MAY)
    line = draft.lines.get(seq=2)
    draft = invoices.save(
        values={}, by=draft.made_by, invoice_id=draft.pk, version=draft.version,
        lines=[invoices.LineFacts(line.text, D(1), D("400.00"), line.account_id)],
    )  # fmt: skip

    issued(draft)

    credit = Instalment.objects.get(title__kind="credit")
    assert (credit.balance, Instalment.objects.get(pk=part.pk).balance) == (D("-300.00"), D(0))
    books_agree()


def test_credit_notes_take_no_more_than_the_invoice() -> None:
    made = issued(invoice())
    clerk = person("finance_clerk")
    issued(invoices.draft_credit_note(invoice_id=made.pk, by=clerk, today=MAY))
    second = invoices.draft_credit_note(invoice_id=made.pk, by=clerk, today=MAY)

    second = issued(second)

    assert (second.state, second.number) == ("draft", "")
    assert "more than the invoice" in second.answer


def test_a_cancelled_invoice_keeps_its_number() -> None:
    made = issued(invoice())

    asked = by_word.cancel_invoice(invoice_id=made.pk, reason="Wrong customer", by=person("finance_manager"), today=MAY)
    assert asked
    approvals.decide(asked.pk, yes=True, by=person("director"))

    made.refresh_from_db()
    assert (made.state, made.number, balance("receivable"), balance("services")) == (
        "cancelled", "FAT2026/000001", D(0), D(0),
    )  # fmt: skip
    assert issued(invoice()).number == "FAT2026/000002"


def test_an_invoice_with_credit_notes_is_not_cancelled() -> None:
    made = issued(invoice())
    issued(invoices.draft_credit_note(invoice_id=made.pk, by=person("finance_clerk"), today=MAY))

    with pytest.raises(papers.NotThere):
        invoices.cancel(invoice_id=made.pk, reason="x", by=person("finance_manager"), today=MAY)


def test_a_draft_shows_its_taxes_before_it_is_issued() -> None:
    draft = invoice("215.20", profile=RETAINED)

    assert draft.net == D("205.19")
    assert draft.taxes.filter(is_withheld=True).count() == 3
    assert draft.first_due_on == date(2026, 6, 5)


def test_small_credit_notes_take_back_what_was_withheld() -> None:
    """Ten of 100.00 on an invoice of 1000.00, each of which would withhold nothing by itself."""
    made, clerk = issued(invoice("1000.00", profile=RETAINED)), person("finance_clerk")

    for _n in range(10):
        draft = invoices.draft_credit_note(invoice_id=made.pk, by=clerk, today=MAY)
        line = draft.lines.get()
        draft = invoices.save(
            values={}, by=clerk, invoice_id=draft.pk, version=draft.version,
            lines=[invoices.LineFacts(line.text, D(1), D("100.00"), line.account_id, line.profile_id)],
        )  # fmt: skip
        issued(draft)

    notes = Invoice.objects.filter(kind="credit_note")
    assert (sum(note.withheld for note in notes), sum(note.net for note in notes)) == (D("61.50"), D("938.50"))
    assert {balance(f"{tax}_withheld") for tax in ("irrf", "pis", "cofins", "csll")} == {D(0)}
    assert balance("receivable") == 0
    books_agree()


def test_withheld_iss_settles_what_we_owe_the_town() -> None:
    """LC 116/2003, art. 6: the customer pays it; 5 % of 1000.00."""
    profile = TaxProfile.objects.create(name="ISS retido")
    for withheld in (False, True):
        TaxRate.objects.create(profile=profile, tax="iss", rate=D("0.05"), is_withheld=withheld)

    made = issued(invoice("1000.00", profile="ISS retido"))

    assert made.net == D("950.00")
    assert {p: balance(p) for p in ("receivable", "iss_expense", "iss_payable", "iss_withheld")} == {
        "receivable": D(950), "iss_expense": D(50), "iss_payable": D(0), "iss_withheld": D(0),
    }  # fmt: skip
