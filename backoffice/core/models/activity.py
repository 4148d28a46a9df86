"""Talk and work around any record: comments, followers, notices and tasks."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .base import Referable


class Comment(Referable):
    subject = models.CharField(max_length=120)
    body = models.TextField(_("comment"), max_length=4000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["subject", "-id"], name="core_comment_subject")]


class Follow(models.Model):
    subject = models.CharField(max_length=120)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "user"], name="core_follow_once")]


class Notification(models.Model):
    """One line in one person's inbox. `text` is a gettext msgid, filled with `data` in the reader's language."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)  # mention, comment, job, alert, approval, task
    subject = models.CharField(max_length=120)
    text = models.CharField(max_length=300)
    data = models.JSONField(default=dict)
    key = models.CharField(max_length=160)  # same cause, same key: nobody is told twice
    at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="core_notification_once")]
        indexes = [
            models.Index(fields=["user", "-id"], condition=models.Q(read_at=None), name="core_notification_unread")
        ]


class Task(Referable):
    title = models.CharField(_("what is to be done"), max_length=200)
    subject = models.CharField(max_length=120, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tasks", verbose_name=_("who")
    )
    due_on = models.DateField(_("due"), null=True, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["assignee", "due_on"], condition=models.Q(done_at=None), name="core_task_open"),
            models.Index(fields=["subject"], name="core_task_subject"),
        ]

    def __str__(self) -> str:
        return self.title
