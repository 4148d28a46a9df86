"""A rule posts by itself only as another person than its author trusted it: that version, one way, up to an amount."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Nobody knows who trusted what was trusted before: it suggests until somebody does so again.
FORWARD = """
UPDATE finance_matchrule SET is_trusted = false WHERE is_trusted;

CREATE FUNCTION finance_rule_trusted_by_two() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    latest record;
BEGIN
    IF NOT NEW.is_trusted THEN
        NEW.trusted_by_id := NULL;
        NEW.trusted_version := NULL;
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' AND OLD.is_trusted AND (OLD.trusted_by_id, OLD.trusted_version)
            IS NOT DISTINCT FROM (NEW.trusted_by_id, NEW.trusted_version) THEN
        RETURN NEW;
    END IF;
    SELECT v.number, v.made_by_id, v.condition INTO latest FROM finance_matchruleversion v
    WHERE v.rule_id = NEW.id ORDER BY v.number DESC LIMIT 1;
    IF NEW.trusted_by_id IS NULL OR latest.number IS DISTINCT FROM NEW.trusted_version
            OR latest.made_by_id = NEW.trusted_by_id
            OR NOT core_holds_right(NEW.trusted_by_id, 'finance.match_rule.approve') THEN
        RAISE EXCEPTION 'another person than its author trusts a rule, as it is now'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_rule_trusted_by_two';
    ELSIF latest.condition ->> 'most' IS NULL OR coalesce(latest.condition ->> 'sign', '') = '' THEN
        RAISE EXCEPTION 'a rule that posts by itself says a direction and a highest amount'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_rule_trusted_within';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_rule_trusted_by_two BEFORE INSERT OR UPDATE ON finance_matchrule
    FOR EACH ROW EXECUTE FUNCTION finance_rule_trusted_by_two();

CREATE FUNCTION finance_rule_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE finance_matchrule SET is_trusted = false WHERE id = NEW.rule_id AND is_trusted;
    RETURN NULL;
END $$;
CREATE TRIGGER finance_rule_changed AFTER INSERT ON finance_matchruleversion
    FOR EACH ROW EXECUTE FUNCTION finance_rule_changed();
"""

BACKWARD = """
DROP TRIGGER finance_rule_changed ON finance_matchruleversion;
DROP FUNCTION finance_rule_changed();
DROP TRIGGER finance_rule_trusted_by_two ON finance_matchrule;
DROP FUNCTION finance_rule_trusted_by_two();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("finance", "0016_months_open_by_two"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="matchrule",
            name="trusted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="matchrule",
            name="trusted_version",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
