from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "backoffice.core"
    label = "core"
    verbose_name = _("Office")
    default_auto_field = "django.db.models.BigAutoField"
    # What the application's database role may do, where that is less than reading and writing rows.
    append_only = ("core_audit_entry", "core_audit_anchor")
    sealed = (  # what only triggers and `migrate` write
        "core_audit_seal",
        "core_user_groups",
        "core_user_user_permissions",
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "django_content_type",
        "django_migrations",
    )
    limited = {
        "core_approval": "SELECT, INSERT, UPDATE (state, decided_by_id, decided_at, answer)",
        "core_rolegrant": "SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by_id)",
    }

    def ready(self) -> None:
        """Let every app put its records and its work into the registries of the floor."""
        from . import checks, receivers, waiting  # noqa: F401
        from .services import roles

        post_migrate.connect(roles.seed_after_migrate, dispatch_uid="core.roles")
        autodiscover_modules("references", "queue", "handlers", "tasks", "sources", "navigation", "gauges")
