"""Work that one person asks of another, on a record or alone."""

import datetime as dt

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_noop as msgid

from ..models import Task, User
from . import audit, notices


class Changed(Exception):
    """Somebody saved the task after this form was opened; `task` is what stands now."""

    def __init__(self, task: Task) -> None:
        super().__init__(task.pk)
        self.task = task


@transaction.atomic
def create(*, title: str, assignee: User, by: User, due_on: dt.date | None = None, subject: str = "") -> Task:
    task = Task.objects.create(title=title, assignee=assignee, asked_by=by, due_on=due_on, subject=subject)
    _tell(task, by=by)
    audit.record("core.task_created", task, by=by, title=title, assignee=str(assignee), due=due_on)
    return task


@transaction.atomic
def change(*, task_id: int, version: int, title: str, assignee: User, due_on: dt.date | None, by: User) -> Task:
    """Change what, who and when. Raises Changed when `version` is no longer the task's."""
    before = Task.objects.select_related("assignee").get(pk=task_id)
    won = Task.objects.filter(pk=task_id, version=version).update(
        title=title, assignee=assignee, due_on=due_on, version=F("version") + 1
    )
    task = Task.objects.select_related("assignee").get(pk=task_id)
    if not won:
        raise Changed(task)
    pairs = {
        "title": (before.title, title),
        "assignee": (str(before.assignee), str(assignee)),
        "due_on": (before.due_on, due_on),
    }
    changes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if "assignee" in changes:
        _tell(task, by=by)
    if changes:
        audit.record("core.task_changed", task, by=by, changes=changes)
    return task


@transaction.atomic
def finish(*, task_id: int, by: User) -> bool:
    """Mark as done; False when it was already."""
    won = Task.objects.filter(pk=task_id, done_at=None).update(done_at=Now(), done_by=by, version=F("version") + 1)
    if not won:
        return False
    task = Task.objects.get(pk=task_id)
    if task.asked_by_id != by.pk:
        notices.tell(
            [task.asked_by_id],
            kind="task",
            subject=task.ref,
            text=msgid("%(who)s finished “%(title)s”"),
            key=f"task-done:{task.pk}:{task.version}",
            who=str(by),
            title=task.title,
        )
    audit.record("core.task_done", task, by=by)
    return True


@transaction.atomic
def reopen(*, task_id: int, by: User) -> bool:
    """Take a done task back; False when it was open."""
    won = (
        Task.objects.filter(pk=task_id)
        .exclude(done_at=None)
        .update(done_at=None, done_by=None, version=F("version") + 1)
    )
    if not won:
        return False
    audit.record("core.task_reopened", f"core.task:{task_id}", by=by)
    return True


def _tell(task: Task, *, by: User) -> None:
    if task.assignee_id != by.pk:
        notices.tell(
            [task.assignee_id],
            kind="task",
            subject=task.ref,
            text=msgid("%(who)s gave you a task: %(title)s"),
            key=f"task:{task.pk}:{task.assignee_id}:{task.version}",
            who=str(by),
            title=task.title,
        )
