"""Doors of finance in the menu."""

from django.utils.translation import gettext_lazy as _

from backoffice.core.shell import register_nav

register_nav("finance", _("Payments"), "finance:payments", "finance.payment.read", "credit-card", 10)
