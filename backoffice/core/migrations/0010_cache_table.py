"""Where throttles and used codes are counted: the table of the default cache, as `createcachetable` makes it."""

from django.db import migrations

FORWARD = """
CREATE TABLE core_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX core_cache_expires ON core_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0009_audit_anchor")]

    operations = [migrations.RunSQL(FORWARD, "DROP TABLE core_cache")]
