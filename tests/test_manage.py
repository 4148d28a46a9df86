"""`manage.py`: the whole house is started, robbed of each part, stopped; and what it says when something is missing."""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backoffice.launch import environment, native, process, say, state, supervisor
from backoffice.launch.places import ROOT, socket_folder
from backoffice.launch.servers import check_database
from backoffice.launch.testing import spread

from .writers import Loss, Office, Reader, compare, kill_with_children

ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL", "CELERY_BROKER_URL", "CACHE_URL", "RETAGUARDA_BEGAN")

PEOPLE = "from backoffice.core.models import User"


def fresh(var: Path) -> dict[str, str]:
    """The environment of somebody who has only this checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in (*ADDRESSES, "DJANGO_SETTINGS_MODULE")}
    return kept | {"VAR_DIR": str(var), "PYTHONUNBUFFERED": "1"}


def manage(var: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=fresh(var) | more,
        capture_output=True,
        text=True,
        timeout=90,
    )


class House:
    """A running `manage.py up` and what it has said."""

    def __init__(self, var: Path, *words: str) -> None:
        self.var = var
        self.popen = subprocess.Popen(
            [sys.executable, "manage.py", "up", *words],
            cwd=ROOT,
            env=fresh(var),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell starts a background job
        )
        self.said = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.popen.stdout
        for line in self.popen.stdout:
            self.said += line

    def wait_until_it_says(self, pattern: str, seconds: float = 60, after: int = 0) -> re.Match[str]:
        """after: how much of what it said is old."""
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.said[after:])):
            assert time.monotonic() < until, self.said
            assert self.popen.poll() is None, self.said
            time.sleep(0.05)
        return found

    @property
    def address(self) -> str:
        return self.wait_until_it_says(r"READY (\S+)")[1]

    @property
    def environ(self) -> dict[str, str]:
        """What its parts were told: the addresses of its servers."""
        return dict(json.loads((self.var / "run" / "servers.json").read_text())["environ"])

    def children(self) -> dict[str, int]:
        """Name → pid of what runs now."""
        names = {
            "postgres": "PostgreSQL",
            "valkey": "Valkey",
            "gunicorn": "web",
            " worker ": "worker",
            " beat ": "beat",
        }
        known = json.loads((self.var / "run" / "servers.json").read_text())
        found = {}
        for pid in known["pids"]:
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                found |= {name: int(pid) for sign, name in names.items() if sign in line}
        return found

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> float:
        began = time.monotonic()
        self.popen.send_signal(number)
        self.popen.wait(30)
        return time.monotonic() - began


def processes_of(var: Path) -> list[str]:
    """What still runs with this folder in its command line or environment."""
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            about = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if str(var).encode() in about and int(folder.name) != os.getpid() and process.born(int(folder.name)):
                left.append(f"{folder.name}: {(folder / 'cmdline').read_bytes().decode()}")
    return left


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def houses() -> Iterator[list[House]]:
    started: list[House] = []
    yield started
    for one in started:
        if one.popen.poll() is None:
            one.popen.kill()
            one.popen.wait()


@pytest.fixture
def house(houses: list[House], var: Path) -> House:
    """A running house: that of the test before, unless it was stopped there."""
    if not houses or houses[-1].popen.poll() is not None:
        houses.append(House(var, "--no-demo", "--port", "18765"))
    return houses[-1]


def test_a_lost_row_and_a_doubled_one_are_told() -> None:
    assert compare(["a", "b", "c"], ["a", "b", "b", "stranger"]) == Loss(missing=["c"], doubled=["b"])


def test_what_was_acknowledged_outlives_a_killed_database(house: House, var: Path) -> None:
    password = "a long enough secret"
    words = ("create_administrator", "--email", "zilda@example.com", "--name", "Zilda")
    assert house.answers()
    assert manage(var, *words, ADMINISTRATOR_PASSWORD=password).returncode == 0
    with psycopg.connect(house.environ["DATABASE_URL"]) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)
    reader = Reader(house.address)
    reader.sign_in("zilda@example.com", password)
    office = Office(reader, house.environ["DATABASE_ADMIN_URL"], pages=3, connections=2)

    office.open()
    time.sleep(2)
    killed_at = time.monotonic()
    processes = kill_with_children(house.children()["PostgreSQL"])
    house.wait_until_it_says(r"PostgreSQL ended \(signal 9\); starting it again", 5)
    until = killed_at + 20
    while not [at for at, _ in office.looker.acknowledged if at > killed_at + 0.1]:
        assert time.monotonic() < until, house.said
        time.sleep(0.05)
    time.sleep(2)
    office.close()

    first_row = office.first_after(killed_at + 0.1, office.on_connections) - killed_at
    first_page = office.first_after(killed_at + 0.1, [office.looker]) - killed_at
    refused = [at - killed_at for one in (*office.writers, office.looker) for at in one.refused_at]
    acknowledged = [row for one in office.writers for _, row in one.acknowledged]
    found = office.found()
    figures = {
        "processes_killed": processes,
        "acknowledged": len(acknowledged),
        "acknowledged_by_pages": sum(row.startswith("page") for row in acknowledged),
        "acknowledged_before": sum(at < killed_at for one in office.writers for at, _ in one.acknowledged),
        "found_of_them": len(set(found) & set(acknowledged)),
        "found": len(found),
        "first_row_s": round(first_row, 2),
        "first_page_s": round(first_page, 2),
        "last_refusal_s": round(max(refused), 2),
    }
    print(figures)
    assert compare(acknowledged, found) == Loss([], [])
    assert len(found) == len(set(found))
    for one in office.writers:  # everybody wrote before and after
        assert {at < killed_at for at, _ in one.acknowledged} == {True, False}, one.name
    assert processes > 5
    assert min(refused) > 0
    patience = max(5, first_row + 2.5)  # a busy disk may hold up the database itself
    assert max(first_page, *refused) <= patience


def test_the_house_is_started_robbed_of_each_part_and_stopped(house: House, var: Path) -> None:
    assert house.answers()
    house.wait_until_it_says("Stop with Ctrl-C", 10)
    assert "create_administrator" in house.said

    second = manage(var, "up")
    assert second.returncode == 0
    assert f"already runs at {house.address}" in second.stdout

    asked = manage(
        var,
        "shell",
        "-v0",
        "-c",
        "from django.db import connection as c; c.connect(); print(c.settings_dict['OPTIONS']['user'])",
    )
    assert asked.stdout == "retaguarda\n", asked.stderr

    for name in ("PostgreSQL", "Valkey", "web", "worker", "beat"):
        old = len(house.said)
        os.kill(house.children()[name], signal.SIGKILL)
        house.wait_until_it_says(rf"{name} ended \(signal 9\); starting it again", 10, old)
    until = time.monotonic() + 15
    while len(house.children()) < 5 or not house.answers():
        assert time.monotonic() < until, house.said
        time.sleep(0.1)

    assert house.stop(signal.SIGINT) < 8  # five seconds on a machine that does nothing else
    assert house.popen.returncode == 0
    assert not processes_of(var)


def test_nothing_outlives_a_killed_supervisor_and_the_data_stay(house: House, var: Path) -> None:
    assert house.answers()
    made = manage(var, "shell", "-v0", "-c", f"{PEOPLE}; User.objects.create_user('ana@example.com', name='Ana')")
    assert made.returncode == 0, made.stderr

    house.popen.kill()
    house.popen.wait()
    until = time.monotonic() + 15
    while processes_of(var):
        assert time.monotonic() < until, processes_of(var)
        time.sleep(0.1)

    # Nobody runs the servers now: the command starts them for its own duration, and stops them.
    told = manage(var, "shell", "-v0", "-c", f"{PEOPLE}; print(User.objects.get(name='Ana').email)")
    assert told.stdout == "ana@example.com\n", told.stderr
    assert not processes_of(var)


def test_a_taken_port_is_replaced() -> None:
    with contextlib.closing(__import__("socket").socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert supervisor.free_port(port) != port


def test_what_keeps_falling_waits_longer_each_time(tmp_path: Path) -> None:
    part = supervisor.Part(process.Child("web", ["false"], tmp_path / "web.log"))
    part.child.start()
    pauses = []
    for _ in range(8):
        part.fell(1)
        assert part.start_again_at
        pauses.append(round(part.start_again_at - time.monotonic(), 1))

    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_large_log_is_begun_anew_and_kept_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LARGEST_LOG", 10)
    log = tmp_path / "web.log"
    for text in ("first " * 3, "second " * 3, "short"):
        log.write_text(text)
        process.turn_log(log)

    assert log.read_text() == "short"
    assert (tmp_path / "web.log.1").read_text().startswith("second")
    assert (tmp_path / "web.log.2").read_text().startswith("first")


def test_a_deep_checkout_gets_a_short_private_socket_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)

    folder = socket_folder(deep)

    assert len(str(folder / ".s.PGSQL.5432")) < 107
    assert folder.stat().st_mode & 0o777 == 0o700
    assert socket_folder(deep) == folder
    folder.rmdir()


def test_an_old_python_is_told_what_to_install() -> None:
    pretend = "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path('manage.py', run_name='__main__')"
    answer = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True)

    assert answer.returncode == 1
    assert answer.stderr == "Retaguarda needs Python 3.11 or newer; this is 3.9. Install the package python3.11.\n"


@pytest.mark.parametrize(
    ("url", "words"),
    [("postgresql:///x?host=/nowhere", "DATABASE_URL does not answer"), ("mysql://x", "DATABASE_URL")],
)
def test_a_database_that_does_not_answer_is_one_line(url: str, words: str) -> None:
    with pytest.raises(say.Trouble, match=words):
        check_database(url)


def test_an_old_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.launch.servers.OLDEST_POSTGRES", 99)

    with pytest.raises(say.Trouble, match=r"leads to PostgreSQL \d+; Retaguarda needs 99 or newer"):
        check_database(os.environ["DATABASE_URL"])


def test_only_the_whole_suite_is_spread_over_two_processes() -> None:
    assert spread([]) == spread(["-k", "money"]) == ["-n", "2", "--dist", "worksteal"]
    assert spread(["tests/test_manage.py"]) == spread(["tests/test_manage.py::test_x"]) == spread(["-n0"]) == []


def test_a_lock_dies_with_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "RUN", tmp_path)
    first, second = state.holding(), state.holding()

    assert first.take()
    assert not second.take()
    first.file.close()
    assert second.take()


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==(\S+)", text, re.MULTILINE))


def test_the_lock_files_are_hashed_name_no_host_and_agree() -> None:
    names = ["production", "local", "test", "dev"]
    for name in names:
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert "://" not in text
        entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in entry for entry in entries)

    for smaller, larger in itertools.pairwise(names):
        assert locked(smaller).items() <= locked(larger).items()


def test_a_machine_without_apt_is_told_once_that_pdf_files_are_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(native, "NATIVE", tmp_path)
    for name in ("READY", "FAILED"):
        monkeypatch.setattr(native, name, tmp_path / name)
    monkeypatch.setattr(native, "_in_system", lambda: False)
    monkeypatch.setattr(native.shutil, "which", lambda _: None)

    native.ensure()

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("PDF files are off, all else works: there is no apt here; install Pango")
    assert native.variables() == {}


def test_unpacked_libraries_are_put_before_those_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "READY", tmp_path / "ready.txt")
    native.READY.write_text("/var/native/a\n/var/native/b\n")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")

    assert native.variables()["LD_LIBRARY_PATH"] == "/var/native/a:/var/native/b:/opt/lib"
    assert native.missing_from_environ()
    for name, value in native.variables().items():
        monkeypatch.setenv(name, value)
    assert not native.missing_from_environ()


def test_an_environment_is_stale_once_its_lock_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "STAMP", tmp_path / "installed.txt")
    monkeypatch.setattr(environment, "lock_of", lambda group: tmp_path / group)
    for group in environment.GROUPS:
        (tmp_path / group).write_text("a==1")
    environment._write_stamp("test")

    assert environment.has("local")
    assert environment.has("test")
    assert not environment.has("dev")
    (tmp_path / "local").write_text("a==2")
    assert not environment.has("local")
