"""The outbox: recorded with the business, delivered at least once, parked when it cannot be."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from backoffice.core import events
from backoffice.core.models import Company, Delivery, Event
from backoffice.core.services import outbox
from tests.factories.people import person

pytestmark = pytest.mark.django_db
NAME = "core.test_happened"


@pytest.fixture
def handler(monkeypatch):
    """One handler of the test's own; its calls, and what it does besides."""
    calls: list[int] = []
    acts = {"do": lambda event: None}

    def heard(event):
        calls.append(event.data["n"])
        acts["do"](event)

    monkeypatch.setattr(events, "_handlers", {NAME: {"tests.heard": heard}})
    return calls, acts


def due_now() -> None:
    Delivery.objects.filter(state="waiting").update(due_at="2000-01-01T00:00Z")


def test_an_event_is_delivered_once_to_each_handler(handler):
    events.record(NAME, n=1)

    assert (outbox.deliver_waiting(), outbox.deliver_waiting()) == (1, 0)

    assert handler[0] == [1]
    assert Delivery.objects.get().state == Delivery.State.DONE


def test_no_commit_no_event(handler):
    with transaction.atomic():
        events.record(NAME, n=1)
        transaction.set_rollback(True)

    assert not Event.objects.exists()


def test_what_a_failing_handler_wrote_is_gone_and_it_is_tried_again(handler):
    _calls, acts = handler

    def write_and_break(event):
        Company.objects.create(pk=1, name="half")
        raise ValueError("no such luck")

    acts["do"] = write_and_break
    events.record(NAME, n=1)
    outbox.deliver_waiting()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, Company.objects.filter(pk=1).exists()) == ("waiting", 1, False)
    assert delivery.cause.startswith("no such luck")
    assert delivery.due_at > delivery.event.at

    acts["do"] = lambda event: None
    due_now()
    outbox.deliver_waiting()

    assert Delivery.objects.get().state == Delivery.State.DONE


def test_a_poison_event_is_parked_after_five_tries_while_others_go_on(handler, client: Client):
    calls, acts = handler

    def refuse_the_first(event):
        if event.data["n"] == 1:
            raise ValueError("poison")

    acts["do"] = refuse_the_first
    events.record(NAME, n=1)
    events.record(NAME, n=2)
    for _try in range(7):
        outbox.deliver_waiting()
        due_now()

    assert calls == [1, 2, 1, 1, 1, 1]
    poison = Delivery.objects.get(state=Delivery.State.PARKED)
    client.force_login(person("admin"))
    assert "poison" in client.get(reverse("work")).content.decode()
    client.post(reverse("delivery_retry", args=[poison.pk]))
    acts["do"] = lambda event: None
    outbox.deliver_waiting()
    assert Delivery.objects.get(pk=poison.pk).state == Delivery.State.DONE


def test_a_delivery_whose_worker_died_waits_for_its_lease_and_is_parked_in_the_end(handler):
    events.record(NAME, n=1)
    for attempt in range(outbox.ATTEMPTS):
        with connection.cursor() as cursor:  # a claim whose worker never comes back
            cursor.execute(outbox._CLAIM, [["tests.heard"]])
            assert cursor.fetchone()[1] == attempt + 1
        assert outbox.deliver_waiting() == 0
        due_now()

    outbox.deliver_waiting()

    assert Delivery.objects.get().state == Delivery.State.PARKED
    assert handler[0] == []


def test_a_late_worker_whose_claim_was_taken_over_does_nothing(handler):
    events.record(NAME, n=1)
    with connection.cursor() as cursor:
        cursor.execute(outbox._CLAIM, [["tests.heard"]])
        delivery_id, attempt = cursor.fetchone()
    due_now()
    outbox.deliver_waiting()

    outbox._deliver(delivery_id, attempt)

    assert handler[0] == [1]


def test_an_event_of_another_version_waits_for_a_worker_that_knows_it(handler):
    event = events.record(NAME, n=1)
    Delivery.objects.create(event=event, handler="tests.of_the_next_version")

    outbox.deliver_waiting()

    assert Delivery.objects.get(handler="tests.of_the_next_version").attempts == 0


def test_old_events_go_unless_something_of_them_is_open(handler):
    _old, open_one, new = (events.record(NAME, n=n) for n in range(3))
    outbox.deliver_waiting()
    Event.objects.exclude(pk=new.pk).update(at="2000-01-01T00:00Z")
    Delivery.objects.filter(event=open_one).update(state=Delivery.State.PARKED)

    assert outbox.clean() == 1

    assert set(Event.objects.values_list("pk", flat=True)) == {open_one.pk, new.pk}
