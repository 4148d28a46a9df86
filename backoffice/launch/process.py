"""One child process: in a session of its own, tied to our life, logged, stopped with its group."""

import ctypes
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LARGEST_LOG = 10 * 1024 * 1024
KEPT_LOGS = 3
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def tie(death_signal: int) -> Callable[[], None] | None:
    """Ask the kernel to signal the child when we are gone, however we went (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    us = os.getpid()

    def tied() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != us:
            os._exit(1)

    return tied


class Child:
    """A server or a part of the application.

    stop_signal: what ends it in order.   death_signal: what it gets when we die without a word; it must not wait.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        log: Path,
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stop_signal: int = signal.SIGTERM,
        death_signal: int = signal.SIGTERM,
    ) -> None:
        self.name, self.argv, self.log, self.folder = name, [str(part) for part in argv], log, folder
        self.environ = dict(environ or os.environ)
        self.stop_signal, self.death_signal = stop_signal, death_signal
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        turn_log(self.log)
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environ,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=tie(self.death_signal),
            )

    @property
    def pid(self) -> int:
        return self.popen.pid if self.popen else 0

    def ended(self) -> int | None:
        """The exit code once it is gone (and reaped), else None."""
        return self.popen.poll() if self.popen else 0

    def ask_to_stop(self) -> None:
        if self.popen and self.popen.poll() is None:
            self.popen.send_signal(self.stop_signal)

    def wait(self, seconds: float) -> bool:
        """Whether it ended in time."""
        if self.popen:
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                return False
        return True

    def kill(self) -> None:
        """End it and whatever it left behind in its group."""
        if self.popen:
            kill_group(self.popen.pid)
            self.popen.wait()

    def stop(self, seconds: float) -> None:
        self.ask_to_stop()
        self.wait(seconds)
        self.kill()

    def last_words(self, lines: int = 3) -> str:
        """The end of its log, for the terminal."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def turn_log(log: Path) -> None:
    """Begin a log anew once it is large; the three before it are kept. The writer appends, so it can go on writing."""
    if not log.exists() or log.stat().st_size < LARGEST_LOG:
        return
    older = [log.with_name(f"{log.name}.{number}") for number in range(1, KEPT_LOGS + 1)]
    for source, target in zip(reversed(older[:-1]), reversed(older[1:]), strict=True):
        if source.exists():
            source.replace(target)
    shutil.copyfile(log, older[0])
    os.truncate(log, 0)


def born(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty once it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def outlive(pids: Mapping[str, str], seconds: float) -> None:
    """Wait until the processes of an earlier run (pid → when born) are gone; kill what stays."""
    until = time.monotonic() + seconds
    left = {pid for pid, when in pids.items() if born(int(pid)) == when}
    while left and time.monotonic() < until:
        time.sleep(0.1)
        left = {pid for pid in left if born(int(pid)) == pids[pid]}
    for pid in left:
        kill_group(int(pid))


def celery_pool() -> list[str]:
    """Words for a worker: threads where shared memory is not writable; Celery's processes cannot start there."""
    try:
        multiprocessing.get_context("fork").Semaphore()
    except OSError:
        return ["--pool", "threads"]
    return []
