"""Entries that come back each month."""

from typing import Any

from django.contrib import messages
from django.db.models import DecimalField, OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpResponse
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
from finance.filters.ledger import RecurringFilters
from finance.forms.ledger import RecurringHeadForm
from finance.models import RecurringEntry, RecurringLine
from finance.services import entries, recurring

from .drafts import head_as_written, line_context, line_forms

TEMPLATE = "finance/ledger/recurring_form.html"


def _state(record: RecurringEntry) -> tuple[str, str]:
    """Tone and word."""
    if not record.is_active:
        return "quiet", _("Paused")
    if record.next_on is None:
        return "quiet", _("Ended")
    if record.problem:
        return "wrong", _("Could not be made")
    if record.mode == RecurringEntry.Mode.AUTOMATIC and record.approved_by_id is None:
        return "attention", _("Needs approval")
    return "good", _("Active")


@entrance("finance.entry.read")
class RecurringList(lists.ListPage):
    key = "finance.recurring"
    url_name = "finance:recurring"
    detail_url = "finance:recurring_entry"
    title = gettext_lazy("Recurring entries")
    lead = gettext_lazy("Templates that make an entry each month: rent, depreciation, insurance.")
    filters = RecurringFilters
    search_fields = ("text",)
    search_label = gettext_lazy("Words of the text")
    default_order = "next_on"
    export_right = "finance.entry.export"
    empty_text = gettext_lazy("No recurring entry yet. Add one for what comes back each month, as depreciation.")
    columns = (
        lists.Column("text", gettext_lazy("Text")),
        lists.Column("day", gettext_lazy("Day"), kind="number"),
        lists.Column("next_on", gettext_lazy("Next"), kind="day", order=("next_on", "pk")),
        lists.Column("amount", gettext_lazy("Amount"), kind="money"),
        lists.Column("state", gettext_lazy("State"), value=lambda r: _state(r)[1], cell=lambda r: badge(*_state(r))),
        lists.Column("mode", gettext_lazy("Each month"), value=RecurringEntry.get_mode_display, optional=True),
        lists.Column("starts_on", gettext_lazy("From"), kind="day", optional=True),
        lists.Column("ends_on", gettext_lazy("Until"), kind="day", optional=True),
    )

    def queryset(self, user: User) -> QuerySet[RecurringEntry]:
        debits = RecurringLine.objects.filter(recurring=OuterRef("pk"), amount__gt=0).order_by().values("recurring")
        amount = Subquery(debits.annotate(total=Sum("amount")).values("total"), output_field=DecimalField())
        return RecurringEntry.objects.annotate(amount=amount)

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("finance.entry.create"):
            return []
        return [lists.Action(_("New recurring entry"), reverse("finance:recurring_create"), is_primary=True)]


@entrance("finance.entry.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    record = _or_404(pk)
    lines = list(record.lines.select_related("account", "party", "cost_centre").order_by("seq"))
    tone, state = _state(record)
    waiting = recurring.question(record)
    context = {
        "record": record,
        "tone": tone,
        "state": state,
        "lines": lines,
        "total": entries.balance([line.amount for line in lines]),
        "has_centres": any(line.cost_centre_id for line in lines),
        "has_parties": any(line.party_id for line in lines),
        "problems": recurring.problems(record),
        "waiting": waiting,
        "needs_approval": record.mode == RecurringEntry.Mode.AUTOMATIC and record.approved_by_id is None,
        "made": list(record.drafts.select_related("entry__journal").order_by("-on", "-pk")[:12]),
        "may_write": request.user.may("finance.entry.create"),
        "may_submit": request.user.may("finance.entry.submit"),
        "crumbs": [(_("Recurring entries"), reverse("finance:recurring")), (record.text, "")],
        "activity": activity(record.ref, request.user),
    }
    return render(request, "finance/ledger/recurring.html", context)


@entrance("finance.entry.create")
@once
def create(request: PersonRequest) -> HttpResponse:
    return _write(request, None)


@entrance("finance.entry.create")
@once
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    return _write(request, _or_404(pk))


def _write(request: PersonRequest, record: RecurringEntry | None) -> HttpResponse:
    today = timezone.localdate()
    initial = {} if record else {"starts_on": today, "day": 1, "mode": RecurringEntry.Mode.ASK}
    head = RecurringHeadForm(request.POST or None, instance=record, initial=initial)
    lines = line_forms(request, record)
    here = reverse("finance:recurring_entry", args=[record.pk]) if record else reverse("finance:recurring")
    context: dict[str, Any] = {"record": record, "cancel_url": here}
    if request.method != "POST" or "more" in request.POST:
        return render(request, TEMPLATE, context | {"form": head_as_written(head), **line_context(lines)})
    if head.is_valid() and lines.is_valid():
        try:
            kept = recurring.save(
                recurring_id=record.pk if record else None,
                version=(head.version or 0) if record else 0,
                values=head.values,
                lines=lines.lines,
                by=request.user,
            )
        except entries.NotReady as problem:
            head.add_error(None, problem.problems)
            return render(request, TEMPLATE, context | {"form": head, **line_context(lines)}, status=422)
        except recurring.Changed as problem:
            data = request.POST.copy()
            data["version"], data["once"] = str(problem.current.version), new_key()
            head.data = data
            told = [{"label": _("Text"), "now": problem.current.text, "mine": head.cleaned_data["text"]}]
            context |= {"conflict": told, "form": head, **line_context(lines)}
            return render(request, TEMPLATE, context, status=409)
        return redirect("finance:recurring_entry", kept.pk)
    return render(request, TEMPLATE, context | {"form": head, **line_context(lines)}, status=422)


@entrance(post="finance.entry.submit")
@require_POST
@once
def submit(request: PersonRequest, pk: int) -> HttpResponse:
    _or_404(pk)
    try:
        recurring.submit(recurring_id=pk, by=request.user)
    except entries.NotReady as problem:
        messages.error(request, " ".join(problem.problems))
    except approvals.AlreadyAsked:
        messages.info(request, _("A second person has been asked already."))
    else:
        messages.success(request, _("A second person is asked; it posts by itself once they agree."))
    return redirect("finance:recurring_entry", pk)


def _or_404(pk: int) -> RecurringEntry:
    record = RecurringEntry.objects.select_related("made_by", "approved_by").filter(pk=pk).first()
    if record is None:
        raise Http404
    return record
