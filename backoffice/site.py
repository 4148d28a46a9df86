"""The Django admin under our own permissions and CSP: configuration only, never daily work."""

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class BackofficeAdminSite(admin.AdminSite):
    site_header = _("Retaguarda configuration")
    site_title = _("Configuration")
    index_title = _("Tables, rules and roles")


class BackofficeAdmin(AdminConfig):
    default_site = "backoffice.site.BackofficeAdminSite"
