"""Journal entries: the list, one entry with its seal and its chain of documents, its reversal."""

from typing import Any

from django.contrib import messages
from django.db.models import DecimalField, OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core import lists, refs
from backoffice.core.access import entrance
from backoffice.core.forms import new_key, once
from backoffice.core.http import PersonRequest
from backoffice.core.lists.cursor import Ordering
from backoffice.core.lists.page import Tally
from backoffice.core.lists.state import ListState
from backoffice.core.models import User
from backoffice.core.selectors import activity
from backoffice.core.services import approvals
from backoffice.core.templatetags.display import badge
from finance.filters.ledger import EntryFilters
from finance.forms.ledger import ReverseForm
from finance.models import JournalEntry, Posting
from finance.selectors.palette import entries_with
from finance.selectors.walking import Walk
from finance.services import entries
from finance.services.reconcile import match_of_entry

TONES = {"manual": "info", "opening": "info", "reversal": "attention"}


def _kind(entry: JournalEntry) -> str:
    return badge(TONES.get(entry.kind, "quiet"), entry.get_kind_display())


class _Walked(Ordering):
    """The order of the list, its entries found by a walk."""

    walk: Walk

    def _fetch(self, queryset: QuerySet[Any], limit: int, start: list[Any] | None, backwards: bool) -> list[Any]:
        keys = self.walk.keys(limit, start, down=self.descending != backwards)
        return super()._fetch(queryset.filter(pk__in=keys), limit, None, backwards)


@entrance("finance.entry.read")
class EntryList(lists.ListPage):
    key = "finance.entries"
    url_name = "finance:entries"
    detail_url = "finance:entry"
    title = gettext_lazy("Journal entries")
    lead = gettext_lazy("The books, entry by entry. What is posted stays; corrections are reversals.")
    filters = EntryFilters
    search_fields = ("text",)
    search_label = gettext_lazy("Number or words")
    default_order = "-on"
    reach = lists.CAP
    walk: Walk | None = None
    export_right = "finance.entry.export"
    empty_text = gettext_lazy("Nothing is posted yet. Entries come with statements, invoices and bills, or by hand.")
    tabs = (
        lists.Tab("manual", gettext_lazy("Manual"), {"kind": "manual"}),
        lists.Tab("reversals", gettext_lazy("Reversals"), {"kind": "reversal"}),
        lists.Tab("opening", gettext_lazy("Opening"), {"kind": "opening"}),
    )
    columns = (
        lists.Column("number", gettext_lazy("Entry"), value=str),
        lists.Column("on", gettext_lazy("Date"), kind="day", order=("on", "pk")),
        lists.Column("text", gettext_lazy("Text")),
        lists.Column("amount", gettext_lazy("Amount"), kind="money"),
        lists.Column("kind", gettext_lazy("Kind"), value=JournalEntry.get_kind_display, cell=_kind),
        lists.Column("made_by", gettext_lazy("Made by"), value=lambda e: str(e.made_by or _("the program"))),
        lists.Column("approved_by", gettext_lazy("Approved by"), value="approved_by.name", optional=True),
        lists.Column("posted_at", gettext_lazy("Posted"), kind="stamp", optional=True),
        lists.Column("origin", gettext_lazy("Comes from"), kind="code", optional=True),
        lists.Column("batch", gettext_lazy("Import"), value="batch_id", kind="number", optional=True),
    )  # fmt: skip

    def queryset(self, user: User) -> QuerySet[JournalEntry]:
        debits = Posting.objects.filter(entry=OuterRef("pk"), amount__gt=0).order_by().values("entry")
        amount = Subquery(debits.annotate(total=Sum("amount")).values("total"), output_field=DecimalField())
        return JournalEntry.objects.select_related("journal", "made_by", "approved_by").annotate(amount=amount)

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return entries_with(queryset, text)

    def matching(self, state: ListState, filterset: Any = None) -> QuerySet[Any] | None:
        filterset = filterset or self.filterset(state)
        found = super().matching(state, filterset)
        if found is not None and filterset.is_walk and not state.data().get("q", "").strip():
            self.walk = filterset.walk
        return found

    def tally(
        self,
        queryset: QuerySet[Any],
        columns: Any,
        *,
        exact: bool,
        cap: int = lists.CAP,
        ordering: Ordering | None = None,
    ) -> Tally:
        """What a walk finds is counted by it."""
        if exact or self.walk is None:
            return super().tally(queryset, columns, exact=exact, cap=cap, ordering=ordering)
        return Tally(self.walk.count, self.walk.count <= lists.CAP, {})

    def ordering(self, state: ListState, queryset: QuerySet[Any]) -> Ordering:
        if self.walk is None:
            return super().ordering(state, queryset)
        order = _Walked(queryset, self.orders()[state.order_key], descending=state.descending)
        order.walk = self.walk
        return order

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.entry.create"):
            return []
        return [lists.Action(_("New entry"), reverse("finance:draft_create"), is_primary=True)]


@entrance("finance.entry.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    entry = _or_404(pk)
    postings = list(
        Posting.objects.filter(entry=entry)
        .select_related("account", "party", "cost_centre", "instalment__title", "line__bank_account")
        .order_by("seq")
    )
    waiting = entries.question(entry) if entry.kind != JournalEntry.Kind.REVERSAL else None
    back = getattr(entry, "reversed_by", None)
    total = entries.balance([posting.amount for posting in postings])
    context = {
        "entry": entry,
        "postings": postings,
        "seal": bytes(seal.hash).hex() if (seal := getattr(entry, "seal", None)) else "",
        "total": total,
        "has_centres": any(p.cost_centre_id for p in postings),
        "has_parties": any(p.party_id for p in postings),
        "links": _chain(entry, back, request.user),
        "reversed_by": back,
        "waiting": waiting,
        "may_reverse": request.user.may("finance.entry.submit") and not waiting and not back,
        "why_not": entries.why_not_reversed(entry) if request.user.may("finance.entry.submit") and not back else "",
        "match": match_of_entry(entry.pk) if not back else None,
        "may_undo": request.user.may("finance.match.post"),
        "once": new_key(),
        "crumbs": [(str(entry), "")],
        "activity": activity(entry.ref, request.user),
    }
    return render(request, "finance/ledger/entry.html", context)


def _chain(entry: JournalEntry, back: JournalEntry | None, user: User) -> list[dict[str, Any]]:
    """What it comes from, the entry, what it reverses and what reverses it."""
    links: list[dict[str, Any]] = []
    card = refs.resolve([entry.origin]).get(entry.origin) if entry.origin else None
    if card:
        links.append({"kind": card.kind, "label": card.label, "url": card.url if card.is_open_to(user) else ""})
    elif entry.batch_id:
        links.append(
            {"kind": _("Import"), "label": str(entry.batch_id), "url": reverse("import", args=[entry.batch_id])}
        )
    if entry.reverses:
        url = reverse("finance:entry", args=[entry.reverses_id])
        links.append({"kind": _("Reverses"), "label": str(entry.reverses), "url": url})
    links.append({"kind": _("Entry"), "label": str(entry), "current": True})
    if back:
        links.append({"kind": _("Reversed by"), "label": str(back), "url": reverse("finance:entry", args=[back.pk])})
    return links if len(links) > 1 else []


@entrance("finance.entry.submit")
@once
def turn(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask for a reversal."""
    entry = _or_404(pk)
    here = reverse("finance:entry", args=[pk])
    if why := entries.why_not_reversed(entry):
        messages.error(request, str(why))
        return redirect(here)
    form = ReverseForm(request.POST or None, initial={"on": entry.on})
    if request.method == "POST" and form.is_valid():
        try:
            entries.ask_reversal(entry_id=pk, by=request.user, **form.values)
        except entries.NotReady as problem:
            form.add_error("on", problem.problems)
        except approvals.AlreadyAsked:
            messages.info(request, _("A second person has been asked already."))
            return redirect(here)
        else:
            messages.info(request, _("A second person is asked; until then the entry stands."))
            return redirect(here)
    context = {"form": form, "entry": entry, "cancel_url": here}
    return render(request, "finance/ledger/reverse.html", context, status=422 if form.errors else 200)


def _or_404(pk: int) -> JournalEntry:
    rows = JournalEntry.objects.select_related(
        "journal", "made_by", "approved_by", "seal", "reverses__journal", "reversed_by__journal"
    )
    entry = rows.filter(pk=pk).first()
    if entry is None:
        raise Http404
    return entry
