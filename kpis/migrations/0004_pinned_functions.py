"""No TEMP table is taken for ours."""

from django.db import migrations

from backoffice.core.search_path import pin


class Migration(migrations.Migration):
    dependencies = [("kpis", "0003_bucket_planning")]

    operations = [pin("kpis_")]
