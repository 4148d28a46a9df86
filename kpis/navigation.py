"""Doors of the numbers in the menu: one per dashboard."""

from django.utils.translation import gettext_lazy as _

from backoffice.core.shell import register_nav

from .pages import open_to

register_nav("kpis", _("Dashboards"), "kpis:index", None, "chart-line", 10, shown=lambda person: bool(open_to(person)))
