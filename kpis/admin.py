"""What people decide about the numbers: owner, target, thresholds."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.core import bell
from backoffice.core.configuration import Audited

from .definitions import MEASURES
from .models import MeasureSetting


@admin.register(MeasureSetting)
class MeasureSettingAdmin(Audited):
    list_display = ["__str__", "unit", "target", "attention", "alarm", "owner"]
    list_select_related = ["owner"]
    fieldsets = [
        (None, {"fields": ["measure", "owner"]}),
        (
            _("In the indicator's own unit: BRL, hours, days, points; a rate as a fraction of one, 0.05 is 5 %"),
            {"fields": ["target", "attention", "alarm"]},
        ),
        (_("When it is judged"), {"fields": ["grain", "least_n"]}),
    ]

    @admin.display(description=_("unit"))
    def unit(self, setting: MeasureSetting) -> str:
        known = MEASURES.get(setting.measure)
        return known.unit.value if known else ""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["measure"] if obj else []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        bell.ring("alerts")  # a worker judges by the new thresholds
