"""A second person's yes. The database refuses the maker's own, whatever door it comes through."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .base import Referable


class Approval(Referable):
    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    kind = models.CharField(max_length=60)  # key in the registry of `core.approvals`, `logistics.waive_exception`
    subject = models.CharField(max_length=120)
    right = models.CharField(max_length=80)  # what the checker must hold, `logistics.exception.approve`
    title = models.CharField(max_length=300)  # gettext msgid, filled with `data`
    data = models.JSONField(default=dict)
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)  # BRL
    reason = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals_asked")
    asked_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="approvals_decided"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="core_approval_maker_is_not_checker",
                condition=models.Q(decided_by=None)
                | models.Q(state="withdrawn")
                | ~models.Q(decided_by=models.F("asked_by")),
                violation_error_message=_("Who asked cannot approve. Another person decides."),
            ),
            models.CheckConstraint(
                name="core_approval_decided_or_waiting",
                condition=models.Q(state="waiting", decided_by=None, decided_at=None)
                | (~models.Q(state="waiting") & models.Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="core_approval_rejected_with_reason",
                condition=~models.Q(state="rejected") | ~models.Q(answer=""),
                violation_error_message=_("Say why it was rejected."),
            ),
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=models.Q(state="waiting"), name="core_approval_one_waiting"
            ),
        ]
        indexes = [
            models.Index(fields=["right"], condition=models.Q(state="waiting"), name="core_approval_waiting"),
            models.Index(fields=["subject"], name="core_approval_subject"),
        ]
