from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

from backoffice.core.folding import ACCENTED, BARE, Plain


class Migration(migrations.Migration):
    """Names are found without accents, and lists of a million parties are read in order."""

    dependencies = [("core", "0006_import_failure_sheet")]

    operations = [
        TrigramExtension(),  # trusted: the owner of the database may create it
        migrations.RunSQL(
            f"CREATE FUNCTION core_plain(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE"
            f" RETURN translate(lower($1), '{ACCENTED}', '{BARE}')",
            "DROP FUNCTION core_plain(text)",
        ),
        migrations.AddIndex(
            "party", GinIndex(OpClass(Plain("name"), name="gin_trgm_ops"), name="core_party_name_plain")
        ),
        migrations.AddIndex("party", models.Index(fields=["name", "id"], name="core_party_name")),
        migrations.AddIndex("party", models.Index(fields=["created_at", "id"], name="core_party_created")),
    ]
