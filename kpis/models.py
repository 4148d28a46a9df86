"""Facts, what they add up to, and what people want the numbers to be.

A fact is written once and never touched. What it adds up to stands in `Bucket`, made anew from facts whenever a
`DirtyBucket` row says so; `services/rollup.py` is the only writer. A trigger writes the dirty rows, whoever adds facts.
"""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import Referable

TEXT = 60


class Fact(models.Model):
    """Something that happened to one record, dated by the stamp its series names (`kpis/series.py`).

    A correction is a reversal (same series, same instant, opposite amount) and a new fact. A fact is live when it is
    no reversal and has none; only live facts count.
    """

    series = models.CharField(max_length=TEXT)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    entity = models.CharField(max_length=TEXT)  # reference of the record it is about, `logistics.order:812`
    part = models.BigIntegerField(null=True)  # key of the line in the series' own table, a payment or a review
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)  # BRL
    seconds = models.DecimalField(max_digits=18, decimal_places=6, null=True)  # elapsed between the two instants
    wall_seconds = models.DecimalField(max_digits=18, decimal_places=6, null=True)  # between the stamps as written
    score = models.PositiveSmallIntegerField(null=True)
    hit = models.BooleanField(null=True)  # whether it counts in the numerator of a rate
    dim1 = models.CharField(max_length=TEXT, db_default="")  # what the dims are is the series' to say; "" is blank
    dim2 = models.CharField(max_length=TEXT, db_default="")
    dim3 = models.CharField(max_length=TEXT, db_default="")
    reverses = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="reversals", db_index=False, db_constraint=False
    )  # the trigger checks more than a constraint would, once per statement

    class Meta:
        verbose_name = _("fact")
        verbose_name_plural = _("facts")
        indexes = [
            models.Index(fields=["series", "occurred_at"], name="kpis_fact_series"),
            models.Index(fields=["entity"], name="kpis_fact_entity"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="kpis_fact_reversed_once",
                fields=["reverses"],
                condition=Q(reverses__isnull=False),  # the index holds reversals only, so it stays small
                violation_error_message=_("This fact is reversed already."),
            ),
            models.CheckConstraint(
                name="kpis_fact_one_quantity",
                condition=(Q(amount=None, seconds=None) | Q(amount=None, score=None) | Q(seconds=None, score=None)),
                violation_error_message=_("A fact carries an amount, a duration or a score, only one of them."),
            ),
            models.CheckConstraint(
                name="kpis_fact_two_clocks",
                condition=Q(seconds=None, wall_seconds=None) | Q(seconds__isnull=False, wall_seconds__isnull=False),
                violation_error_message=_("A duration is kept by both clocks."),
            ),
        ]


class LiveFact(models.Model):
    """The view of the facts that count: neither reversed nor a reversal."""

    series = models.CharField(max_length=TEXT)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    entity = models.CharField(max_length=TEXT)
    part = models.BigIntegerField(null=True)
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    seconds = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    wall_seconds = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    score = models.PositiveSmallIntegerField(null=True)
    hit = models.BooleanField(null=True)
    dim1 = models.CharField(max_length=TEXT)
    dim2 = models.CharField(max_length=TEXT)
    dim3 = models.CharField(max_length=TEXT)

    class Meta:
        managed = False
        db_table = "kpis_livefact"
        verbose_name = _("fact")
        verbose_name_plural = _("facts")


class DirtyBucket(models.Model):
    """One hour (UTC) of one series whose buckets are out of date. No unique key: writers never wait for each other."""

    series = models.CharField(max_length=TEXT)
    hour = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["series", "hour"], name="kpis_dirty_series"),
            models.Index(fields=["at"], name="kpis_dirty_at"),
        ]


class Grain(models.TextChoices):
    HOUR = "hour", _("Hour")
    DAY = "day", _("Day")
    WEEK = "week", _("Week")
    MONTH = "month", _("Month")


class Bucket(models.Model):
    """What the live facts of one series add up to in one stretch of time, in all (`dim` 0) or for one value of one dim.

    start: first instant of the hour (UTC), or of the day, the week from Monday, the month in the company's zone.
    sum, low, high, p50, p90: of the series' quantity, BRL, seconds or points; null where it has none.
    """

    pk = models.CompositePrimaryKey("series", "grain", "dim", "start", "value")
    series = models.CharField(max_length=TEXT)
    grain = models.CharField(max_length=5, choices=Grain.choices)
    dim = models.PositiveSmallIntegerField()
    start = models.DateTimeField()
    value = models.CharField(max_length=TEXT)
    n = models.BigIntegerField()
    hits = models.BigIntegerField()
    sum = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    low = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    high = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    p50 = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    p90 = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    definition_version = models.PositiveSmallIntegerField()
    as_of = models.DateTimeField()


def measure_choices() -> list[tuple[str, str | Promise]]:
    from .definitions import MEASURES

    return [(measure.key, measure.title) for measure in MEASURES.values()]


class MeasureSetting(Referable):
    """What people decide about a measure: whose it is, where it should stand, when somebody must hear of it.

    Figures are in the measure's own unit: BRL, hours, days, points, or a fraction of one for a rate (0.05 is 5 %).
    """

    measure = models.CharField(_("indicator"), max_length=TEXT, unique=True, choices=measure_choices)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="measures",
        verbose_name=_("owner"),
    )
    target = models.DecimalField(_("target"), max_digits=18, decimal_places=4, null=True, blank=True)
    attention = models.DecimalField(_("attention from"), max_digits=18, decimal_places=4, null=True, blank=True)
    alarm = models.DecimalField(_("alarm from"), max_digits=18, decimal_places=4, null=True, blank=True)
    grain = models.CharField(
        _("judged by"),
        max_length=5,
        choices=[choice for choice in Grain.choices if choice[0] != Grain.HOUR],
        default=Grain.MONTH,
    )
    least_n = models.PositiveIntegerField(_("judged from how many facts"), default=20)

    class Meta:
        verbose_name = _("target and thresholds")
        verbose_name_plural = _("targets and thresholds")

    def __str__(self) -> str:
        from .definitions import MEASURES

        known = MEASURES.get(self.measure)
        return str(known.title) if known else self.measure

    def clean(self) -> None:
        """Attention comes before alarm, on the side of the measure that is bad."""
        from .definitions import MEASURES, Good

        known = MEASURES.get(self.measure)
        if known and self.attention is not None and self.alarm is not None:
            wrong = self.alarm < self.attention if known.good is Good.LOW else self.alarm > self.attention
            if wrong:
                raise ValidationError({"alarm": _("The alarm must lie beyond the attention threshold.")})


class MeasureAlert(Referable):
    """One crossing of one threshold: opened when the measure went past it, closed when it came back."""

    class Level(models.TextChoices):
        ATTENTION = "attention", _("Attention")
        ALARM = "alarm", _("Alarm")

    setting = models.ForeignKey(MeasureSetting, on_delete=models.CASCADE, related_name="alerts")
    level = models.CharField(max_length=9, choices=Level.choices)
    start = models.DateTimeField()  # of the bucket that was judged
    value = models.DecimalField(max_digits=24, decimal_places=6)
    threshold = models.DecimalField(max_digits=18, decimal_places=4)
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(name="kpis_alert_one_open", fields=["setting"], condition=Q(closed_at=None)),
            models.CheckConstraint(
                name="kpis_alert_ends_after_it_began",
                condition=Q(closed_at=None) | Q(closed_at__gte=F("opened_at")),
            ),
        ]
