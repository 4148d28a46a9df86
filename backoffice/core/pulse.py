"""What must be said while the work's own connection is inside a transaction: the lease, the progress, the wish to stop.

A pulse is a thread with a connection of its own. Each second it renews the lease of one job under its fence, writes how
far the work is, and learns whether somebody cancelled or another worker took over. When the work must stop it also
cancels the statement that the work's connection is waiting for, so that even a long one ends within two seconds.
"""

import contextlib
import logging
import mmap
import threading
import time
from typing import Any

import psycopg
from celery.signals import worker_shutting_down
from django.db.backends.base.base import BaseDatabaseWrapper

from .bell import private_connection
from .jobs import Cancelled, Lost, Stopping

log = logging.getLogger(__name__)

LEASE_SECONDS = 20
TICK_SECONDS = 1.0

# One byte shared by a worker and the children it forks: set when the worker was told to go.
_going_down = mmap.mmap(-1, 1)

_RENEW = f"""
UPDATE core_job SET done = %s, total = %s, step = %s,
    lease_until = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
WHERE id = %s AND fence = %s AND state = 'running' RETURNING cancel_asked_at IS NOT NULL
"""  # noqa: S608


def going_down() -> bool:
    """Whether this worker was asked to stop."""
    return _going_down[0] != 0


@worker_shutting_down.connect
def _announce(**_: object) -> None:
    _going_down[0] = 1


class Pulse(threading.Thread):
    """Keep one claimed job alive. `stop` holds why the work must end, once it must."""

    def __init__(self, job_id: int, fence: int, wrapper: BaseDatabaseWrapper) -> None:
        super().__init__(name=f"pulse-{job_id}", daemon=True)
        self.job_id, self.fence, self.wrapper = job_id, fence, wrapper
        self.stop: Cancelled | Stopping | Lost | None = None
        self.done, self.total, self.step = 0, None, ""  # type: int, int | None, str
        self._over = threading.Event()
        self._line: psycopg.Connection[tuple[Any, ...]] | None = None
        self._renewed = time.monotonic()

    def tell(self, done: int, total: int | None, step: str) -> None:
        self.done, self.total = done, total
        self.step = step or self.step

    def run(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            try:
                self._renew()
            except psycopg.Error:
                self._hang_up()
                if time.monotonic() - self._renewed > LEASE_SECONDS:
                    self.stop = Lost()
            if going_down():
                self.stop = self.stop or Stopping()
            if self.stop is not None:
                self._interrupt()
        self._hang_up()

    def end(self) -> "Cancelled | Stopping | Lost | None":
        """Stop beating; why the work had to end, if it had to."""
        self._over.set()
        self.join()
        return self.stop

    def _renew(self) -> None:
        if self._line is None:
            self._line = private_connection()
        row = self._line.execute(_RENEW, [self.done, self.total, self.step[:120], self.job_id, self.fence]).fetchone()
        if row is None:
            self.stop = Lost()
        elif row[0]:
            self.stop = self.stop or Cancelled()
        self._renewed = time.monotonic()

    def _interrupt(self) -> None:
        working: psycopg.Connection[Any] | None = self.wrapper.connection
        if working is not None and not self._over.is_set():
            with contextlib.suppress(psycopg.Error):
                working.cancel_safe(timeout=TICK_SECONDS)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
