"""The storm finds nothing, replays by its seed, and would find what is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection

from finance.services import ledger
from finance.simulator import faults
from finance.simulator.acts import KINDS
from finance.simulator.play import FAULTS, Report, play

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def altered(damage: str, repair: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(damage)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(repair)


def found(report: Report) -> str:
    assert report.first is not None, "the storm noticed nothing"
    return str(report.first["wrong"])


def test_a_storm_with_every_act_and_every_fault_leaves_the_books_whole() -> None:
    report = play(steps=800, seed=7)

    assert (report.violations, report.first) == (0, None)
    assert len(report.acts) >= len(KINDS) - 1  # a rare one may not be drawn
    assert set(report.faults) == set(FAULTS) - {""}
    assert report.entries > 300


def test_a_side_door_left_open_is_found() -> None:
    guard = "CREATE TRIGGER finance_posting_refuse BEFORE UPDATE OR DELETE ON finance_posting FOR EACH STATEMENT"
    with altered(
        "DROP TRIGGER finance_posting_refuse ON finance_posting", f"{guard} EXECUTE FUNCTION core_refuse_change()"
    ):
        report = play(steps=120, seed=3)

    assert "was not refused" in found(report)


def test_more_settled_than_there_is_is_found() -> None:
    with altered("ALTER TABLE finance_instalment DROP CONSTRAINT finance_instalment_within", "SELECT 1"):
        report = play(steps=200, seed=3)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica; TRUNCATE finance_instalment CASCADE")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(
            "ALTER TABLE finance_instalment ADD CONSTRAINT finance_instalment_within CHECK"
            " ((amount > 0 AND balance >= 0 AND balance <= amount)"
            " OR (amount < 0 AND balance <= 0 AND balance >= amount))"
        )

    assert "was not refused" in found(report)


def test_an_undo_that_undoes_only_a_part_is_found() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('finance_post_few'::regproc)")
        (whole,) = cursor.fetchone()
    blind = whole.replace("balance = i.balance + m.moved", "balance = i.balance + least(m.moved, 100)")
    assert blind != whole
    with altered(blind, whole):
        report = play(steps=60, seed=3)

    assert "its postings say" in found(report)


def test_what_is_posted_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    post = ledger.post
    monkeypatch.setattr(ledger, "post", lambda **facts: (facts.get("entry") or post(**facts), post(**facts))[1])

    assert found(play(steps=60, seed=3))


def test_a_seed_replays() -> None:
    first = play(steps=120, seed=11)
    call_command("flush", interactive=False, verbosity=0)

    again = play(steps=120, seed=11)

    assert first == again
    assert first.entries > 50


def test_a_cut_connection_is_a_broken_attempt_and_leaves_nothing() -> None:
    def do() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.execute("SELECT 2")

    with faults.without_pool():
        line = faults.control()
        assert faults.cut(do, 2, line).state == "broken"
        assert faults.cut(do, 9, line).state == "done"
        line.close()
