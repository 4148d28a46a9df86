"""An invoice on paper and on its way: both are work for workers; a sheet takes a second, a mail server its time."""

import tempfile
from pathlib import Path

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from backoffice.core import jobs, pdf
from backoffice.core.documents import format_tax_id
from backoffice.core.models import AuditEntry, Company, Job, PartyAddress, StoredFile, User
from backoffice.core.services import audit, files
from finance.models import Invoice
from finance.selectors import invoices as selectors
from finance.services import ledger

PDF, SEND = "finance.invoice_pdf", "finance.send_invoice"
SENDING, NOT_SENT = "finance.invoice_sending", "finance.invoice_not_sent"  # in the trail, with the job


class NotIssued(ledger.Refused):
    """Only what was issued goes out."""


@transaction.atomic
def ask_pdf(*, invoice_id: int, by: User | None) -> Job:
    """Have the paper made; a draft's says that it is one."""
    return jobs.ask(
        PDF, by=by, subject=f"finance.invoice:{invoice_id}", invoice_id=invoice_id, language=get_language() or "en"
    )


@transaction.atomic
def ask_send(*, invoice_id: int, to: str, by: User) -> Job:
    """Have the paper sent. Raises NotIssued."""
    if not Invoice.objects.filter(pk=invoice_id, state=Invoice.State.ISSUED).exists():
        raise NotIssued(_("Only an issued invoice is sent."))
    about, language = f"finance.invoice:{invoice_id}", get_language() or "en"
    return jobs.ask(SEND, by=by, subject=about, invoice_id=invoice_id, to=to, language=language)


def render(invoice: Invoice) -> bytes:
    """The A4 sheet in the language that is active."""
    issuer = Company.objects.first()
    address = PartyAddress.objects.filter(party=invoice.party).order_by("pk").first()
    return pdf.render(
        "print/invoice.html",
        {
            "invoice": invoice,
            "sheet": selectors.sheet(invoice),
            "issuer": issuer,
            "issuer_tax_id": format_tax_id(issuer.cnpj) if issuer else "",
            "address": address,
            "tax_id": format_tax_id(invoice.party.tax_id),
        },
    )


def keep(invoice: Invoice) -> StoredFile:
    """Make the paper. An issued invoice has one, as it was first made: what changes later in the company stays out."""
    is_draft = invoice.number == ""
    if invoice.pdf and not is_draft:
        return invoice.pdf
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{str(invoice).replace('/', '-')}.pdf"
        path.write_bytes(render(invoice))
        stored = files.store_path(path, by=None)
    rows = Invoice.objects.filter(pk=invoice.pk)
    if is_draft:
        rows.filter(number="").update(pdf=stored)
        return stored
    if rows.filter(pdf=None).update(pdf=stored):
        return stored
    return StoredFile.objects.get(pk=rows.values("pdf"))  # somebody was faster


@transaction.atomic
def begin_sending(invoice: Invoice, *, by: User | None, job: int) -> bool:
    """Note that a job is about to send the letter; False where it did so before and nobody knows whether it left.

    Committed before the letter leaves: a worker killed in between sends nothing twice.
    """
    Invoice.objects.select_for_update(of=("self",)).get(pk=invoice.pk)
    noted = AuditEntry.objects.filter(subject=invoice.ref, data__job=job)
    if noted.filter(action=SENDING).count() > noted.filter(action=NOT_SENT).count():
        return False
    audit.record(SENDING, invoice, by=by, job=job)
    return True


def send(invoice: Invoice, *, stored: StoredFile, to: str, by: User | None, job: int) -> None:
    """Send the paper to the customer and remember it. A letter that the mail server refused may be tried again."""
    company = Company.objects.first()
    letter = EmailMessage(
        _("%(kind)s %(number)s from %(company)s")
        % {"kind": invoice.get_kind_display(), "number": invoice.number, "company": company or ""},
        _("The paper is attached.\n\n%(company)s\n") % {"company": company or ""},
        to=[to],
    )
    letter.attach(stored.name, files.path_of(stored).read_bytes(), "application/pdf")
    try:
        letter.send()
    except Exception:
        audit.record(NOT_SENT, invoice, by=by, job=job)
        raise
    Invoice.objects.filter(pk=invoice.pk).update(sent_to=to, sent_at=Now())
    audit.record("finance.invoice_sent", invoice, by=by, job=job)
