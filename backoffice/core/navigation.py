"""Doors of the floor in the menu."""

from django.utils.translation import gettext_lazy as _

from . import imports
from .models import User
from .shell import register_nav


def may_see_imports(person: User) -> bool:
    return any(source.may_read(person) for source in imports.sources())


register_nav("home", _("Work queue"), "home", None, "house", 10)
register_nav("home", _("Inbox"), "inbox", None, "inbox", 20)
register_nav("home", _("Notices"), "notices", None, "bell", 30)
register_nav("home", _("Tasks"), "tasks", "core.task.read", "list-checks", 40)
register_nav("home", _("Approvals"), "approvals", None, "stamp", 35)
register_nav("office", _("Parties"), "parties", "core.party.read", "contact", 10)
register_nav("office", _("People"), "people", "core.person.read", "users", 60)
register_nav("office", _("Audit trail"), "audit", "core.audit.read", "scroll-text", 70)
register_nav("office", _("Imports"), "imports", None, "file-up", 20, shown=may_see_imports)
register_nav("office", _("Jobs"), "jobs", None, "loader", 30)
register_nav("office", _("Work"), "work", "core.job.read", "cog", 80)
