"""Doors of marketing in the menu."""

from django.utils.translation import gettext_lazy as _

from backoffice.core.shell import register_nav

register_nav("marketing", _("Leads"), "marketing:leads", "marketing.lead.read", "user-plus", 10)
register_nav("marketing", _("Won deals"), "marketing:deals", "marketing.lead.read", "handshake", 20)
