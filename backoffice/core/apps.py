from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "backoffice.core"
    label = "core"
    verbose_name = _("Office")
    default_auto_field = "django.db.models.BigAutoField"
    append_only = ("core_audit_entry", "core_audit_anchor")  # what the application's database role may only add to
    sealed = ("core_audit_seal",)  # what only triggers write

    def ready(self) -> None:
        """Let every app put its records and its work into the registries of the floor."""
        from . import checks, receivers, waiting  # noqa: F401
        from .services import roles

        post_migrate.connect(roles.seed_after_migrate, dispatch_uid="core.roles")
        autodiscover_modules("references", "queue", "handlers", "tasks", "sources", "navigation", "gauges")
