"""Who sent open titles or a trial balance neither writes nor undoes them, but in a first set-up without anybody else."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION finance_import_by_two() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    wanted text := CASE NEW.source WHEN 'open_titles' THEN 'finance.title_import.post' ELSE 'finance.entry.approve' END;
BEGIN
    IF EXISTS (SELECT 1 FROM core_job j WHERE j.id = NEW.job_id AND j.asked_by_id = NEW.received_by_id)
        AND (EXISTS (SELECT 1 FROM finance_bookssetup WHERE finished_at IS NOT NULL)
             OR EXISTS (SELECT 1 FROM core_user u
                        WHERE u.id <> NEW.received_by_id AND core_holds_right(u.id, wanted))) THEN
        RAISE EXCEPTION 'who sent import % neither writes nor undoes it', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_import_by_two';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_import_by_two BEFORE UPDATE OF state ON core_importbatch FOR EACH ROW
    WHEN (NEW.source IN ('open_titles', 'finance.trial_balance') AND NEW.state IN ('committed', 'undone')
          AND NEW.state <> OLD.state)
    EXECUTE FUNCTION finance_import_by_two();
"""

BACKWARD = """
DROP TRIGGER finance_import_by_two ON core_importbatch;
DROP FUNCTION finance_import_by_two();
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0017_rules_trusted_by_two"), ("core", "0011_audit_text_at_once")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
