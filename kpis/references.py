"""How targets and thresholds are named from outside, and how the palette finds a number by its name."""

from functools import partial

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from backoffice.core import refs, search
from backoffice.core.folding import plain
from backoffice.core.search import Hit, Query

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


def find(query: Query, limit: int, *, area: str) -> list[Hit]:
    """Numbers of one area in whose name or key every word stands."""
    hits = []
    for measure in MEASURES.values():
        named = plain(f"{measure.title} {measure.key}")
        if measure.area == area and query.words and all(word in named for word in query.words):
            hits.append(Hit(str(measure.title), reverse("kpis:measure", args=[measure.key]), measure.key))
    return hits[:limit]


for _area in sorted({measure.area for measure in MEASURES.values()}):
    search.searchable(
        f"kpis.{_area}",
        label=_("Numbers"),
        icon="chart-line",
        right=f"kpis.{_area}.read",
        find=partial(find, area=_area),
    )
