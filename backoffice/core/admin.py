"""What an administrator sets: the company, remembered columns of imports; and the roles, to read."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .configuration import Audited, ReadOnly
from .models import Company, ImportMapping
from .roles import ROLES, grants


@admin.register(Company)
class CompanyAdmin(Audited):
    """There is exactly one."""

    list_display = ["__str__", "cnpj", "city", "state"]
    exclude = ["id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Company.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(ImportMapping)
class ImportMappingAdmin(Audited):
    list_display = ["__str__"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Group)
class RoleAdmin(ReadOnly, Audited):
    """Roles stand in code; people get them under Office, People."""

    list_display = ["role", "rights"]
    fields = ["role", "rights"]
    readonly_fields = ["role", "rights"]
    ordering = ["name"]

    @admin.display(description=_("role"), ordering="name")
    def role(self, group: Group) -> Any:
        return next((role.name for role in ROLES if role.key == group.name), group.name)

    @admin.display(description=_("rights"))
    def rights(self, group: Group) -> str:
        return ", ".join(sorted(grants().get(group.name, ())))
