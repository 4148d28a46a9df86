"""The application cannot forge what the triggers read, nor write what follows from postings.

Functions look for our tables first; heads have one column that says nothing, so that they can be locked by a role that may
change no other; leave is given by who may and only ever ended; a line is void once its postings are reversed.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from backoffice.core.search_path import pin

FORWARD = r"""
-- Leave to post into a soft-closed month: given by who may, ended early at most.
CREATE FUNCTION finance_leave_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT core_holds_right(NEW.given_by_id, 'finance.period.post')
           AND NOT core_holds_right(NEW.given_by_id, 'finance.period.approve') THEN
            RAISE EXCEPTION 'person % may not give leave', NEW.given_by_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_period_exception_giver';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR NEW.expires_at > OLD.expires_at
       OR (to_jsonb(NEW) - 'expires_at') IS DISTINCT FROM (to_jsonb(OLD) - 'expires_at') THEN
        RAISE EXCEPTION 'leave can only be ended' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_leave_guard BEFORE INSERT OR UPDATE OR DELETE ON finance_periodexception
    FOR EACH ROW EXECUTE FUNCTION finance_leave_guard();
CREATE TRIGGER finance_leave_keep BEFORE TRUNCATE ON finance_periodexception
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();

-- A line is void once its postings are reversed, and stays it.
CREATE FUNCTION finance_line_void() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NOT NEW.is_void THEN
        RAISE EXCEPTION 'line % is void; its file is imported again', NEW.id USING ERRCODE = 'restrict_violation';
    ELSIF EXISTS (SELECT 1 FROM finance_posting WHERE line_id = NEW.id GROUP BY account_id HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'line % has postings that are not reversed', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_line_void_is_reversed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_line_void BEFORE UPDATE OF is_void ON finance_statementline
    FOR EACH ROW WHEN (NEW.is_void <> OLD.is_void) EXECUTE FUNCTION finance_line_void();
"""

BACKWARD = """
DROP TRIGGER finance_line_void ON finance_statementline;
DROP FUNCTION finance_line_void();
DROP TRIGGER finance_leave_keep ON finance_periodexception;
DROP TRIGGER finance_leave_guard ON finance_periodexception;
DROP FUNCTION finance_leave_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0018_imports_by_two"), ("core", "0013_pinned_functions")]

    operations = [
        migrations.AddField("journalhead", "held", models.BooleanField(db_default=False, default=False, editable=False)),
        migrations.RunSQL(FORWARD, BACKWARD),
        pin("finance_", "finance_first_broken"),
        AddConstraintNotValid(
            "statementline",
            models.CheckConstraint(
                condition=models.Q(("is_void", False), ("open_amount", 0), _connector="OR"),
                name="finance_line_void_is_closed",
            ),
        ),
    ]
