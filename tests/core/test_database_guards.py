"""What the database itself holds against the application's role: its functions, and rights by the table."""

import re

import pytest
from django.db import connection

from tests.conftest import Application

pytestmark = pytest.mark.django_db

OURS = r"^(core|finance|kpis|logistics|marketing|hr)_"

# Table → what the application's role may do: r read, a add, w change, d remove; columns where it may change no others.
# A new table is written here by whoever adds it, after asking what SQL could do to it around every service.
FULL, ADD, READ = "rawd", "ra", "r"
GRANTS = {
    "account_emailaddress": FULL,
    "account_emailconfirmation": FULL,
    "auth_group": READ,
    "auth_group_permissions": READ,
    "auth_permission": READ,
    "core_approval": "ra w(answer,decided_at,decided_by_id,state)",
    "core_attachment": FULL,
    "core_audit_anchor": ADD,
    "core_audit_entry": ADD,
    "core_audit_seal": READ,
    "core_cache": FULL,
    "core_comment": FULL,
    "core_company": FULL,
    "core_delivery": FULL,
    "core_event": FULL,
    "core_follow": FULL,
    "core_heldfilter": FULL,
    "core_importbatch": FULL,
    "core_importchange": FULL,
    "core_importfailure": FULL,
    "core_importfile": FULL,
    "core_importmapping": FULL,
    "core_invitation": FULL,
    "core_job": FULL,
    "core_listpreference": FULL,
    "core_notification": FULL,
    "core_party": FULL,
    "core_partyaddress": FULL,
    "core_partykey": FULL,
    "core_partyrole": FULL,
    "core_rolegrant": "ra w(withdrawn_at,withdrawn_by_id)",
    "core_savedview": FULL,
    "core_sequence": FULL,
    "core_storedfile": FULL,
    "core_submission": FULL,
    "core_task": FULL,
    "core_user": FULL,
    "core_user_groups": READ,  # follows from core_rolegrant
    "core_user_user_permissions": READ,
    "django_admin_log": FULL,
    "django_content_type": READ,
    "django_migrations": READ,
    "django_session": FULL,
    "finance_account": FULL,  # what has postings is held by a trigger
    "finance_bankaccount": FULL,
    "finance_bill": FULL,  # what is booked is held by a trigger, the same for its lines and for invoices
    "finance_billline": FULL,
    "finance_billtax": FULL,
    "finance_bookssetup": FULL,
    "finance_budgetline": FULL,
    "finance_costcentre": FULL,
    "finance_daybalance": READ,
    "finance_daysummary": READ,
    "finance_draftentry": FULL,
    "finance_draftline": FULL,
    "finance_entryseal": READ,
    "finance_ignoredline": FULL,
    "finance_instalment": "ra w(due_on)",
    "finance_instalmentkey": FULL,
    "finance_invoice": FULL,
    "finance_invoiceline": FULL,
    "finance_invoicetax": FULL,
    "finance_journal": FULL,
    "finance_journalentry": ADD,
    "finance_journalhead": "r w(held)",
    "finance_journalyear": READ,
    "finance_lineclaim": FULL,
    "finance_linetoken": FULL,
    "finance_match": ADD,
    "finance_matchrule": FULL,
    "finance_matchruleversion": ADD,
    "finance_matchrun": FULL,
    "finance_newline": READ,
    "finance_newposting": READ,
    "finance_parkedline": FULL,
    "finance_payername": FULL,
    "finance_payment": FULL,
    "finance_period": "ra w(changed_at,changed_by_id,state,version)",
    "finance_periodbalance": READ,
    "finance_periodexception": "ra w(expires_at)",
    "finance_posting": ADD,
    "finance_recurringbill": FULL,
    "finance_recurringentry": FULL,
    "finance_recurringline": FULL,
    "finance_salebooking": FULL,
    "finance_statement": FULL,
    "finance_statementline": "ra w(is_void)",
    "finance_suggestion": FULL,
    "finance_taxprofile": FULL,
    "finance_taxrate": FULL,
    "finance_title": "ra w(discount_days,discount_rate,fine_rate,interest_rate,text,version)",
    "finance_titlepolicy": FULL,
    "kpis_bucket": FULL,
    "kpis_dirtybucket": FULL,
    "kpis_fact": ADD,
    "kpis_livefact": FULL,  # a view: it cannot be written
    "kpis_measurealert": FULL,
    "kpis_measuresetting": FULL,
    "logistics_order": FULL,
    "logistics_orderevent": FULL,  # held by a trigger; rows go with their order
    "logistics_orderexception": FULL,
    "logistics_orderitem": FULL,
    "logistics_product": FULL,
    "logistics_productcategory": FULL,
    "logistics_review": FULL,
    "marketing_deal": FULL,
    "marketing_lead": FULL,
    "mfa_authenticator": FULL,
    "usersessions_usersession": FULL,
}
SEEN = """
SELECT c.relname, concat(
    CASE WHEN has_table_privilege(%(role)s, c.oid, 'SELECT') THEN 'r' END,
    CASE WHEN has_table_privilege(%(role)s, c.oid, 'INSERT') THEN 'a' END,
    CASE WHEN has_table_privilege(%(role)s, c.oid, 'UPDATE') THEN 'w' END,
    CASE WHEN has_table_privilege(%(role)s, c.oid, 'DELETE') THEN 'd' END,
    CASE WHEN has_table_privilege(%(role)s, c.oid, 'TRUNCATE, REFERENCES, TRIGGER') THEN 'x' END,
    ' w(' || (SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND NOT has_table_privilege(%(role)s, c.oid, 'UPDATE')
                    AND has_column_privilege(%(role)s, c.oid, a.attnum, 'UPDATE')) || ')')
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
FUNCTIONS = """
SELECT p.proname, l.lanname, p.prosecdef, coalesce(p.proconfig::text, ''),
       coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND p.proname ~ %s
"""


def test_the_application_has_on_each_table_what_was_decided(application_role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SEEN, {"role": application_role})
        seen = dict(cursor.fetchall())

    assert seen == GRANTS


def test_no_function_of_ours_takes_a_temp_table_for_ours() -> None:
    """Whoever adds a trigger or a function that reads tables pins it: `backoffice.core.search_path.pin`."""
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS, [OURS])
        found = cursor.fetchall()

    loose = {
        name
        for name, language, as_owner, config, body in found
        if (language != "sql" or as_owner or reads_tables(body)) and "search_path=public, pg_temp" not in config
    }

    assert len(found) > 20
    assert loose == set()


def reads_tables(body: str) -> bool:
    """Whether SQL names a place that rows come from; `extract(epoch FROM …)` is none."""
    return bool(re.search(r"\b(from|join|update|into)\b", re.sub(r"extract\(\w+ from", "", body.lower())))


def test_the_application_makes_no_table_and_no_function_beside_ours(application: Application) -> None:
    for statement in ("CREATE TABLE mine (id int)", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1"):
        with pytest.raises(Exception, match="permission denied for schema public"):
            application.execute(statement)
