from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0011_audit_text_at_once")]

    operations = [
        migrations.AddField(
            model_name="party",
            name="is_intermediary",
            field=models.BooleanField(
                default=False,
                db_default=False,
                verbose_name="intermediary of payments",
                help_text="A bank, an acquirer or a marketplace that pays for others:"
                " its CNPJ never says whose title is paid.",
            ),
        ),
    ]
