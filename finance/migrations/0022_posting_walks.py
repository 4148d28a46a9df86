"""The postings of an account in the order of their entries, an entry's by account.

Each stands in the place of an index that answered less. They come while others post; what broke off is run again.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


DROP = "DROP INDEX CONCURRENTLY IF EXISTS {}"  # what a run that broke off left behind


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("finance", "0021_references_by_statement")]

    operations = [
        migrations.RunSQL(DROP.format("finance_posting_account_entry"), migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="posting",
            index=models.Index(
                fields=["account", "on", "entry"],
                include=("amount", "cost_centre"),
                name="finance_posting_account_entry",
            ),
        ),
        RemoveIndexConcurrently("posting", "finance_posting_account"),
        migrations.RunSQL(DROP.format("finance_posting_entry"), migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="posting",
            index=models.Index(fields=["entry", "account"], include=("amount",), name="finance_posting_entry"),
        ),
        migrations.AlterField(
            model_name="posting",
            name="entry",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="postings",
                to="finance.journalentry",
            ),
        ),
    ]
