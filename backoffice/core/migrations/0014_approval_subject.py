"""The books ask for the approval of what they take: found by its subject."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("core", "0013_pinned_functions")]

    operations = [AddIndexConcurrently("approval", models.Index(fields=["subject"], name="core_approval_subject"))]
