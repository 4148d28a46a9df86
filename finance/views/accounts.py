"""The plan of accounts, cost centres and journals."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import once, show_conflict
from backoffice.core.http import PersonRequest
from backoffice.core.selectors import activity
from finance.forms.ledger import AccountForm, CostCentreForm
from finance.models import Account, CostCentre, Journal, JournalYear, Posting
from finance.services import accounts

FORM, CENTRE_FORM = "finance/ledger/account_form.html", "finance/ledger/cost_centre_form.html"


@entrance("finance.account.read")
def tree(request: PersonRequest) -> HttpResponse:
    shows_retired = request.GET.get("retired") == "yes"
    rows = accounts.tree(retired=shows_retired)
    context = {
        "rows": rows,
        "shows_retired": shows_retired,
        "may_create": request.user.may("finance.account.create"),
        "may_read_entries": request.user.may("finance.entry.read"),
    }
    return render(request, "finance/ledger/accounts.html", context)


@entrance("finance.account.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(Account.objects.select_related("parent", "bank_account", "transit_of"), pk=pk)
    rows = accounts.tree(retired=True, below=account)
    row = next(row for row in rows if row.account.pk == pk)
    below = [one for one in rows if one.account.parent_id == pk]
    rows_of = Posting.objects.filter(account=account).select_related("entry__journal", "party", "cost_centre")
    postings = list(rows_of.order_by("-on", "-pk")[:20]) if not account.is_group else []
    transit_of = getattr(account, "transit_of", None)
    context = {
        "account": account,
        "row": row,
        "below": below,
        "bank": getattr(account, "bank_account", transit_of),
        "guards": accounts.guards(account, has_postings=bool(postings), is_transit=transit_of is not None),
        "postings": postings,
        "entries_url": lists.url_for("finance.entries", account=account.pk),
        "may_read_entries": request.user.may("finance.entry.read"),
        "may_edit": request.user.may("finance.account.edit"),
        "crumbs": [(str(account), "")],
        "activity": activity(account.ref, request.user),
    }
    return render(request, "finance/ledger/account.html", context)


@entrance("finance.account.create")
@once
def create(request: PersonRequest) -> HttpResponse:
    parent = request.GET.get("parent", "")
    group = Account.objects.filter(pk=int(parent[:15])).first() if parent.isdecimal() else None
    initial = {"parent": group, "kind": group.kind, "cash_flow": group.cash_flow} if group else {}
    form = AccountForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        account = accounts.create(values=form.values, by=request.user)
        messages.success(request, _("%(account)s is in the plan.") % {"account": account})
        return redirect("finance:account", account.pk)
    context = {"form": form, "cancel_url": reverse("finance:accounts")}
    return render(request, FORM, context, status=422 if form.errors else 200)


@entrance("finance.account.edit")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=pk)
    form = AccountForm(request.POST or None, instance=account)
    here = reverse("finance:account", args=[pk])
    context = {"form": form, "account": account, "guards": accounts.guards(account), "cancel_url": here}
    if request.method == "POST" and form.is_valid():
        try:
            accounts.change(account_id=pk, version=form.version or 0, values=form.values, by=request.user)
        except accounts.Changed as problem:
            return show_conflict(request, form, problem.current, FORM, context)
        except accounts.Kept as problem:
            form.add_error(None, str(problem))
        else:
            return redirect(here)
    return render(request, FORM, context, status=422 if form.errors else 200)


@entrance(post="finance.account.edit")
@require_POST
@once
def retire(request: PersonRequest, pk: int) -> HttpResponse:
    """Retire an account, or take it back into use."""
    account = get_object_or_404(Account, pk=pk)
    try:
        if account.is_active:
            accounts.retire(account_id=pk, by=request.user)
            messages.success(request, _("The account is retired: no further posting goes there."))
        else:
            accounts.restore(account_id=pk, by=request.user)
            messages.success(request, _("The account is in use again."))
    except accounts.Kept as problem:
        messages.error(request, str(problem))
    return redirect("finance:account", pk)


# --- cost centres ----------------------------------------------------------------------------------------------------


@entrance("finance.account.read")
def centres(request: PersonRequest) -> HttpResponse:
    context = {
        "centres": list(CostCentre.objects.order_by("-is_active", "code", "pk")),
        "may_create": request.user.may("finance.account.create"),
        "may_edit": request.user.may("finance.account.edit"),
        "may_read_entries": request.user.may("finance.entry.read"),
    }
    return render(request, "finance/ledger/cost_centres.html", context)


@entrance("finance.account.create")
@once
def centre_create(request: PersonRequest) -> HttpResponse:
    form = CostCentreForm(request.POST or None, initial={"is_active": True})
    if request.method == "POST" and form.is_valid():
        accounts.create_centre(values=form.values, by=request.user)
        return redirect("finance:cost_centres")
    context = {"form": form, "cancel_url": reverse("finance:cost_centres")}
    return render(request, CENTRE_FORM, context, status=422 if form.errors else 200)


@entrance("finance.account.edit")
@once
def centre_edit(request: PersonRequest, pk: int) -> HttpResponse:
    centre = get_object_or_404(CostCentre, pk=pk)
    form = CostCentreForm(request.POST or None, instance=centre)
    context = {"form": form, "centre": centre, "cancel_url": reverse("finance:cost_centres")}
    if request.method == "POST" and form.is_valid():
        try:
            accounts.change_centre(centre_id=pk, version=form.version or 0, values=form.values, by=request.user)
        except accounts.Changed as problem:
            return show_conflict(request, form, problem.current, CENTRE_FORM, context)
        return redirect("finance:cost_centres")
    return render(request, CENTRE_FORM, context, status=422 if form.errors else 200)


# --- journals --------------------------------------------------------------------------------------------------------


@entrance("finance.entry.read")
def journals(request: PersonRequest) -> HttpResponse:
    """Each journal with its last number of every year, and where its chain stands."""
    years = JournalYear.objects.order_by("-year", "pk")
    rows = list(Journal.objects.select_related("head").order_by("code", "pk"))
    by_journal: dict[int, list[JournalYear]] = {}
    for year in years:
        by_journal.setdefault(year.journal_id, []).append(year)
    context = {
        "journals": [
            {
                "journal": journal,
                "years": by_journal.get(journal.pk, [])[:3],
                "url": lists.url_for("finance.entries", journal=journal.pk),
                "hash": bytes(journal.head.hash).hex(),
            }
            for journal in rows
        ],
        "crumbs": [(_("Journals"), "")],
    }
    return render(request, "finance/ledger/journals.html", context)
