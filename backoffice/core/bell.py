"""The bell: a commit says "there is work", and a worker looks. PostgreSQL remembers, the broker only rings.

A page calls `ring("jobs")`, a NOTIFY inside its own transaction: no commit, no sound, and no broker is touched.
Beat hears it on a connection of its own and sends the Celery task that `answer` named for that word. A word that was
missed (beat restarting, broker down) is made good by the sweeps in `core/beat.py`.
"""

import logging
import threading
import time
from typing import Any

import psycopg
from celery import Celery
from celery.signals import beat_embedded_init, beat_init
from django.db import connection, connections

log = logging.getLogger(__name__)

CHANNEL = "retaguarda_bell"
GATHER_SECONDS = 0.05  # words that come together ring once
EXPIRES_SECONDS = 60  # a ring that nobody took is worth nothing later: the sweep has passed since

_answers: dict[str, str] = {}


def ring(word: str) -> None:
    """Ring when the current transaction commits; at once outside of one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, word])


def answer(word: str, task: str) -> None:
    """Name the Celery task that answers `word`."""
    _answers[word] = task


def send(word: str, app: Celery) -> bool:
    """Send the task behind `word`; whether the broker took it. Called by beat, never by a page."""
    task = _answers.get(word)
    if task is None:
        log.warning("bell.unknown_word", extra={"word": word})
        return False
    try:
        app.send_task(task, expires=EXPIRES_SECONDS, retry=False)
    except Exception:  # whatever the broker's client raises: the sweep comes in seconds
        log.warning("bell.broker_unreachable", extra={"word": word})
        return False
    return True


def private_connection() -> "psycopg.Connection[tuple[Any, ...]]":
    """A fresh autocommit connection to the default database, outside Django's pool and bookkeeping."""
    params = connections["default"].get_connection_params()
    for theirs in ("pool", "context", "cursor_factory", "prepare_threshold", "server_side_binding"):
        params.pop(theirs, None)
    return psycopg.connect(**params, autocommit=True, connect_timeout=5)


class Listener(threading.Thread):
    """Hear the bell and pass it on, for ever, whatever dies around it."""

    def __init__(self, app: Celery) -> None:
        super().__init__(name="bell", daemon=True)
        self.app = app  # Celery's current app is known to the main thread only
        self.heard = threading.Event()  # set once the listener is on the line
        self.over = threading.Event()

    def hang_up(self) -> None:
        """Stop listening."""
        self.over.set()
        self.join()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                with private_connection() as line:
                    line.execute(f"LISTEN {CHANNEL}")
                    self.heard.set()
                    for word in _answers:  # what was rung while nobody listened
                        send(word, self.app)
                    self.listen(line)
            except psycopg.Error:
                log.warning("bell.line_lost")
                time.sleep(1)

    def listen(self, line: "psycopg.Connection[Any]") -> None:
        while not self.over.is_set():
            words = {first.payload for first in line.notifies(timeout=1, stop_after=1)}
            if words:
                words |= {more.payload for more in line.notifies(timeout=GATHER_SECONDS)}
            for word in words:
                send(word, self.app)


@beat_init.connect
@beat_embedded_init.connect
def start_listening(sender: Any, **_: object) -> None:
    Listener(sender.app).start()
