"""Celery doors of logistics."""

from celery import shared_task
from django.utils import timezone

from backoffice.core.beat import every

from .services import exceptions
from .services import sales as sales  # (its kind of work)


@shared_task(name="logistics.detect_late")
def detect_late(**_later: object) -> None:
    exceptions.detect_late(now=timezone.now())


every(300, "logistics.detect_late")
