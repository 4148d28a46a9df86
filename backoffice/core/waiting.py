"""The floor's own lines of the work queue."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from . import approval_cards, lists
from .models import Delivery, Job, Notification, Task, User
from .queue import QueueLine, Waiting, queue_item


@queue_item("core.alone", right="core.person.create", order=1)
def alone(user: User) -> QueueLine | None:
    """There while the first administrator is the only one who can sign in."""
    if User.objects.filter(is_active=True).exclude(pk=user.pk).exists():
        return None
    label, url = _("Invite those who work here: a finance manager sets up the books"), reverse("person_invite")
    return QueueLine(label, 1, None, None, url, key="core.alone", department="core")


@queue_item("core.tasks", right="core.task.read", order=20)
def my_tasks(user: User) -> Waiting:
    return Waiting(
        _("Tasks for you"),
        Task.objects.filter(assignee=user, done_at=None),
        lists.url_for("core.tasks", assignee=user.pk, state="open"),
        oldest="asked_at",
        due="due_on",
        done=_("Nobody waits for you."),
    )


@queue_item("core.broken_jobs", right="core.job.edit", order=60)
def broken_jobs(user: User) -> Waiting:
    return Waiting(
        _("Jobs that failed"),
        Job.objects.filter(state__in=[Job.State.FAILED, Job.State.PARKED]),
        lists.url_for("core.jobs", state=[Job.State.FAILED, Job.State.PARKED]),
        oldest="ended_at",
        done=_("All work is done or under way."),
    )


@queue_item("core.parked_events", right="core.job.edit", order=61)
def parked_events(user: User) -> Waiting:
    return Waiting(
        _("Events that were not delivered"),
        Delivery.objects.filter(state=Delivery.State.PARKED),
        reverse("work"),
        oldest="event__at",
        done=_("Every event was delivered."),
    )


@queue_item("core.approvals", right=None, order=10)
def approvals(user: User) -> Waiting | None:
    if not any(right.endswith(".approve") for right in user.rights):
        return None
    return Waiting(
        _("Approvals for you"),
        approval_cards.waiting_for(user),
        reverse("approvals"),
        oldest="asked_at",
        due="due_at",
        done=_("Nothing waits for your decision."),
    )


@queue_item("core.notices", right=None, order=90)
def news(user: User) -> Waiting:
    return Waiting(
        _("New notices"),
        Notification.objects.filter(user=user, read_at=None),
        reverse("notices") + "?show=new",
        oldest="at",
        done=_("You have read everything."),
    )
