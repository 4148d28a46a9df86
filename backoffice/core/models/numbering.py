"""Numbers without gaps: the row stays locked until its taker's transaction ends, so a rollback gives it back."""

from django.db import models


class Sequence(models.Model):
    key = models.CharField(max_length=60)
    year = models.PositiveSmallIntegerField(default=0)  # 0: never starts anew
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "year"], name="core_sequence_once")]
