import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("finance", "0008_books_setup")]

    operations = [
        migrations.CreateModel(
            name="BudgetLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(verbose_name="month")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="amount")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="finance.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "cost_centre",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="finance.costcentre",
                        verbose_name="cost centre",
                    ),
                ),
            ],
            options={
                "verbose_name": "budget line",
                "verbose_name_plural": "budget lines",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("month", "account", "cost_centre"), name="finance_budget_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(condition=models.Q(("month__day", 1)), name="finance_budget_month"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="posting",
            index=models.Index(fields=["on", "id"], name="finance_posting_on"),
        ),
    ]
