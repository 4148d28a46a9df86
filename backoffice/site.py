"""The Django admin under our own permissions and CSP: configuration only, never daily work."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class BackofficeAdminSite(admin.AdminSite):
    """What other packages would register stays out; every change of ours goes into the audit trail."""

    site_header = _("Retaguarda configuration")
    site_title = _("Configuration")
    index_title = _("Tables, rules and roles")
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        from backoffice.core.configuration import Audited

        base = admin_class or Audited
        if not base.__module__.startswith(("django.", "allauth.")):
            audited = base if issubclass(base, Audited) else type(base.__name__, (Audited, base), {})
            super().register(model_or_iterable, audited, **options)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One sign-in page for everybody, with its second factor and its limits."""
        back = urlencode({"next": request.GET.get("next", reverse("admin:index"))}, safe="/")
        return redirect(f"{reverse('account_login')}?{back}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_change_password")


class BackofficeAdmin(AdminConfig):
    default_site = "backoffice.site.BackofficeAdminSite"
