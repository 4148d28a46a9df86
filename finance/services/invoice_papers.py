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
from backoffice.core.models import Company, Job, PartyAddress, StoredFile, User
from backoffice.core.services import audit, files
from finance.models import Invoice
from finance.selectors import invoices as selectors
from finance.services import ledger

PDF, SEND = "finance.invoice_pdf", "finance.send_invoice"


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
    """Make the paper; an issued one is kept with the invoice."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{str(invoice).replace('/', '-')}.pdf"
        path.write_bytes(render(invoice))
        stored = files.store_path(path, by=None)
    Invoice.objects.filter(pk=invoice.pk).update(pdf=stored)
    return stored


def send(invoice: Invoice, *, to: str, by: User | None) -> None:
    """Send the paper to the customer and remember it."""
    stored = keep(invoice)
    company = Company.objects.first()
    letter = EmailMessage(
        _("%(kind)s %(number)s from %(company)s")
        % {"kind": invoice.get_kind_display(), "number": invoice.number, "company": company or ""},
        _("The paper is attached.\n\n%(company)s\n") % {"company": company or ""},
        to=[to],
    )
    letter.attach(stored.name, files.path_of(stored).read_bytes(), "application/pdf")
    letter.send()
    Invoice.objects.filter(pk=invoice.pk).update(sent_to=to, sent_at=Now())
    audit.record("finance.invoice_sent", invoice, by=by)
