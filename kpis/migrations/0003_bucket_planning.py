"""Tell the planner that hours have no dims: it would expect ten times the day buckets."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("kpis", "0002_fact_guards")]

    operations = [
        migrations.RunSQL(
            "CREATE STATISTICS kpis_bucket_grain_dim (mcv, dependencies) ON grain, dim FROM kpis_bucket",
            "DROP STATISTICS kpis_bucket_grain_dim",
        )
    ]
