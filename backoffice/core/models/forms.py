"""A form is sent once: its key, who sent it, what was in it, and where it led."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Submission(models.Model):
    key = models.CharField(max_length=40, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)  # SHA-256 of address and fields
    location = models.CharField(max_length=1000, blank=True)  # where the answer sent the reader
    at = models.DateTimeField(db_default=Now())
