"""What an administrator sets for finance: who decides above which amount, usual terms, how items are taxed."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from backoffice.core.configuration import Audited

from .models import TaxProfile, TaxRate, TitlePolicy


@admin.register(TitlePolicy)
class TitlePolicyAdmin(Audited):
    """There is at most one; without it the defaults hold."""

    list_display = ["approval_limit", "fine_rate", "interest_rate"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not TitlePolicy.objects.exists()

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class TaxRateInline(admin.TabularInline):  # type: ignore[type-arg]
    model = TaxRate
    extra = 1


@admin.register(TaxProfile)
class TaxProfileAdmin(Audited):
    list_display = ["name", "is_active"]
    inlines = [TaxRateInline]
