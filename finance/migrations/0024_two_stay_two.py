"""What two people did, one does not change: drafts that wait, opening balances of books that are set up, reversals.

The lines of a draft change while it is one, and what was decided about it is another version when it is one again. Once
the books are set up (they stay so) an opening entry that moves no title names who approved it, or comes from an import by
the two that its batch names. Who reverses what two people entered names a second person, too.
"""

from django.db import migrations

from backoffice.core.search_path import pin

FORWARD = r"""
-- Held as it is until the line is committed: whoever sends the draft to a second person meanwhile waits, or is waited for.
CREATE FUNCTION finance_draft_lines_stay() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    draft bigint;
    stands text;
BEGIN
    FOREACH draft IN ARRAY CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW.draft_id] WHEN 'DELETE' THEN ARRAY[OLD.draft_id]
                           ELSE ARRAY[least(OLD.draft_id, NEW.draft_id), greatest(OLD.draft_id, NEW.draft_id)] END
    LOOP
        SELECT state INTO stands FROM finance_draftentry WHERE id = draft FOR SHARE;
        IF stands <> 'draft' THEN
            RAISE EXCEPTION 'entry % is % and no draft any more: its lines stay', draft, stands
                USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_draft_stays';
        END IF;
    END LOOP;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER finance_draft_lines_stay BEFORE INSERT OR UPDATE OR DELETE ON finance_draftline
    FOR EACH ROW EXECUTE FUNCTION finance_draft_lines_stay();

CREATE FUNCTION finance_draft_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NEW.version <= OLD.version OR (NEW.kind, NEW."on", NEW.text, NEW.made_by_id, NEW.recurring_id)
           IS DISTINCT FROM (OLD.kind, OLD."on", OLD.text, OLD.made_by_id, OLD.recurring_id) THEN
        RAISE EXCEPTION 'entry % is % and no draft any more: it stays, or becomes another version', OLD.id, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_draft_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_draft_stays BEFORE UPDATE ON finance_draftentry
    FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION finance_draft_stays();

CREATE FUNCTION finance_setup_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    RAISE EXCEPTION 'the books are set up' USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_setup_stays';
END $$;
CREATE TRIGGER finance_setup_stays BEFORE UPDATE ON finance_bookssetup
    FOR EACH ROW WHEN (OLD.finished_at IS NOT NULL AND NEW.finished_at IS NULL) EXECUTE FUNCTION finance_setup_stays();
CREATE TRIGGER finance_setup_kept BEFORE DELETE ON finance_bookssetup
    FOR EACH ROW WHEN (OLD.finished_at IS NOT NULL) EXECUTE FUNCTION finance_setup_stays();

-- Once a statement; entries of other kinds cost it nothing more.
CREATE FUNCTION finance_entries_by_two() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    bad record;
BEGIN
    SELECT e.id, e.approved_by_id, o.kind AS undoes INTO bad
    FROM fresh e LEFT JOIN finance_journalentry o ON o.id = e.reverses_id
    WHERE e.kind IN ('opening', 'reversal') AND CASE
        WHEN e.approved_by_id IS NOT NULL THEN
            e.kind = 'opening' AND e.batch_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM core_importbatch b JOIN core_job j ON j.id = b.job_id
                WHERE b.id = e.batch_id AND b.received_by_id = e.made_by_id AND j.asked_by_id = e.approved_by_id)
        WHEN o.kind = 'manual' THEN true
        WHEN 'opening' IN (e.kind, o.kind) THEN
            EXISTS (SELECT 1 FROM finance_bookssetup WHERE finished_at IS NOT NULL)
            AND (SELECT count(p.instalment_id) + count(p.line_id) FROM finance_posting p WHERE p.entry_id = e.id) = 0
            AND NOT EXISTS (  -- an import is undone by another than who sent it
                SELECT 1 FROM core_importbatch b JOIN core_job j ON j.id = b.job_id
                WHERE b.id = o.batch_id AND b.state = 'undoing' AND j.asked_by_id = e.made_by_id
                      AND j.asked_by_id IS DISTINCT FROM b.received_by_id)
        ELSE false END
    LIMIT 1;
    IF bad.approved_by_id IS NOT NULL THEN
        RAISE EXCEPTION 'person % did not approve entry %', bad.approved_by_id, bad.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_entry_asked';
    ELSIF bad.undoes = 'manual' THEN
        RAISE EXCEPTION 'entry % reverses what two people entered', bad.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_entry_undone_by_two';
    ELSIF bad.id IS NOT NULL THEN
        RAISE EXCEPTION 'the books are set up: entry % needs a second person', bad.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_entry_opened_by_two';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER finance_stands_by_two AFTER INSERT ON finance_journalentry REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION finance_entries_by_two();
"""

BACKWARD = """
DROP TRIGGER finance_stands_by_two ON finance_journalentry;
DROP FUNCTION finance_entries_by_two();
DROP TRIGGER finance_setup_kept ON finance_bookssetup;
DROP TRIGGER finance_setup_stays ON finance_bookssetup;
DROP FUNCTION finance_setup_stays();
DROP TRIGGER finance_draft_stays ON finance_draftentry;
DROP FUNCTION finance_draft_stays();
DROP TRIGGER finance_draft_lines_stay ON finance_draftline;
DROP FUNCTION finance_draft_lines_stay();
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0022_posting_walks")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD), pin("finance_", "finance_first_broken")]
