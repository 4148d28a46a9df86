"""Heads of the audit chain, kept for good: those that events still hold are taken over."""

import django.db.models.functions.datetime
from django.db import migrations, models

FORWARD = """
INSERT INTO core_audit_anchor (seq, hash, at)
SELECT DISTINCT ON (seq) (data->>'seq')::bigint AS seq, data->>'hash', at
FROM core_event WHERE name = 'core.audit_anchored' ORDER BY seq, at;
CREATE TRIGGER core_audit_anchor_refuse BEFORE UPDATE OR DELETE ON core_audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER core_audit_anchor_keep BEFORE TRUNCATE ON core_audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""
BACKWARD = """
DROP TRIGGER core_audit_anchor_keep ON core_audit_anchor;
DROP TRIGGER core_audit_anchor_refuse ON core_audit_anchor;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0008_folded_names")]

    operations = [
        migrations.CreateModel(
            name="AuditAnchor",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hash", models.CharField(max_length=64)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={"db_table": "core_audit_anchor"},
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
