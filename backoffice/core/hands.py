"""Work that two connections do side by side, each in transactions of its own: the database has more than one processor.

    with second() as hand:              # a thread with a connection of its own
        hand.begin(make_tables)
        hand.give("SELECT * FROM m_post WHERE n > 5000", "m_post")    # rows of a TEMP table of ours, for one of its own
        hand.begin(lambda: post(...))   # goes on while we do
        post(...)
        hand.wait()                     # raises what it raised

What one transaction has not committed the other does not see, so nothing here works inside `transaction.atomic()`.
"""

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Full, Queue, SimpleQueue

from django.db import connection
from django.utils import translation
from psycopg import sql

Task = Callable[[], None]
BLOCKS = 64  # on their way from one connection to the other


def may_share() -> bool:
    """Whether a second connection would see what this one has written."""
    return not connection.in_atomic_block


class Hand:
    """A thread that does what it is given, in order. `is_broken`: one of both sides failed, so neither need go on."""

    def __init__(self) -> None:
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        self.problem: BaseException | None = None
        self.is_broken = False
        self.language = translation.get_language()
        context = contextvars.copy_context()  # on whose behalf
        self.thread = threading.Thread(target=context.run, args=[self._work], name="hand", daemon=True)
        self.thread.start()

    def begin(self, task: Task) -> None:
        """Have it done; when something failed before, it is left."""
        self.tasks.put(task)

    def give(self, query: str, table: str) -> None:
        """Put the rows of this connection's query into a table of the hand's; columns in the same order."""
        blocks: Queue[bytes | None] = Queue(BLOCKS)

        def take() -> None:
            command = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
            with connection.cursor() as cursor, cursor.copy(command) as copy:
                while (block := blocks.get()) is not None:
                    copy.write(block)

        def put(block: bytes | None) -> None:
            while not self.is_broken:
                with suppress(Full):
                    blocks.put(block, timeout=1)
                    break

        self.begin(take)
        with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
            try:
                for block in copy:
                    put(bytes(block))
            finally:
                put(None)

    def wait(self) -> None:
        """Until all is done. Raises what a task raised."""
        self.tasks.put(None)
        self.thread.join()
        if self.problem is not None:
            raise self.problem

    def _work(self) -> None:
        if self.language:
            translation.activate(self.language)
        try:
            while (task := self.tasks.get()) is not None:
                if not self.is_broken:
                    try:
                        task()
                    except BaseException as problem:  # raised by wait()
                        self.problem, self.is_broken = problem, True
        finally:
            connection.close()


@contextmanager
def second() -> Iterator[Hand]:
    """A second hand; at the end, also of an exception, it has finished what it was about."""
    hand = Hand()
    try:
        yield hand
    except BaseException:
        hand.is_broken = True
        raise
    finally:
        if hand.thread.is_alive():
            hand.tasks.put(None)
            hand.thread.join()
