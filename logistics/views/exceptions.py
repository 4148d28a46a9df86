"""The exceptions queue: the list, one exception, and what people do with it."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from backoffice.core import lists
from backoffice.core.access import entrance
from backoffice.core.forms import once
from backoffice.core.http import PersonRequest
from backoffice.core.models import User
from backoffice.core.selectors import activity
from backoffice.core.services import approvals
from backoffice.core.templatetags.display import badge

from .. import selectors
from ..bulk import Assign, Waive
from ..filters import ExceptionFilters
from ..forms import AssignForm, WaiveForm
from ..models import OrderException
from ..services import exceptions


def _state(exception: OrderException) -> tuple[str, str]:
    """Tone and word."""
    if exception.closed_at:
        return "good", _("Closed")
    if exception.waived_at:
        return "quiet", _("Waived")
    if exception.due_at < timezone.now():
        return "wrong", _("Overdue")
    return "attention", _("Open")


def _department(exception: OrderException) -> str:
    return str({"finance": _("Finance"), "logistics": _("Logistics")}.get(exception.department, exception.department))


@entrance("logistics.exception.read")
class ExceptionList(lists.ListPage):
    key = "logistics.exceptions"
    url_name = "logistics:exceptions"
    detail_url = "logistics:exception"
    title = gettext_lazy("Exceptions")
    lead = gettext_lazy(
        "Orders that do not add up or are late. They open and close by themselves; waive what may stay."
    )
    filters = ExceptionFilters
    search_fields = ("order__number",)
    search_label = gettext_lazy("Order number")
    default_order = "due_at"
    export_right = "logistics.exception.export"
    empty_text = gettext_lazy("No exception so far. They open when orders come in.")
    done_text = gettext_lazy("Nothing is open. Well done.")
    opens_with = "open"
    tabs = (
        lists.Tab("open", gettext_lazy("Open"), {"state": "open"}),
        lists.Tab("mine", gettext_lazy("Mine"), {"state": "open", "mine": "true"}),
        lists.Tab("finance", gettext_lazy("Finance"), {"state": "open", "department": "finance"}),
        lists.Tab("logistics", gettext_lazy("Logistics"), {"state": "open", "department": "logistics"}),
        lists.Tab("waived", gettext_lazy("Waived"), {"state": "waived"}),
    )
    columns = (
        lists.Column("code", gettext_lazy("What is wrong"), value=OrderException.get_code_display),
        lists.Column("order", gettext_lazy("Order"), value="order.number", kind="code"),
        lists.Column(
            "amount", gettext_lazy("Amount"), kind="money", order=("amount", "pk"), total=Sum("amount"),
            help=gettext_lazy("Paid too much is above zero, too little below."),
        ),
        lists.Column("state", gettext_lazy("State"), value=lambda e: _state(e)[1], cell=lambda e: badge(*_state(e))),
        lists.Column("due_at", gettext_lazy("Due"), kind="stamp", order=("due_at", "pk")),
        lists.Column("department", gettext_lazy("Department"), value=_department),
        lists.Column("owner", gettext_lazy("Owner"), value="owner.name"),
        lists.Column("opened_at", gettext_lazy("Opened"), kind="stamp", order=("opened_at", "pk")),
        lists.Column("closed_at", gettext_lazy("Closed"), kind="stamp", optional=True),
        lists.Column("waive_reason", gettext_lazy("Reason"), optional=True),
    )  # fmt: skip
    bulk = (Assign(), Waive())

    def queryset(self, user: User) -> QuerySet[OrderException]:
        return OrderException.objects.select_related("order", "owner")

    def search(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        return queryset.filter(order__number__lower__startswith=text.strip().lower())


@entrance("logistics.exception.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    exception = _open_or_404(pk)
    user = request.user
    tone, state = _state(exception)
    is_open = not exception.closed_at and not exception.waived_at
    context = {
        "exception": exception,
        "order": exception.order,
        "tone": tone,
        "state": state,
        "department": _department(exception),
        "is_open": is_open,
        "ending": selectors.ending(exception) if exception.closed_at else None,
        "waiting": exceptions.waiting_approval(exception) if is_open else None,
        "may_edit": user.may("logistics.exception.edit"),
        "may_waive": user.may("logistics.exception.submit"),
        "assign_form": AssignForm(initial={"owner": exception.owner_id}) if is_open else None,
        "crumbs": [(str(exception), "")],
        "activity": activity(exception.ref, user),
    }
    return render(request, "logistics/exceptions/detail.html", context)


@entrance("logistics.exception.submit")
@once
def waive(request: PersonRequest, pk: int) -> HttpResponse:
    exception = _open_or_404(pk)
    form = WaiveForm(request.POST or None)
    here = reverse("logistics:exception", args=[pk])
    if request.method == "POST" and form.is_valid():
        try:
            asked = exceptions.waive(pk, reason=form.cleaned_data["reason"], by=request.user)
        except exceptions.NotOpen as problem:
            messages.error(request, str(problem))
        except approvals.AlreadyAsked:
            messages.info(request, _("A second person has been asked already."))
        else:
            if asked:
                messages.info(request, _("A second person is asked; until then the exception stays open."))
            else:
                messages.success(request, _("The exception is waived."))
        return redirect(here)
    context = {
        "form": form,
        "exception": exception,
        "needs_second": exceptions.needs_second_person(exception),
        "limit": exceptions.waive_limit(),
        "cancel_url": here,
    }
    return render(request, "logistics/exceptions/waive.html", context, status=422 if form.errors else 200)


@entrance(post="logistics.exception.edit")
@require_POST
@once
def assign(request: PersonRequest, pk: int) -> HttpResponse:
    exception = _open_or_404(pk)
    form = AssignForm(request.POST)
    if form.is_valid():
        owner = form.cleaned_data["owner"]
        if exceptions.assign([exception.pk], owner=owner, by=request.user):
            messages.success(
                request, _("%(who)s sees to it.") % {"who": owner} if owner else _("It is back with the department.")
            )
        else:
            messages.error(request, _("This exception is not open any more."))
    else:
        messages.error(request, _("This person cannot see to exceptions."))
    return redirect("logistics:exception", pk)


@entrance(post="logistics.exception.submit")
@require_POST
@once
def reopen(request: PersonRequest, pk: int) -> HttpResponse:
    _open_or_404(pk)
    try:
        exceptions.reopen(pk, by=request.user)
    except exceptions.NotWaived as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, _("The exception is open again."))
    return redirect("logistics:exception", pk)


@entrance(post="logistics.exception.edit")
@require_POST
def check(request: PersonRequest, pk: int) -> HttpResponse:
    """Look again now, instead of waiting for the next change or the clock: what is over closes."""
    exception = _open_or_404(pk)
    exceptions.detect_for([exception.order_id], now=timezone.now())
    if _open_or_404(pk).closed_at:
        messages.success(request, _("It is over: the exception is closed."))
    else:
        messages.info(request, _("It still holds: the exception stays."))
    return redirect("logistics:exception", pk)


def _open_or_404(pk: int) -> OrderException:
    exception = selectors.exception(pk)
    if exception is None:
        raise Http404
    return exception
