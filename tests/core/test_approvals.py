"""A second person's yes: asked once, decided once, never by who asked, whatever door is taken."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from backoffice.core.models import Approval, AuditEntry, Notification, User
from backoffice.core.services import approvals, people, roles
from tests.factories.people import person

RIGHT = "logistics.exception.approve"


def question(by: User, subject: str = "core.test:1", **fields: Any) -> Approval:
    fields = {"title": "Waive %(what)s", "data": {"what": "the difference"}, "amount": Decimal("303.10"), **fields}
    return approvals.ask("core.test", subject, right=RIGHT, by=by, **fields)


@pytest.mark.django_db
def test_the_kind_is_told_of_the_decision_in_the_same_transaction() -> None:
    told = []
    approvals.on_decision("core.test")(lambda approval: told.append((approval.state, approval.decided_by.name)))
    asked = question(person("logistics_clerk"))

    approvals.decide(asked.pk, yes=True, by=person("logistics_manager", name="Bia"))

    assert told == [("approved", "Bia")]
    assert AuditEntry.objects.filter(action="core.approval_approved", subject="core.test:1").exists()


@pytest.mark.django_db
def test_who_can_decide_is_told_once_and_who_asked_hears_the_answer() -> None:
    maker, manager, director = person("logistics_manager"), person("logistics_manager"), person("director")
    person("finance_clerk")

    asked = question(maker)
    approvals.decide(asked.pk, yes=False, by=director, answer="Ask the carrier first")

    told = Notification.objects.filter(kind="approval").order_by("pk").values_list("user_id", "text")
    assert list(told) == [
        (manager.pk, "%(who)s asks for your approval."),
        (director.pk, "%(who)s asks for your approval."),
        (maker.pk, "%(who)s rejected what you asked for."),
    ]


@pytest.mark.django_db
def test_a_failing_consequence_leaves_the_question_open() -> None:
    def fail(_approval: Approval) -> None:
        raise RuntimeError

    approvals.on_decision("core.test")(fail)
    asked = question(person("logistics_clerk"))

    with pytest.raises(RuntimeError):
        approvals.decide(asked.pk, yes=True, by=person("logistics_manager"))
    approvals.on_decision("core.test")(lambda _approval: None)

    asked.refresh_from_db()
    assert asked.state == "waiting"


@pytest.mark.django_db
def test_the_same_question_is_asked_once() -> None:
    question(person("logistics_clerk"))

    with pytest.raises(approvals.AlreadyAsked):
        question(person("logistics_clerk"))


@pytest.mark.django_db
def test_a_rejection_says_why() -> None:
    asked = question(person("logistics_clerk"))

    with pytest.raises(approvals.ReasonMissing):
        approvals.decide(asked.pk, yes=False, by=person("director"), answer="  ")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "decider", ["the one who asked", "somebody without the right", "somebody whose account is closed", "nobody"]
)
def test_the_database_refuses_what_a_side_door_might_try(decider: str) -> None:
    maker = person("logistics_manager")
    asked = question(maker)
    closed = person("director")
    people.deactivate(closed, by=person("admin"))
    who = {
        "the one who asked": maker.pk,
        "somebody without the right": person("finance_clerk").pk,
        "somebody whose account is closed": closed.pk,
        "nobody": None,
    }[decider]

    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=asked.pk).update(state="approved", decided_by=who, decided_at="2026-01-01T00:00Z")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_approval SET state = 'rejected', answer = 'x' WHERE id = %s",
        "UPDATE core_approval SET amount = 1 WHERE id = %s",
        "UPDATE core_approval SET state = 'waiting', decided_by_id = NULL, decided_at = NULL WHERE id = %s",
        "DELETE FROM core_approval WHERE id = %s",
    ],
)
def test_a_decided_question_never_changes(sql: str) -> None:
    asked = question(person("logistics_clerk"))
    approvals.decide(asked.pk, yes=True, by=person("director"))

    with pytest.raises(IntegrityError), transaction.atomic():
        connection.cursor().execute(sql, [asked.pk])


@pytest.mark.django_db
def test_the_question_cannot_be_swapped_under_a_decision() -> None:
    asked = question(person("logistics_clerk"))

    with pytest.raises(IntegrityError, match="cannot change"), transaction.atomic():
        Approval.objects.filter(pk=asked.pk).update(amount=Decimal("1.00"))


@pytest.mark.django_db
def test_an_approval_does_not_begin_decided() -> None:
    with pytest.raises(IntegrityError, match="begins as a question"), transaction.atomic():
        Approval.objects.create(
            kind="core.test", subject="x:1", right=RIGHT, title="x", state="approved",
            asked_by=person("logistics_clerk"), decided_by=person("director"), decided_at="2026-01-01T00:00Z",
        )  # fmt: skip


@pytest.mark.django_db
def test_who_lost_the_role_cannot_decide_any_more() -> None:
    asked, manager = question(person("logistics_clerk")), person("logistics_manager")
    roles.withdraw_role(manager, "logistics_manager", by=person("admin"))

    with pytest.raises(approvals.NotTheirs):
        approvals.decide(asked.pk, yes=True, by=User.objects.get(pk=manager.pk))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told_who_and_when() -> None:
    deciders = [person("director", name="Ana"), person("logistics_manager", name="Bia")]
    for number in range(5):
        asked = question(person("logistics_clerk"), f"core.test:{number}")
        start, outcomes = threading.Barrier(2), []

        def decide(by: User, yes: bool, pk: int = asked.pk, start: Any = start, outcomes: Any = outcomes) -> None:
            start.wait()
            try:
                outcomes.append(approvals.decide(pk, yes=yes, by=by, answer="no").decided_by)
            except approvals.AlreadyDecided as problem:
                outcomes.append(problem)
            finally:
                connection.close()

        threads = [threading.Thread(target=decide, args=(by, by.name == "Ana")) for by in deciders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        [loser] = [outcome for outcome in outcomes if isinstance(outcome, approvals.AlreadyDecided)]
        [winner] = [outcome for outcome in outcomes if isinstance(outcome, User)]
        assert loser.approval.decided_by == winner
        assert loser.approval.decided_at


# the page


def inbox(client: Client, user: User, tab: str = "waiting") -> str:
    client.force_login(user)
    return client.get(reverse("approvals"), {"tab": tab}).content.decode()


@pytest.mark.django_db
def test_a_question_stands_in_the_inbox_of_who_can_decide_and_nobody_elses(client: Client) -> None:
    maker = person("logistics_manager")
    question(maker)

    assert "Waive the difference" in inbox(client, person("director"))
    assert "Waive the difference" not in inbox(client, person("finance_clerk"))
    assert "Waive the difference" not in inbox(client, maker)


@pytest.mark.django_db
def test_ones_own_question_is_visible_without_a_button_and_a_forged_yes_is_refused(client: Client) -> None:
    maker = person("logistics_manager")
    asked = question(maker)

    page = inbox(client, maker, "mine")
    answer = client.post(reverse("approval_decide", args=[asked.pk]), {"decision": "approve"})

    assert "Waive the difference" in page
    assert 'value="approve"' not in page
    assert answer.status_code == 403


@pytest.mark.django_db
def test_a_foreign_question_is_not_there(client: Client) -> None:
    asked = question(person("logistics_clerk"))
    client.force_login(person("marketing_analyst"))

    assert client.get(reverse("approval", args=[asked.pk])).status_code == 404
    assert client.post(reverse("approval_decide", args=[asked.pk]), {"decision": "approve"}).status_code == 404


@pytest.mark.django_db
def test_the_slower_one_is_told_on_a_page_of_its_own(client: Client) -> None:
    asked = question(person("logistics_clerk"))
    approvals.decide(asked.pk, yes=True, by=person("director", name="Ana"))
    client.force_login(person("logistics_manager"))

    answer = client.post(reverse("approval_decide", args=[asked.pk]), {"decision": "reject", "answer": "no"})

    assert answer.status_code == 409
    assert "Ana approved this" in answer.content.decode()


@pytest.mark.django_db
def test_a_rejection_without_a_reason_comes_back_with_the_question(client: Client) -> None:
    asked = question(person("logistics_clerk"))
    client.force_login(person("director"))

    answer = client.post(reverse("approval_decide", args=[asked.pk]), {"decision": "reject"})

    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()


@pytest.mark.django_db
def test_the_inbox_asks_the_same_number_of_questions_for_one_card_as_for_many(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    maker, director = person("logistics_clerk"), person("director")
    for number in range(25):
        question(maker, f"core.test:{number}")
    client.force_login(director)
    client.get(reverse("approvals"))

    with django_assert_max_num_queries(10):
        page = client.get(reverse("approvals"))

    assert page.content.count(b"<article") == 20
    assert b"after=" in page.content
