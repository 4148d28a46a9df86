"""Order events are append-only; a waiver above the company's limit needs a second person, whatever door it comes through."""

from django.db import migrations

EVENTS = """
ALTER TABLE logistics_orderevent DROP CONSTRAINT {constraint};
ALTER TABLE logistics_orderevent ADD CONSTRAINT logistics_event_order_fk
    FOREIGN KEY (order_id) REFERENCES logistics_order (id) {cascade} DEFERRABLE INITIALLY DEFERRED;
"""

GUARDS = """
CREATE FUNCTION logistics_refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT 1 FROM logistics_order WHERE id = OLD.order_id) THEN
        RETURN OLD;  -- the order itself went: the import that made it is undone
    END IF;
    RAISE EXCEPTION 'Order events are append-only.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER logistics_event_append_only BEFORE UPDATE OR DELETE ON logistics_orderevent
    FOR EACH ROW EXECUTE FUNCTION logistics_refuse_event_change();
CREATE TRIGGER logistics_event_no_truncate BEFORE TRUNCATE ON logistics_orderevent
    FOR EACH STATEMENT EXECUTE FUNCTION logistics_refuse_event_change();

CREATE FUNCTION logistics_check_waiver() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE waive_limit numeric;
BEGIN
    IF NEW.waived_at IS NOT NULL AND NEW.waive_approved_by_id IS NULL THEN
        SELECT c.waive_limit INTO waive_limit FROM core_company c WHERE c.id = 1;
        IF abs(coalesce(NEW.amount, 0)) > coalesce(waive_limit, 0) THEN
            RAISE EXCEPTION 'A waiver above % needs a second person.', coalesce(waive_limit, 0)
                USING ERRCODE = 'check_violation', CONSTRAINT = 'logistics_exception_second_person';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER logistics_exception_second_person BEFORE INSERT OR UPDATE OF waived_at, waived_by_id, waive_approved_by_id, amount
    ON logistics_orderexception FOR EACH ROW WHEN (NEW.waived_at IS NOT NULL AND NEW.closed_at IS NULL)
    EXECUTE FUNCTION logistics_check_waiver();
"""

UNGUARD = """
DROP TRIGGER logistics_exception_second_person ON logistics_orderexception;
DROP FUNCTION logistics_check_waiver();
DROP TRIGGER logistics_event_no_truncate ON logistics_orderevent;
DROP TRIGGER logistics_event_append_only ON logistics_orderevent;
DROP FUNCTION logistics_refuse_event_change();
"""

INSTANT = """
CREATE FUNCTION logistics_instant(wall timestamp, zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    -- All steps are immutable, so that the planner can inline the function: subtraction is done on UTC clock time.
    SELECT CASE
        WHEN timezone(zone, timezone('UTC', timezone('UTC', timezone(zone, wall)) - interval '1 hour')) = wall
        THEN timezone('UTC', timezone('UTC', timezone(zone, wall)) - interval '1 hour')
        ELSE timezone(zone, wall)
    END
$$;
COMMENT ON FUNCTION logistics_instant(timestamp, text) IS
    'The instant of a wall-clock stamp. In an hour that ran twice: the first run (fold 0). In an hour that was skipped: as much later.';
"""


def rename(cascade):
    def forwards(apps, schema_editor):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = 'logistics_orderevent'::regclass"
                " AND confrelid = 'logistics_order'::regclass AND contype = 'f'"
            )
            (name,) = cursor.fetchone()
        schema_editor.execute(EVENTS.format(constraint=schema_editor.quote_name(name), cascade=cascade))

    return forwards


class Migration(migrations.Migration):
    dependencies = [("logistics", "0001_initial")]

    operations = [
        migrations.RunPython(rename("ON DELETE CASCADE"), rename("")),
        migrations.RunSQL(GUARDS, UNGUARD),
        migrations.RunSQL(INSTANT, "DROP FUNCTION logistics_instant(timestamp, text);"),
    ]
