"""Entries that come back: when they are due, what they make, and that they come once."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.core.models import Approval, User
from backoffice.core.services import approvals
from finance.models import DraftEntry, JournalEntry, Period, RecurringEntry
from finance.services import entries, recurring
from finance.services.ledger import Line
from tests.factories.books import MAY, accounts, open_again, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months() -> None:
    year()


@pytest.fixture
def clerk() -> User:
    return person("finance_clerk")


@pytest.fixture
def manager() -> User:
    return person("finance_manager")


def template(by: User, *, amount: str = "10.00", credit: str | None = None, **values: Any) -> RecurringEntry:
    fees, sales = accounts()
    values = {"text": "Aluguel", "day": 31, "starts_on": date(2026, 1, 15), "ends_on": None, "mode": "ask"} | values
    lines = [Line(fees, Decimal(amount)), Line(sales, -Decimal(credit or amount))]
    return recurring.save(recurring_id=None, version=0, values=values, lines=lines, by=by)


@pytest.mark.parametrize(
    ("day", "after", "wanted"),
    [
        (5, date(2026, 5, 4), date(2026, 5, 5)),
        (5, date(2026, 5, 5), date(2026, 6, 5)),
        (31, date(2026, 1, 31), date(2026, 2, 28)),
        (31, date(2028, 2, 1), date(2028, 2, 29)),
        (1, date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_the_next_day_of_a_month(day: int, after: date, wanted: date) -> None:
    assert recurring.next_day(day, after=after) == wanted


def test_what_is_due_becomes_drafts_that_ask_a_second_person(clerk: User, manager: User) -> None:
    made = template(clerk)

    assert recurring.run(today=date(2026, 3, 30)) == 2
    assert recurring.run(today=date(2026, 3, 30)) == 0

    drafts = DraftEntry.objects.filter(recurring=made).order_by("on")
    assert [(d.on, d.state) for d in drafts] == [(date(2026, 1, 31), "waiting"), (date(2026, 2, 28), "waiting")]
    approvals.decide(Approval.objects.order_by("pk")[0].pk, yes=True, by=manager)
    assert JournalEntry.objects.get().on == date(2026, 1, 31)
    made.refresh_from_db()
    assert made.next_on == date(2026, 3, 31)


def test_an_automatic_one_posts_once_its_template_is_approved(clerk: User, manager: User) -> None:
    made = template(clerk, mode="automatic")
    assert recurring.run(today=date(2026, 3, 30)) == 0

    asked = recurring.submit(recurring_id=made.pk, by=clerk)
    approvals.decide(asked.pk, yes=True, by=manager)

    assert recurring.run(today=date(2026, 3, 30)) == 2
    found = JournalEntry.objects.order_by("on")
    assert [(e.on.month, e.kind, e.made_by, e.approved_by) for e in found] == [
        (1, "manual", clerk, manager),
        (2, "manual", clerk, manager),
    ]


def test_a_changed_template_asks_again(clerk: User, manager: User) -> None:
    made = template(clerk, mode="automatic")
    asked = recurring.submit(recurring_id=made.pk, by=clerk)
    fees, sales = accounts()
    values = {"text": "Aluguel", "day": 31, "starts_on": date(2026, 1, 15), "ends_on": None, "mode": "automatic"}

    recurring.save(
        recurring_id=made.pk, version=1, values=values, by=clerk,
        lines=[Line(fees, Decimal(9999)), Line(sales, Decimal(-9999))],
    )  # fmt: skip

    with pytest.raises(approvals.AlreadyDecided):
        approvals.decide(asked.pk, yes=True, by=manager)
    assert recurring.run(today=date(2026, 3, 30)) == 0


def test_another_hand_waits_for_the_answer(clerk: User, manager: User) -> None:
    made = template(clerk, mode="automatic")
    recurring.submit(recurring_id=made.pk, by=clerk)
    fees, sales = accounts()

    with pytest.raises(entries.NotReady, match="Wait for the answer"):
        recurring.save(
            recurring_id=made.pk, version=1, by=person("finance_clerk"),
            values={"text": "x", "day": 1, "starts_on": MAY, "ends_on": None, "mode": "automatic"},
            lines=[Line(fees, Decimal(9999)), Line(sales, Decimal(-9999))],
        )  # fmt: skip


def test_a_yes_to_an_older_version_counts_for_nothing(clerk: User, manager: User) -> None:
    made = template(clerk, mode="automatic")
    asked = recurring.submit(recurring_id=made.pk, by=clerk)
    RecurringEntry.objects.filter(pk=made.pk).update(version=2)

    approvals.decide(asked.pk, yes=True, by=manager)

    made.refresh_from_db()
    assert made.approved_by is None


def test_it_ends(clerk: User) -> None:
    made = template(clerk, ends_on=date(2026, 2, 28))

    assert recurring.run(today=date(2026, 12, 31)) == 2

    made.refresh_from_db()
    assert made.next_on is None


def test_what_cannot_be_made_stays_due_and_is_told(clerk: User, manager: User) -> None:
    made = template(clerk, mode="automatic")
    approvals.decide(recurring.submit(recurring_id=made.pk, by=clerk).pk, yes=True, by=manager)
    Period.objects.filter(starts_on=date(2026, 1, 1)).update(state="soft")

    assert recurring.run(today=date(2026, 1, 31)) == 0

    made.refresh_from_db()
    assert made.next_on == date(2026, 1, 31)
    assert "closed" in made.problem
    assert clerk.notifications.filter(kind="books").count() == 1
    assert not DraftEntry.objects.exists()
    open_again(Period.objects.get(starts_on=date(2026, 1, 1)))
    assert recurring.run(today=date(2026, 2, 1)) == 1


def test_a_template_that_does_not_balance_is_not_sent(clerk: User) -> None:
    made = template(clerk, mode="automatic", credit="9.00")

    with pytest.raises(entries.NotReady, match="differ"):
        recurring.submit(recurring_id=made.pk, by=clerk)


def test_a_template_by_the_form(client: Client, clerk: User) -> None:
    client.force_login(clerk)
    typed = {
        "text": "Depreciação", "day": "31", "starts_on": "2026-05-01", "mode": "automatic", "line-TOTAL_FORMS": "2",
        "line-INITIAL_FORMS": "0", "line-0-account": "6.2.02.008", "line-0-debit": "100.00",
        "line-1-account": "1.2.01.009", "line-1-credit": "100.00",
    }  # fmt: skip

    client.post(reverse("finance:recurring_create"), typed)
    made = RecurringEntry.objects.get()
    client.post(reverse("finance:recurring_submit", args=[made.pk]))
    page = client.get(reverse("finance:recurring_entry", args=[made.pk])).content.decode()

    assert made.next_on == date(2026, 5, 31)
    assert "waits for a second person" in page
