"""Tell people once when a measure crosses a threshold, after the rollup, in the worker.

A setting is judged on its newest bucket that holds at least `least_n` facts. While it stays past a threshold, one open
`MeasureAlert` remembers that it was said; it closes when the value comes back, and the next crossing is a new one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.core.models import Follow, User, ref_of
from backoffice.core.money import format_number
from backoffice.core.services import notices

from ..definitions import MEASURES, Cell, Measure, Unit
from ..models import MeasureAlert, MeasureSetting
from ..selectors import judge

ATTENTION = gettext_noop("%(measure)s needs attention: %(value)s in the period from %(start)s.")
ALARM = gettext_noop("%(measure)s is past its alarm: %(value)s in the period from %(start)s.")

_NEWEST = """
SELECT b.series, b.start, b.n, b.hits, b.sum, b.low, b.high, b.p50, b.p90 FROM kpis_bucket b
WHERE b.series = ANY(%(series)s) AND b.grain = %(grain)s AND b.dim = 0 AND b.start = (
    SELECT max(start) FROM kpis_bucket WHERE series = %(judged)s AND grain = %(grain)s AND dim = 0
    AND n >= %(least)s AND start <= now()
)
"""


@dataclass(frozen=True)
class Judged:
    start: datetime
    value: Decimal


def judge_all(series: Iterable[str] | None = None) -> list[MeasureAlert]:
    """Judge every setting whose measure reads one of `series` (None: all); the alerts that opened."""
    touched = None if series is None else set(series)
    watched = MeasureSetting.objects.filter(Q(attention__isnull=False) | Q(alarm__isnull=False)).order_by("pk")
    opened = []
    for setting in watched:
        measure = MEASURES.get(setting.measure)
        if measure and (touched is None or touched & set(measure.series)):
            alert = judge_one(setting.pk, measure)
            if alert:
                opened.append(alert)
    return opened


@transaction.atomic
def judge_one(setting_id: int, measure: Measure) -> MeasureAlert | None:
    """Judge one setting and tell its people if it crossed a threshold just now; two workers go one after the other."""
    setting = MeasureSetting.objects.select_for_update().get(pk=setting_id)
    judged = _newest(setting, measure)
    status = judge(measure, setting, judged.value) if judged else None
    if judged is None or status is None:
        return None
    standing = MeasureAlert.objects.filter(setting=setting, closed_at=None).first()
    if standing and standing.level == status:
        return None
    if standing:
        MeasureAlert.objects.filter(pk=standing.pk).update(closed_at=Now())
    if status == "good":
        return None
    threshold = setting.alarm if status == "alarm" else setting.attention
    assert threshold is not None
    alert = MeasureAlert.objects.create(
        setting=setting, level=status, start=judged.start, value=judged.value, threshold=threshold
    )
    if not (standing and standing.level == "alarm"):  # from alarm back to attention is no news
        _tell(alert, setting, measure)
    return alert


def _newest(setting: MeasureSetting, measure: Measure) -> Judged | None:
    judged = measure.denominator.series if measure.denominator else measure.main
    with connection.cursor() as cursor:
        cursor.execute(
            _NEWEST,
            {
                "series": list(measure.series),
                "judged": judged,
                "grain": setting.grain,
                "least": setting.least_n,
            },
        )
        rows = cursor.fetchall()
    reading = measure.read({row[0]: Cell(*row[2:]) for row in rows})
    return Judged(rows[0][1], reading.value) if rows and reading.value is not None else None


def _tell(alert: MeasureAlert, setting: MeasureSetting, measure: Measure) -> None:
    """Owner and followers, those who may read the measure, each once and in their language."""
    subject = ref_of(setting)
    followers = Follow.objects.filter(subject=subject).values("user_id")
    people = User.objects.filter(Q(pk=setting.owner_id) | Q(pk__in=followers), is_active=True)
    for person in people:
        if person.may(measure.right):
            with translation.override(person.language or settings.LANGUAGE_CODE):
                title, value = str(measure.title), in_words(measure.unit, alert.value)
            notices.tell(
                [person.pk],
                kind="alert",
                subject=subject,
                text=ALARM if alert.level == MeasureAlert.Level.ALARM else ATTENTION,
                key=ref_of(alert),
                measure=title,
                value=value,
                start=alert.start.astimezone(ZoneInfo(settings.TIME_ZONE)).date().isoformat(),
            )


def in_words(unit: Unit, value: Decimal) -> str:
    """A value with its unit, in the active language."""
    if unit is Unit.MONEY:
        return f"R$ {format_number(value.quantize(Decimal('0.01')), translation.get_language() or 'en')}"
    if unit is Unit.RATE:
        return f"{number_format(value * 100, 2)} %"
    if unit is Unit.HOURS:
        return _("%(n)s hours") % {"n": number_format(value, 1)}
    if unit is Unit.DAYS:
        return _("%(n)s days") % {"n": number_format(value, 1)}
    return number_format(value, 0 if unit is Unit.COUNT else 2)
