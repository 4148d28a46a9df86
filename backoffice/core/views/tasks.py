"""Work that people ask of each other: one task, a new one, done, and back."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import refs, selectors
from ..access import entrance
from ..activity_forms import TaskForm
from ..http import PersonRequest
from ..models import Task, User
from ..services import tasks


@entrance("core.task.create")
def create(request: PersonRequest) -> HttpResponse:
    about = refs.open_or_404(ref, request.user) if (ref := request.GET.get("subject", "")) else None
    form = TaskForm(request.POST or None, initial={"assignee": request.user.pk})
    if request.method == "POST" and form.is_valid():
        task = tasks.create(
            title=form.cleaned_data["title"],
            assignee=form.cleaned_data["assignee"],
            due_on=form.cleaned_data["due_on"],
            subject=about.ref if about else "",
            by=request.user,
        )
        messages.info(request, _("%(who)s has the task.") % {"who": task.assignee})
        return redirect(about.url if about else reverse("tasks"))
    context = {"form": form, "about": about, "cancel_url": about.url if about else reverse("tasks")}
    return render(request, "core/tasks/form.html", context, status=422 if form.errors else 200)


@entrance("core.task.read")
def detail(request: PersonRequest, pk: int) -> HttpResponse:
    task, card = _open_or_404(pk, request.user)
    about = refs.resolve([task.subject]).get(task.subject) if task.subject else None
    context = {
        "task": task,
        "about": about if about and about.is_open_to(request.user) else None,
        "may_edit": request.user.may("core.task.edit"),
        "activity": selectors.activity(card.ref, request.user),
    }
    return render(request, "core/tasks/detail.html", context)


@entrance("core.task.edit")
def edit(request: PersonRequest, pk: int) -> HttpResponse:
    task, card = _open_or_404(pk, request.user)
    form = TaskForm(request.POST or None, instance=task, initial={"version": task.version})
    context: dict[str, Any] = {"form": form, "task": task, "cancel_url": card.url}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                tasks.change(
                    task_id=pk,
                    version=form.cleaned_data["version"] or 0,
                    title=form.cleaned_data["title"],
                    assignee=form.cleaned_data["assignee"],
                    due_on=form.cleaned_data["due_on"],
                    by=request.user,
                )
            except tasks.Changed as problem:
                context["theirs"], status = problem.task, 409
                form.data = {**request.POST.dict(), "version": str(problem.task.version)}
            else:
                return redirect(card.url)
    return render(request, "core/tasks/form.html", context, status=status)


@entrance(post="core.task.edit")
@require_POST
def finish(request: PersonRequest, pk: int) -> HttpResponse:
    task, card = _open_or_404(pk, request.user)
    if tasks.finish(task_id=task.pk, by=request.user):
        messages.info(request, _("Done: %(title)s") % {"title": task.title})
    else:
        messages.info(request, _("It was already done."))
    return redirect(card.url)


@entrance(post="core.task.edit")
@require_POST
def reopen(request: PersonRequest, pk: int) -> HttpResponse:
    task, card = _open_or_404(pk, request.user)
    tasks.reopen(task_id=task.pk, by=request.user)
    return redirect(card.url)


def _open_or_404(pk: int, user: User) -> tuple[Task, refs.Card]:
    card = refs.open_or_404(f"core.task:{pk}", user)
    task = Task.objects.select_related("assignee", "asked_by", "done_by").filter(pk=pk).first()
    if task is None:
        raise Http404
    return task, card
