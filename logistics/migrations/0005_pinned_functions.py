"""No TEMP table is taken for ours."""

from django.db import migrations

from backoffice.core.search_path import pin


class Migration(migrations.Migration):
    dependencies = [("logistics", "0004_exception_order_indexes")]

    operations = [pin("logistics_")]
