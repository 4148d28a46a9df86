"""Titles: receivables and payables part by part, one title, and what people do with it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import Func, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from backoffice.core import lists, refs
from backoffice.core.access import entrance
from backoffice.core.forms import once
from backoffice.core.http import PersonRequest
from backoffice.core.lists import Column
from backoffice.core.models import Approval, User
from backoffice.core.selectors import activity
from backoffice.core.templatetags.display import badge
from finance import bulk
from finance.filters.titles import InstalmentFilters
from finance.forms.titles import (
    CancelForm,
    CreditForm,
    RenegotiateForm,
    SettleForm,
    TitleForm,
    WriteOffForm,
    doubts,
    terms_initial,
)
from finance.models import Instalment, Posting, Title
from finance.selectors import searching
from finance.selectors import titles as selectors
from finance.services import by_word, concessions, ledger, second_person, settlement
from finance.terms import Terms

LIST = {Title.Direction.RECEIVABLE: "finance:receivables", Title.Direction.PAYABLE: "finance:payables"}


def _size(row: Instalment) -> Decimal:
    return abs(row.amount)


def _due_today(row: Any) -> Decimal | None:
    if not row.balance:
        return None
    found = getattr(row, "due_today", None)
    return found if found is not None else settlement.owed(row, on=timezone.localdate()).total


def _state(row: Instalment) -> tuple[str, str]:
    return selectors.state_of(row, timezone.localdate(), is_cancelled=getattr(row, "is_reversed", False))


class _Instalments(lists.ListPage):
    """Parts of titles of one direction, by due date."""

    filters = InstalmentFilters
    detail_url = "finance:title"
    search_fields = ("title__number", "title__party__search__contains")
    search_label = gettext_lazy("Number or party")
    default_order = "due_on"
    reach = lists.CAP
    export_right = "finance.title.export"
    has_personal_data = True
    opens_with = "open"
    tabs = (
        lists.Tab("open", pgettext_lazy("titles", "Open"), {"state": "open"}),
        lists.Tab("overdue", pgettext_lazy("titles", "Overdue"), {"state": "overdue"}),
        lists.Tab("settled", pgettext_lazy("titles", "Settled"), {"state": "settled"}),
    )
    columns = (
        lists.Column("number", gettext_lazy("Title"), value=str),
        lists.Column("party", gettext_lazy("Party"), value="title.party.name"),
        lists.Column("due_on", pgettext_lazy("title", "Due"), kind="day", order=("due_on", "pk")),
        lists.Column(
            "state", gettext_lazy("State"), value=lambda row: _state(row)[1], cell=lambda row: badge(*_state(row))
        ),
        lists.Column("size", gettext_lazy("Amount"), value=_size, kind="money", total=Sum("size")),
        lists.Column(
            "open", pgettext_lazy("amount", "Open"), value=lambda row: abs(row.balance), kind="money", total=Sum("left")
        ),
        lists.Column(
            "due_today",
            gettext_lazy("Due today"),
            value=_due_today,
            kind="money",
            help=gettext_lazy("The open amount with the discount, fine and interest of today."),
        ),
        lists.Column(
            "age", gettext_lazy("Age"), value=lambda row: selectors.age_of(row, timezone.localdate()), optional=True
        ),
        lists.Column("kind", gettext_lazy("Kind"), value=lambda row: row.title.get_kind_display()),
        lists.Column("issued_on", gettext_lazy("Issued"), value="title.issued_on", kind="day", optional=True),
        lists.Column("settled_on", gettext_lazy("Settled on"), kind="day", optional=True),
        lists.Column("text", gettext_lazy("Text"), value="title.text", optional=True),
    )
    bulk = (bulk.Settle(), bulk.MoveDue())
    direction: Title.Direction

    def queryset(self, user: User) -> QuerySet[Instalment]:
        """The direction is asked title by title: joined, it has the planner read every title to count a thousand."""
        direction = Title.objects.filter(pk=OuterRef("title_id")).values("direction")
        return (
            Instalment.objects.alias(direction=Subquery(direction))
            .filter(direction=self.direction)
            .select_related("title__party")
            .annotate(size=Func("amount", function="abs"), left=Func("balance", function="abs"))
        )

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By a piece of the number or words of the party's name, each through its own index."""
        written = text.strip()
        titles = Title.objects.filter(direction=self.direction).order_by()
        numbered = titles.filter(Q(number__contains=written) | Q(number__contains=written.upper())).values("pk")
        few, known = searching.parties(written)
        if few is None:
            return queryset.filter(Q(party__in=known) | Q(title__in=numbered))
        return queryset.filter(title__in=numbered.union(titles.filter(party__in=few).values("pk")))

    def body(self, rows: Sequence[Any], columns: list[Column], *, can_pick: bool) -> SafeString:
        """What is due today and what was cancelled, each in one query for the page."""
        found = settlement.dues(rows, timezone.localdate())
        gone = selectors.cancelled({row.title.entry_id for row in rows if not row.balance})
        for row in rows:
            row.due_today = found[row.pk].total
            row.is_reversed = row.title.entry_id in gone
        return super().body(rows, columns, can_pick=can_pick)

    def row_url(self, row: Instalment) -> str:
        return f"{self._door(0)}{row.title_id}{self._door(1)}"


@entrance("finance.title.read")
class ReceivableList(_Instalments):
    key = "finance.receivables"
    url_name = "finance:receivables"
    title = gettext_lazy("Receivables")
    lead = gettext_lazy("What customers owe, part by part.")
    empty_text = gettext_lazy("No receivable yet. They come with invoices, orders, or an import of open titles.")
    done_text = gettext_lazy("Nobody owes anything.")
    direction = Title.Direction.RECEIVABLE
    columns = _Instalments.columns

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.invoice.create"):
            return []
        return [lists.Action(_("New invoice"), reverse("finance:invoice_create"), is_primary=True)]


@entrance("finance.title.read")
class PayableList(_Instalments):
    key = "finance.payables"
    url_name = "finance:payables"
    title = gettext_lazy("Payables")
    lead = gettext_lazy("What is owed to suppliers, part by part.")
    empty_text = gettext_lazy("No payable yet. They come with approved bills or an import of open titles.")
    done_text = gettext_lazy("Nothing is owed.")
    direction = Title.Direction.PAYABLE
    columns = _Instalments.columns

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.bill.create"):
            return []
        return [lists.Action(_("New bill"), reverse("finance:bill_create"), is_primary=True)]


@entrance("finance.title.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    page = _page(pk)
    user = request.user
    is_credit = page.title.kind == Title.Kind.CREDIT
    may_act = bool(page.open) and user.may("finance.title.submit")
    context = {
        "title": page.title,
        "page": page,
        "is_credit": is_credit,
        "next_part": page.next_part,
        "may_cancel": bool(page.open)
        and page.title.kind not in (Title.Kind.INVOICE, Title.Kind.BILL, Title.Kind.ORDER)
        and not page.title.origin.startswith("finance.invoice")
        and user.may("finance.title.approve"),
        "links": _chain(page, user),
        "may_settle": may_act and not is_credit,
        "may_apply": may_act and is_credit,
        "may_edit": bool(page.open) and user.may("finance.title.edit"),
        "may_ask": bool(page.open) and not is_credit and user.may("finance.write_off.submit"),
        "may_undo": user.may("finance.title.submit"),
        "waiting": second_person.waiting_about([page.title.ref, *(part.row.ref for part in page.parts)]),
        "list_url": reverse(LIST[Title.Direction(page.title.direction)]),
        "party_url": lists.url_for(
            "finance.receivables" if page.title.direction == Title.Direction.RECEIVABLE else "finance.payables",
            party=page.title.party_id,
        ),
        "crumbs": _crumbs(request, page.title),
        "activity": activity(page.title.ref, user),
    }
    return render(request, "finance/titles/detail.html", context)


def _crumbs(request: PersonRequest, title: Title, act: str = "") -> list[tuple[str, str]]:
    """Where a title, or an act on it, stands: below the list of its direction."""
    request.stands_at = reverse(LIST[Title.Direction(title.direction)])
    return [(title.number, reverse("finance:title", args=[title.pk])), (act, "")] if act else [(title.number, "")]


def _page(pk: int) -> selectors.TitlePage:
    page = selectors.title_page(pk, today=timezone.localdate())
    if page is None:
        raise Http404
    return page


def _chain(page: selectors.TitlePage, user: User) -> list[dict[str, Any]]:
    """What it came from, the title, its last settlement, the bank's line and the entry in the books."""
    title = page.title
    links: list[dict[str, Any]] = []
    cards = refs.resolve([title.origin] if title.origin else [])
    for card in cards.values():
        url = card.url if card.is_open_to(user) else ""
        links.append({"kind": card.kind, "label": card.label[:24], "url": url})
    links.append(
        {"kind": _("Title"), "label": title.number[:24], "current": True, "state": page.state, "tone": page.tone}
    )
    may_read = user.may("finance.entry.read")
    if step := next((one for one in page.steps if not one.restores and not one.is_undone), None):
        url = reverse("finance:entry", args=[step.entry.pk]) if may_read else ""
        links.append({"kind": _("Settlement"), "label": str(step.entry), "url": url})
    if page.line:
        url = reverse("finance:reconcile_line", args=[page.line.pk]) if user.may("finance.match.read") else ""
        links.append(
            {"kind": _("Bank line"), "label": str(page.line), "url": url, "detail": page.line.bank_account.name}
        )
    if page.issue_entry:
        url = reverse("finance:entry", args=[page.issue_entry.pk]) if may_read else ""
        links.append({"kind": _("Journal entry"), "label": str(page.issue_entry), "url": url})
    return links


def _doubt(request: PersonRequest, terms: Terms, title: Title) -> None:
    if title.direction == Title.Direction.RECEIVABLE:
        for doubt in doubts(terms, title.party):
            messages.warning(request, doubt)


def _part(pk: int) -> Instalment:
    return get_object_or_404(Instalment.objects.select_related("title__party"), pk=pk)


def _done(request: PersonRequest, part: Instalment, text: str) -> HttpResponse:
    messages.success(request, text)
    return redirect("finance:title", part.title_id)


@entrance("finance.title.submit")
@once
def settle(request: PersonRequest, pk: int) -> HttpResponse:
    part, today = _part(pk), timezone.localdate()
    due = settlement.owed(part, on=today)
    form = SettleForm(request.POST or None, initial={"on": today, "paid": due.total})
    if request.method == "POST" and form.is_valid():
        try:
            settled = by_word.settle(instalment_id=pk, by=request.user, **form.values)
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            if isinstance(settled, Approval):
                return _done(request, part, _("A second person has been asked."))
            if settled.cover.surplus:
                return _done(request, part, _("Settled. What was paid too much is kept as a credit."))
            return _done(request, part, _("Settled."))
    context = {
        "form": form,
        "part": part,
        "due": due,
        "cancel_url": reverse("finance:title", args=[part.title_id]),
        "crumbs": _crumbs(request, part.title, _("Settle")),
    }
    return render(request, "finance/titles/settle.html", context, status=422 if form.is_bound else 200)


@entrance("finance.title.submit")
@once
def apply_credit(request: PersonRequest, pk: int) -> HttpResponse:
    part = _part(pk)
    form = CreditForm(request.POST or None, credit=part)
    if request.method == "POST" and form.is_valid():
        try:
            settlement.apply_credit(
                credit_id=pk,
                instalment_id=form.cleaned_data["instalment"].pk,
                amount=form.cleaned_data["amount"],
                on=timezone.localdate(),
                by=request.user,
            )
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            return _done(request, part, _("The credit was used."))
    context = {
        "form": form,
        "part": part,
        "open": abs(part.balance),
        "cancel_url": reverse("finance:title", args=[part.title_id]),
        "crumbs": _crumbs(request, part.title, _("Use the credit")),
    }
    return render(request, "finance/titles/credit.html", context, status=422 if form.is_bound else 200)


@entrance(post="finance.title.submit")
@require_POST
@once
def undo(request: PersonRequest, pk: int, entry: int) -> HttpResponse:
    """Take a settlement of this title back."""
    title = get_object_or_404(Title, pk=pk)
    refs = [part.ref for part in title.instalments.all()]
    mine = Posting.objects.filter(entry_id=entry).filter(
        Q(instalment__title=title, role=Posting.Role.PRINCIPAL)
        | Q(entry__origin__in=refs, role__in=[Posting.Role.FINE, Posting.Role.INTEREST])
    )
    if not mine.exists() or Posting.objects.filter(entry_id=entry, line__isnull=False).exists():
        raise Http404
    try:
        settlement.undo(entry=entry, on=timezone.localdate(), by=request.user)
    except ledger.Refused as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("Undone: what it settled is open again."))
    return redirect("finance:title", pk)


@entrance("finance.write_off.submit")
@once
def write_off(request: PersonRequest, pk: int) -> HttpResponse:
    part = _part(pk)
    form = WriteOffForm(request.POST or None, initial={"amount": abs(part.balance)})
    if request.method == "POST" and form.is_valid():
        try:
            concessions.ask_write_off(
                instalment_id=pk,
                amount=form.cleaned_data["amount"],
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            return _done(request, part, _("A second person has been asked."))
    context = {
        "form": form,
        "part": part,
        "open": abs(part.balance),
        "limit": second_person.policy().approval_limit,
        "cancel_url": reverse("finance:title", args=[part.title_id]),
        "crumbs": _crumbs(request, part.title, _("Write off")),
    }
    return render(request, "finance/titles/write_off.html", context, status=422 if form.is_bound else 200)


@entrance("finance.write_off.submit")
@once
def renegotiate(request: PersonRequest, pk: int) -> HttpResponse:
    title = get_object_or_404(Title.objects.select_related("party"), pk=pk)
    page = _page(pk)
    initial = terms_initial(title) | {"amount_1": page.due}
    form = RenegotiateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            concessions.ask_renegotiation(
                title_id=pk,
                parts=form.parts,
                terms=form.terms,
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("A second person has been asked."))
            _doubt(request, form.terms, title)
            return redirect("finance:title", pk)
    crumbs = _crumbs(request, title, _("Renegotiate"))
    back = reverse("finance:title", args=[pk])
    context = {"form": form, "title": title, "page": page, "cancel_url": back, "crumbs": crumbs}
    return render(request, "finance/titles/renegotiate.html", context, status=422 if form.is_bound else 200)


@entrance("finance.title.edit")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    title = get_object_or_404(Title.objects.select_related("party"), pk=pk)
    form = TitleForm(request.POST or None, title=title)
    if request.method == "POST" and form.is_valid():
        try:
            asked = concessions.change(
                title_id=pk,
                version=form.cleaned_data["version"],
                text=form.cleaned_data["text"],
                terms=form.terms,
                due=form.moved,
                by=request.user,
            )
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            if asked:
                messages.success(request, _("A second person has been asked."))
            _doubt(request, form.terms, title)
            return redirect("finance:title", pk)
    crumbs = _crumbs(request, title, _("Change due dates and terms"))
    context = {"form": form, "title": title, "cancel_url": reverse("finance:title", args=[pk]), "crumbs": crumbs}
    return render(request, "finance/titles/form.html", context, status=422 if form.is_bound else 200)


@entrance("finance.title.approve")
@once
def cancel(request: PersonRequest, pk: int) -> HttpResponse:
    """Only titles without a paper of their own: an invoice or a bill is cancelled on its page."""
    title = get_object_or_404(
        Title.objects.exclude(kind__in=[Title.Kind.INVOICE, Title.Kind.BILL, Title.Kind.ORDER]), pk=pk
    )
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = by_word.cancel(
                title_id=pk, reason=form.cleaned_data["reason"], by=request.user, today=timezone.localdate()
            )
        except ledger.Refused as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("A second person has been asked.") if asked else _("Cancelled."))
            return redirect("finance:title", pk)
    crumbs = _crumbs(request, title, _("Take it out of the books"))
    context = {"form": form, "title": title, "cancel_url": reverse("finance:title", args=[pk]), "crumbs": crumbs}
    return render(request, "finance/titles/cancel.html", context, status=422 if form.is_bound else 200)
