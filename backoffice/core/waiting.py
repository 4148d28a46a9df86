"""The floor's own lines of the work queue."""

from django.utils.translation import gettext_lazy as _

from . import lists
from .models import Task, User
from .queue import Waiting, queue_item


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
