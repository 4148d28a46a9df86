"""The months of the books: all of them, one with its checklist, and the steps it takes."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice.core import jobs, lists
from backoffice.core.access import entrance
from backoffice.core.forms import once
from backoffice.core.http import PersonRequest
from backoffice.core.selectors import activity
from backoffice.core.services import approvals
from backoffice.core.templatetags.display import month
from finance.forms.ledger import CloseForm, LeaveForm, ReasonForm
from finance.models import Period, PeriodException
from finance.services import close, periods

TONES = {"open": "good", "soft": "attention", "closed": "quiet"}


@entrance("finance.period.read")
def index(request: PersonRequest) -> HttpResponse:
    """The newest sixty months, by year."""
    rows = list(Period.objects.select_related("changed_by").order_by("-starts_on")[:60])
    context = {"rows": [{"period": period, "tone": TONES[period.state]} for period in rows]}
    return render(request, "finance/ledger/periods.html", context)


@entrance("finance.period.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    period = get_object_or_404(Period.objects.select_related("changed_by"), pk=pk)
    user = request.user
    is_open = period.state == Period.State.OPEN
    lines = [] if period.state == Period.State.CLOSED else close.checklist(period)
    context = {
        "period": period,
        "tone": TONES[period.state],
        "lines": lines,
        "n_open": sum(bool(line.points) for line in lines),
        "blocks": any(line.blocks for line in lines),
        "leaves": list(
            PeriodException.objects.filter(period=period).select_related("person", "given_by").order_by("-pk")[:20]
        ),
        "live": set(periods.live_leave(period).values_list("pk", flat=True)),
        "waiting": None if is_open else periods.reopening(period),
        "why_not": "" if is_open else periods.why_not_reopened(period),
        "entries_url": lists.url_for("finance.entries", period=period.pk),
        "may_post": user.may("finance.period.post"),
        "may_ask": user.may("finance.period.submit"),
        "may_read_entries": user.may("finance.entry.read"),
        "crumbs": [(month(period.starts_on), "")],
        "activity": activity(period.ref, user),
    }
    return render(request, "finance/ledger/period.html", context)


@entrance(post="finance.period.post")
@require_POST
@once
def soften(request: PersonRequest, pk: int) -> HttpResponse:
    """Soft-close an open month."""
    get_object_or_404(Period, pk=pk)
    try:
        periods.soft_close(period_id=pk, by=request.user)
    except periods.NotNow as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("The month is soft-closed: only who has leave posts into it."))
    return redirect("finance:period", pk)


@entrance("finance.period.post")
@once
def close_month(request: PersonRequest, pk: int) -> HttpResponse:
    period = get_object_or_404(Period, pk=pk)
    here = reverse("finance:period", args=[pk])
    if period.state == Period.State.CLOSED:
        messages.info(request, _("This month is closed already."))
        return redirect(here)
    lines = close.checklist(period)
    if blocking := [point.text for line in lines for point in line.points if point.blocks]:
        messages.error(request, " ".join(blocking))
        return redirect(here)
    open_lines = [line for line in lines if line.points]
    form = CloseForm(request.POST or None, is_clean=not open_lines)
    if request.method == "POST" and form.is_valid():
        try:
            close.close(period_id=pk, by=request.user, reason=form.cleaned_data.get("reason", ""))
        except (close.NotClosed, periods.NotNow) as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("The month is closed: nothing posts into it."))
            return redirect(here)
    context = {"form": form, "period": period, "open_lines": open_lines, "cancel_url": here}
    return render(request, "finance/ledger/period_close.html", context, status=422 if form.errors else 200)


@entrance("finance.period.submit")
@once
def reopen(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask a director to open a month again."""
    period = get_object_or_404(Period, pk=pk)
    here = reverse("finance:period", args=[pk])
    if why := periods.why_not_reopened(period):
        messages.error(request, why)
        return redirect(here)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _asked(request, here, lambda: periods.ask_reopening(period_id=pk, by=request.user, **form.values))
    context = {"form": form, "period": period, "cancel_url": here}
    return render(request, "finance/ledger/period_reopen.html", context, status=422 if form.errors else 200)


@entrance("finance.period.submit")
@once
def leave(request: PersonRequest, pk: int) -> HttpResponse:
    """Let somebody post into a soft-closed month; for oneself, a director decides."""
    period = get_object_or_404(Period, pk=pk)
    here = reverse("finance:period", args=[pk])
    if period.state != Period.State.SOFT:
        messages.error(request, _("Only a soft-closed month needs leave."))
        return redirect(here)
    people = {*_posters(), request.user.pk}
    form = LeaveForm(request.POST or None, people=people)
    if request.method == "POST" and form.is_valid():
        try:
            asked = periods.give_leave(period_id=pk, by=request.user, **form.values)
        except periods.NotNow as problem:
            form.add_error("until", str(problem))
        except approvals.AlreadyAsked:
            messages.info(request, _("A director has been asked already."))
            return redirect(here)
        else:
            said = _("A director is asked: nobody opens a month for themselves.") if asked else _("Leave is given.")
            messages.success(request, said)
            return redirect(here)
    context = {"form": form, "period": period, "cancel_url": here}
    return render(request, "finance/ledger/period_leave.html", context, status=422 if form.errors else 200)


@entrance(post="finance.period.post")
@require_POST
@once
def end_leave(request: PersonRequest, pk: int) -> HttpResponse:
    given = get_object_or_404(PeriodException, pk=pk)
    periods.end_leave(leave_id=pk, by=request.user)
    messages.success(request, _("The leave has ended."))
    return redirect("finance:period", given.period_id)


@entrance(post="finance.period.post")
@require_POST
@once
def prove(request: PersonRequest) -> HttpResponse:
    """Prove the books now, in a worker."""
    return redirect("job", jobs.ask("finance.verify_ledger", by=request.user).pk)


def _posters() -> set[int]:
    """Who posts: whoever may write entries, decide on them or import into the books."""
    rights = ("finance.entry.create", "finance.entry.approve")
    return {pk for right in rights for pk in approvals.holders_of(right).values_list("pk", flat=True)}


def _asked(request: PersonRequest, here: str, ask: Any) -> HttpResponse:
    try:
        ask()
    except periods.NotNow as problem:
        messages.error(request, str(problem))
    except approvals.AlreadyAsked:
        messages.info(request, _("A director has been asked already."))
    else:
        messages.success(request, _("A director is asked; until then the month stays as it is."))
    return redirect(here)
