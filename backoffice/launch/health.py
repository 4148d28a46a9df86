"""Is this container's process well? `python -m backoffice.launch.health web|worker|beat`; exit code 0 says yes."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

LATEST_BEAT = 600  # seconds; beat writes its schedule file every three minutes


def web(port: str = "8000") -> bool:
    """The pages answer, and what they stand on too."""
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().removeprefix(".") or "localhost"
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/readyz", headers={"Host": host})
    with urllib.request.urlopen(asked, timeout=4) as answer:  # noqa: S310
        return bool(answer.status == 200)


def worker(name: str = "") -> bool:
    """The worker answers through the broker."""
    name = name or f"celery@{socket.gethostname()}"
    ping = [sys.executable, "-m", "celery", "-A", "backoffice", "inspect", "ping", "--timeout", "10"]
    return subprocess.run([*ping, "--destination", name], stdout=subprocess.DEVNULL).returncode == 0


def beat() -> bool:
    """The clock has written its schedule lately."""
    kept = Path(os.environ.get("VAR_DIR", "/srv/var"))  # not /tmp: a night missed while beat was away is made up for
    written = [file.stat().st_mtime for file in kept.glob("beat-schedule*")]
    return bool(written) and time.time() - max(written) < LATEST_BEAT


CHECKS: dict[str, Callable[..., bool]] = {"web": web, "worker": worker, "beat": beat}


def main(words: list[str]) -> int:
    try:
        return 0 if CHECKS[words[0]](*words[1:]) else 1
    except OSError as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
