"""Bills: the list, one bill, writing it, sending it to a second person; and bills that come back."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import once
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.selectors import activity
from backoffice.core.templatetags.display import badge
from finance.filters.titles import BillFilters
from finance.forms.papers import BillForm, BillLines, RecurringBillForm
from finance.forms.titles import CancelForm
from finance.models import Bill, RecurringBill
from finance.services import bills, ledger, second_person

from . import papers

KINDS = ["expense", "asset"]


@entrance("finance.bill.read")
class BillList(lists.ListPage):
    key = "finance.bills"
    url_name = "finance:bills"
    detail_url = "finance:bill"
    title = gettext_lazy("Bills")
    lead = gettext_lazy("What suppliers ask for, from the draft until a second person puts it into the books.")
    filters = BillFilters
    search_fields = ("number", "party__search__contains")
    search_label = gettext_lazy("Number or supplier")
    default_order = "-issued_on"
    export_right = "finance.bill.export"
    has_personal_data = True
    empty_text = gettext_lazy("No bill yet. Enter the first one, or one that comes back each month.")
    tabs = (
        lists.Tab("drafts", gettext_lazy("Drafts"), {"state": "draft"}),
        lists.Tab("waiting", gettext_lazy("Waiting for approval"), {"state": "waiting"}),
        lists.Tab("approved", pgettext_lazy("bills", "Approved"), {"state": "approved"}),
    )
    columns = (
        lists.Column("number", gettext_lazy("Document number")),
        lists.Column("party", gettext_lazy("Supplier"), value="party.name"),
        lists.Column("issued_on", gettext_lazy("Issued"), kind="day", order=("issued_on", "pk")),
        lists.Column("first_due_on", gettext_lazy("First due"), kind="day", order=("first_due_on", "pk")),
        lists.Column(
            "state",
            gettext_lazy("State"),
            value=Bill.get_state_display,
            cell=lambda bill: badge(papers.TONES[bill.state], bill.get_state_display()),
        ),
        lists.Column("total", gettext_lazy("Total"), kind="money", total=Sum("total")),
        lists.Column("withheld", gettext_lazy("Withheld"), kind="money", optional=True, total=Sum("withheld")),
        lists.Column("text", gettext_lazy("Text"), optional=True),
        lists.Column("made_by", gettext_lazy("Written by"), value="made_by.name", optional=True),
        lists.Column("approved_by", gettext_lazy("Approved by"), value="approved_by.name", optional=True),
    )

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return papers.search(queryset, text)

    def queryset(self, user: User) -> QuerySet[Bill]:
        return Bill.objects.select_related("party", "made_by", "approved_by")

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.bill.create"):
            return []
        return [
            lists.Action(_("Recurring bills"), reverse("finance:recurring_bills")),
            lists.Action(_("New bill"), reverse("finance:bill_create"), is_primary=True),
        ]


def _bill(pk: int) -> Bill:
    rows = Bill.objects.select_related("party", "cost_centre", "title", "made_by", "approved_by", "recurring")
    return get_object_or_404(rows, pk=pk)


@entrance("finance.bill.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    bill, user = _bill(pk), request.user
    is_draft = bill.state == Bill.State.DRAFT
    links: list[dict[str, Any]] = []
    if bill.recurring:
        url = reverse("finance:recurring_bill", args=[bill.recurring_id]) if user.may("finance.bill.edit") else ""
        links.append({"kind": _("Recurring bill"), "label": bill.recurring.text[:24], "url": url})
    links.append(
        {
            "kind": _("Bill"),
            "label": bill.number[:24],
            "current": True,
            "state": bill.get_state_display(),
            "tone": papers.TONES[bill.state],
        }
    )
    if bill.title:
        links.append(
            {"kind": _("Title"), "label": bill.title.number[:24], "url": reverse("finance:title", args=[bill.title_id])}
        )
        if user.may("finance.entry.read"):
            url = reverse("finance:entry", args=[bill.title.entry_id])
            links.append({"kind": _("Journal entry"), "label": _("In the books"), "url": url})
    context = {
        "bill": bill,
        "tone": papers.TONES[bill.state],
        "lines": bill.lines.select_related("account", "cost_centre").order_by("seq"),
        "taxes": bill.taxes.order_by("pk"),
        "twins": bills.twins(party=bill.party, number=bill.number, besides=bill.pk)[:3] if is_draft else [],
        "waiting": second_person.waiting(bills.APPROVE, bill.ref) if bill.state == Bill.State.WAITING else None,
        "links": links,
        "may_edit": is_draft and user.may("finance.bill.edit"),
        "may_submit": is_draft and user.may("finance.bill.submit"),
        "may_cancel": bill.state == Bill.State.APPROVED and user.may("finance.bill.approve"),
        "crumbs": [(bill.number, "")],
        "activity": activity(bill.ref, user),
    }
    return render(request, "finance/bills/detail.html", context)


@entrance("finance.bill.create")
@once
def create(request: PersonRequest) -> HttpResponse:
    return _write(request, None, papers.fresh(request), [])


@entrance("finance.bill.edit")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    bill = _bill(pk)
    if bill.state != Bill.State.DRAFT:
        messages.error(request, _("Only a draft can be changed."))
        return redirect("finance:bill", pk)
    rows = [
        {"account": line.account_id, "amount": line.amount, "cost_centre": line.cost_centre_id, "text": line.text}
        for line in bill.lines.order_by("seq")
    ]
    withheld = {f"withheld_{tax.tax}": tax.amount for tax in bill.taxes.all()}
    return _write(request, bill, papers.head_of(bill) | withheld, rows)


def _write(
    request: PersonRequest, bill: Bill | None, initial: dict[str, Any], rows: list[dict[str, Any]]
) -> HttpResponse:
    def form_class(data: Any, **kwargs: Any) -> BillForm:
        return BillForm(data, bill=bill, **kwargs)

    def save(form: BillForm, lines: list[bills.LineFacts]) -> HttpResponse:
        kept = bills.save(
            values=form.values,
            lines=lines,
            withheld=form.withheld,
            by=request.user,
            bill_id=bill.pk if bill else None,
            version=form.cleaned_data["version"] or 0,
        )
        if "submit" in request.POST and request.user.may("finance.bill.submit"):
            bills.submit(bill_id=kept.pk, by=request.user)
            messages.success(request, _("A second person has been asked."))
        return redirect("finance:bill", kept.pk)

    cancel_url = reverse("finance:bill", args=[bill.pk]) if bill else reverse("finance:bills")
    return papers.write(
        request,
        template="finance/bills/form.html",
        form_class=form_class,
        lines_class=BillLines,
        kinds=KINDS,
        initial=initial,
        rows=rows,
        save=save,
        context={"bill": bill, "cancel_url": cancel_url},
    )


@entrance(post="finance.bill.submit")
@require_POST
@once
def submit(request: PersonRequest, pk: int) -> HttpResponse:
    _bill(pk)
    try:
        bills.submit(bill_id=pk, by=request.user)
    except ledger.Refused as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("A second person has been asked."))
    return redirect("finance:bill", pk)


@entrance(post="finance.bill.edit")
@require_POST
@once
def discard(request: PersonRequest, pk: int) -> HttpResponse:
    _bill(pk)
    try:
        bills.discard(bill_id=pk, by=request.user)
    except ledger.Refused as problem:
        messages.error(request, str(problem))
        return redirect("finance:bill", pk)
    messages.info(request, _("The draft was put away."))
    return redirect("finance:bills")


@entrance("finance.bill.approve")
@once
def cancel(request: PersonRequest, pk: int) -> HttpResponse:
    bill = _bill(pk)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            bills.cancel(bill_id=pk, reason=form.cleaned_data["reason"], by=request.user, today=timezone.localdate())
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("Cancelled."))
            return redirect("finance:bill", pk)
    context = {"form": form, "paper": bill, "cancel_url": reverse("finance:bill", args=[pk])}
    return render(request, "finance/bills/cancel.html", context, status=422 if form.is_bound else 200)


# Bills that come back -------------------------------------------------------------------------------------------------


@entrance("finance.bill.read")
def recurring_list(request: PersonRequest) -> HttpResponse:
    rows = RecurringBill.objects.select_related("party", "account").order_by("-is_active", "next_due_on", "pk")[:500]
    context = {
        "rows": rows,
        "may_create": request.user.may("finance.bill.create"),
        "crumbs": [(_("Recurring bills"), "")],
    }
    return render(request, "finance/bills/recurring_list.html", context)


@entrance("finance.bill.create")
@once
def recurring_create(request: PersonRequest) -> HttpResponse:
    return _write_recurring(request, None)


@entrance("finance.bill.edit")
@once
def recurring_edit(request: PersonRequest, pk: int) -> HttpResponse:
    return _write_recurring(request, get_object_or_404(RecurringBill.objects.select_related("party"), pk=pk))


def _write_recurring(request: PersonRequest, one: RecurringBill | None) -> HttpResponse:
    form = RecurringBillForm(request.POST or None, instance=one)
    if request.method == "POST" and form.is_valid():
        try:
            bills.save_recurring(
                values=form.values,
                by=request.user,
                pk=one.pk if one else None,
                version=form.version or 0 if one else 0,
            )
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("Kept. Its next bill is drafted when its time comes."))
            return redirect("finance:recurring_bills")
    made = one.bills.order_by("-pk")[:12] if one else []
    context = {"form": form, "one": one, "made": made, "cancel_url": reverse("finance:recurring_bills")}
    return render(request, "finance/bills/recurring_form.html", context, status=422 if form.is_bound else 200)
