"""What was done, by whom, when: append-only rows, sealed into a hash chain at commit by the database itself.

`core_audit_entry` is written by services; a deferred trigger writes `core_audit_seal` at commit under one short lock,
so that a long transaction never makes others wait for the chain. `core_audit_anchor` keeps the head of each day. All
three refuse UPDATE, DELETE and TRUNCATE (migrations 0002, 0009).
"""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    actor_name = models.CharField(max_length=120, blank=True)
    action = models.CharField(max_length=80)  # past tense, `finance.invoice_settled`
    subject = models.CharField(max_length=120)  # reference of the record
    data = models.JSONField(default=dict)  # ids, text, and {"field": [before, after]} under "changes"
    source = models.CharField(max_length=20, default="web")  # web, import, worker, command, admin
    request_id = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "core_audit_entry"
        indexes = [models.Index(fields=["subject", "-id"], name="core_audit_subject")]


class AuditSeal(models.Model):
    seq = models.BigIntegerField(primary_key=True)
    entry_id = models.BigIntegerField(unique=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "core_audit_seal"


class AuditAnchor(models.Model):
    """The head of the chain on some day; also in the log and in auditors' letters, where no database reaches."""

    seq = models.BigIntegerField(primary_key=True)
    hash = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "core_audit_anchor"
