import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finance.models import (
    Account,
    EntrySeal,
    JournalEntry,
    JournalYear,
    Period,
    PeriodBalance,
    PeriodException,
    Posting,
)
from finance.services import ledger, plan
from finance.services.ledger import Line
from tests.factories.books import MAY, accounts, approval, document, post, receivable, receive, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def seal_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def insert(cursor: Any, entry: int, on: date = MAY) -> None:
    """Two balanced postings, around the service."""
    fees, sales = accounts()
    cursor.execute(
        'INSERT INTO finance_posting (entry_id, seq, account_id, "on", amount, role, text)'
        " VALUES (%s, 3, %s, %s, 1, '', ''), (%s, 4, %s, %s, -1, '', '')",
        [entry, fees, on, entry, sales, on],
    )


def insert_entry(cursor: Any, entry: int, number: int = 1, on: date = MAY) -> None:
    cursor.execute(
        'INSERT INTO finance_journalentry (id, journal_id, year, number, "on", kind, text, origin)'
        " SELECT %s, id, 2026, %s, %s, 'automatic', 'x', %s FROM finance_journal WHERE code = 'GER'",
        [entry, number, on, document()],
    )


def test_numbers_go_on_by_journal_and_year() -> None:
    made = [post(), post(journal="sales"), post(), post(on=date(2026, 6, 1))]

    numbers = [JournalEntry.objects.get(pk=pk).number for pk in made]

    assert numbers == [1, 1, 2, 3]
    assert set(JournalYear.objects.values_list("journal__code", "year", "last")) == {("GER", 2026, 3), ("VEN", 2026, 1)}


@pytest.mark.parametrize("amounts", [["10.00", "-9.99"], ["10.00"], ["5.00", "5.00", "-10.01"]])
def test_an_entry_that_does_not_balance_is_refused(amounts: list[str]) -> None:
    fees, _sales = accounts()

    with pytest.raises(ledger.Refused, match="do not balance"):
        ledger.post(journal="general", on=MAY, text="x", lines=[Line(fees, Decimal(a)) for a in amounts])

    assert not JournalEntry.objects.exists()


def test_an_entry_without_postings_is_refused() -> None:
    with pytest.raises(IntegrityError, match="comes without its postings"):
        ledger.post(journal="general", on=MAY, text="x", lines=[])


def test_an_entry_of_another_day_than_its_postings_is_refused() -> None:
    with connection.cursor() as cursor, transaction.atomic():
        insert(cursor, 77)
        with pytest.raises(IntegrityError, match="no postings of its date"), transaction.atomic():
            insert_entry(cursor, 77, on=date(2026, 5, 30))
        insert_entry(cursor, 77)


def test_postings_without_their_entry_cannot_be_committed() -> None:
    with connection.cursor() as cursor, transaction.atomic():
        insert(cursor, 77)

        with pytest.raises(IntegrityError, match="which did not come"), transaction.atomic():
            seal_now()
        insert_entry(cursor, 77)
        seal_now()


def test_postings_of_one_entry_do_not_come_twice() -> None:
    with connection.cursor() as cursor, transaction.atomic():
        insert(cursor, 77)
        insert(cursor, 77)
        insert_entry(cursor, 77)

        with pytest.raises(IntegrityError, match="which did not come"), transaction.atomic():
            seal_now()
        transaction.set_rollback(True)


def test_entries_that_come_apart_from_their_postings_are_refused() -> None:
    with connection.cursor() as cursor, transaction.atomic():
        insert(cursor, 77)
        insert(cursor, 79)
        insert_entry(cursor, 79)

        with pytest.raises(IntegrityError, match="comes without its postings"), transaction.atomic():
            insert_entry(cursor, 78, number=2)
        transaction.set_rollback(True)


def test_nothing_is_added_to_a_posted_entry() -> None:
    entry = post()

    with pytest.raises(DatabaseError, match="is posted"), transaction.atomic(), connection.cursor() as cursor:
        insert(cursor, entry)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE finance_posting SET amount = 1",
        "DELETE FROM finance_posting",
        "TRUNCATE finance_posting",
        "UPDATE finance_journalentry SET text = 'y'",
        "DELETE FROM finance_journalentry",
        "UPDATE finance_entryseal SET hash = ''",
        "INSERT INTO finance_entryseal SELECT entry_id + 1000, journal_id, seq + 1, hash FROM finance_entryseal",
        "UPDATE finance_journalhead SET seq = 0",
        "UPDATE finance_journalyear SET last = 0",
        "DELETE FROM finance_periodbalance",
        "UPDATE finance_instalment SET balance = 0",
        "UPDATE finance_instalment SET amount = 1",
        "DELETE FROM finance_instalment",
        "UPDATE finance_title SET amount = 1",
        "UPDATE finance_statementline SET open_amount = 0",
        "INSERT INTO finance_newline (low, high) VALUES (1, 1)",
        "DELETE FROM finance_newline",
        "INSERT INTO finance_newposting (low, high, entries) VALUES (1, 1, 1)",
        "DELETE FROM finance_newposting",
        "UPDATE finance_statementline SET amount = 1",
        "DELETE FROM finance_statementline",
    ],
)
def test_what_is_posted_is_not_changed_around_the_pages(change: str) -> None:
    receivable()

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_a_number_out_of_turn_is_refused() -> None:
    with connection.cursor() as cursor:
        insert(cursor, 77)

        with pytest.raises(DatabaseError, match="the next of its journal is 1"), transaction.atomic():
            insert_entry(cursor, 77, number=5)
    transaction.set_rollback(True)


def test_a_closed_month_takes_nothing_and_keeps_what_it_moved() -> None:
    for period in Period.objects.filter(starts_on__lt=date(2026, 5, 1)).order_by("starts_on"):
        Period.objects.filter(pk=period.pk).update(state="closed")
    post("7.00")
    Period.objects.filter(starts_on=date(2026, 5, 1)).update(state="closed")

    with pytest.raises(ledger.PeriodClosed):
        post()

    frozen = PeriodBalance.objects.filter(period__starts_on=date(2026, 5, 1))
    assert {(b.account.purpose, b.debit, b.credit) for b in frozen} == {
        ("bank_fees", Decimal("7.00"), Decimal("0.00")),
        ("sales", Decimal("0.00"), Decimal("7.00")),
    }


def test_months_close_in_order() -> None:
    with pytest.raises(IntegrityError, match="earlier period"), transaction.atomic():
        Period.objects.filter(starts_on=date(2026, 5, 1)).update(state="closed")


def test_a_soft_closed_month_takes_postings_only_by_a_dated_exception() -> None:
    clerk, manager = person(), person("finance_manager")
    Period.objects.filter(starts_on=date(2026, 5, 1)).update(state="soft")
    with pytest.raises(ledger.PeriodClosed):
        post(by=clerk)

    given = PeriodException.objects.create(
        period=Period.objects.get(starts_on=date(2026, 5, 1)), person=clerk, given_by=manager, reason="Late invoice",
        expires_at="2999-01-01T00:00Z",
    )  # fmt: skip
    post(by=clerk)

    PeriodException.objects.filter(pk=given.pk).update(expires_at="2020-01-01T00:00Z")
    with pytest.raises(ledger.PeriodClosed):
        post(by=clerk)


def test_a_month_that_is_not_there_is_refused() -> None:
    with pytest.raises(ledger.PeriodClosed):
        post(on=date(2031, 1, 1))


def test_a_reversal_restores_every_balance_and_comes_once() -> None:
    part = receivable("100.00")
    entry = receive(part, "60.00")
    part.refresh_from_db()
    assert part.balance == Decimal("40.00")

    ledger.reverse(entry=entry, on=MAY)

    part.refresh_from_db()
    assert part.balance == Decimal("100.00")
    with pytest.raises(ledger.AlreadyReversed):
        ledger.reverse(entry=entry, on=MAY)


def test_a_reversal_keeps_the_places_of_its_lines() -> None:
    fees, sales = accounts()
    lines = [Line(fees, Decimal("10.00"), seq=1), Line(sales, Decimal("-10.00"), seq=100)]
    entry = ledger.post(journal="general", on=MAY, text="Test", lines=lines, origin=document())

    mirror = ledger.reverse(entry=entry, on=MAY)

    assert set(Posting.objects.filter(entry_id=mirror).values_list("seq", flat=True)) == {1, 100}


def test_a_reversal_is_a_mirror() -> None:
    entry, (fees, sales) = post("10.00"), accounts()

    with pytest.raises(ledger.Refused, match="is a reversal"), transaction.atomic():
        ledger.post(
            journal="general", on=MAY, text="x", kind="reversal", reverses=entry,
            lines=[Line(fees, Decimal("-9.00")), Line(sales, Decimal("9.00"))],
        )  # fmt: skip


def test_more_than_the_open_amount_is_not_settled() -> None:
    part = receivable("100.00")
    receive(part, "99.00")

    with pytest.raises(ledger.TooMuch):
        receive(part, "1.01")

    part.refresh_from_db()
    assert (part.balance, part.settled_on) == (Decimal("1.00"), None)
    receive(part, "1.00")
    part.refresh_from_db()
    assert (part.balance, part.settled_on) == (Decimal("0.00"), MAY)


def test_a_control_account_moves_only_with_a_title() -> None:
    with pytest.raises(ledger.Refused, match="Accounts of titles"):
        ledger.post(
            journal="general", on=MAY, text="x",
            lines=[Line(plan.account_for("receivable").pk, Decimal(1)), Line(accounts()[1], Decimal(-1))],
        )  # fmt: skip


def test_a_transit_account_moves_only_with_a_line() -> None:
    bank = plan.open_bank_account(name="Banco")

    with pytest.raises(ledger.Refused, match="transit account"):
        ledger.post(
            journal="general", on=MAY, text="x",
            lines=[Line(bank.transit_id, Decimal(1)), Line(accounts()[1], Decimal(-1))],
        )  # fmt: skip


def test_who_made_a_manual_entry_does_not_approve_it() -> None:
    clerk = person()

    with pytest.raises(ledger.Refused, match="does not approve"):
        post(kind="manual", by=clerk, approved_by=clerk)
    with pytest.raises(ledger.Refused, match="second person"):
        post(kind="manual", by=clerk)
    manager = person("finance_manager")
    approval("finance.draftentry:1", by=clerk, decided_by=manager, amount="10.00")
    post(kind="manual", by=clerk, approved_by=manager, origin="finance.draftentry:1")


def test_the_proof_names_the_first_entry_that_was_changed_by_hand() -> None:
    entries = [post(), post(), post()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM finance_first_broken()")
        assert cursor.fetchone() is None

        seal_now()
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE finance_posting SET text = 'other' WHERE entry_id = %s", [entries[1]])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")

        cursor.execute("SELECT * FROM finance_first_broken()")
        assert cursor.fetchone() == (entries[1], "hash differs")


def test_the_chain_is_the_hash_of_the_text_after_the_hash_before() -> None:
    entry = post()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT j.id, j.code, finance_entry_text(e, string_agg(finance_posting_text(p.seq, p.account_id,"
            " p.\"on\", p.amount, p.party_id, p.cost_centre_id, p.instalment_id, p.line_id, p.role, p.text), ';'"
            " ORDER BY p.seq)) FROM finance_journalentry e JOIN finance_journal j ON j.id = e.journal_id"
            " JOIN finance_posting p ON p.entry_id = e.id WHERE e.id = %s GROUP BY j.id, e.id",
            [entry],
        )
        journal, code, text = cursor.fetchone()
    head = hashlib.sha256(f"journal {journal} {code}".encode()).digest()

    assert bytes(EntrySeal.objects.get(pk=entry).hash) == hashlib.sha256(head + text.encode()).digest()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=300))
def test_a_set_posts_what_the_same_entries_post_one_by_one(cents: list[int]) -> None:
    fees, sales = accounts()
    with transaction.atomic(), connection.cursor() as cursor:
        before = ledger.balance_of(fees)
        ledger.begin_set(cursor)
        cursor.execute(
            'INSERT INTO incoming_entry (journal_id, "on", text, origin, key)'
            " SELECT j.id, %s, 'Set', %s, key"
            " FROM finance_journal j, unnest(%s::bigint[]) WITH ORDINALITY c (cents, key)"
            " WHERE j.kind = 'general' ORDER BY key",
            [MAY, document(), cents],
        )
        cursor.execute(
            "INSERT INTO incoming_posting (entry_id, seq, account_id, amount)"
            " SELECT id, side, CASE side WHEN 1 THEN %s ELSE %s END, (3 - 2 * side) * (%s::bigint[])[key] / 100.0"
            " FROM incoming_entry, generate_series(1, 2) AS side",
            [fees, sales, cents],
        )
        assert ledger.post_set(cursor) == len(cents)
        seal_now()
        cursor.execute("SELECT * FROM finance_first_broken()")
        assert cursor.fetchone() is None

    assert ledger.balance_of(fees) - before == Decimal(sum(cents)) / 100
    assert ledger.balance_of(fees) == -ledger.balance_of(sales)


def test_the_default_plan_places_every_account() -> None:
    leaves = Account.objects.filter(is_group=False)

    assert leaves.count() > 70
    assert not leaves.filter(kind__in=["revenue", "expense"], section="").exists()
    assert not leaves.filter(parent=None).exists()
    assert Posting.objects.count() == 0
