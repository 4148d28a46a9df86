"""The application cannot forge what the triggers read, nor write what follows from postings.

Functions look for our tables first; heads have one column that says nothing, so that they can be locked by a role that may
change no other.
"""

from django.db import migrations, models

from backoffice.core.search_path import pin

class Migration(migrations.Migration):
    dependencies = [("finance", "0015_line_amounts"), ("core", "0021_pinned_functions")]

    operations = [
        migrations.AddField("journalhead", "held", models.BooleanField(db_default=False, default=False, editable=False)),
        pin("finance_", "finance_first_broken"),
    ]
