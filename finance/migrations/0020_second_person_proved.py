"""What the application says of a second person and of documents is proved by the database.

An entry, a bill, an invoice or a template that names who approved it needs that person's yes, and a draft is posted once;
an automatic entry that moves neither a title nor a bank line names the document it comes from.
Nobody is kept from the books meanwhile, and what broke off is run again.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from backoffice.core.search_path import pin

ONCE = models.UniqueConstraint(
    name="finance_entry_manual_once",
    fields=["origin"],
    condition=models.Q(("kind", "manual"), models.Q(("origin", ""), _negated=True)),
)
CREATE = """
CREATE UNIQUE INDEX CONCURRENTLY finance_entry_manual_once ON finance_journalentry (origin)
    WHERE kind = 'manual' AND NOT (origin = '')
"""
DROP = "DROP INDEX CONCURRENTLY IF EXISTS finance_entry_manual_once"

FORWARD = r"""
-- Once a statement, after the seal: what each entry stands on. Postings are found by their entry, however many there are.
CREATE FUNCTION finance_entries_stand() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    bad record;
BEGIN
    SELECT e.id, e.kind, e.origin INTO bad FROM fresh e
    WHERE e.kind IN ('automatic', 'closing') AND e.approved_by_id IS NULL
          AND (SELECT count(p.instalment_id) + count(p.line_id) FROM finance_posting p WHERE p.entry_id = e.id) = 0
          AND NOT CASE WHEN e.origin ~ '^finance\.instalment:\d{1,18}$'
              THEN EXISTS (SELECT 1 FROM finance_instalment WHERE id = substr(e.origin, 20)::bigint)
              ELSE EXISTS (SELECT 1 FROM finance_payment WHERE origin = e.origin AND e.origin <> '') END
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % (%) moves no title and no bank line, and "%" is no document it could come from',
            bad.id, bad.kind, bad.origin USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_entry_documented';
    END IF;

    -- The yes is to the entry's draft or template, to a paper, to what the entry moves, or to the entry it reverses. What
    -- an import opened was sent by one person and written by another: the batch keeps who.
    SELECT e.id, e.approved_by_id INTO bad
    FROM fresh e LEFT JOIN finance_journalentry o ON o.id = e.reverses_id
    CROSS JOIN LATERAL (
        SELECT sum(greatest(p.amount, 0)) AS debit, array_agg(p.instalment_id) AS parts,
               array_agg('finance.instalment:' || p.instalment_id) || array_agg('finance.statementline:' || p.line_id)
                   AS moved
        FROM finance_posting p WHERE p.entry_id = e.id
    ) f
    WHERE e.approved_by_id IS NOT NULL AND NOT (e.kind = 'opening' AND e.batch_id IS NOT NULL) AND NOT EXISTS (
        SELECT 1 FROM core_approval a
        WHERE a.subject = ANY (f.moved || ARRAY[
                  nullif(e.origin, ''), 'finance.journalentry:' || o.id,
                  CASE WHEN 'opening' IN (e.kind, o.kind) THEN 'finance.bookssetup:1' END,
                  (SELECT 'finance.recurringentry:' || d.recurring_id FROM finance_draftentry d
                   WHERE d.id = CASE WHEN e.origin ~ '^finance\.draftentry:\d{1,18}$'
                                     THEN substr(e.origin, 20)::bigint END)]
              || ARRAY(SELECT 'finance.title:' || i.title_id FROM finance_instalment i WHERE i.id = ANY (f.parts)))
              AND a.state = 'approved' AND a.decided_by_id = e.approved_by_id AND a.asked_by_id = e.made_by_id
              AND a.kind LIKE 'finance.%' AND a."right" LIKE 'finance.%.approve'
              AND (e.kind <> 'manual' OR a.amount = f.debit))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'person % did not approve entry %', bad.approved_by_id, bad.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_entry_asked';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER finance_stands AFTER INSERT ON finance_journalentry REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION finance_entries_stand();

-- Papers and templates: `finance.bill` names the table by which the question about a row is found.
CREATE FUNCTION finance_paper_asked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NEW.approved_by_id <> NEW.made_by_id AND (TG_OP = 'INSERT' OR NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id)
       AND NOT EXISTS (SELECT 1 FROM core_approval a
                       WHERE a.subject = TG_ARGV[0] || ':' || NEW.id AND a.state = 'approved'
                             AND a.decided_by_id = NEW.approved_by_id AND a.asked_by_id = NEW.made_by_id
                             AND a.kind LIKE 'finance.%' AND a."right" LIKE 'finance.%.approve') THEN
        RAISE EXCEPTION 'person % did not approve %:%', NEW.approved_by_id, TG_ARGV[0], NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finance_paper_asked';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_bill_asked BEFORE INSERT OR UPDATE OF approved_by_id ON finance_bill
    FOR EACH ROW EXECUTE FUNCTION finance_paper_asked('finance.bill');
CREATE TRIGGER finance_invoice_asked BEFORE INSERT OR UPDATE OF approved_by_id ON finance_invoice
    FOR EACH ROW EXECUTE FUNCTION finance_paper_asked('finance.invoice');
CREATE TRIGGER finance_recurring_asked BEFORE INSERT OR UPDATE OF approved_by_id ON finance_recurringentry
    FOR EACH ROW EXECUTE FUNCTION finance_paper_asked('finance.recurringentry');
"""

BACKWARD = """
DROP TRIGGER finance_recurring_asked ON finance_recurringentry;
DROP TRIGGER finance_invoice_asked ON finance_invoice;
DROP TRIGGER finance_bill_asked ON finance_bill;
DROP FUNCTION finance_paper_asked();
DROP TRIGGER finance_stands ON finance_journalentry;
DROP FUNCTION finance_entries_stand();
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("finance", "0019_books_held"), ("core", "0014_approval_subject")]

    operations = [
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(CREATE, DROP)], [migrations.AddConstraint("journalentry", ONCE)]
        ),
        ValidateConstraint("statementline", "finance_line_void_is_closed"),
        migrations.RunSQL(FORWARD, BACKWARD),
        pin("finance_", "finance_first_broken"),
    ]
