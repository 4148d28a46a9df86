"""The application's database role reads and writes rows; the audit trail it can only add to."""

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.conftest import Application


def test_the_application_reads_and_writes_rows(application: Application) -> None:
    application.execute("CREATE TEMP TABLE stage (line int)")
    application.execute("SELECT count(*) FROM core_user")
    application.execute("DELETE FROM core_event")
    application.execute("INSERT INTO core_audit_anchor (seq, hash) VALUES (1, '')")


def test_the_application_adds_to_the_audit_trail_and_the_seal_follows(application: Application) -> None:
    add_entry(application)
    application.execute("SET CONSTRAINTS ALL IMMEDIATE")

    entry = application.execute("SELECT id FROM core_audit_entry").fetchone()
    seal = application.execute("SELECT entry_id FROM core_audit_seal").fetchone()
    assert entry is not None
    assert entry == seal


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_audit_entry SET action = 'other'",
        "DELETE FROM core_audit_entry",
        "TRUNCATE core_audit_entry",
        "UPDATE core_audit_seal SET hash = ''",
        "DELETE FROM core_audit_seal",
        "TRUNCATE core_audit_seal CASCADE",
        "INSERT INTO core_audit_seal (seq, entry_id, previous, hash) VALUES (9, 9, '', '')",
        "UPDATE core_audit_anchor SET hash = ''",
        "DELETE FROM core_audit_anchor",
        "ALTER TABLE core_audit_entry DISABLE TRIGGER ALL",
        "ALTER TABLE core_audit_seal DISABLE TRIGGER ALL",
        "DROP TRIGGER core_audit_entry_refuse ON core_audit_entry",
        "DROP TABLE core_audit_entry CASCADE",
        "CREATE OR REPLACE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
    ],
)
def test_the_application_cannot_touch_what_was_recorded(application: Application, statement: str) -> None:
    add_entry(application)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement)

    assert application.execute("SELECT action FROM core_audit_entry").fetchall() == [("core.tested",)]


def test_the_owner_is_not_taken_for_the_application(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (owner,) = cursor.fetchone()

    with pytest.raises(CommandError, match="owns the tables"):
        call_command("grant_app_role", role=owner)


def add_entry(application: Application) -> None:
    application.execute(
        "INSERT INTO core_audit_entry (actor_name, action, subject, data, source, request_id)"
        " VALUES ('Ana', 'core.tested', 'core.user:1', '{}', 'test', '')"
    )
