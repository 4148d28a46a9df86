"""What a monitoring system should know about the numbers."""

from django.db.models import Min
from django.utils import timezone

from backoffice.core.metrics import gauge

from .models import DirtyBucket


@gauge("retaguarda_rollup_lag_seconds", "Age of the oldest hour that waits to be recomputed.")
def rollup_lag() -> float:
    oldest = DirtyBucket.objects.aggregate(at=Min("at"))["at"]
    return (timezone.now() - oldest).total_seconds() if oldest else 0.0
