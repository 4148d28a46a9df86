"""How targets and thresholds are named from outside: the page of their measure."""

from django.urls import reverse

from backoffice.core import refs

from .definitions import MEASURES
from .models import MeasureAlert, MeasureSetting

refs.register(
    MeasureSetting,
    right=lambda setting: MEASURES[setting.measure].right,
    page=lambda setting: reverse("kpis:measure", args=[setting.measure]),
    carer="owner_id",
)
refs.register(
    MeasureAlert,
    right=lambda alert: MEASURES[alert.setting.measure].right,
    page=lambda alert: reverse("kpis:measure", args=[alert.setting.measure]),
    label=lambda alert: str(alert.setting),
    related=("setting",),
)
