"""The application cannot forge what the triggers read: functions look for our tables first."""

from django.db import migrations

from backoffice.core.search_path import pin

class Migration(migrations.Migration):
    dependencies = [("finance", "0015_line_amounts"), ("core", "0021_pinned_functions")]

    operations = [
        pin("finance_", "finance_first_broken"),
    ]
