"""A second process that makes rows of a file's lines while this one reads on; what it has no time for is done here.

    with Copyist() as copyist:
        for batch in batches:
            for rows in copyist.add(batch):
                send(rows)                       # in any order
        for rows in copyist.rest():
            send(rows)

Whatever becomes of the other process, no line is lost: its batches are made here then.
"""

import marshal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue, SimpleQueue
from types import TracebackType
from typing import Self

from django.conf import settings

from finance.formats.cells import Raw, rows

WAITING = 2  # batches for the other process beside the one that it has


class Copyist:
    """Used by one thread. Raises what a batch raises (UnicodeEncodeError: no text that can be kept)."""

    def __init__(self) -> None:
        self.waiting: Queue[list[Raw] | None] = Queue(WAITING)
        self.done: SimpleQueue[bytes | Exception] = SimpleQueue()
        self.owed = 0  # batches that were given away and did not come back
        self.process = subprocess.Popen(
            [sys.executable, "-m", "finance.formats.cells"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=settings.BASE_DIR,
        )
        self.thread = threading.Thread(target=self._work, name="copyist", daemon=True)
        self.thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.process.kill()  # it keeps nothing; a thread that waits for it goes on at once
        self._take_back()
        self.waiting.put(None)
        self.process.wait()
        self.thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # what it had still to be told
                pipe.close()  # type: ignore[union-attr]

    def add(self, batch: list[Raw]) -> Iterator[bytes]:
        """Have its rows made; gives those that are ready."""
        try:
            self.waiting.put_nowait(batch)
            self.owed += 1
        except Full:
            yield rows(batch)
        while not self.done.empty():
            yield self._received()

    def rest(self) -> Iterator[bytes]:
        """All that are not given yet."""
        for batch in self._take_back():  # made here, as long as the other process has its hands full
            yield rows(batch)
        while self.owed:
            yield self._received()

    def _take_back(self) -> Iterator[list[Raw]]:
        taken = []
        with suppress(Empty):
            while batch := self.waiting.get_nowait():
                self.owed -= 1
                taken.append(batch)
        return iter(taken)

    def _received(self) -> bytes:
        made = self.done.get()
        self.owed -= 1
        if isinstance(made, Exception):
            raise made
        return made

    def _work(self) -> None:
        while (batch := self.waiting.get()) is not None:
            try:
                self.done.put(self._made(batch))
            except Exception as problem:  # raised where the rows are taken
                self.done.put(problem)

    def _made(self, batch: list[Raw]) -> bytes:
        assert self.process.stdin
        assert self.process.stdout
        with suppress(OSError, EOFError, ValueError):  # it is gone
            marshal.dump(batch, self.process.stdin)
            self.process.stdin.flush()
            made: bytes = marshal.load(self.process.stdout)  # noqa: S302 (from the process that we began)
            return made
        return rows(batch)
