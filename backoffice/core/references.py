"""Records of the floor that others point at, and what their audit entries say."""

from django.utils.translation import gettext_lazy as _

from . import refs, sentences
from .models import Task

refs.register(
    Task, "task", right="core.audit.read", own=("assignee_id", "asked_by_id"), within="subject", carer="assignee_id"
)

sentences.register(
    {
        "core.task_created": _("gave this task to %(assignee)s"),
        "core.task_changed": _("changed this task"),
        "core.task_done": _("marked this task as done"),
        "core.task_reopened": _("took this task back"),
        "core.file_removed": _("removed the file %(name)s"),
    }
)
