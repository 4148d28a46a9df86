"""What the launcher tells the person at the terminal: one line each, with the seconds it took."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BEGAN = "RETAGUARDA_BEGAN"  # when the person pressed Enter; survives the step into `.venv`

_quiet = False


class Trouble(Exception):
    """Something that cannot be done here; the text is one line that says what to do."""


def quietly() -> None:
    """Send everything to stderr, so that stdout carries only the command's own output."""
    global _quiet
    _quiet = True


def line(text: str = "") -> None:
    with suppress(OSError):  # nobody listens any more: the terminal was closed
        print(text, file=sys.stderr if _quiet else sys.stdout, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is done, and how long it took once it is."""
    began = time.monotonic()
    yield
    line(f"  {text:<58} {time.monotonic() - began:5.1f} s")


def seconds() -> float:
    """Since the person pressed Enter."""
    return time.time() - float(os.environ.get(BEGAN) or time.time())
