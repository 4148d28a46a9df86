from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("finance", "0014_list_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(fields=["amount", "id"], name="finance_line_amount"),
        ),
    ]
