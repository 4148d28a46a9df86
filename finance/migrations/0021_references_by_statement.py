"""What lines, entries, postings and matches name is looked up a statement at a time, not a row and a column at a time.

Nobody is kept out for longer than the tables' locks take: no row is read, what stands was checked when it came.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from backoffice.core.foreign_keys import by_statement
from backoffice.core.search_path import pin


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0014_approval_subject"),
        ("finance", "0020_second_person_proved"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *by_statement("finance_posting", {"party_id": "core_party", "cost_centre_id": "finance_costcentre"}),
        *by_statement(
            "finance_journalentry",
            {
                "made_by_id": "core_user",
                "approved_by_id": "core_user",
                "batch_id": "core_importbatch",
                "reverses_id": "finance_journalentry",
            },
        ),
        *by_statement(
            "finance_statementline", {"bank_account_id": "finance_bankaccount", "statement_id": "finance_statement"}
        ),
        *by_statement(
            "finance_match",
            {
                "entry_id": "finance_journalentry",
                "rule_version_id": "finance_matchruleversion",
                "run_id": "finance_matchrun",
                "by_id": "core_user",
            },
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='approved_by',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='batch',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.importbatch'),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='made_by',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='reverses',
            field=models.OneToOneField(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='finance.journalentry'),
        ),
        migrations.AlterField(
            model_name='match',
            name='by',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='match',
            name='rule_version',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='finance.matchruleversion'),
        ),
        migrations.AlterField(
            model_name='posting',
            name='cost_centre',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='finance.costcentre'),
        ),
        migrations.AlterField(
            model_name='posting',
            name='party',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.party'),
        ),
        migrations.AlterField(
            model_name='statementline',
            name='bank_account',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='finance.bankaccount'),
        ),
        pin("finance_", "finance_first_broken"),
    ]
