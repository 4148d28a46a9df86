"""Invoices and credit notes: the list, one of them, writing it with a preview, sending it, its paper."""

from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from backoffice.core import lists, refs
from backoffice.core.access import entrance
from backoffice.core.forms import once
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.money import CENT
from backoffice.core.selectors import activity
from backoffice.core.services import files
from backoffice.core.templatetags.display import badge
from finance.filters.titles import InvoiceFilters
from finance.forms.papers import InvoiceForm, InvoiceLines, SendForm
from finance.forms.titles import CancelForm, doubts
from finance.models import Invoice
from finance.selectors import invoices as selectors
from finance.services import by_word, invoice_papers, invoices, ledger, second_person

from . import papers

KINDS = ["revenue"]


@entrance("finance.invoice.read")
class InvoiceList(lists.ListPage):
    key = "finance.invoices"
    url_name = "finance:invoices"
    detail_url = "finance:invoice"
    title = gettext_lazy("Invoices")
    lead = gettext_lazy("What customers are asked for, and credit notes that take it back.")
    filters = InvoiceFilters
    search_fields = ("number", "party__search__contains")
    search_label = gettext_lazy("Number or customer")
    default_order = "-issued_on"
    export_right = "finance.invoice.export"
    has_personal_data = True
    empty_text = gettext_lazy("No invoice yet.")
    tabs = (
        lists.Tab("drafts", gettext_lazy("Drafts"), {"state": "draft"}),
        lists.Tab("waiting", gettext_lazy("Waiting for approval"), {"state": "waiting"}),
        lists.Tab("issued", pgettext_lazy("invoices", "Issued"), {"state": "issued"}),
    )
    columns = (
        lists.Column("number", gettext_lazy("Number"), value=str),
        lists.Column("party", gettext_lazy("Customer"), value="party.name"),
        lists.Column("kind", gettext_lazy("Kind"), value=Invoice.get_kind_display),
        lists.Column("issued_on", gettext_lazy("Issued"), kind="day", order=("issued_on", "pk")),
        lists.Column(
            "state",
            gettext_lazy("State"),
            value=Invoice.get_state_display,
            cell=lambda invoice: badge(papers.TONES[invoice.state], invoice.get_state_display()),
        ),
        lists.Column("total", gettext_lazy("Total"), kind="money", total=Sum("total")),
        lists.Column("net", gettext_lazy("To be paid"), kind="money"),
        lists.Column("withheld", gettext_lazy("Withheld"), kind="money", optional=True, total=Sum("withheld")),
        lists.Column("first_due_on", gettext_lazy("First due"), kind="day", optional=True),
        lists.Column("sent_at", gettext_lazy("Sent"), kind="stamp", optional=True),
    )

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return papers.search(queryset, text)

    def queryset(self, user: User) -> QuerySet[Invoice]:
        return Invoice.objects.select_related("party")

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.invoice.create"):
            return []
        return [lists.Action(_("New invoice"), reverse("finance:invoice_create"), is_primary=True)]


def _invoice(pk: int) -> Invoice:
    rows = Invoice.objects.select_related(
        "party", "cost_centre", "title", "made_by", "approved_by", "credits", "pdf", "cancelled_by"
    )
    return get_object_or_404(rows, pk=pk)


@entrance("finance.invoice.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    invoice, user = _invoice(pk), request.user
    is_draft, is_issued = invoice.state == Invoice.State.DRAFT, invoice.state == Invoice.State.ISSUED
    parts, settled = (
        selectors.settlements(invoice, may_read=user.may("finance.entry.read")) if invoice.title_id else (None, [])
    )
    context = {
        "invoice": invoice,
        "tone": papers.TONES[invoice.state],
        "sheet": selectors.sheet(invoice, parts),
        "waiting": second_person.waiting(invoices.APPROVE if not is_issued else by_word.CANCEL_INVOICE, invoice.ref)
        if invoice.state == Invoice.State.WAITING or (is_issued and user.may("finance.invoice.approve"))
        else None,
        "links": _chain(invoice, user, settled),
        "may_edit": is_draft and user.may("finance.invoice.edit"),
        "may_submit": is_draft and user.may("finance.invoice.submit"),
        "may_send": is_issued and user.may("finance.invoice.submit"),
        "may_credit": is_issued and invoice.kind == "invoice" and user.may("finance.invoice.create"),
        "may_cancel": is_issued and user.may("finance.invoice.approve"),
        "crumbs": [(str(invoice), "")],
        "activity": activity(invoice.ref, user),
    }
    return render(request, "finance/invoices/detail.html", context)


def _chain(invoice: Invoice, user: User, settled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = []
    for card in refs.resolve([invoice.origin] if invoice.origin else []).values():
        links.append({"kind": card.kind, "label": card.label[:24], "url": card.url if card.is_open_to(user) else ""})
    if invoice.credits:
        url = reverse("finance:invoice", args=[invoice.credits_id])
        links.append({"kind": _("Invoice"), "label": str(invoice.credits), "url": url})
    links.append(
        {
            "kind": invoice.get_kind_display(),
            "label": str(invoice),
            "current": True,
            "state": invoice.get_state_display(),
            "tone": papers.TONES[invoice.state],
        }
    )
    if invoice.title:
        if user.may("finance.title.read"):
            url = reverse("finance:title", args=[invoice.title_id])
            links.append({"kind": _("Title"), "label": invoice.title.number, "url": url})
        links += settled
        if user.may("finance.entry.read"):
            url = reverse("finance:entry", args=[invoice.title.entry_id])
            links.append({"kind": _("Journal entry"), "label": _("In the books"), "url": url})
    for note in invoice.credit_notes.exclude(state=Invoice.State.DISCARDED).order_by("pk")[:5]:
        links.append(
            {
                "kind": note.get_kind_display(),
                "label": str(note),
                "url": reverse("finance:invoice", args=[note.pk]),
                "state": note.get_state_display(),
                "tone": papers.TONES[note.state],
            }
        )
    return links


@entrance("finance.invoice.create")
@once
def create(request: PersonRequest) -> HttpResponse:
    return _write(request, None, papers.fresh(request), [])


@entrance("finance.invoice.edit")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    invoice = _invoice(pk)
    if invoice.state != Invoice.State.DRAFT:
        messages.error(request, _("Only a draft can be changed."))
        return redirect("finance:invoice", pk)
    rows = [
        {
            "text": line.text,
            "qty": plain_qty(line.qty),
            "unit": line.unit,
            "price": plain_price(line.price),
            "account": line.account_id,
            "profile": line.profile_id,
            "cost_centre": line.cost_centre_id,
        }
        for line in invoice.lines.order_by("seq")
    ]
    return _write(request, invoice, papers.head_of(invoice), rows)


def plain_qty(qty: Decimal) -> Decimal:
    """Without the zeros that say nothing, and never as 1E+2."""
    whole = qty.quantize(Decimal(1))
    return whole if whole == qty else qty.normalize()


def plain_price(price: Decimal) -> Decimal:
    """Two decimals where they say it all: 800.00, 0.335."""
    short = price.quantize(CENT)
    return short if short == price else price.normalize()


def _write(
    request: PersonRequest, invoice: Invoice | None, initial: dict[str, Any], rows: list[dict[str, Any]]
) -> HttpResponse:
    def save(form: InvoiceForm, lines: list[invoices.LineFacts]) -> HttpResponse:
        kept = invoices.save(
            values=form.values,
            lines=lines,
            by=request.user,
            invoice_id=invoice.pk if invoice else None,
            version=form.cleaned_data["version"] or 0,
        )
        for doubt in doubts(form.terms, kept.party):
            messages.warning(request, doubt)
        if "submit" in request.POST and request.user.may("finance.invoice.submit"):
            invoices.submit(invoice_id=kept.pk, by=request.user)
            messages.success(request, _("A second person has been asked."))
        return redirect("finance:invoice", kept.pk)

    cancel_url = reverse("finance:invoice", args=[invoice.pk]) if invoice else reverse("finance:invoices")
    return papers.write(
        request,
        template="finance/invoices/form.html",
        form_class=InvoiceForm,
        lines_class=InvoiceLines,
        kinds=KINDS,
        initial=initial,
        rows=rows,
        save=save,
        context={"invoice": invoice, "cancel_url": cancel_url},
        preview=partial(selectors.preview, of=invoice.credits if invoice else None),
    )


@entrance(post="finance.invoice.submit")
@require_POST
@once
def submit(request: PersonRequest, pk: int) -> HttpResponse:
    _invoice(pk)
    try:
        invoices.submit(invoice_id=pk, by=request.user)
    except ledger.Refused as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("A second person has been asked."))
    return redirect("finance:invoice", pk)


@entrance(post="finance.invoice.edit")
@require_POST
@once
def discard(request: PersonRequest, pk: int) -> HttpResponse:
    _invoice(pk)
    try:
        invoices.discard(invoice_id=pk, by=request.user)
    except ledger.Refused as problem:
        messages.error(request, str(problem))
        return redirect("finance:invoice", pk)
    messages.info(request, _("The draft was put away."))
    return redirect("finance:invoices")


@entrance(post="finance.invoice.create")
@require_POST
@once
def credit(request: PersonRequest, pk: int) -> HttpResponse:
    """Begin a credit note with all lines of the invoice; its page takes away what stays."""
    _invoice(pk)
    try:
        note = invoices.draft_credit_note(invoice_id=pk, by=request.user, today=timezone.localdate())
    except ledger.Refused as problem:
        messages.error(request, str(problem))
        return redirect("finance:invoice", pk)
    return redirect("finance:invoice_edit", note.pk)


@entrance("finance.invoice.approve")
@once
def cancel(request: PersonRequest, pk: int) -> HttpResponse:
    invoice = _invoice(pk)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = by_word.cancel_invoice(
                invoice_id=pk, reason=form.cleaned_data["reason"], by=request.user, today=timezone.localdate()
            )
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            done = _("A second person has been asked.") if asked else _("Cancelled; its number stays.")
            messages.success(request, done)
            return redirect("finance:invoice", pk)
    context = {"form": form, "paper": invoice, "cancel_url": reverse("finance:invoice", args=[pk])}
    return render(request, "finance/invoices/cancel.html", context, status=422 if form.is_bound else 200)


@entrance("finance.invoice.submit")
@once
def send(request: PersonRequest, pk: int) -> HttpResponse:
    invoice = _invoice(pk)
    form = SendForm(request.POST or None, initial={"to": invoice.sent_to or invoice.party.email})
    if request.method == "POST" and form.is_valid():
        try:
            job = invoice_papers.ask_send(invoice_id=pk, to=form.cleaned_data["to"], by=request.user)
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            return redirect("job", job.pk)
    context = {"form": form, "invoice": invoice, "cancel_url": reverse("finance:invoice", args=[pk])}
    return render(request, "finance/invoices/send.html", context, status=422 if form.is_bound else 200)


@entrance(post="finance.invoice.read")
@require_POST
def make_pdf(request: PersonRequest, pk: int) -> HttpResponse:
    invoice = _invoice(pk)
    job = invoice_papers.ask_pdf(invoice_id=invoice.pk, by=request.user)
    return redirect("job", job.pk)


@entrance("finance.invoice.read")
def pdf(request: PersonRequest, pk: int) -> HttpResponseBase:
    invoice = _invoice(pk)
    if invoice.pdf is None:
        raise Http404
    return files.download(invoice.pdf)
