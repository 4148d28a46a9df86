"""Entries by hand until they are posted: written line by line, sent to a second person, withdrawn, thrown away."""

from typing import Any

from django.contrib import messages
from django.db.models import DecimalField, OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import new_key, once
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.selectors import activity
from backoffice.core.services import approvals
from backoffice.core.templatetags.display import badge
from finance.filters.ledger import DraftFilters
from finance.forms.ledger import FIRST_ROWS, MORE_ROWS, HeadForm, LineFormSet, rows_of
from finance.models import Account, CostCentre, DraftEntry, DraftLine
from finance.services import entries

TONES = {"draft": "quiet", "waiting": "attention", "posted": "good", "discarded": "quiet"}
TEMPLATE = "finance/ledger/draft_form.html"


def _state(draft: DraftEntry) -> str:
    return badge(TONES[draft.state], draft.get_state_display())


@entrance("finance.entry.read")
class DraftList(lists.ListPage):
    key = "finance.drafts"
    url_name = "finance:drafts"
    detail_url = "finance:draft"
    title = gettext_lazy("Manual entries")
    lead = gettext_lazy("Entries by hand, from the first line until a second person posts them.")
    filters = DraftFilters
    search_fields = ("text",)
    search_label = gettext_lazy("Words of the text")
    default_order = "-on"
    export_right = "finance.entry.export"
    empty_text = gettext_lazy("No entry by hand yet. Most entries come by themselves with documents and statements.")
    tabs = (
        lists.Tab("waiting", gettext_lazy("Waiting"), {"state": "waiting"}),
        lists.Tab("drafts", gettext_lazy("Drafts"), {"state": "draft"}),
        lists.Tab("posted", gettext_lazy("Posted"), {"state": "posted"}),
    )
    columns = (
        lists.Column("text", gettext_lazy("Text")),
        lists.Column("on", gettext_lazy("Date"), kind="day", order=("on", "pk")),
        lists.Column("amount", gettext_lazy("Amount"), kind="money"),
        lists.Column("state", gettext_lazy("State"), value=DraftEntry.get_state_display, cell=_state),
        lists.Column("kind", gettext_lazy("Kind"), value=DraftEntry.get_kind_display),
        lists.Column("made_by", gettext_lazy("Made by"), value="made_by.name"),
        lists.Column("made_at", gettext_lazy("Begun"), kind="stamp", optional=True),
    )

    def queryset(self, user: User) -> QuerySet[DraftEntry]:
        debits = DraftLine.objects.filter(draft=OuterRef("pk"), amount__gt=0).order_by().values("draft")
        amount = Subquery(debits.annotate(total=Sum("amount")).values("total"), output_field=DecimalField())
        return DraftEntry.objects.select_related("made_by").annotate(amount=amount)

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.entry.create"):
            return []
        return [
            lists.Action(_("Opening balances"), f"{reverse('finance:draft_create')}?kind=opening"),
            lists.Action(_("Recurring entries"), reverse("finance:recurring")),
            lists.Action(_("New entry"), reverse("finance:draft_create"), is_primary=True),
        ]


@entrance("finance.entry.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    draft = _or_404(pk)
    lines = list(entries.lines_of(draft))
    is_draft = draft.state == DraftEntry.State.DRAFT
    waiting = entries.question(draft) if draft.state == DraftEntry.State.WAITING else None
    context = {
        "draft": draft,
        "tone": TONES[draft.state],
        "lines": lines,
        "total": entries.balance([line.amount for line in lines]),
        "has_centres": any(line.cost_centre_id for line in lines),
        "has_parties": any(line.party_id for line in lines),
        "waiting": waiting,
        "problems": entries.problems(draft, people=[request.user, *approvals.holders_of(entries.RIGHT)])
        if is_draft
        else [],
        "may_write": is_draft and request.user.may("finance.entry.create"),
        "may_submit": is_draft and request.user.may("finance.entry.submit"),
        "is_own": waiting is not None and waiting.asked_by_id == request.user.pk,
        "crumbs": [(draft.text, "")],
        "activity": activity(draft.ref, request.user),
    }
    return render(request, "finance/ledger/draft.html", context)


@entrance("finance.entry.create")
@once
def create(request: PersonRequest) -> HttpResponse:
    is_opening = request.GET.get("kind") == DraftEntry.Kind.OPENING
    initial: dict[str, Any] = {"on": timezone.localdate()}
    if is_opening:
        initial["text"] = _("Opening balances")
    return _write(request, None, initial, kind=DraftEntry.Kind.OPENING if is_opening else DraftEntry.Kind.MANUAL)


@entrance("finance.entry.create")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    draft = _or_404(pk)
    if draft.state != DraftEntry.State.DRAFT:
        messages.error(request, _("This entry is no draft any more."))
        return redirect("finance:draft", pk)
    return _write(request, draft, {"on": draft.on, "text": draft.text, "version": draft.version}, kind=draft.kind)


def _write(request: PersonRequest, draft: DraftEntry | None, initial: dict[str, Any], *, kind: str) -> HttpResponse:
    head, lines = HeadForm(request.POST or None, initial=initial), line_forms(request, draft)
    context = {
        "draft": draft,
        "is_opening": kind == DraftEntry.Kind.OPENING,
        "import_url": reverse("import_send", args=["finance.trial_balance"]),
        "cancel_url": reverse("finance:draft", args=[draft.pk]) if draft else reverse("finance:drafts"),
    }
    if request.method != "POST" or "more" in request.POST:
        return render(request, TEMPLATE, context | {"form": head_as_written(head), **line_context(lines)})
    if head.is_valid() and lines.is_valid():
        data = head.cleaned_data
        try:
            kept = entries.save(
                draft_id=draft.pk if draft else None,
                version=data["version"] or 0,
                on=data["on"],
                text=data["text"],
                lines=lines.lines,
                kind=kind,
                by=request.user,
            )
        except entries.Changed as problem:
            return _conflict(request, context, head, lines, problem.draft)
        if "submit" in request.POST and request.user.may("finance.entry.submit"):
            _submit(request, kept)
        return redirect("finance:draft", kept.pk)
    return render(request, TEMPLATE, context | {"form": head, **line_context(lines)}, status=422)


def _conflict(
    request: PersonRequest, context: dict[str, Any], head: HeadForm, lines: Any, now: DraftEntry
) -> HttpResponse:
    """Both versions side by side; what was typed is kept, and saving again writes over the present one knowingly."""
    if now.state != DraftEntry.State.DRAFT:
        messages.error(request, _("This entry is no draft any more."))
        return redirect("finance:draft", now.pk)
    told = [
        (str(head.fields[name].label), str(getattr(now, name)), str(head.cleaned_data[name])) for name in ("on", "text")
    ]
    told.append((_("Lines"), _told(entries.lines_of(now)), _told_typed(lines)))
    data = request.POST.copy()
    data["version"], data["once"] = str(now.version), new_key()
    head.data = data
    rows = [{"label": label, "now": theirs, "mine": mine, "differs": theirs != mine} for label, theirs, mine in told]
    return render(request, TEMPLATE, context | {"form": head, "conflict": rows, **line_context(lines)}, status=409)


def _told(lines: Any) -> str:
    return "; ".join(f"{line.account.code} {line.amount}" for line in lines)


def _told_typed(lines: Any) -> str:
    codes = dict(Account.objects.filter(pk__in=[line.account for line in lines.lines]).values_list("pk", "code"))
    return "; ".join(f"{codes[line.account]} {line.amount}" for line in lines.lines)


@entrance(post="finance.entry.submit")
@require_POST
@once
def submit(request: PersonRequest, pk: int) -> HttpResponse:
    _submit(request, _or_404(pk))
    return redirect("finance:draft", pk)


def _submit(request: HttpRequest, draft: DraftEntry) -> None:
    assert isinstance(request.user, User)
    try:
        entries.submit(draft_id=draft.pk, by=request.user)
    except entries.NotReady as problem:
        messages.error(request, " ".join(problem.problems))
    except entries.Changed:
        messages.error(request, _("This entry is no draft any more."))
    else:
        messages.success(request, _("A second person is asked; nothing is posted until they agree."))


@entrance(post="finance.entry.submit")
@require_POST
@once
def withdraw(request: PersonRequest, pk: int) -> HttpResponse:
    """Take one's question back, to go on writing."""
    waiting = entries.question(_or_404(pk))
    if waiting is None or waiting.asked_by_id != request.user.pk:
        messages.error(request, _("Only who asked takes the question back."))
        return redirect("finance:draft", pk)
    try:
        approvals.withdraw(waiting.pk, by=request.user)
    except approvals.AlreadyDecided as problem:
        messages.error(request, _("%(who)s has decided meanwhile.") % {"who": problem.approval.decided_by})
    return redirect("finance:draft", pk)


@entrance(post="finance.entry.create")
@require_POST
@once
def discard(request: PersonRequest, pk: int) -> HttpResponse:
    _or_404(pk)
    try:
        entries.discard(draft_id=pk, by=request.user)
    except entries.Changed:
        messages.error(request, _("This entry is no draft any more."))
        return redirect("finance:draft", pk)
    messages.success(request, _("The draft is thrown away."))
    return redirect("finance:drafts")


def _or_404(pk: int) -> DraftEntry:
    rows = DraftEntry.objects.select_related("made_by", "recurring", "entry__journal")
    draft = rows.filter(pk=pk).first()
    if draft is None:
        raise Http404
    return draft


# --- the lines of an entry, shared with recurring entries -------------------------------------------------------------


def line_forms(request: HttpRequest, record: Any) -> Any:
    """The rows of the form: what is kept, and empty ones; `more` on the address of a button adds some."""
    if request.method == "POST":
        data: QueryDict = request.POST
        if "more" in data:
            data = data.copy()
            count = data.get("line-TOTAL_FORMS", "0")
            there = int(count) if count.isdecimal() and len(count) < 5 else 0
            data["line-TOTAL_FORMS"] = str(min(there + MORE_ROWS, entries.MOST_LINES))
        return LineFormSet(data, prefix="line")
    rows = rows_of(record.lines.select_related("account", "party", "cost_centre").order_by("seq")) if record else []
    formset = LineFormSet(initial=rows, prefix="line")
    formset.extra = max(FIRST_ROWS - len(rows), 1)
    return formset


def head_as_written(form: Any) -> Any:
    """After "more rows" the head shows what was typed, without asking for what is missing yet."""
    if form.is_bound:
        typed = {name: form[name].value() for name in form.fields if name != "once"}
        return (
            type(form)(initial=typed)
            if not hasattr(form, "instance")
            else type(form)(initial=typed, instance=form.instance)
        )
    return form


def line_context(lines: Any) -> dict[str, Any]:
    """What `line_rows.html` shows: rows, and the codes that the browser offers."""
    return {
        "lines": lines,
        "accounts": Account.objects.filter(is_group=False, is_control=False, is_active=True, transit_of=None)
        .order_by("code")
        .values_list("code", "name"),
        "centres": CostCentre.objects.filter(is_active=True).order_by("code").values_list("code", "name"),
    }
