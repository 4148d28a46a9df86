import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("finance", "0007_documents_stay"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BooksSetup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "tax_regime",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "I do not know yet"),
                            ("mei", "MEI"),
                            ("simples", "Simples Nacional"),
                            ("presumed", "Lucro Presumido"),
                            ("real", "Lucro Real"),
                        ],
                        max_length=8,
                        verbose_name="tax regime",
                    ),
                ),
                ("opened_on", models.DateField(blank=True, null=True, verbose_name="balances at the end of")),
                (
                    "done",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=10), default=list, size=None
                    ),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "finished_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.CheckConstraint(name="finance_setup_one", condition=models.Q(pk=1))],
            },
        ),
    ]
