"""The inbox of questions that wait for a second person."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import date
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import approval_cards, selectors
from ..access import signed_in
from ..http import PersonRequest
from ..models import Approval
from ..services import approvals

TABS = {
    "waiting": approval_cards.waiting_for,
    "mine": approval_cards.asked_by,
    "decided": approval_cards.decided,
}


@signed_in
def inbox(request: PersonRequest) -> HttpResponse:
    """Cards, oldest question first (newest decision first), twenty a page."""
    tab = request.GET.get("tab", "waiting")
    if tab not in TABS:
        raise Http404
    newest_first = tab == "decided"
    rows = TABS[tab](request.user).order_by("-pk" if newest_first else "pk")
    after = request.GET.get("after", "")
    if after:
        if not after.isdecimal() or len(after) > 18:
            raise Http404
        rows = rows.filter(pk__lt=int(after)) if newest_first else rows.filter(pk__gt=int(after))
    found = list(rows[: approval_cards.PAGE + 1])
    page = found[: approval_cards.PAGE]
    context = {
        "tab": tab,
        "tabs": [
            {"label": label, "url": f"?tab={key}", "current": key == tab, "count": None}
            for key, label in (("waiting", _("For you")), ("mine", _("Asked by you")), ("decided", _("Decided")))
        ],
        "cards": approval_cards.cards(page, request.user),
        "next_url": f"?tab={tab}&after={page[-1].pk}" if len(found) > len(page) else "",
        "first_url": f"?tab={tab}" if after else "",
    }
    return render(request, "approvals/inbox.html", context)


@signed_in
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    return _show(request, _open_or_404(request, pk))


@signed_in
@require_POST
def decide(request: PersonRequest, pk: int) -> HttpResponse:
    """Approve, reject with a reason, or withdraw one's own; of two at once, the second is told about the first."""
    approval = _open_or_404(request, pk)
    decision, answer = request.POST.get("decision"), request.POST.get("answer", "")[:2000].replace("\x00", "")
    try:
        if decision == "withdraw":
            approvals.withdraw(pk, by=request.user, answer=answer)
            messages.info(request, _("Withdrawn. Nobody needs to decide any more."))
        elif decision in ("approve", "reject"):
            approvals.decide(pk, yes=decision == "approve", by=request.user, answer=answer)
            messages.info(request, _("Approved.") if decision == "approve" else _("Rejected."))
        else:
            raise Http404
    except approvals.ReasonMissing:
        return _show(request, approval, error=_("Say why you reject it, so that it can be put right."))
    except approvals.AlreadyDecided as problem:
        return render(
            request,
            "errors/409.html",
            {"reason": _sentence(problem.approval), "retry_url": request.path.removesuffix("decide/")},
            status=409,
        )
    return redirect("approvals")


def _open_or_404(request: PersonRequest, pk: int) -> Approval:
    approval = approval_cards.readable(request.user).filter(pk=pk).first()
    if approval is None:
        raise Http404
    return approval


def _show(request: PersonRequest, approval: Approval, error: str = "") -> HttpResponse:
    [card] = approval_cards.cards([approval], request.user)
    context = {"card": card, "error": error, "activity": selectors.activity(approval.ref, request.user)}
    return render(request, "approvals/detail.html", context, status=422 if error else 200)


def _sentence(approval: Approval) -> str:
    """Who was faster, and when."""
    values = {
        "who": approval.decided_by,
        "when": date(timezone.localtime(approval.decided_at), "SHORT_DATETIME_FORMAT"),
    }
    if approval.state == Approval.State.APPROVED:
        return _("%(who)s approved this on %(when)s. Your decision was not needed.") % values
    if approval.state == Approval.State.REJECTED:
        return _("%(who)s rejected this on %(when)s. Your decision was not needed.") % values
    return _("%(who)s withdrew this on %(when)s. There is nothing left to decide.") % values
