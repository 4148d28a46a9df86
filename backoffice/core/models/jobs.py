"""Long work as rows: who asked, how far it is, who holds it, why it failed. The broker may forget; these do not."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .base import Referable


class Job(Referable):
    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        PARKED = "parked", _("Parked")

    kind = models.CharField(max_length=80)  # key in the registry of `core.jobs`
    args = models.JSONField(default=dict)
    subject = models.CharField(max_length=120, blank=True, db_index=True)  # reference of what the work is about
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs"
    )
    asked_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)  # grows with each claim; an older holder can no longer write
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, blank=True)
    step = models.CharField(max_length=120, blank=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    cause = models.TextField(blank=True)
    result = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["due_at", "id"], condition=models.Q(state="queued"), name="core_job_queued"),
            models.Index(fields=["lease_until"], condition=models.Q(state="running"), name="core_job_running"),
            models.Index(fields=["asked_by", "-id"], name="core_job_person"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"
