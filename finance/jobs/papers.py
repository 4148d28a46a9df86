"""Invoices on paper and on their way; bills that come back."""

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import jobs
from backoffice.core.beat import crontab, daily
from finance.models import Invoice
from finance.services import bills, invoice_papers


@jobs.job(invoice_papers.PDF, title=gettext_lazy("Print an invoice"))
def print_invoice(work: jobs.Work, *, invoice_id: int, language: str = "en") -> dict[str, object]:
    invoice = _invoice(invoice_id)
    with translation.override(language):
        with work.writing():
            invoice_papers.keep(invoice)
        return {"url": reverse("finance:invoice_pdf", args=[invoice_id]), "text": _("The invoice on paper")}


@jobs.job(invoice_papers.SEND, title=gettext_lazy("Send an invoice"))
def send_invoice(work: jobs.Work, *, invoice_id: int, to: str, language: str = "en") -> dict[str, object]:
    invoice = _invoice(invoice_id)
    by, job, url = work.job.asked_by, work.job.pk or 0, reverse("finance:invoice", args=[invoice_id])
    with translation.override(language):
        work.check()
        with work.writing():
            stored = invoice_papers.keep(invoice)
        with work.writing():
            begun = invoice_papers.begin_sending(invoice, by=by, job=job)
        if not begun:
            if Invoice.objects.filter(pk=invoice_id, sent_to=to).exists():
                return {"url": url, "text": _("Sent to %(to)s.") % {"to": to}}
            return {
                "url": url,
                "text": _("The work was broken off while the letter left: ask %(to)s, and send it anew if need be.")
                % {"to": to},
            }
        invoice_papers.send(invoice, stored=stored, to=to, by=by, job=job)
        return {"url": url, "text": _("Sent to %(to)s.") % {"to": to}}


@jobs.job("finance.draft_bills", title=gettext_lazy("Draft bills that come back"))
def draft_bills(work: jobs.Work) -> dict[str, object]:
    made = bills.draft_due(today=timezone.localdate())
    return {"text": str(_("%(n)s drafted.") % {"n": len(made)})}


def _invoice(pk: int) -> Invoice:
    return Invoice.objects.select_related("party", "credits", "title", "pdf").get(pk=pk)


daily(crontab(hour="1-22", minute=15), "finance.draft_bills")
