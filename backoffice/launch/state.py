"""Who runs the embedded servers just now: a lock that dies with its holder, and a file that says where they are."""

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from .places import RUN, private
from .process import born

STATE = RUN / "servers.json"


class Lock:
    """A file lock; the kernel lets go of it when its holder ends, however it ends."""

    def __init__(self, name: str) -> None:
        private(RUN)
        self.file: IO[str] = Path(RUN / name).open("a")  # noqa: SIM115

    def take(self, *, shared: bool = False, wait: bool = False) -> bool:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self.file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def drop(self) -> None:
        fcntl.flock(self.file, fcntl.LOCK_UN)


def holding() -> Lock:
    """The lock of whoever runs the servers."""
    return Lock("servers.lock")


def using() -> Lock:
    """Shared by commands that use servers somebody else runs; whoever runs them only for a command waits for these."""
    return Lock("users.lock")


def write(by: str, environ: dict[str, str], pids: list[int], address: str = "") -> None:
    known = {
        "by": by,
        "pid": os.getpid(),
        "address": address,
        "environ": environ,
        "pids": {str(pid): born(pid) for pid in pids},
    }
    new = STATE.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
        json.dump(known, target)
    new.replace(STATE)


def read() -> dict[str, Any]:
    """What the holder wrote; empty before it wrote, and once nobody holds the servers."""
    try:
        known: dict[str, Any] = json.loads(STATE.read_text())
    except (OSError, ValueError):
        return {}
    return known


def erase() -> None:
    STATE.unlink(missing_ok=True)
