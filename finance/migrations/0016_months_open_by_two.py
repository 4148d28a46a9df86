"""A month opens again, from a soft close too, only by a question about it that another person approved since."""

from django.db import migrations

# Whoever changes the state, the moment is the database's: an answer given before it opens nothing twice.
FORWARD = """
CREATE FUNCTION finance_period_opens_by_two() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.state = OLD.state THEN
        NEW.changed_at := OLD.changed_at;
        RETURN NEW;
    END IF;
    IF (NEW.state = 'open' OR OLD.state = 'closed') AND NOT EXISTS (
            SELECT 1 FROM core_approval a
            WHERE a.kind = 'finance.reopen_period' AND a.subject = 'finance.period:' || NEW.id AND a.state = 'approved'
                  AND (OLD.changed_at IS NULL OR a.decided_at > OLD.changed_at)) THEN
        RAISE EXCEPTION 'a month opens again when a second person approved it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_period_opens_by_two';
    END IF;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER finance_period_opens_by_two BEFORE UPDATE ON finance_period
    FOR EACH ROW EXECUTE FUNCTION finance_period_opens_by_two();
"""

BACKWARD = """
DROP TRIGGER finance_period_opens_by_two ON finance_period;
DROP FUNCTION finance_period_opens_by_two();
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0015_line_amounts"), ("core", "0011_audit_text_at_once")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
