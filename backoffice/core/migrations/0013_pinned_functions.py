"""No TEMP table is taken for ours; memberships follow from grants only, as the owner of the tables writes them."""

from django.db import migrations

from backoffice.core.search_path import pin


class Migration(migrations.Migration):
    dependencies = [("core", "0012_party_intermediary")]

    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION core_role_grant_apply() SECURITY DEFINER",
            "ALTER FUNCTION core_role_grant_apply() SECURITY INVOKER",
        ),
        pin("core_", "core_holds_right"),
    ]
