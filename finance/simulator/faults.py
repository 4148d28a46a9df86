"""What goes wrong in the middle of an act, and what happens twice.

A fault waits for the n-th statement of the act: the server cuts the connection, the transaction is taken back, or the
process that works is killed with SIGKILL, with the statement on its way to the server. An act that ends before is done
as usual. Nothing here is random: the caller says which fault and at which statement, so that a seed replays.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DatabaseError, connection, connections
from psycopg.pq import TransactionStatus

from backoffice.core import imports
from backoffice.core.services import approvals
from finance.services import close, entries, ledger, periods, reconcile

Do = Callable[[], object]
DONE, REFUSED, BROKEN = 0, 71, 72  # how a child ends
INTRANS = TransactionStatus.INTRANS


# What services say when they take something not.
REFUSALS = (
    ledger.Refused, reconcile.Taken, reconcile.Changed, reconcile.NeedsSecond, approvals.AlreadyDecided,
    approvals.AlreadyAsked, approvals.NotTheirs, entries.NotReady, entries.NotByHand, close.NotClosed, periods.NotNow,
    imports.Refusal, imports.Waits, imports.NotUndoable,
)  # fmt: skip


class Regret(Exception):
    """The transaction is taken back in the middle."""


@dataclass(frozen=True)
class Outcome:
    """How one attempt ended: done, refused by the books (why), or broken off by a fault or an error (why)."""

    state: str  # done, refused, broken
    why: str = ""


# A storm's database is thrown away, so no commit waits for the disk; said to every connection, the new ones too.
SESSION = "-c synchronous_commit=off -c client_min_messages=warning"


@contextmanager
def own_connections() -> Iterator[None]:
    """Threads and children hold connections of their own; a pool would share them."""
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)
    connection.close()
    if options.get("pool"):
        connection.close_pool()  # type: ignore[attr-defined]
        options["pool"] = False
    options["options"] = f"{options.get('options', '')} {SESSION}".strip()
    try:
        yield
    finally:
        connection.close()
        options.clear()
        options.update(before)


def attempt(do: Do) -> Outcome:
    """Do it and tell how it ended; errors that nobody foresees are raised."""
    try:
        do()
    except REFUSALS as problem:
        return Outcome("refused", f"{type(problem).__name__}: {problem}")
    except Regret:
        return Outcome("broken", "taken back")
    except DatabaseError as problem:
        return Outcome("refused", str(problem).strip().splitlines()[0])
    return Outcome("done")


@contextmanager
def before_statement(number: int, happens: Callable[[], None]) -> Iterator[list[int]]:
    """Let something happen before the n-th statement from here on this connection; yields the count so far."""
    count = [0]

    def watch(execute: Callable[..., Any], sql: str, params: object, many: bool, context: object) -> Any:
        count[0] += 1
        if count[0] == number:
            happens()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield count


def die_in_statement(number: int) -> AbstractContextManager[None]:
    """This process kills itself when its n-th statement is on the way, with nobody there for the answer."""

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: object) -> Any:
        nonlocal number
        number -= 1
        if number == 0:
            line = connection.connection
            if line.info.transaction_status == INTRANS and not many:  # outside of one it would be done, by itself
                line.pgconn.send_query(psycopg.ClientCursor(line).mogrify(sql, params).encode())
                line.pgconn.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    return connection.execute_wrapper(watch)


def cut(do: Do, number: int, control: psycopg.Connection[Any]) -> Outcome:
    """The server ends the connection before the n-th statement. control: another connection, which asks it to."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid

    def end() -> None:
        control.execute("SELECT pg_terminate_backend(%s)", [pid])

    with before_statement(number, end) as count:
        outcome = attempt(do)
    if count[0] >= number:
        connection.close()
        return Outcome("broken" if outcome.state == "refused" else outcome.state, outcome.why)
    return outcome


def control() -> psycopg.Connection[Any]:
    """A connection of its own to the same database."""
    parameters = connection.get_connection_params()
    for theirs in ("pool", "context", "cursor_factory", "prepare_threshold", "server_side_binding"):
        parameters.pop(theirs, None)
    return psycopg.connect(**parameters, autocommit=True)


def regret(do: Do, number: int) -> Outcome:
    """The work is taken back before the n-th statement."""

    def stop() -> None:
        raise Regret

    with before_statement(number, stop):
        return attempt(do)


def kill(do: Do, number: int) -> Outcome:
    """A process of its own does it and is killed in the n-th statement."""
    child = os.fork()
    if child == 0:
        try:
            connections["default"].connection = None  # the parent's; psycopg leaves it alone in another process
            connections["default"].atomic_blocks = []
            with die_in_statement(number):
                state = attempt(do).state
            os._exit({"done": DONE, "refused": REFUSED}.get(state, BROKEN))
        except BaseException:
            os._exit(BROKEN)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Outcome("broken", "killed")
    code = os.waitstatus_to_exitcode(status)
    return Outcome({DONE: "done", REFUSED: "refused"}.get(code, "broken"), f"the process ended with {code}")


class Twins:
    """Two workers that begin the same thing at the same moment."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(2)
        self.start = threading.Barrier(2)

    def both(self, do: Do) -> list[Outcome]:
        return [future.result() for future in [self.pool.submit(self._one, do) for _ in range(2)]]

    def _one(self, do: Do) -> Outcome:
        connection.ensure_connection()
        self.start.wait(timeout=30)
        return attempt(do)

    def close(self) -> None:
        def leave() -> None:
            self.start.wait(timeout=30)
            connection.close()

        for future in [self.pool.submit(leave) for _ in range(2)]:
            future.result()
        self.pool.shutdown()
