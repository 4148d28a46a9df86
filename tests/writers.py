"""Writers that log each row only once it was acknowledged, for tests that take a server away in the middle."""

import contextlib
import http.client
import http.cookiejar
import itertools
import os
import re
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg


def kill_with_children(pid: int) -> int:
    """SIGKILL to a process and to all it started, as one; how many they were."""
    os.kill(pid, signal.SIGSTOP)  # nobody is born while we count
    family = [pid]
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                family.append(int(folder.name))
    for one in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    return len(family)


@dataclass(frozen=True)
class Loss:
    """Acknowledged rows that are gone, and those that are there more than once."""

    missing: list[str]
    doubled: list[str]


def compare(acknowledged: Iterable[str], found: Iterable[str]) -> Loss:
    times = Counter(found)
    names = sorted(acknowledged)
    return Loss([name for name in names if not times[name]], [name for name in names if times[name] > 1])


class Same(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is an answer."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Reader:
    """Somebody who signed in through the page, with a session and a token against forged forms."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = http.cookiejar.CookieJar()
        keep = urllib.request.HTTPCookieProcessor(self.cookies)
        self.opener = urllib.request.build_opener(Same, keep, urllib.request.ProxyHandler({}))
        self.token = ""

    def ask(self, path: str, **fields: str) -> tuple[int, str, str]:
        """Status, where it leads, and the text; a door that does not open is status 0."""
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": self.token}).encode() if fields else None
        try:
            try:
                answer = self.opener.open(f"{self.address}{path}", data, timeout=10)
            except urllib.error.HTTPError as problem:
                answer = problem
            with answer:
                return answer.status, answer.headers.get("Location", ""), answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, "", ""

    def take_token(self, path: str) -> str:
        status, _, text = self.ask(path)
        assert status == 200, (path, status)
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text)
        assert found, text
        self.token = found[1]
        return text

    def sign_in(self, email: str, password: str) -> None:
        self.take_token("/account/login/")
        status, leads_to, _ = self.ask("/account/login/", login=email, password=password)
        assert (status, leads_to) == (302, "/"), (status, leads_to)


@dataclass
class Writer:
    """One thread: writes rows of unique names one after the other, never the same name twice."""

    name: str
    write: Callable[[str], bool]  # whether the row was acknowledged
    acknowledged: list[tuple[float, str]] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)

    def work(self, stop: threading.Event) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            row = f"{self.name}-{number}"
            if self.write(row):
                self.acknowledged.append((time.monotonic(), row))
            else:
                self.refused_at.append(time.monotonic())
                time.sleep(0.02)


class Office:
    """Several writers at once: some through the page of new tasks, some on connections of their own."""

    def __init__(self, reader: Reader, database: str, *, pages: int, connections: int) -> None:
        self.reader, self.database = reader, database
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("CREATE TABLE written (name text NOT NULL)")
        text = reader.take_token("/tasks/new/")
        found = re.search(r'<option value="(\d+)"', text)
        assert found, text
        self.assignee = found[1]
        self.through_pages = [Writer(f"page-{number}", self._post) for number in range(pages)]
        self.on_connections = [Writer(f"connection-{number}", self._inserter()) for number in range(connections)]
        self.looker = Writer("look", lambda _: reader.ask("/")[0] == 200)  # writes nothing: asks for the first page
        self._stop = threading.Event()
        everybody = [*self.writers, self.looker]
        self._threads = [threading.Thread(target=one.work, args=[self._stop], daemon=True) for one in everybody]

    @property
    def writers(self) -> list[Writer]:
        return [*self.through_pages, *self.on_connections]

    def _post(self, row: str) -> bool:
        status, leads_to, _ = self.reader.ask("/tasks/new/", title=row, assignee=self.assignee)
        return (status, leads_to) == (302, "/tasks/")

    def _inserter(self) -> Callable[[str], bool]:
        kept: list[psycopg.Connection[Any]] = []

        def insert(row: str) -> bool:
            try:
                if not kept:
                    kept.append(psycopg.connect(self.database, autocommit=True, connect_timeout=2))
                kept[0].execute("INSERT INTO written VALUES (%s)", [row])
            except psycopg.Error:
                with contextlib.suppress(IndexError):
                    kept.pop().close()
                return False
            return True

        return insert

    def open(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)
            assert not thread.is_alive()

    def first_after(self, moment: float, writers: list[Writer]) -> float:
        """When the first of them was heard again."""
        return min(at for one in writers for at, _ in one.acknowledged if at > moment)

    def found(self) -> list[str]:
        """The names of all rows there are."""
        with psycopg.connect(self.database) as connection:
            rows = connection.execute("SELECT title FROM core_task UNION ALL SELECT name FROM written").fetchall()
        return [name for (name,) in rows]
