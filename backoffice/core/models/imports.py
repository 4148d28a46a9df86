"""An import: the files as they came, what was found in them, what was written, and what was refused and why."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .base import Referable
from .files import StoredFile
from .jobs import Job


class ImportBatch(Referable):
    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        CHECKING = "checking", _("Checking")
        MAPPING = "mapping", _("Columns needed")
        CHECKED = "checked", _("Checked")
        COMMITTING = "committing", _("Writing")
        COMMITTED = "committed", _("Imported")
        REFUSED = "refused", _("Refused")
        UNDOING = "undoing", _("Undoing")
        UNDONE = "undone", _("Undone")
        CANCELLED = "cancelled", _("Cancelled")

    source = models.CharField(max_length=60)  # key in the registry of `core.imports`
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    mapping = models.JSONField(default=dict)  # field → column heading, for mapped sources
    counts = models.JSONField(
        default=dict
    )  # {"create": n, "update": n, "skip": n, "error": n, per entity under "entities"}
    preview = models.JSONField(default=list)
    reason = models.TextField(blank=True)  # why it was refused
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="imports"
    )
    received_at = models.DateTimeField(db_default=Now())
    committed_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["source", "-id"], name="core_import_source")]

    def __str__(self) -> str:
        return f"{self.source} #{self.pk}"


class ImportFile(models.Model):
    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="files")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "position"], name="core_import_file_position")]


class ImportFailure(models.Model):
    """One row that was not taken, with its cells as they stood in the file."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="failures")
    table = models.CharField(max_length=60)  # which file of the source, `orders`
    sheet = models.PositiveSmallIntegerField(default=0)  # which of the batch's files and worksheets, in order
    line = models.PositiveIntegerField()  # 1 is the heading
    cells = ArrayField(models.TextField())
    column = models.CharField(max_length=120, blank=True)
    found = models.TextField(blank=True)
    reason = models.TextField()  # msgid of a sentence with %(found)s, translated when shown

    class Meta:
        indexes = [models.Index(fields=["batch", "sheet", "line"], name="core_import_failure_place")]


class ImportChange(models.Model):
    """What one import did to one row, so that it can be undone: no `before` means the import created it."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="changes")
    table = models.CharField(max_length=80)  # database table
    key = models.BigIntegerField()  # its primary key
    before = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "table", "key"], name="core_import_change_once")]


class ImportMapping(models.Model):
    """The columns a person once named for files with these headings."""

    source = models.CharField(max_length=60)
    headings = models.CharField(max_length=64)  # SHA-256 of the normalised headings
    mapping = models.JSONField(default=dict)
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "headings"], name="core_import_mapping_once")]
