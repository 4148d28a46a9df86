"""How long the database waits for each kind of process, so that one slow question never holds up everybody."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# kind → seconds for one statement, for a lock, and idle inside a transaction; 0 is without end.
_PATIENCE = {"web": (5, 2, 30), "worker": (60, 30, 30), "command": (0, 0, 0)}


def process_kind() -> str:
    """web, worker or command: said by RETAGUARDA_PROCESS, else read from how this process was started."""
    said = os.environ.get("RETAGUARDA_PROCESS", "")
    if said in _PATIENCE:
        return said
    if "runserver" in sys.argv or "gunicorn" in sys.argv[0]:
        return "web"
    return "worker" if "celery" in sys.argv[0] and {"worker", "beat"} & set(sys.argv) else "command"


def session_options(kind: str) -> str:
    """The `options` of a connection of this kind of process.

    A statement whose process was killed ends within two seconds: else it would hold its locks to the end. A server
    on Windows cannot tell, and refuses the setting.
    """
    statement, lock, idle = _PATIENCE[kind]
    # Stages are temporary tables of a hundred megabytes: in 8 MB, PostgreSQL's own measure, they go through files.
    room = "" if kind == "web" else " -c temp_buffers=256MB -c work_mem=128MB"
    waits = f"-c statement_timeout={statement}s -c lock_timeout={lock}s -c idle_in_transaction_session_timeout={idle}s"
    check = "" if sys.platform == "win32" else " -c client_connection_check_interval=2s"
    return f"{waits}{room}{check}"


@contextmanager
def patient(seconds: int) -> Iterator[None]:
    """Let each statement inside take this long: for a worker's step that is known to be heavy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [f"{seconds}s"])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
