"""Doors of the floor in the menu."""

from django.utils.translation import gettext_lazy as _

from .shell import register_nav

register_nav("home", _("Work queue"), "home", None, "house", 10)
register_nav("home", _("Inbox"), "inbox", None, "inbox", 20)
register_nav("home", _("Notices"), "notices", None, "bell", 30)
register_nav("home", _("Tasks"), "tasks", "core.task.read", "list-checks", 40)
