from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from backoffice.core.jobs import Quiet
from backoffice.core.models import Approval, Company, Job
from finance.bulk import Settle
from finance.jobs import papers as jobs
from finance.models import Bill, Instalment, Invoice, JournalEntry, TaxProfile, Title
from finance.services import bills, concessions, invoice_papers, invoices, plan, settlement
from finance.terms import Terms
from tests.factories.books import MAY, party, year
from tests.factories.papers import bill, decide, invoice
from tests.factories.people import person
from tests.finance.test_titles import bought, cash, part, sold

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def months() -> None:
    today = timezone.localdate()
    year()
    year(today.year)


@pytest.fixture
def clerk(client: Client) -> Any:
    Company.objects.update_or_create(pk=1, defaults={"name": "Casa Verde Ltda"})
    user = person("finance_clerk", language="en")
    client.force_login(user)
    return user


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("finance:receivables", lambda n: sold(number=f"F {n}")),
        ("finance:payables", lambda n: bought(number=f"B {n}")),
        ("finance:bills", lambda n: bill(number=f"B {n}")),
        ("finance:invoices", lambda n: invoice()),
    ],
)
def test_a_list_asks_the_same_few_queries_for_one_row_and_for_many(
    client: Client, clerk: Any, name: str, make: Any
) -> None:
    make(0)
    client.get(reverse(name))
    few = queries(client, reverse(name))

    for n in range(1, 9):
        make(n)

    assert queries(client, reverse(name)) == few <= 10


def test_a_list_of_titles_with_partly_settled_rows_stays_at_ten_queries(client: Client, clerk: Any) -> None:
    for n in range(4):
        title = sold("100.00", number=f"F {n}")
        settlement.settle(instalment_id=part(title).pk, paid=D("30.00"), on=MAY, account=cash(), by=None)
    client.get(reverse("finance:receivables"))

    assert queries(client, reverse("finance:receivables")) <= 10


@pytest.mark.parametrize("state", ["open", "overdue", "settled"])
@pytest.mark.parametrize("age", ["", "not_due", "30", "over"])
def test_states_and_ages_filter_titles(client: Client, clerk: Any, state: str, age: str) -> None:
    sold("100.00", due_on=timezone.localdate() - timedelta(days=5), number="LATE")
    sold("100.00", due_on=timezone.localdate() + timedelta(days=5), number="EARLY")

    page = client.get(reverse("finance:receivables") + f"?state={state}&age={age}").content.decode()

    late = state != "settled" and age in ("", "30")
    early = state == "open" and age in ("", "not_due")
    assert ("LATE/1" in page, "EARLY/1" in page) == (late, early)


def test_a_title_page_tells_its_parts_its_settlements_and_its_chain_in_ten_queries(client: Client, clerk: Any) -> None:
    made = invoice("1000.00", count=2)
    decide(invoices.submit(invoice_id=made.pk, by=made.made_by), by=person("finance_manager"))
    title = Title.objects.get()
    settlement.settle(instalment_id=part(title).pk, paid=D("30.00"), on=MAY, account=cash(), by=clerk)
    url = reverse("finance:title", args=[title.pk])
    client.get(url)

    assert queries(client, url) <= 10
    assert queries(client, reverse("finance:invoice", args=[made.pk])) <= 10
    page = client.get(url).content.decode()
    for words in ("FAT2026/000001", "Settlements", "Principal", reverse("finance:invoice", args=[made.pk])):
        assert words in page


def test_a_title_is_settled_and_the_settlement_undone_on_its_pages(client: Client, clerk: Any) -> None:
    title = sold("100.00", due_on=timezone.localdate())
    url = reverse("finance:title_settle", args=[part(title).pk])
    assert "100.00" in client.get(url).content.decode()

    sent = {"account": cash(), "on": timezone.localdate().isoformat(), "paid": "60.00", "charge": "on"}
    assert client.post(url, sent).status_code == 302
    assert part(title).balance == D("40.00")

    entry = JournalEntry.objects.latest("pk").pk
    client.post(reverse("finance:title_undo", args=[title.pk, entry]))
    assert part(title).balance == D("100.00")


def test_the_issue_of_a_title_is_not_undone_as_a_settlement(client: Client, clerk: Any) -> None:
    title = sold("100.00")

    assert client.post(reverse("finance:title_undo", args=[title.pk, title.entry_id])).status_code == 404


def test_a_write_off_and_a_renegotiation_are_asked_on_their_pages(client: Client, clerk: Any) -> None:
    title = sold("100.00")
    client.post(reverse("finance:title_write_off", args=[part(title).pk]), {"amount": "10.00", "reason": "Lost"})
    sent = {"due_1": "2026-09-01", "amount_1": "50.00", "due_2": "2026-10-01", "amount_2": "55.00", "reason": "Time"}
    sent |= {"fine_rate": "2", "interest_rate": "1"}
    client.post(reverse("finance:title_renegotiate", args=[title.pk]), sent)

    assert set(Approval.objects.values_list("kind", flat=True)) == {concessions.WRITE_OFF, concessions.RENEGOTIATE}
    decide(Approval.objects.get(kind=concessions.RENEGOTIATE), by=person("finance_manager"))
    assert Title.objects.get(kind="renegotiated").fine_rate == D("0.02")


def test_due_dates_and_terms_change_on_their_page(client: Client, clerk: Any) -> None:
    title = sold("100.00")
    one = part(title)

    sent = {"version": 1, "text": "Later", "interest_rate": "1.5", "fine_rate": "5", f"due_{one.pk}": "2026-04-09"}
    page = client.post(reverse("finance:title_edit", args=[title.pk]), sent, follow=True).content.decode()
    for doubt in ("Interest above 1 % a month may not hold", "A fine above 2 percent does not hold against a consumer"):
        assert doubt in page

    title.refresh_from_db()
    assert (title.text, title.interest_rate, str(part(title).due_on)) == ("Later", D("0.015"), "2026-04-09")


def test_softer_terms_are_asked_on_their_page(client: Client, clerk: Any) -> None:
    title = sold("100.00")
    url = reverse("finance:title_edit", args=[title.pk])

    client.post(url, {"version": 1, "discount_rate": "99.9999", f"due_{part(title).pk}": str(MAY)})

    title.refresh_from_db()
    assert title.discount_rate == 0
    assert Approval.objects.get().kind == concessions.TERMS
    answer = client.post(url, {"version": 1, "discount_rate": "50", f"due_{part(title).pk}": str(MAY)})
    assert "asked already" in answer.content.decode()


def test_a_payment_that_reached_the_charges_only_is_shown_and_undone(client: Client, clerk: Any) -> None:
    usual = Terms(fine_rate=D("0.02"), interest_rate=D("0.01"))
    title = sold("1000.00", due_on=timezone.localdate() - timedelta(days=20), terms=usual)
    settled = settlement.settle(
        instalment_id=part(title).pk, paid=D("3.00"), on=timezone.localdate(), account=cash(), by=clerk
    )
    undo, page = (
        reverse("finance:title_undo", args=[title.pk, settled.entry]),
        reverse("finance:title", args=[title.pk]),
    )
    assert undo in client.get(page).content.decode()
    assert queries(client, page) <= 10

    client.post(undo)

    assert JournalEntry.objects.filter(reverses=settled.entry).exists()
    assert settlement.owed(part(title), on=timezone.localdate()).total > D("1020.00")


def test_what_two_approved_is_not_undone_by_one(client: Client, clerk: Any) -> None:
    title = sold("100.00")
    asked = concessions.ask_write_off(instalment_id=part(title).pk, amount=D("40.00"), reason="Bankrupt", by=clerk)
    decide(asked, by=person("finance_manager"))

    client.post(reverse("finance:title_undo", args=[title.pk, JournalEntry.objects.latest("pk").pk]))

    assert part(title).balance == D("60.00")


def lines(*rows: dict[str, str]) -> dict[str, str]:
    found = {"line-TOTAL_FORMS": str(len(rows)), "line-INITIAL_FORMS": "0"}
    for n, row in enumerate(rows):
        found |= {f"line-{n}-{name}": value for name, value in row.items()}
    return found


def head(**more: str) -> dict[str, str]:
    day = timezone.localdate().isoformat()
    return {"issued_on": day, "first_due_on": day, "count": "1"} | more


def test_a_bill_is_written_sent_and_approved(client: Client, clerk: Any) -> None:
    who, fees = party("Fornecedor Certo"), str(plan.account_for("bank_fees").pk)
    sent = head(party="Fornecedor Certo", number="NF 9", withheld_irrf="1.50", submit="yes")
    sent |= lines({"account": fees, "amount": "60.00"}, {"account": fees, "amount": "40.00", "text": "Part"}, {})

    answer = client.post(reverse("finance:bill_create"), sent)

    made = Bill.objects.get()
    assert (answer.status_code, made.party, made.total, made.net, made.state) == (
        302, who, D("100.00"), D("98.50"), "waiting",
    )  # fmt: skip
    decide(Approval.objects.get(), by=person("finance_manager"))
    page = client.get(reverse("finance:bill", args=[made.pk])).content.decode()
    assert "Approved" in page
    assert reverse("finance:title", args=[Title.objects.get().pk]) in page


def test_more_lines_come_without_a_script_and_without_blame(client: Client, clerk: Any) -> None:
    page = client.post(reverse("finance:bill_create"), head(more="yes") | lines({}, {}, {})).content.decode()

    assert page.count('name="line-5-amount"') == 1
    assert "field-error" not in page


def test_the_same_number_of_a_supplier_asks_before_it_is_kept(client: Client, clerk: Any) -> None:
    first = bill(who=party("Fornecedor"))
    sent = head(party="Fornecedor", number=first.number)
    sent |= lines({"account": str(plan.account_for("bank_fees").pk), "amount": "60.00"})

    assert "has a bill with this number" in client.post(reverse("finance:bill_create"), sent).content.decode()
    assert Bill.objects.count() == 1
    assert client.post(reverse("finance:bill_create"), sent | {"is_no_twin": "on"}).status_code == 302


def test_an_invoice_shows_its_preview_before_it_is_kept(client: Client, clerk: Any) -> None:
    party("Cliente Bom")
    profile = str(TaxProfile.objects.get(name="Serviços a empresas, com retenções").pk)
    row = {"text": "Work", "qty": "2.5", "price": "400", "account": str(plan.account_for("services").pk)}
    sent = head(party="Cliente Bom") | lines(row | {"profile": profile})

    page = client.post(reverse("finance:invoice_create"), sent | {"preview": "yes"}).content.decode()

    assert "938.50" in page
    assert not Invoice.objects.exists()
    assert client.post(reverse("finance:invoice_create"), sent).status_code == 302
    assert Invoice.objects.get().net == D("938.50")


def test_an_issued_invoice_is_sent_with_its_paper(client: Client, clerk: Any, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    made = invoice("1000.00", profile="Serviços a empresas, com retenções")
    decide(invoices.submit(invoice_id=made.pk, by=made.made_by), by=person("finance_manager"))

    client.post(reverse("finance:invoice_send", args=[made.pk]), {"to": "ana@cliente.example"})
    job = Job.objects.get(kind="finance.send_invoice")
    work = Quiet()
    work.job = job
    jobs.send_invoice(work, **job.args)

    letter = mail.outbox[0]
    assert letter.to == ["ana@cliente.example"]
    assert letter.attachments[0][1].startswith(b"%PDF")
    made.refresh_from_db()
    assert (made.sent_to, bool(made.sent_at), bool(made.pdf)) == ("ana@cliente.example", True, True)
    answer = client.get(reverse("finance:invoice_pdf", args=[made.pk]))
    assert b"".join(answer.streaming_content).startswith(b"%PDF")  # type: ignore[attr-defined]


def test_a_letter_is_not_sent_twice_and_its_paper_stays_as_it_was(
    client: Client, clerk: Any, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker is killed as the letter leaves; the mail server refuses another; the company moves meanwhile."""
    settings.MEDIA_ROOT = tmp_path
    made = invoice("1000.00")
    decide(invoices.submit(invoice_id=made.pk, by=made.made_by), by=person("finance_manager"))

    def job() -> Any:
        work = Quiet()
        work.job = invoice_papers.ask_send(invoice_id=made.pk, to="ana@cliente.example", by=clerk)
        return lambda: jobs.send_invoice(work, invoice_id=made.pk, to="ana@cliente.example")

    def breaks(problem: BaseException) -> Any:
        def send(letter: Any) -> None:
            raise problem

        return send

    killed, refused = job(), job()
    with monkeypatch.context() as patch:
        patch.setattr(mail.EmailMessage, "send", breaks(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            killed()
        patch.setattr(mail.EmailMessage, "send", breaks(OSError()))
        with pytest.raises(OSError):  # noqa: PT011
            refused()
    made.refresh_from_db()
    paper = made.pdf_id
    Company.objects.update_or_create(pk=1, defaults={"name": "Casa Nova"})

    assert "broken off" in killed()["text"]
    assert not mail.outbox
    refused()

    made.refresh_from_db()
    assert (len(mail.outbox), made.pdf_id) == (1, paper)


def test_a_credit_note_begins_from_its_invoice(client: Client, clerk: Any) -> None:
    made = invoice("1000.00")
    decide(invoices.submit(invoice_id=made.pk, by=made.made_by), by=person("finance_manager"))

    answer = client.post(reverse("finance:invoice_credit", args=[made.pk]))

    note = Invoice.objects.get(kind="credit_note")
    assert answer["Location"] == reverse("finance:invoice_edit", args=[note.pk])
    assert client.get(answer["Location"]).status_code == 200
    assert made.number in client.get(reverse("finance:invoice", args=[note.pk])).content.decode()


def test_a_recurring_bill_is_kept_and_drafts(client: Client, clerk: Any) -> None:
    party("Imobiliária")
    sent = {
        "party": "Imobiliária", "text": "Rent", "account": str(plan.account_for("bank_fees").pk), "amount": "3000.00",
        "months": "1", "day": "5", "next_due_on": "2026-06-05", "days_before": "10",
    }  # fmt: skip

    assert client.post(reverse("finance:recurring_bill_create"), sent).status_code == 302

    assert len(bills.draft_due(today=MAY.replace(day=26))) == 1
    assert client.get(reverse("finance:recurring_bills")).status_code == 200


def test_bulk_settling_tells_first_what_it_would_do(client: Client, clerk: Any) -> None:
    rows = [part(sold("100.00", number=f"F {n}", due_on=timezone.localdate())) for n in range(3)]
    answers = {"account": plan.account_for("cash"), "on": timezone.localdate()}
    loaded = list(Instalment.objects.select_related("title"))
    assert Settle().refusals(loaded, by=clerk, **answers) == {}

    Settle().apply([row.pk for row in rows], by=clerk, **answers)

    loaded = list(Instalment.objects.select_related("title"))
    assert all(row.balance == 0 for row in loaded)
    assert len(Settle().refusals(loaded, by=clerk, **answers)) == 3


def test_a_cancelled_title_says_so_in_the_list(client: Client, clerk: Any) -> None:
    title = sold("100.00")
    settlement.cancel(title_id=title.pk, on=MAY, by=None, reason="Wrong")

    assert "Cancelled" in client.get(reverse("finance:receivables") + "?state=settled").content.decode()
    assert "taken out of the books" in client.get(reverse("finance:title", args=[title.pk])).content.decode()
