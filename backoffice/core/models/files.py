"""Files as they came: kept once by SHA-256 under our own names, never under the sender's."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from .base import Referable


class StoredFile(Referable):
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    name = models.CharField(max_length=255)  # as sent; shown, never used as a path
    content_type = models.CharField(max_length=120)
    path = models.CharField(max_length=200)  # below MEDIA_ROOT
    stored_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    stored_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Attachment(Referable):
    """A file on a record."""

    subject = models.CharField(max_length=120, db_index=True)  # reference of the record
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="attachments")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True, blank=True)
