"""Invoices and bills that became a title keep their facts, whatever door is used."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION finance_document_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moving text[] := '{state,version,answer,pdf_id,sent_to,sent_at,cancel_reason,cancel_entry_id,cancelled_by_id}';
BEGIN
    IF OLD.title_id IS NOT NULL AND (
        TG_OP = 'DELETE' OR (to_jsonb(NEW) - moving) IS DISTINCT FROM (to_jsonb(OLD) - moving)) THEN
        RAISE EXCEPTION '% % is in the books; correct it by a credit note or cancel it', TG_TABLE_NAME, OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'finance_document_stays';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER finance_invoice_stays BEFORE UPDATE OR DELETE ON finance_invoice
    FOR EACH ROW EXECUTE FUNCTION finance_document_stays();
CREATE TRIGGER finance_bill_stays BEFORE UPDATE OR DELETE ON finance_bill
    FOR EACH ROW EXECUTE FUNCTION finance_document_stays();

CREATE FUNCTION finance_document_part_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    part jsonb := CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
    booked boolean;
BEGIN
    IF TG_ARGV[0] = 'invoice' THEN
        SELECT title_id IS NOT NULL INTO booked FROM finance_invoice WHERE id = (part ->> 'invoice_id')::bigint;
    ELSE
        SELECT title_id IS NOT NULL INTO booked FROM finance_bill WHERE id = (part ->> 'bill_id')::bigint;
    END IF;
    IF booked THEN
        RAISE EXCEPTION 'the % of this part is in the books', TG_ARGV[0]
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'finance_document_stays';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER finance_invoiceline_stays BEFORE INSERT OR UPDATE OR DELETE ON finance_invoiceline
    FOR EACH ROW EXECUTE FUNCTION finance_document_part_stays('invoice');
CREATE TRIGGER finance_invoicetax_stays BEFORE INSERT OR UPDATE OR DELETE ON finance_invoicetax
    FOR EACH ROW EXECUTE FUNCTION finance_document_part_stays('invoice');
CREATE TRIGGER finance_billline_stays BEFORE INSERT OR UPDATE OR DELETE ON finance_billline
    FOR EACH ROW EXECUTE FUNCTION finance_document_part_stays('bill');
CREATE TRIGGER finance_billtax_stays BEFORE INSERT OR UPDATE OR DELETE ON finance_billtax
    FOR EACH ROW EXECUTE FUNCTION finance_document_part_stays('bill');
"""

BACKWARD = """
DROP TRIGGER finance_billtax_stays ON finance_billtax;
DROP TRIGGER finance_billline_stays ON finance_billline;
DROP TRIGGER finance_invoicetax_stays ON finance_invoicetax;
DROP TRIGGER finance_invoiceline_stays ON finance_invoiceline;
DROP FUNCTION finance_document_part_stays();
DROP TRIGGER finance_bill_stays ON finance_bill;
DROP TRIGGER finance_invoice_stays ON finance_invoice;
DROP FUNCTION finance_document_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0006_documents")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
