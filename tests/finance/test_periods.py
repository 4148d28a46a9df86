"""Months: soft close and leave, close and reopening, and who may."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.core.models import Approval, Event, User
from backoffice.core.services import approvals
from finance.models import Period, PeriodException
from finance.services import ledger, periods
from tests.factories.books import MAY, post, year
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months() -> None:
    year()


@pytest.fixture
def manager() -> User:
    return person("finance_manager")


@pytest.fixture
def director() -> User:
    return person("director")


def may() -> Period:
    return Period.objects.get(starts_on=date(2026, 5, 1))


def close_until_may(by: User) -> None:
    for period in Period.objects.filter(starts_on__lte=date(2026, 5, 1)).order_by("starts_on"):
        periods.close(period_id=period.pk, by=by)


def test_a_soft_closed_month_lets_in_who_has_leave_until_it_ends(manager: User) -> None:
    clerk, other = person("finance_clerk"), person("finance_clerk")
    periods.soft_close(period_id=may().pk, by=manager)

    periods.give_leave(
        period_id=may().pk, person=clerk, until=timezone.now() + timedelta(days=1), reason="Late bill", by=manager
    )

    post(by=clerk)
    with pytest.raises(ledger.PeriodClosed):
        post(by=other)
    periods.end_leave(leave_id=PeriodException.objects.get().pk, by=manager)
    with pytest.raises(ledger.PeriodClosed):
        post(by=clerk)


def test_leave_for_oneself_is_given_by_a_director(manager: User, director: User) -> None:
    periods.soft_close(period_id=may().pk, by=manager)
    until = timezone.now() + timedelta(days=1)

    asked = periods.give_leave(period_id=may().pk, person=manager, until=until, reason="Late bill", by=manager)

    assert asked is not None
    assert not PeriodException.objects.exists()
    with pytest.raises(approvals.NotTheirs):
        approvals.decide(asked.pk, yes=True, by=manager)
    approvals.decide(asked.pk, yes=True, by=director)
    given = PeriodException.objects.get()
    assert (given.person, given.given_by, given.reason) == (manager, director, "Late bill")


def test_the_database_refuses_leave_for_oneself(manager: User) -> None:
    with pytest.raises(IntegrityError, match="by_another"), transaction.atomic():
        PeriodException.objects.create(
            period=may(), person=manager, given_by=manager, reason="x", expires_at=timezone.now()
        )


def test_months_close_in_order_and_say_so(manager: User) -> None:
    with pytest.raises(periods.NotNow, match="earlier month"):
        periods.close(period_id=may().pk, by=manager)
    close_until_may(manager)
    with pytest.raises(periods.NotNow, match="closed already"):
        periods.close(period_id=may().pk, by=manager)
    assert Event.objects.filter(name="finance.period_closed").count() == 5


def test_a_closed_month_opens_when_a_director_agrees(manager: User, director: User) -> None:
    close_until_may(manager)

    asked = periods.ask_reopening(period_id=may().pk, reason="Missing bill", by=manager)
    approvals.decide(asked.pk, yes=True, by=director)

    assert may().state == "open"
    assert may().changed_by == director
    post()


def test_only_the_last_closed_month_opens(manager: User) -> None:
    close_until_may(manager)
    april = Period.objects.get(starts_on=date(2026, 4, 1))

    with pytest.raises(periods.NotNow, match="later month"):
        periods.ask_reopening(period_id=april.pk, reason="x", by=manager)


def test_a_rejected_reopening_leaves_the_month_closed(manager: User, director: User) -> None:
    close_until_may(manager)
    asked = periods.ask_reopening(period_id=may().pk, reason="x", by=manager)

    approvals.decide(asked.pk, yes=False, by=director, answer="No")

    assert may().state == "closed"


def test_a_month_far_ahead_does_not_come_into_being_by_a_slip(manager: User) -> None:
    periods.ensure_near(date(2206, 5, 4))
    periods.ensure_near(timezone.localdate())

    assert not Period.objects.filter(starts_on__year=2206).exists()
    assert Period.objects.filter(starts_on=timezone.localdate().replace(day=1)).exists()


def test_the_pages_take_a_month_through_its_steps(client: Client, manager: User) -> None:
    clerk = person("finance_clerk")
    client.force_login(manager)
    page = reverse("finance:period", args=[may().pk])

    client.post(reverse("finance:period_soften", args=[may().pk]))
    assert may().state == "soft"
    client.post(
        reverse("finance:period_leave", args=[may().pk]),
        {"person": clerk.pk, "until": str(timezone.localdate()), "reason": "Late bill"},
    )
    assert "Late bill" in client.get(page).content.decode()
    refused = client.post(reverse("finance:period_close", args=[may().pk]), {"reason": "Enough"}, follow=True)
    assert "Months close in order" in refused.content.decode()
    assert may().state == "soft"
    assert client.post(reverse("finance:period_soften", args=[may().pk]), follow=True).status_code == 200
    assert may().state == "soft"
    assert "Ask to open it again" in client.get(page).content.decode()
    client.post(reverse("finance:period_reopen", args=[may().pk]), {"reason": "A bill came late"})
    approvals.decide(Approval.objects.get().pk, yes=True, by=person("director"))
    assert may().state == "open"
    assert post(on=MAY)


@pytest.mark.parametrize("state", ["soft", "closed"])
def test_no_door_opens_a_month_without_a_second_person(manager: User, director: User, state: str) -> None:
    """Nor does an answer that was given before it was closed once more."""
    may_again = Period.objects.filter(pk=may().pk)
    if state == "closed":
        close_until_may(manager)
    else:
        periods.soft_close(period_id=may().pk, by=manager)
    for wrong in ["open", "soft"] if state == "closed" else ["open"]:
        with pytest.raises(IntegrityError, match="second person"), transaction.atomic():
            may_again.update(state=wrong, changed_by=manager)
    asked = periods.ask_reopening(period_id=may().pk, reason="Missing bill", by=manager)
    with pytest.raises(approvals.NotTheirs):
        approvals.decide(asked.pk, yes=True, by=manager)
    approvals.decide(asked.pk, yes=True, by=director)
    assert may().state == "open"

    may_again.update(state=state)

    with pytest.raises(IntegrityError, match="second person"), transaction.atomic():
        may_again.update(state="open")


@pytest.mark.parametrize("role", ["finance_clerk", "auditor"])
def test_who_only_reads_sees_no_step(client: Client, role: str) -> None:
    client.force_login(person(role))

    page = client.get(reverse("finance:period", args=[may().pk])).content.decode()

    assert "Before it closes" in page
    assert reverse("finance:period_close", args=[may().pk]) not in page
    assert client.post(reverse("finance:period_soften", args=[may().pk])).status_code == 403
