"""Records of the floor that others point at, and what their audit entries say."""

from django.utils.translation import gettext_lazy as _

from . import finding, imports, refs, search, sentences
from .jobs import title_of
from .models import Approval, ImportBatch, Job, Party, Task, User


def _approval(approval: Approval) -> str:
    return sentences.fill(approval.title, approval.data)


refs.register(
    Task,
    "task",
    right="core.audit.read",
    own=("assignee_id", "asked_by_id"),
    within="subject",
    carer="assignee_id",
    name=_("Task"),
)
refs.register(
    Approval,
    "approval",
    right="core.audit.read",
    own=("asked_by_id", "decided_by_id"),
    within="subject",
    label=_approval,
    name=_("Approval"),
)
refs.register(Job, "job", right="core.job.read", own="asked_by_id", label=title_of, name=_("Job"))
refs.register(
    ImportBatch,
    "import",
    right=imports.right_to_read,
    own="received_by_id",
    label=imports.title_of,
    name=_("Import"),
)
refs.register(Party, "party", right="core.party.read", label=str)
refs.register(User, "person", right="core.person.read", label=str)

search.searchable(
    "core.parties", label=_("Parties"), icon="contact", right="core.party.read", sign="@", find=finding.parties
)
search.searchable(
    "core.people", label=_("People"), icon="user", right="core.person.read", sign="@", find=finding.people
)
search.action(_("New party"), "party_create", right="core.party.create", icon="user-plus")
search.action(_("New task"), "task_create", right="core.task.create", icon="list-plus")

sentences.register(
    {
        "core.task_created": _("gave this task to %(assignee)s"),
        "core.task_changed": _("changed this task"),
        "core.task_done": _("marked this task as done"),
        "core.task_reopened": _("took this task back"),
        "core.approval_asked": _("asked for approval"),
        "core.approval_approved": _("approved it"),
        "core.approval_rejected": _("rejected it: %(answer)s"),
        "core.approval_withdrawn": _("withdrew the question"),
        "core.person_invited": _("invited this person"),
        "core.person_deactivated": _("closed this account"),
        "core.person_reactivated": _("opened this account again"),
        "core.person_signed_in": _("signed in"),
        "core.person_signed_out": _("signed out"),
        "core.password_changed": _("changed the password"),
        "core.password_reset": _("set a new password by link"),
        "core.second_factor_added": _("set up a second factor"),
        "core.second_factor_removed": _("removed the second factor"),
        "core.recovery_codes_renewed": _("made new recovery codes"),
        "core.role_given": _("gave the role %(role)s"),
        "core.role_withdrawn": _("withdrew the role %(role)s"),
        "core.administrator_created": _("became the first administrator"),
        "core.import_committed": _("imported: %(create)s new, %(update)s changed, %(error)s refused"),
        "core.import_confirmed": _("confirmed that %(doubts)s lines are others than those known"),
        "core.import_undone": _("undid this import: %(rows)s rows"),
        "core.import_discarded": _("discarded this import"),
        "core.party_created": _("entered this party"),
        "core.party_changed": _("changed this party"),
        "core.tax_id_shown": _("looked at the whole CPF or CNPJ"),
        "core.list_exported": _("exported %(rows)s rows as %(format)s"),
        "core.file_added": _("added the file %(name)s"),
        "core.file_removed": _("removed the file %(name)s"),
    }
)
