from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("finance", "0011_entry_words")]

    operations = [
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(
                condition=models.Q(("is_void", True)), fields=["bank_account", "key"], name="finance_line_void"
            ),
        ),
    ]
