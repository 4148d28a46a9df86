"""Acts on many exceptions at once."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.lists import BulkAction
from backoffice.core.models import User

from .forms import AssignForm, WaiveForm
from .models import OrderException
from .services import exceptions


class Assign(BulkAction):
    key = "assign"
    label = gettext_lazy("Assign")
    right = "logistics.exception.edit"
    form = AssignForm

    def refusals(self, rows: Sequence[OrderException], *, by: User, **answers: Any) -> dict[Any, str]:
        return {row.pk: _("Closed already.") for row in rows if row.closed_at}

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        exceptions.assign(list(pks), owner=answers["owner"], by=by)


class Waive(BulkAction):
    key = "waive"
    label = gettext_lazy("Waive")
    right = "logistics.exception.submit"
    form = WaiveForm
    is_danger = True

    def refusals(self, rows: Sequence[OrderException], *, by: User, **answers: Any) -> dict[Any, str]:
        limit = exceptions.waive_limit()
        refused = {}
        for row in rows:
            if row.closed_at or row.waived_at:
                refused[row.pk] = _("Not open any more.")
            elif abs(row.amount or Decimal(0)) > limit:
                refused[row.pk] = _("Above the limit for one person. Waive it on its own; a second person is asked.")
        return refused

    def apply(self, pks: Sequence[Any], *, by: User, **answers: Any) -> None:
        exceptions.waive_many(list(pks), reason=answers["reason"], by=by)
