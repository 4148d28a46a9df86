"""Everybody's tasks that this person may see."""

import django_filters
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import lists, selectors
from ..access import entrance
from ..models import Task, User

STATES = [("open", _("Open")), ("overdue", _("Overdue")), ("done", _("Done"))]


class TaskFilters(lists.ListFilters):
    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, method="in_state")
    assignee = django_filters.ModelChoiceFilter(
        label=_("Who"), queryset=lambda request: User.objects.filter(is_active=True).order_by("name", "pk")
    )
    due = lists.PeriodFilter(field_name="due_on", label=_("Due"), civil=True)

    def in_state(self, rows: QuerySet[Task], name: str, value: str) -> QuerySet[Task]:
        if value == "done":
            return rows.filter(done_at__isnull=False)
        rows = rows.filter(done_at=None)
        return rows.filter(due_on__lt=timezone.localdate()) if value == "overdue" else rows


def _state(task: Task) -> str:
    if task.done_at:
        return str(_("Done"))
    return str(_("Overdue")) if task.due_on and task.due_on < timezone.localdate() else str(_("Open"))


@entrance("core.task.read")
class TaskList(lists.ListPage):
    key = "core.tasks"
    url_name = "tasks"
    detail_url = "task"
    title = _("Tasks")
    lead = _("What people asked of each other.")
    filters = TaskFilters
    search_fields = ["title"]
    default_order = "due_on"
    empty_text = _("No task yet. Ask somebody for something.")
    opens_with = "open"
    done_text = _("Nothing to do.")
    tabs = [lists.Tab("open", _("Open"), {"state": "open"}), lists.Tab("overdue", _("Overdue"), {"state": "overdue"})]
    columns = [
        lists.Column("title", _("Task")),
        lists.Column("state", _("State"), value=_state, kind="badge"),
        lists.Column("assignee", _("Who"), value="assignee.name"),
        lists.Column("due_on", _("Due"), kind="day", order=("due_on", "pk")),
        lists.Column("asked_by", _("Asked by"), value="asked_by.name"),
        lists.Column("asked_at", _("Asked"), kind="stamp", order=("asked_at", "pk")),
    ]

    def queryset(self, user: User) -> QuerySet[Task]:
        return selectors.tasks_of(user).select_related("assignee", "asked_by")

    def actions(self, user: User) -> list[lists.Action]:
        if not user.may("core.task.create"):
            return []
        return [lists.Action(_("New task"), reverse("task_create"), is_primary=True)]
