"""Jobs: claimed once, kept alive, cancelled, given back, parked; nothing is written by who lost the work."""

import threading
import time

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.core import bell, jobs, pulse
from backoffice.core.jobs import Kind, Unworkable
from backoffice.core.models import Company, Job, Notification
from backoffice.core.services import running
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def kind(monkeypatch):
    """Register a function as the only kind of work."""

    def keep(function):
        monkeypatch.setattr(jobs, "_kinds", {"test": Kind("test", "Test work", function, "Nothing was changed.")})

    return keep


def work_off() -> Job:
    running.run_queued()
    return Job.objects.order_by("pk").last()


def due_now() -> None:
    Job.objects.filter(state="queued").update(due_at="2000-01-01T00:00Z")


def expire() -> None:
    Job.objects.filter(state="running").update(lease_until="2000-01-01T00:00Z")


def test_a_job_runs_once_and_keeps_its_result(kind):
    kind(lambda work, *, n: {"text": f"{n} done"})
    jobs.ask("test", by=None, n=3)

    job = work_off()

    assert (job.state, job.result, job.attempts, job.fence) == ("done", {"text": "3 done"}, 1, 1)
    assert running.run_queued() == 0


def test_arguments_of_a_newer_version_are_left_out(kind):
    kind(lambda work, *, n: {"text": str(n)})
    jobs.ask("test", by=None, n=3, colour="blue")

    assert work_off().result == {"text": "3"}


def test_a_kind_of_a_newer_version_waits_for_its_worker(kind):
    kind(lambda work: None)
    jobs.ask("of_tomorrow", by=None)

    assert work_off().state == "queued"

    Job.objects.update(due_at="2000-01-01T00:00Z")
    running.sweep()
    assert (Job.objects.get().state, Job.objects.get().attempts) == ("parked", 0)


def test_a_failing_job_is_tried_five_times_with_pauses_then_parked_and_told(kind):
    def break_down(work):
        raise ValueError("the disk is shy")

    kind(break_down)
    user = person("finance_clerk")
    jobs.ask("test", by=user)
    pauses = []
    for _try in range(7):
        job = work_off()
        pauses.append((job.due_at - timezone.now()).total_seconds())
        due_now()

    assert (job.state, job.attempts, job.cause) == ("parked", 5, "ValueError: the disk is shy")
    assert pauses[0] < pauses[1] < pauses[2] < pauses[3]
    assert Notification.objects.get(user=user).subject == job.ref


def test_a_parked_job_says_why_in_words_and_keeps_what_the_program_said(kind, client):
    def break_down(work):
        raise ValueError("the disk is shy")

    kind(break_down)
    user = person("finance_clerk")
    jobs.ask("test", by=user)
    for _try in range(5):
        job = work_off()
        due_now()
    client.force_login(user)

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    assert "<p data-say>It met a fault that the program did not foresee.</p>" in page
    assert "<code>ValueError: the disk is shy</code></p></details>" in page


def test_a_failure_that_no_try_can_help_is_said_at_once(kind):
    def refuse(work):
        raise Unworkable("There is no such month. Choose another.")

    kind(refuse)
    jobs.ask("test", by=None)

    job = work_off()

    assert (job.state, job.attempts, job.cause) == ("failed", 1, "There is no such month. Choose another.")


def test_what_a_dead_worker_held_is_taken_up_by_another(kind):
    kind(lambda work: {"text": "late but done"})
    jobs.ask("test", by=None)
    running.claim()
    assert running.sweep() == 0

    expire()
    assert running.sweep() == 1

    job = work_off()
    assert (job.state, job.attempts, job.fence) == ("done", 2, 2)


def test_a_job_that_kills_its_workers_is_parked(kind):
    kind(lambda work: None)
    jobs.ask("test", by=None)
    for _death in range(5):
        assert running.claim()
        expire()
        running.sweep()

    assert (Job.objects.get().state, running.claim()) == ("parked", None)


def test_a_late_holder_can_write_nothing(kind):
    def write_late(work):
        with work.writing():
            Company.objects.create(pk=1, name="late")
            Job.objects.update(fence=9)  # meanwhile another worker took it over
        return {"text": "mine"}

    kind(write_late)
    jobs.ask("test", by=None)

    job = work_off()

    assert (job.state, job.result) == ("running", {})
    assert not Company.objects.filter(pk=1).exists()


def test_foreign_jobs_do_not_exist_for_others_and_admins_see_them(kind, client: Client):
    kind(lambda work: None)
    owner = person("finance_clerk")
    job = jobs.ask("test", by=owner)
    doors = [reverse("job", args=[job.pk])]
    deeds = [reverse("job_cancel", args=[job.pk]), reverse("job_retry", args=[job.pk])]

    client.force_login(person("logistics_manager"))
    assert [client.get(door).status_code for door in doors] == [404]
    assert [client.post(deed).status_code for deed in deeds] == [404, 404]
    client.force_login(person("auditor"))
    assert [client.get(door).status_code for door in doors] == [200]
    assert [client.post(deed).status_code for deed in deeds] == [404, 404]
    assert Job.objects.get().state == "queued"
    client.force_login(owner)
    assert client.post(deeds[0]).status_code == 302
    assert Job.objects.get().state == "cancelled"


def test_the_page_shows_progress_rate_and_what_remains(kind, client: Client):
    kind(lambda work: None)
    user = person("finance_clerk")
    job = jobs.ask("test", by=user)
    Job.objects.update(
        state="running", done=200, total=1000, started_at=timezone.now() - timezone.timedelta(seconds=10)
    )
    client.force_login(user)

    page = client.get(reverse("job", args=[job.pk])).content.decode()

    assert 'data-live="true"' in page
    assert "<b>200</b> of 1,000" in page
    assert "20 per second" in page
    assert "40" in page


@pytest.mark.django_db(transaction=True)
def test_cancel_ends_even_a_long_statement_within_two_seconds(kind):
    def sleep_long(work):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    kind(sleep_long)
    job = jobs.ask("test", by=None)

    def cancel_soon():
        time.sleep(0.5)
        running.cancel(job_id=job.pk)
        connection.close()

    threading.Thread(target=cancel_soon).start()
    began = time.monotonic()
    job = work_off()

    assert time.monotonic() - began < 0.5 + 2
    assert (job.state, job.cause) == ("cancelled", "Nothing was changed.")


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_goes_down_gives_its_job_back_at_once_and_uncounted(kind):
    def go_on(work):
        while True:
            work.check()
            time.sleep(0.05)

    kind(go_on)
    jobs.ask("test", by=None)
    threading.Timer(0.3, pulse._announce).start()
    began = time.monotonic()
    try:
        job = work_off()
    finally:
        pulse._going_down[0] = 0

    assert time.monotonic() - began < 3
    assert (job.state, job.attempts, job.fence) == ("queued", 0, 1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_hold_the_same_job(kind):
    ran: list[int] = []
    kind(lambda work, *, n: ran.append(n))
    for n in range(40):
        jobs.ask("test", by=None, n=n)

    def worker():
        running.run_queued()
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ran) == list(range(40))


@pytest.mark.django_db(transaction=True)
def test_a_cut_connection_costs_a_try_and_nothing_else(kind):
    def cut(work):
        if work.job.attempts == 1:
            with bell.private_connection() as other:
                other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        return {"text": "done"}

    kind(cut)
    jobs.ask("test", by=None)

    assert work_off().state == "queued"
    due_now()
    assert (work_off().state, work_off().attempts) == ("done", 2)


@pytest.mark.django_db(transaction=True)
def test_the_pulse_writes_progress_while_the_work_is_inside_a_transaction(kind):
    seen: list[int] = []

    def count(work):
        with work.writing():
            work.progress(7, 10, "Counting")
            time.sleep(1.6)
            with bell.private_connection() as other:
                row = other.execute("SELECT done, total, step, lease_until > now() FROM core_job").fetchone()
            seen.append(row)

    kind(count)
    jobs.ask("test", by=None)
    work_off()

    assert seen == [(7, 10, "Counting", True)]
