"""Long work on its own page: how far, cancel, what came of it; one's own, or all for who looks after it."""

import django_filters
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from .. import lists, progress, refs
from ..access import entrance, signed_in
from ..http import PersonRequest
from ..jobs import title_of
from ..models import Delivery, Job, User
from ..services import outbox, running
from ..templatetags.display import badge


class JobFilters(lists.ListFilters):
    state = django_filters.MultipleChoiceFilter(label=gettext_lazy("State"), choices=Job.State.choices)


@signed_in
class JobList(lists.ListPage):
    key = "core.jobs"
    url_name = "jobs"
    detail_url = "job"
    title = gettext_lazy("Jobs")
    lead = gettext_lazy("Long work: what you asked for, how far it is, what came of it.")
    filters = JobFilters
    default_order = "-asked_at"
    empty_text = gettext_lazy("No job yet. Imports and large exports appear here.")
    tabs = [
        lists.Tab("alive", gettext_lazy("Under way"), {"state": "queued,running"}),
        lists.Tab("broken", gettext_lazy("Failed"), {"state": "failed,parked"}),
    ]
    columns = [
        lists.Column("title", gettext_lazy("Work"), value=title_of),
        lists.Column(
            "state",
            gettext_lazy("State"),
            value=Job.get_state_display,
            cell=lambda job: badge(progress.TONES[job.state], job.get_state_display()),
        ),
        lists.Column("asked_at", gettext_lazy("Asked"), kind="stamp", order=("id",)),
        lists.Column("asked_by", gettext_lazy("By"), value="asked_by.name"),
        lists.Column("ended_at", gettext_lazy("Ended"), kind="stamp"),
        lists.Column("attempts", gettext_lazy("Tries"), kind="number"),
    ]

    def queryset(self, user: User) -> QuerySet[Job]:
        return jobs_of(user).select_related("asked_by")


def jobs_of(user: User) -> QuerySet[Job]:
    """The jobs a person may see: all with `core.job.read`, else their own."""
    return Job.objects.all() if user.may("core.job.read") else Job.objects.filter(asked_by=user)


@signed_in
@require_GET
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    job = _open_or_404(pk, request.user)
    about = refs.resolve([job.subject]).get(job.subject) if job.subject else None
    context = progress.context(job, may_act=_may_act(job, request.user))
    context["about"] = about if about and about.is_open_to(request.user) else None
    return render(request, "core/jobs/detail.html", context)


@signed_in
@require_POST
def cancel(request: PersonRequest, pk: int) -> HttpResponse:
    _own_or_404(pk, request.user)
    running.cancel(job_id=pk)
    return redirect(_back(request, pk))


@signed_in
@require_POST
def retry(request: PersonRequest, pk: int) -> HttpResponse:
    _own_or_404(pk, request.user)
    if not running.retry(job_id=pk):
        messages.info(request, _("There is nothing to try again."))
    return redirect(_back(request, pk))


@entrance("core.job.read")
@require_GET
def work(request: PersonRequest) -> HttpResponse:
    """The engine room: what is parked, what waits."""
    parked = Delivery.objects.filter(state=Delivery.State.PARKED).select_related("event").order_by("-pk")[:100]
    broken = Job.objects.filter(state__in=[Job.State.PARKED, Job.State.FAILED]).select_related("asked_by")
    context = {
        "parked": parked,
        "broken": [progress.progress_of(job) for job in broken.order_by("-pk")[:50]],
        "waiting": outbox.waiting(),
        "queued": running.waiting(),
        "may_act": request.user.may("core.job.edit"),
    }
    return render(request, "core/jobs/work.html", context)


@entrance(post="core.job.edit")
@require_POST
def deliver_again(request: PersonRequest, pk: int) -> HttpResponse:
    if outbox.retry(delivery_id=pk):
        messages.info(request, _("The event is delivered again."))
    else:
        messages.info(request, _("It is not parked any more."))
    return redirect("work")


def _open_or_404(pk: int, user: User) -> Job:
    job = jobs_of(user).select_related("asked_by").filter(pk=pk).first()
    if job is None:
        raise Http404
    return job


def _may_act(job: Job, user: User) -> bool:
    return job.asked_by_id == user.pk or user.may("core.job.edit")


def _own_or_404(pk: int, user: User) -> Job:
    job = _open_or_404(pk, user)
    if not _may_act(job, user):
        raise Http404
    return job


def _back(request: PersonRequest, pk: int) -> str:
    """The job's page, or the page of what it works on."""
    subject = request.POST.get("back", "")
    card = refs.resolve([subject]).get(subject) if subject else None
    return card.url if card and card.is_open_to(request.user) else reverse("job", args=[pk])
