"""`manage.py verify_ledger` names the first thing that does not hold, whatever it is."""

import io
import json
from datetime import date
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from backoffice.core import jobs
from backoffice.core.models import Job
from finance.jobs import books
from finance.models import Period
from finance.services import proof
from tests.factories.books import post, receivable, receive, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def asked() -> tuple[dict[str, Any], int]:
    """The command's last line and exit status."""
    out = io.StringIO()
    try:
        call_command("verify_ledger", "--json", stdout=out)
    except SystemExit as end:
        return json.loads(out.getvalue().splitlines()[-1]), int(str(end.code))
    return json.loads(out.getvalue().splitlines()[-1]), 0


def by_hand(statement: str, *values: Any) -> None:
    """What somebody with the database in hand could do: past every trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_whole_books_hold() -> None:
    part = receivable("100.00")
    receive(part, "40.00")
    for number in range(1, 6):
        Period.objects.filter(starts_on=date(2026, number, 1)).update(state="closed")

    assert asked() == ({"entries": 2, "ok": True, "first_bad": None}, 0)


def test_the_first_changed_entry_is_named_by_number_and_reason() -> None:
    _first, second, third = post(), post(), post()
    by_hand("UPDATE finance_posting SET text = 'other' WHERE entry_id IN (%s, %s)", second, third)

    answer, status = asked()

    assert status == 1
    assert answer["first_bad"] == {"entry": second, "number": "GER 2026/2", "reason": "hash differs"}


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE finance_posting SET amount = amount + 1 WHERE amount > 0", "does not balance"),
        ("DELETE FROM finance_posting WHERE entry_id = (SELECT min(id) FROM finance_journalentry)", "postings missing"),
        (
            "DELETE FROM finance_entryseal WHERE entry_id = (SELECT max(id) FROM finance_journalentry)",
            "entry without a seal",
        ),
        ("UPDATE finance_journalhead SET seq = seq + 1", "its head is not its last seal"),
        ("UPDATE finance_instalment SET balance = balance - 1", "its balance is not the sum of its postings"),
        ("UPDATE finance_periodbalance SET debit = debit + 1", "its frozen balances are not its postings"),
        ("DELETE FROM finance_periodbalance", "its frozen balances are not its postings"),
    ],
)
def test_what_was_changed_behind_the_triggers_is_found(statement: str, reason: str) -> None:
    receivable("100.00")
    for number in range(1, 6):
        Period.objects.filter(starts_on=date(2026, number, 1)).update(state="closed")
    by_hand(statement)

    answer, status = asked()

    assert (status, answer["ok"], answer["first_bad"]["reason"]) == (1, False, reason)


def test_a_cut_end_of_a_chain_is_found() -> None:
    post(), post()
    by_hand("DELETE FROM finance_posting WHERE entry_id = (SELECT max(id) FROM finance_journalentry)")
    by_hand("DELETE FROM finance_entryseal WHERE entry_id = (SELECT max(id) FROM finance_journalentry)")
    by_hand("DELETE FROM finance_journalentry WHERE id = (SELECT max(id) FROM finance_journalentry)")

    assert asked()[0]["first_bad"]["reason"] == "its head is not its last seal"


def test_the_nightly_proof_tells_managers_and_auditors_once() -> None:
    manager, auditor, clerk = person("finance_manager"), person("auditor"), person("finance_clerk")
    post()
    by_hand("UPDATE finance_posting SET text = 'other'")

    for _night in range(2):
        assert (books.verify_ledger(work=jobs.Quiet()) or {})["ok"] is False

    told = [one.notifications.filter(kind="books").count() for one in (manager, auditor, clerk)]
    assert told == [1, 1, 0]
    assert "GER 2026/1" in str(manager.notifications.get().data)
    assert Job.objects.count() == 0


def test_proof_of_empty_books() -> None:
    assert proof.verify() == proof.Proof(0, None)
