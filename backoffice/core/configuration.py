"""The base of every page of the configuration: what is changed there is in the audit trail, field by field."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from .models import User, ref_of
from .services import audit


class Audited(admin.ModelAdmin):  # type: ignore[type-arg]
    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        before = {name: form.initial.get(name) for name in form.changed_data}
        super().save_model(request, obj, form, change)
        changes = {name: (_told(old), _told(form.cleaned_data.get(name))) for name, old in before.items()}
        self._record(request, "changed" if change else "created", obj, changes=changes)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self._record(request, "removed", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self._record(request, "removed", obj)
        super().delete_queryset(request, queryset)

    def _record(self, request: HttpRequest, verb: str, obj: Model, **data: Any) -> None:
        assert isinstance(request.user, User)
        action = f"{obj._meta.app_label}.{obj._meta.model_name}_{verb}"
        audit.record(action, ref_of(obj), by=request.user, source="admin", name=str(obj), **data)


class ReadOnly:
    """Shown, never changed here."""

    def has_add_permission(self, request: HttpRequest, *_of: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _told(value: Any) -> Any:
    """A field's value as the trail keeps it."""
    if isinstance(value, Model):
        return ref_of(value)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
        return [_told(each) for each in value]
    return value
