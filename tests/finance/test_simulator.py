"""The storm finds nothing, replays by its seed, and would find what is wrong. `.ci/run` plays a long one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from backoffice.core.models import ImportBatch
from finance.models import CostCentre, JournalEntry
from finance.reports import aging, dre
from finance.services import ledger, plan, reconcile
from finance.simulator import faults
from finance.simulator import play as storm
from finance.simulator.acts import KINDS
from finance.simulator.play import FAULTS, Report, play
from finance.simulator.world import World

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


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Draw these acts alone, so that a few steps are enough."""
    monkeypatch.setattr(storm, "KINDS", [kind for kind in KINDS if kind.name in names])


def found(report: Report) -> str:
    assert report.first is not None, "the storm noticed nothing"
    return str(report.first["wrong"])


def test_a_storm_with_every_act_and_every_fault_leaves_the_books_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    often = [replace(kind, weight=min(max(2, kind.weight), 6)) for kind in KINDS]
    monkeypatch.setattr(storm, "KINDS", often)
    monkeypatch.setattr(storm, "FAULTS", dict.fromkeys(FAULTS, 0.05) | {"": 0.7})

    report = play(steps=400, seed=7)

    assert (report.violations, report.first) == (0, None), report.first
    assert len(report.acts) >= len(KINDS) - 4  # what is drawn depends on the day, too
    assert set(report.faults) == set(FAULTS) - {""}
    assert report.entries > 60


def test_a_side_door_left_open_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "issue", "force")
    guard = "CREATE TRIGGER finance_posting_refuse BEFORE UPDATE OR DELETE ON finance_posting FOR EACH STATEMENT"
    with altered(
        "DROP TRIGGER finance_posting_refuse ON finance_posting", f"{guard} EXECUTE FUNCTION core_refuse_change()"
    ):
        report = play(steps=300, seed=3)

    assert "was not refused" in found(report)


def test_more_settled_than_there_is_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "issue", "settle")
    with altered("ALTER TABLE finance_instalment DROP CONSTRAINT finance_instalment_within", "SELECT 1"):
        report = play(steps=80, seed=3)
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


def test_a_match_that_books_its_difference_elsewhere_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The books balance and every document agrees: only what was foretold differs."""
    only(monkeypatch, "issue", "take", "meet")
    match, elsewhere = reconcile.match, plan.account_for("salaries").pk

    def misplaced(*, items: list[reconcile.Item], **facts: Any) -> object:
        return match(items=[replace(one, id=elsewhere) if one.kind == "account" else one for one in items], **facts)

    monkeypatch.setattr(reconcile, "match", misplaced)

    assert "foretold was" in found(play(steps=150, seed=3))


@pytest.mark.parametrize("report", ["dre", "aging"])
def test_a_report_that_is_a_cent_off_is_found(report: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cent = Decimal("0.01")
    if report == "dre":
        of = dre.of_amounts

        def off(plan: Any, accounts: dict[int, Decimal]) -> dre.Statement:
            return of(plan, accounts | {key: amount + cent for key, amount in list(accounts.items())[:1]})

        monkeypatch.setattr(dre, "of_amounts", off)
    else:
        aged = aging.aging
        monkeypatch.setattr(aging, "aging", lambda *asked: _one_more(aged(*asked), cent))

    assert "DRE" in found(play(steps=40, seed=3)) if report == "dre" else "aging" in found(play(steps=40, seed=3))


def _one_more(told: aging.Aged, cent: Decimal) -> aging.Aged:
    return aging.Aged({party: [row[0] + cent, *row[1:]] for party, row in told.parties.items()})


def test_a_seed_replays() -> None:
    first = play(steps=100, seed=11)
    call_command("flush", interactive=False, verbosity=0)

    again = play(steps=100, seed=11)

    assert first == again
    assert first.entries > 40


def test_a_storm_outlives_its_month(monkeypatch: pytest.MonkeyPatch) -> None:
    """At midnight what is posted today lies in a month that was not there when the storm began."""
    localdate, step, now = timezone.localdate, storm._Play._step, [date(2026, 4, 30)]

    def midnight(self: Any, number: int, *rest: Any) -> None:
        now[0] = date(2026, 4, 30) if number < 60 else date(2026, 5, 1)
        step(self, number, *rest)

    monkeypatch.setattr(timezone, "localdate", lambda value=None, *zone: localdate(value, *zone) if value else now[0])
    monkeypatch.setattr(storm._Play, "_step", midnight)

    report = play(steps=150, seed=5)

    assert (report.violations, report.first) == (0, None), report.first
    assert JournalEntry.objects.filter(on=date(2026, 5, 1)).exists()


def test_a_file_that_looks_known_is_foreseen_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one day at one price most new lines have the day and amount of lines without a reference."""
    only(monkeypatch, "take", "bring", "unbring")
    monkeypatch.setattr(storm, "FAULTS", {"": 0.8, "kill": 0.1, "again": 0.1})
    monkeypatch.setattr(World, "money", lambda self, most=0: self.chance.choice([Decimal("49.90"), Decimal("100.00")]))
    monkeypatch.setattr(World, "day", lambda self: self.today)

    report = play(steps=120, seed=5)

    assert (report.violations, report.first) == (0, None), report.first
    assert 3 < report.refused["bring"] < report.acts["bring"]
    assert ImportBatch.objects.filter(state=ImportBatch.State.CHECKED, reason__contains="expected once").exists()


def test_a_cut_connection_is_a_broken_attempt_and_leaves_nothing() -> None:
    def do() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.execute("SELECT 2")

    with faults.own_connections():
        line = faults.control()
        assert faults.cut(do, 2, line).state == "broken"
        assert faults.cut(do, 9, line).state == "done"
        line.close()


def test_a_process_killed_in_a_statement_leaves_nothing_and_another_does_its_work() -> None:
    def do() -> None:
        with transaction.atomic():
            CostCentre.objects.create(code="K1", name="First")
            CostCentre.objects.create(code="K2", name="Second")

    with faults.own_connections():
        for number in (1, 2):
            assert faults.kill(do, number) == faults.Outcome("broken", "killed")
            assert not CostCentre.objects.filter(code__startswith="K").exists()
        assert faults.kill(do, 3).state == "done"
        assert faults.attempt(do).state == "refused"  # given to another worker all the same
        assert CostCentre.objects.filter(code__startswith="K").count() == 2
