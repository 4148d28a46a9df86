"""What forms and lists remember for a while, and forget."""

from datetime import datetime, timedelta

from ..models import HeldFilter, Submission

FORM_DAYS = 2
FILTER_DAYS = 30


def forget_old(*, now: datetime) -> int:
    """Drop the keys of forms sent days ago and filters held a month ago; how many."""
    keys, _kinds = Submission.objects.filter(at__lt=now - timedelta(days=FORM_DAYS)).delete()
    held, _kinds = HeldFilter.objects.filter(held_at__lt=now - timedelta(days=FILTER_DAYS)).delete()
    return keys + held
