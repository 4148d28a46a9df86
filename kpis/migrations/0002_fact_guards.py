"""Facts refuse every change, say which hours they made dirty, and ring; the first instant of a local day as a function."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER kpis_fact_refuse BEFORE UPDATE OR DELETE ON kpis_fact
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER kpis_fact_keep BEFORE TRUNCATE ON kpis_fact
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();

-- Once per statement, whatever wrote it (a row, a bulk insert, COPY). The hour is cut in UTC: date_trunc would ask the session's zone.
CREATE FUNCTION kpis_fact_added() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added r LEFT JOIN kpis_fact f ON f.id = r.reverses_id
        WHERE r.reverses_id IS NOT NULL
        AND (f.series, f.occurred_at, f.entity, coalesce(-f.amount, 0), f.reverses_id IS NULL)
            IS DISTINCT FROM (r.series, r.occurred_at, r.entity, coalesce(r.amount, 0), true)
    ) THEN
        RAISE EXCEPTION 'a reversal repeats the series, instant and record of a fact that is none, with the opposite amount'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'kpis_fact_reversal_mirrors';
    END IF;
    INSERT INTO kpis_dirtybucket (series, hour, at)
    SELECT series, hour, clock_timestamp()
    FROM (SELECT DISTINCT series, date_bin('1 hour', occurred_at, '2000-01-01 00:00:00+00') AS hour FROM added) hours;
    IF FOUND THEN
        PERFORM pg_notify('retaguarda_bell', 'rollup');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER kpis_fact_added AFTER INSERT ON kpis_fact REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION kpis_fact_added();

-- The first instant of a civil day. Where midnight was skipped it is the first moment after; where it came twice, the
-- earlier one (an hour past 23:00 of the day before; the plain conversion would choose the later).
CREATE FUNCTION kpis_day_start(day date, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT least(day::timestamp AT TIME ZONE zone, ((day::timestamp - interval '1 hour') AT TIME ZONE zone) + interval '1 hour')
$$;

-- The facts that count.
CREATE VIEW kpis_livefact AS
    SELECT f.* FROM kpis_fact f
    WHERE f.reverses_id IS NULL AND NOT EXISTS (SELECT FROM kpis_fact r WHERE r.reverses_id = f.id);
"""

BACKWARD = """
DROP VIEW kpis_livefact;
DROP FUNCTION kpis_day_start(date, text);
DROP TRIGGER kpis_fact_added ON kpis_fact;
DROP FUNCTION kpis_fact_added();
DROP TRIGGER kpis_fact_keep ON kpis_fact;
DROP TRIGGER kpis_fact_refuse ON kpis_fact;
"""


class Migration(migrations.Migration):
    dependencies = [("kpis", "0001_facts"), ("core", "0002_audit_chain")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
