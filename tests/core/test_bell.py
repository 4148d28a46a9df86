"""Real workers on a real broker: rung at once, and nothing is lost when the broker forgets or a worker is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from kombu.utils.url import url_to_parts

from backoffice.core import bell, events, imports, jobs
from backoffice.core.models import Delivery, ImportBatch, Job
from backoffice.core.services import imports as service
from backoffice.core.services import running
from backoffice.launch.process import celery_pool
from tests.factories.imports import TABLE, rows
from tests.factories.people import person
from tests.factories.worker_side import LEDGER

pytestmark = pytest.mark.django_db(transaction=True)


def place() -> int:
    """A database of the broker that no other test process uses."""
    return 12 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 3


def broker_url() -> str:
    url = settings.CELERY_BROKER_URL
    if url.startswith("redis+socket"):
        return f"{url.partition('?')[0]}?virtual_host={place()}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{place()}"))


def broker() -> redis.Redis:
    parts = url_to_parts(broker_url())
    if parts.scheme == "redis+socket":
        return redis.Redis(unix_socket_path=f"/{parts.path.lstrip('/')}", db=place())
    return redis.Redis(host=parts.hostname, port=parts.port or 6379, password=parts.password, db=place())


@pytest.fixture
def start(tmp_path, settings) -> Iterator[Callable[[], subprocess.Popen]]:
    """Start a worker with beat inside on this test's database; all are gone afterwards."""
    settings.MEDIA_ROOT = tmp_path / "files"
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {
        "DATABASE_URL": urlunsplit(database) if database.netloc else database.geturl().replace(":/", ":///", 1),
        "CELERY_BROKER_URL": broker_url(),
        "VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "backoffice.settings.test",
    }
    started: list[subprocess.Popen] = []

    def begin() -> subprocess.Popen:
        log = (tmp_path / f"worker{len(started)}.log").open("wb")
        command = [sys.executable, "-m", "celery", "-A", "backoffice", "worker", "-B", "-c", "2", "-l", "warning"]
        worker = subprocess.Popen(
            [*command, *celery_pool(), "-I", "tests.factories.worker_side"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        started.append(worker)
        return worker

    with connection.cursor() as cursor:
        cursor.execute(f"{LEDGER}; {TABLE}; TRUNCATE test_ledger, test_thing")
    broker().flushdb()
    yield begin
    for worker in started:
        kill(worker)
    broker().flushdb()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_ledger, test_thing CASCADE")


def kill(worker: subprocess.Popen) -> None:
    """End the worker and its children as a power cut would."""
    try:
        os.killpg(worker.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    worker.wait()


def until(true: Callable[[], bool], seconds: float) -> float:
    """Wait for it; how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - began


def noted(what: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM test_ledger WHERE what = %s ORDER BY n", [what])
        return [n for (n,) in cursor.fetchall()]


def test_a_page_asks_without_any_broker(monkeypatch):
    def touched(*args: object, **kwargs: object) -> None:
        raise AssertionError("the broker was touched")

    monkeypatch.setattr("celery.Celery.send_task", touched)
    monkeypatch.setattr("kombu.Connection.connect", touched)
    monkeypatch.setattr("redis.connection.AbstractConnection.connect", touched)

    with transaction.atomic():
        jobs.ask("tests.note", by=None, n=1)
        events.record("core.test_noted", n=1)

    assert (Job.objects.count(), Delivery.objects.filter(state="waiting").count()) == (1, 1)


def test_work_begins_at_once_and_a_flushed_broker_loses_none(start):
    start()
    jobs.ask("tests.note", by=None, n=-1)
    until(lambda: noted("job") == [-1], 30)
    jobs.ask("tests.note", by=None, n=0)
    assert until(lambda: noted("job") == [-1, 0], 10) < 2

    for n in range(1, 41):
        with transaction.atomic():
            jobs.ask("tests.note", by=None, n=n)
            events.record("core.test_noted", n=n)
        broker().flushdb()

    until(lambda: len(noted("job")) == 42 and len(noted("event")) == 40, 20)
    assert noted("job") == list(range(-1, 41))
    assert noted("event") == list(range(1, 41))


def test_an_import_whose_worker_is_killed_leaves_nothing_half_done_and_resumes(start):
    worker = start()
    user = person("logistics_manager")
    lines = "\n".join(f"C{n:05};{n}.50" for n in range(20_000))
    upload = SimpleUploadedFile("things.csv", f"code;amount\n{lines}".encode())
    batch = service.receive(source=imports.get("things_slow"), uploads=[upload], by=user)
    until(lambda: ImportBatch.objects.get().state == "checked", 30)
    service.write(batch_id=batch.pk, by=user)
    until(lambda: Job.objects.filter(kind="imports.write", state="running", step="Writing").exists(), 15)

    kill(worker)
    assert rows() == []
    Job.objects.filter(state="running").update(lease_until="2000-01-01T00:00Z")  # as twenty seconds later
    running.sweep()
    worker = start()

    until(lambda: ImportBatch.objects.get().state == "committed", 30)
    assert rows() == [(f"C{n:05}", f"{n}.50", None, None) for n in range(20_000)]  # as an unbroken run writes them

    endless = jobs.ask("tests.endless", by=None)
    until(lambda: Job.objects.get(pk=endless.pk).state == "running", 10)
    worker.send_signal(signal.SIGTERM)
    began = time.monotonic()
    worker.wait(timeout=20)

    assert time.monotonic() - began < 20
    assert (Job.objects.get(pk=endless.pk).state, Job.objects.get(pk=endless.pk).attempts) == ("queued", 0)


def test_a_cut_line_is_picked_up_again(monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr(bell, "send", lambda word, app: sent.append(word))
    listener = bell.Listener(None)
    listener.start()
    assert listener.heard.wait(5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'")
    listener.heard.clear()
    assert listener.heard.wait(5)
    sent.clear()

    bell.ring("jobs")

    until(lambda: sent == ["jobs"], 3)
    listener.hang_up()
