"""The watched folder: whole files go in, others wait, and what is refused lies beside the reason."""

import os
import threading
import time

import pytest
from django.db import connection

from backoffice.core.models import ImportBatch, Job
from finance.jobs.statements import TAKE, watch_statements
from finance.models import Statement, StatementLine
from finance.services import statements, watched_folder
from tests.factories.statements import ROWS, bank, file_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "kept"
    place = tmp_path / "in"
    place.mkdir()
    settings.STATEMENT_FOLDER = str(place)
    return place


def drop(folder, name="a.ofx", rows=ROWS, *, seconds_ago=60, **more):
    path = file_of(folder, rows, name=name, **more)
    then = time.time() - seconds_ago
    os.utime(path, (then, then))
    return path


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_whole_file_is_taken_in_and_lies_in_done(folder):
    bank()
    drop(folder)

    assert watched_folder.take_all() == (1, 0)

    assert names(folder) == ["done/a.ofx"]
    assert StatementLine.objects.count() == len(ROWS)


def test_a_file_that_is_still_written_waits(folder):
    bank()
    drop(folder, seconds_ago=1)
    drop(folder, "b.ofx.part")
    drop(folder, ".hidden.ofx")

    assert watched_folder.take_all() == (0, 0)

    assert "a.ofx" in names(folder)
    assert not Job.objects.exists()


def test_a_refused_file_lies_beside_the_reason(folder):
    drop(folder, number="777")

    assert watched_folder.take_all() == (0, 1)

    assert names(folder) == ["refused/a.ofx", "refused/a.ofx.txt"]
    assert "777" in (folder / "refused/a.ofx.txt").read_text()


def test_a_bad_file_does_not_stop_the_next_and_names_do_not_collide(folder):
    bank()
    (folder / "0.ofx").write_bytes(b"\x89PNG\r\n\x1a\n")
    os.utime(folder / "0.ofx", (0, 0))
    drop(folder)
    assert watched_folder.take_all() == (1, 1)
    drop(folder, rows=ROWS[:1])

    assert watched_folder.take_all() == (1, 0)

    assert len([name for name in names(folder) if name.startswith("done/")]) == 2


def test_an_import_that_was_killed_is_gone_on_with(folder, monkeypatch):
    bank()
    drop(folder)
    real = statements._close
    monkeypatch.setattr(statements, "_close", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        statements.import_file(folder / "a.ofx")
    ImportBatch.objects.update(state="received")  # as a power cut leaves it
    monkeypatch.setattr(statements, "_close", real)

    watched_folder.take_all()

    assert (ImportBatch.objects.count(), Statement.objects.get().new) == (1, len(ROWS))


def test_a_tick_asks_once_and_only_when_something_lies_there(folder):
    watch_statements()
    assert not Job.objects.exists()
    drop(folder)

    watch_statements()
    watch_statements()

    assert list(Job.objects.values_list("kind", flat=True)) == [TAKE]


def test_without_a_folder_nothing_is_watched(settings, tmp_path):
    for named in ("", str(tmp_path / "nowhere")):
        settings.STATEMENT_FOLDER = named
        assert watched_folder.ready() == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_take_a_file_once(folder):
    bank()
    drop(folder)
    gate, found = threading.Barrier(2), []

    def beside():
        gate.wait()
        try:
            found.append(watched_folder.take_all())
        finally:
            connection.close()

    threads = [threading.Thread(target=beside) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(taken for taken, _refused in found) == 1
    assert StatementLine.objects.count() == len(ROWS)
    assert names(folder) == ["done/a.ofx"]


def test_the_same_days_under_other_names_are_refused_beside_the_reason(folder):
    bank()
    drop(folder)
    assert watched_folder.take_all() == (1, 0)
    drop(folder, "b.ofx", [(on, amount, f"Z{place}", memo) for place, (on, amount, _id, memo) in enumerate(ROWS)])

    assert watched_folder.take_all() == (0, 1)

    assert "5 of 5 new lines" in (folder / "refused/b.ofx.txt").read_text()
    assert StatementLine.objects.count() == len(ROWS)
