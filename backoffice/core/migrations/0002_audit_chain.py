"""Seal audit entries into a hash chain at commit, and refuse every change to them."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are never changed or removed (%)', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

-- The text that is hashed: every column, in one fixed order, lengths first so that no two rows share a text.
CREATE FUNCTION core_audit_text(e core_audit_entry, previous text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(length(part) || ':' || part, '|' ORDER BY place)
    FROM unnest(ARRAY[
        previous, e.id::text, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        coalesce(e.actor_id::text, ''), e.actor_name, e.action, e.subject, e.data::text, e.source, e.request_id
    ]) WITH ORDINALITY AS parts (part, place)
$$;

CREATE FUNCTION core_audit_hash(e core_audit_entry, previous text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(core_audit_text(e, previous), 'UTF8')), 'hex')
$$;

-- At commit: one short lock, then the head is read in a statement of its own, so a waiting writer sees the winner's seal.
CREATE FUNCTION core_audit_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    head core_audit_seal;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('core_audit_seal'));
    SELECT * INTO head FROM core_audit_seal ORDER BY seq DESC LIMIT 1;
    INSERT INTO core_audit_seal (seq, entry_id, previous, hash)
    VALUES (coalesce(head.seq, 0) + 1, NEW.id, coalesce(head.hash, ''), core_audit_hash(NEW, coalesce(head.hash, '')));
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER core_audit_seal AFTER INSERT ON core_audit_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core_audit_seal();
CREATE TRIGGER core_audit_entry_refuse BEFORE UPDATE OR DELETE ON core_audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER core_audit_entry_keep BEFORE TRUNCATE ON core_audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER core_audit_seal_refuse BEFORE UPDATE OR DELETE ON core_audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER core_audit_seal_keep BEFORE TRUNCATE ON core_audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""

BACKWARD = """
DROP TRIGGER core_audit_seal_keep ON core_audit_seal;
DROP TRIGGER core_audit_seal_refuse ON core_audit_seal;
DROP TRIGGER core_audit_entry_keep ON core_audit_entry;
DROP TRIGGER core_audit_entry_refuse ON core_audit_entry;
DROP TRIGGER core_audit_seal ON core_audit_entry;
DROP FUNCTION core_audit_seal();
DROP FUNCTION core_audit_hash(core_audit_entry, text);
DROP FUNCTION core_audit_text(core_audit_entry, text);
DROP FUNCTION core_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
