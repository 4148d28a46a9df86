"""Tell people something, each of them once per cause."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from ..models import Notification, User


def tell(user_ids: Iterable[int], *, kind: str, subject: str, text: str, key: str, **data: Any) -> None:
    """Put one line into each person's notices.

    text: a gettext msgid filled with `data` in the reader's language.   key: the cause; the same cause is told once.
    """
    Notification.objects.bulk_create(
        [
            Notification(user_id=user_id, kind=kind, subject=subject, text=text, key=key, data=data)
            for user_id in sorted(set(user_ids))
        ],
        ignore_conflicts=True,
    )


def mark_read(*, user: User, ids: Iterable[int] | None = None) -> int:
    """Mark this person's own notices as read, all of them without `ids`; says how many were new."""
    unread: QuerySet[Notification] = user.notifications.filter(read_at=None)
    if ids is not None:
        unread = unread.filter(pk__in=list(ids))
    return unread.update(read_at=Now())
