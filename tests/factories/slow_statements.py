"""Statements in a worker that takes its time between small chunks, so that a test can kill it in the middle."""

import os
import time
from typing import Any

from finance.services import statement_books

if os.environ.get("SLOW_STATEMENTS"):
    statement_books.CHUNK = 400
    _quickly = statement_books.take_days

    def _slowly(*args: Any, **more: Any) -> int:
        time.sleep(0.3)
        return _quickly(*args, **more)

    statement_books.take_days = _slowly
