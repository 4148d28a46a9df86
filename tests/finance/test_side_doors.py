"""Around the page: SQL as the application's database role, which whoever took the application over would have."""

from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.errors import CheckViolation, ForeignKeyViolation, InsufficientPrivilege, UniqueViolation

from finance.models import Instalment, Period, PeriodBalance
from finance.services import ledger, periods
from finance.services.ledger import Line
from tests.conftest import Application
from tests.factories.banking import line
from tests.factories.books import MAY, accounts, approval, party, receivable, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db

REFUSED = (InsufficientPrivilege, psycopg.IntegrityError)
PAIR = """
INSERT INTO finance_posting (entry_id, seq, account_id, "on", amount, role, text)
SELECT %(entry)s, side, (%(accounts)s::bigint[])[side], %(on)s, (3 - 2 * side) * 10, '', ''
FROM generate_series(1, 2) side
"""
ENTRY = """
INSERT INTO finance_journalentry (id, journal_id, year, number, "on", kind, text, origin, made_by_id, approved_by_id,
                                  batch_id)
SELECT %(entry)s, j.id, extract(year FROM %(on)s::date), 1 + coalesce(y.last, 0), %(on)s, %(kind)s, 'x', %(origin)s,
       %(by)s, %(approved_by)s, %(batch)s
FROM finance_journal j
LEFT JOIN finance_journalyear y ON y.journal_id = j.id AND y.year = extract(year FROM %(on)s::date)
WHERE kind = 'general'
"""
# A trigger of the session's own: what it does is done by a trigger, at depth two.
BELOW = """
CREATE TEMP TABLE door (id int);
CREATE FUNCTION pg_temp.act() RETURNS trigger LANGUAGE plpgsql AS $do$ BEGIN {act}; RETURN NULL; END $do$;
CREATE TRIGGER act AFTER INSERT ON door FOR EACH ROW EXECUTE FUNCTION pg_temp.act();
"""


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def put(
    application: Application, *, on: date = MAY, kind: str = "automatic", origin: str = "",
    by: int | None = None, approved_by: int | None = None, against: list[int] | None = None, batch: int | None = None,
) -> int:  # fmt: skip
    """Post fees against sales by SQL; the entry."""
    entry = ledger.next_entry()
    facts: dict[str, Any] = {
        "entry": entry, "on": on, "kind": kind, "origin": origin, "by": by, "approved_by": approved_by,
        "accounts": against or list(accounts()), "batch": batch,
    }  # fmt: skip
    with application.transaction():
        application.execute(PAIR, facts)
        application.execute(ENTRY, facts)
    return entry


def close_may() -> None:
    for period in Period.objects.filter(starts_on__lte=MAY).order_by("starts_on"):
        periods.close(period_id=period.pk, by=person("finance_manager"))


# Forged tables --------------------------------------------------------------------------------------------------------


def test_a_forged_month_opens_nothing(application: Application) -> None:
    part = receivable()
    close_may()
    application.execute("CREATE TEMP TABLE finance_period AS SELECT * FROM public.finance_period")
    application.execute("UPDATE pg_temp.finance_period SET state = 'open'")
    application.execute("GRANT ALL ON pg_temp.finance_period TO PUBLIC")

    with pytest.raises(CheckViolation, match="is closed"):
        put(application, origin=part.ref)


def test_a_forged_plan_opens_no_account_of_titles(application: Application) -> None:
    part = receivable()
    control, (_fees, sales) = part.title.account_id, accounts()
    application.execute("CREATE TEMP TABLE finance_account AS SELECT * FROM public.finance_account")
    application.execute("UPDATE pg_temp.finance_account SET is_control = false")
    application.execute("GRANT ALL ON pg_temp.finance_account TO PUBLIC")

    with pytest.raises(CheckViolation, match="control account"):
        put(application, origin=part.ref, against=[control, sales])


def test_a_forged_role_approves_nothing(application: Application) -> None:
    clerk, other = person("finance_clerk"), person("finance_clerk")
    question = approval("finance.bill:1", by=clerk)
    application.execute("CREATE TEMP TABLE core_user_groups AS SELECT 1::bigint AS id, %s::bigint AS user_id, id AS"
                        " group_id FROM auth_group", [other.pk])  # fmt: skip

    with pytest.raises(CheckViolation, match="may not decide"):
        application.execute(
            "UPDATE core_approval SET state = 'approved', decided_by_id = %s, decided_at = now() WHERE id = %s",
            [other.pk, question.pk],
        )


# Roles and approvals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO core_user_groups (user_id, group_id) SELECT {clerk}, id FROM auth_group",
        "DELETE FROM core_user_groups",
        "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group g,"
        " auth_permission p WHERE p.codename = 'finance.entry.approve' AND g.name = 'finance_clerk'",
        "UPDATE auth_permission SET codename = 'x'",
        "INSERT INTO core_user_user_permissions (user_id, permission_id) SELECT {clerk}, id FROM auth_permission",
        "UPDATE core_approval SET state = 'approved', decided_by_id = {clerk}, decided_at = now()",
        "UPDATE core_approval SET state = 'approved', decided_by_id = {other}, decided_at = now()",
        "UPDATE core_approval SET \"right\" = 'core.person.read'",
        "UPDATE core_approval SET asked_by_id = {other}",
        "DELETE FROM core_approval",
        "UPDATE core_rolegrant SET user_id = {other}",
        "DELETE FROM core_rolegrant",
    ],
)
def test_nobody_gives_themselves_a_right(application: Application, statement: str) -> None:
    clerk, other = person("finance_clerk"), person("finance_clerk")
    approval("finance.bill:1", by=clerk)

    with pytest.raises(REFUSED):
        application.execute(statement.format(clerk=clerk.pk, other=other.pk))


def test_a_decided_approval_never_changes(application: Application) -> None:
    clerk, manager, other = person("finance_clerk"), person("finance_manager"), person("finance_manager")
    approval("finance.bill:1", by=clerk, decided_by=manager)

    for change in ("state = 'withdrawn'", f"decided_by_id = {other.pk}", "answer = 'x'", "decided_at = now()"):
        with pytest.raises(REFUSED):
            application.execute(f"UPDATE core_approval SET {change}")


def test_who_was_given_a_role_has_it_by_the_grant_alone(application: Application) -> None:
    clerk, admin = person("finance_clerk"), person("admin")

    application.execute(
        "INSERT INTO core_rolegrant (user_id, group_id, given_by_id, given_as)"
        " SELECT %s, id, %s, '' FROM auth_group WHERE name = 'director'",
        [clerk.pk, admin.pk],
    )

    assert clerk.groups.filter(name="director").exists()


# What follows from postings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE finance_instalment SET balance = 0",
        "UPDATE finance_instalment SET amount = 1",
        "UPDATE finance_statementline SET open_amount = 0",
        "UPDATE finance_journalhead SET seq = 0",
        "UPDATE finance_journalhead SET journal_id = 99",
        "UPDATE finance_journalyear SET last = 0",
        "DELETE FROM finance_periodbalance",
        "UPDATE finance_periodbalance SET debit = 0",
        "INSERT INTO finance_entryseal (entry_id, journal_id, seq, hash) VALUES (99, 1, 99, '')",
        "UPDATE finance_title SET amount = 1",
        "DELETE FROM finance_instalment",
    ],
)
@pytest.mark.parametrize("how", ["by hand", "by a trigger of one's own"])
def test_what_follows_from_postings_is_written_by_no_other(application: Application, statement: str, how: str) -> None:
    receivable()
    line()
    close_may()
    balances = PeriodBalance.objects.count()

    if how == "by a trigger of one's own":
        application.execute(BELOW.format(act=statement))
        statement = "INSERT INTO door VALUES (1)"

    with pytest.raises(REFUSED):
        application.execute(statement)

    assert Instalment.objects.get().balance == 100
    assert PeriodBalance.objects.count() == balances


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT seq FROM finance_journalhead FOR UPDATE",
        "SELECT 1 FROM finance_statementline FOR NO KEY UPDATE",
        "SELECT 1 FROM finance_instalment FOR NO KEY UPDATE",
        "SELECT 1 FROM finance_period FOR SHARE",
        "SELECT 1 FROM finance_title FOR UPDATE",
        "UPDATE finance_instalment SET due_on = due_on + 1",
        "UPDATE finance_title SET text = 'x', version = version + 1",
    ],
)
def test_the_application_locks_and_changes_what_it_must(application: Application, statement: str) -> None:
    receivable()
    line()

    application.execute(statement)


# What an entry stands on ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["", "finance.bill:1", "finance.instalment:0", "finance.instalment:x", "nothing:1"])
@pytest.mark.parametrize("kind", ["automatic", "closing"])
def test_an_entry_by_the_program_comes_from_a_document(application: Application, kind: str, origin: str) -> None:
    with pytest.raises(CheckViolation, match="no document"):
        put(application, kind=kind, origin=origin)


def test_charges_of_an_instalment_name_it(application: Application) -> None:
    part = receivable()

    put(application, origin=part.ref)


def test_a_manual_entry_is_approved_by_whom_it_names(application: Application) -> None:
    clerk, manager = person("finance_clerk"), person("finance_manager")

    with pytest.raises(CheckViolation, match="did not approve"):
        put(application, kind="manual", origin="finance.draftentry:1", by=clerk.pk, approved_by=manager.pk)


@pytest.mark.parametrize(
    "fault", ["waiting", "rejected", "another asked", "another decided", "amount", "right", "subject"]
)
def test_only_the_yes_to_this_entry_counts(application: Application, fault: str) -> None:
    clerk, manager, other = person("finance_clerk"), person("finance_manager"), person("finance_manager")
    approval(
        "finance.draftentry:2" if fault == "subject" else "finance.draftentry:1",
        by=other if fault == "another asked" else clerk,
        decided_by=None if fault == "waiting" else person("finance_manager") if fault == "another decided" else manager,
        yes=fault != "rejected",
        amount="11.00" if fault == "amount" else "10.00",
        right="finance.report.read" if fault == "right" else "finance.entry.approve",
    )

    with pytest.raises(CheckViolation, match="did not approve"):
        put(application, kind="manual", origin="finance.draftentry:1", by=clerk.pk, approved_by=manager.pk)


def test_one_yes_posts_one_entry(application: Application) -> None:
    clerk, manager = person("finance_clerk"), person("finance_manager")
    approval("finance.draftentry:1", by=clerk, decided_by=manager, amount="10.00")
    put(application, kind="manual", origin="finance.draftentry:1", by=clerk.pk, approved_by=manager.pk)

    with pytest.raises(UniqueViolation, match="finance_entry_manual_once"):
        put(application, kind="manual", origin="finance.draftentry:1", by=clerk.pk, approved_by=manager.pk)


@pytest.mark.parametrize("table", ["finance_bill", "finance_invoice", "finance_recurringentry"])
def test_a_paper_is_approved_by_whom_it_names(application: Application, table: str) -> None:
    clerk, manager = person("finance_clerk"), person("finance_manager")
    with connection.cursor() as cursor:
        cursor.execute(
            {
                "finance_recurringentry": "INSERT INTO finance_recurringentry (text, mode, day, starts_on, is_active,"
                " made_by_id, problem, version) VALUES ('x', 'ask', 1, now(), true, %s, '', 1)",
            }.get(table)
            or PAPER.format(table=table, more=MORE[table][0], values=MORE[table][1], party=party().pk),
            [clerk.pk],
        )

    with pytest.raises(CheckViolation, match="did not approve"):
        application.execute(f"UPDATE {table} SET approved_by_id = %s", [manager.pk])
    approval(f"{table.replace('_', '.')}:{pk_of(table)}", by=clerk, decided_by=manager)
    application.execute(f"UPDATE {table} SET approved_by_id = %s", [manager.pk])


PAPER = """
INSERT INTO {table} (party_id, issued_on, first_due_on, count, text, discount_rate, discount_days, fine_rate,
    interest_rate, total, withheld, answer, version, state, number, made_by_id, {more})
VALUES ({party}, now(), now(), 1, '', 0, 0, 0, 0, 1, 0, '', 1, 'waiting', 'N1', %s, {values})
"""
MORE = {
    "finance_bill": ("barcode, cancel_reason", "'', ''"),
    "finance_invoice": ("kind, origin, sent_to, cancel_reason", "'invoice', '', '', ''"),
}


def pk_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table}")
        return int(cursor.fetchone()[0])


# Months and lines -----------------------------------------------------------------------------------------------------

LEAVE = """
INSERT INTO finance_periodexception (period_id, person_id, reason, given_by_id, expires_at)
SELECT id, %s, 'x', %s, now() + interval '1 day' FROM finance_period WHERE starts_on = '2026-05-01'
"""


def test_leave_is_given_by_another_who_may(application: Application) -> None:
    clerk, other, manager = person("finance_clerk"), person("finance_clerk"), person("finance_manager")

    for giver in (other, clerk):
        with pytest.raises(CheckViolation):
            application.execute(LEAVE, [clerk.pk, giver.pk])
    with pytest.raises(CheckViolation):
        application.execute(LEAVE, [manager.pk, manager.pk])
    application.execute(LEAVE, [clerk.pk, manager.pk])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM finance_periodexception",
        "UPDATE finance_periodexception SET person_id = given_by_id",
        "UPDATE finance_periodexception SET expires_at = expires_at + interval '1 day'",
        "TRUNCATE finance_periodexception",
    ],
)
def test_leave_is_only_ended(application: Application, statement: str) -> None:
    application.execute(LEAVE, [person("finance_clerk").pk, person("finance_manager").pk])

    with pytest.raises(REFUSED):
        application.execute(statement)

    application.execute("UPDATE finance_periodexception SET expires_at = now()")


def test_an_open_line_is_not_made_void(application: Application) -> None:
    made = line()

    with pytest.raises(REFUSED):
        application.execute("UPDATE finance_statementline SET is_void = true")

    entry = made.postings.values_list("entry_id", flat=True)[0]
    ledger.reverse(entry=entry, on=MAY)
    application.execute("UPDATE finance_statementline SET is_void = true")
    with pytest.raises(REFUSED, match="is void"):
        application.execute("UPDATE finance_statementline SET is_void = false")


def test_a_matched_line_is_not_made_void(application: Application) -> None:
    made, part = line(), receivable()
    lines = [
        Line(made.bank_account.transit_id, made.amount, line=made.pk, role="transit"),
        Line(part.title.account_id, -made.amount, party=part.party_id, instalment=part.pk, role="principal"),
    ]
    ledger.post(journal="matching", on=MAY, text="x", lines=lines)

    with pytest.raises(REFUSED, match="not reversed"):
        application.execute("UPDATE finance_statementline SET is_void = true")


# What rows name -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["party_id", "cost_centre_id"])
def test_a_posting_names_who_is_there(application: Application, column: str) -> None:
    named = PAIR.replace("role, text)", f"role, text, {column})").replace("'', ''", "'', '', 999999")
    with pytest.raises(ForeignKeyViolation, match=f"names {column} 999999"), application.transaction():
        application.execute(named, {"entry": ledger.next_entry(), "accounts": list(accounts()), "on": MAY})


@pytest.mark.parametrize("column", ["by", "approved_by"])
def test_an_entry_names_people_who_are_there(application: Application, column: str) -> None:
    with pytest.raises(ForeignKeyViolation, match="core_user") if column == "by" else pytest.raises(REFUSED):
        put(application, origin=receivable().ref, **{column: 999999})


def test_a_party_of_the_books_stays(application: Application) -> None:
    who = receivable().party_id

    with pytest.raises(REFUSED), application.transaction():
        application.execute("DELETE FROM core_party WHERE id = %s", [who])


def test_a_bank_account_with_lines_stays(application: Application) -> None:
    account = line("10.00").bank_account_id

    with pytest.raises(REFUSED), application.transaction():
        application.execute("DELETE FROM finance_bankaccount WHERE id = %s", [account])
