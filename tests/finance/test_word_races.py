"""Two at the same moment: what two people say about one party by their word is weighed one after the other."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from backoffice.core.models import Approval, Company
from finance.models import Account
from finance.services import bills, by_word, concessions, ledger, plan, reconcile, second_person, settlement
from finance.services.reconcile import Item
from tests.factories.banking import line, suggestion
from tests.factories.books import party, year
from tests.factories.papers import bill
from tests.factories.people import person
from tests.finance.test_titles import part, sold

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal
REFUSED = (ledger.Refused, reconcile.NeedsSecond)


@pytest.fixture(autouse=True)
def books() -> None:
    year()
    year(timezone.localdate().year)
    Company.objects.create(pk=1, name="Casa", waive_limit=50)


def one_after_the_other(first: Callable[[], object], second: Callable[[], object]) -> list[object]:
    """What each gave or was refused with; the second begins when the first is done and not yet committed."""
    answers: list[object] = []

    def beside() -> None:
        try:
            answers.append(second())
        except REFUSED as problem:
            answers.append(problem)
        finally:
            connection.close()

    with transaction.atomic():
        answers.append(first())
        other = threading.Thread(target=beside)
        other.start()
        _until_it_waits(other)
    other.join(30)
    assert len(answers) == 2, "the second never ended"
    return answers


def _until_it_waits(other: threading.Thread) -> None:
    """Until the other has ended, or waits for what we hold."""
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone() or not other.is_alive():
                return
        time.sleep(0.02)
    raise AssertionError("the second neither ended nor waited")


def test_two_settlements_in_cash() -> None:
    who, cash = party("Bia"), plan.account_for("cash").pk
    rows, people = [part(sold("40.00", who=who)) for _ in range(2)], [person("finance_clerk") for _ in range(2)]

    def settle(n: int) -> object:
        return settlement.settle(
            instalment_id=rows[n].pk, paid=D("40.00"), on=timezone.localdate(), account=cash, by=people[n]
        )

    answers = one_after_the_other(lambda: settle(0), lambda: settle(1))

    assert isinstance(answers[1], settlement.NeedsSecond), answers
    assert [part(row.title).balance for row in rows] == [D(0), D("40.00")]


def test_two_receivables_taken_out_of_the_books() -> None:
    who, manager = party("Bia"), person("finance_manager")
    made = [sold("40.00", who=who) for _ in range(2)]

    def cancel(n: int) -> object:
        return settlement.cancel(title_id=made[n].pk, on=timezone.localdate(), by=manager, reason="x")

    answers = one_after_the_other(lambda: cancel(0), lambda: cancel(1))

    assert isinstance(answers[1], settlement.NeedsSecond), answers


def test_two_differences() -> None:
    who, people = party("Bia"), [person("finance_manager") for _ in range(2)]
    rows, lines = [part(sold("100.00", who=who)) for _ in range(2)], [line("60.00") for _ in range(2)]

    def match(n: int) -> object:
        items = [Item("instalment", D("-100.00"), rows[n].pk), Item("account", D("40.00"), role="write_off")]
        return reconcile.match(lines=[(lines[n].pk, D("60.00"))], items=items, by=people[n])

    answers = one_after_the_other(lambda: match(0), lambda: match(1))

    assert isinstance(answers[1], reconcile.NeedsSecond), answers
    assert [part(row.title).balance for row in rows] == [D(0), D("100.00")]


def test_two_lines_that_name_no_party_booked_by_one_person() -> None:
    manager, lines = person("finance_manager"), [line("-40.00") for _ in range(2)]
    other = Account.objects.get(purpose="other_expense").pk

    def book(n: int) -> object:
        return reconcile.new_entry(line_ids=[lines[n].pk], account=other, by=manager)

    answers = one_after_the_other(lambda: book(0), lambda: book(1))

    assert isinstance(answers[1], reconcile.NeedsSecond), answers


def test_two_questions_go_to_whom_their_sum_needs() -> None:
    who, clerk = party("Bia"), person("finance_clerk")
    limit = second_person.policy().approval_limit
    rows = [part(sold(str(limit), who=who)) for _ in range(2)]

    def ask(n: int) -> Any:
        return concessions.ask_write_off(instalment_id=rows[n].pk, amount=limit, reason="x", by=clerk)

    answers = one_after_the_other(lambda: ask(0), lambda: ask(1))

    assert [answer.right for answer in answers if isinstance(answer, Approval)] == [
        "finance.write_off.approve",
        second_person.ABOVE,
    ]


def test_two_bills_go_to_whom_their_sum_needs() -> None:
    who, clerk = party("Gráfica"), person("finance_clerk")
    made = [bill(str(second_person.policy().approval_limit), by=clerk, who=who, number=f"B{n}") for n in range(2)]

    answers: list[Any] = one_after_the_other(
        lambda: bills.submit(bill_id=made[0].pk, by=clerk), lambda: bills.submit(bill_id=made[1].pk, by=clerk)
    )

    assert [answer.right for answer in answers] == ["finance.bill.approve", second_person.ABOVE]


def test_two_sets_about_the_same_parties_wait_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each accepts differences of both parties, the other way round: one after the other, not each for the other."""
    many, people = [party("Ana"), party("Bia")], [person("finance_manager") for _ in range(2)]
    shown = []
    for parties in (many, many[::-1]):
        made = []
        for who in parties:
            row, bank = part(sold("100.00", who=who)), line("80.00")
            more = [{"kind": "account", "role": "write_off", "purpose": "write_off", "amount": "20.00"}]
            made.append(suggestion(bank, row, more=more, stage="S3").pk)
        shown.append(made)
    answers: list[Any] = []
    gate, post = threading.Barrier(2), ledger.post

    def post_together(**facts: Any) -> int:
        """Where both have weighed and hold a party, they post at the same moment."""
        with suppress(threading.BrokenBarrierError):
            gate.wait(2)
        return post(**facts)

    monkeypatch.setattr(ledger, "post", post_together)

    def accept(n: int) -> None:
        try:
            answers.append(reconcile.accept_many(shown[n], by=people[n]))
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=[n]) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [len(one.matches) for one in answers] == [2, 2]


@pytest.fixture(autouse=True)
def connections_end() -> Iterator[None]:
    yield
    connection.close()


def test_what_waits_for_an_answer_is_weighed_with_what_comes() -> None:
    who, clerk, cash = party("Bia"), person("finance_clerk"), plan.account_for("cash").pk
    row = part(sold("1000.00", who=who))

    asked = by_word.settle(instalment_id=row.pk, paid=D("60.00"), on=timezone.localdate(), account=cash, by=clerk)

    assert isinstance(asked, Approval)
