"""The virtual environment: made from a hashed lock file, stamped with its hash, entered by re-executing."""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from . import native, say
from .places import ROOT, RUN, VENV, private

PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.txt"
GROUPS = ("local", "test", "dev")  # each holds the ones before it


def is_active() -> bool:
    """Whether this process runs in `.venv`."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def belongs_to_caller() -> bool:
    """Whether another virtual environment with Django is active (an image, a developer's own); it is used as it is."""
    return sys.prefix != sys.base_prefix and not is_active() and importlib.util.find_spec("django") is not None


def lock_of(group: str) -> Path:
    return ROOT / "requirements" / f"{group}.txt"


def _mark(group: str) -> str:
    digest = hashlib.sha256(lock_of(group).read_bytes()).hexdigest()
    return f"{group} {digest}"


def has(group: str) -> bool:
    """Whether `.venv` was filled from the present lock of `group`, or of a larger one."""
    return PYTHON.exists() and STAMP.exists() and _mark(group) in STAMP.read_text().splitlines()


def ensure(group: str, *, pango: bool = False) -> None:
    """Bring `.venv` to the lock of `group`; fetch Pango beside it."""
    if has(group):
        if pango:
            native.ensure()
        return
    private(RUN)
    with (RUN / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not has(group):
            _make()
            beside = threading.Thread(target=native.ensure) if pango else None
            if beside:
                beside.start()
            with say.step(f"packages of requirements/{group}.txt into .venv"):
                _install(group)
            if beside:
                beside.join()
    if pango:
        native.ensure()


def enter(argv: list[str]) -> None:
    """Continue this command inside `.venv`; does not return."""
    os.execve(PYTHON, [str(PYTHON), *argv], os.environ | native.variables())  # noqa: S606


def _make() -> None:
    if _works():
        return
    with say.step("virtual environment .venv"):
        if shutil.which("uv"):
            uv = ["uv", "venv", "-q", "--clear", "--seed", "--python", sys.executable, str(VENV)]
            if subprocess.run(uv, capture_output=True).returncode == 0 and _works():
                return
        if importlib.util.find_spec("ensurepip") is None:
            native.install_as_root(
                [f"python3.{sys.version_info.minor}-venv"],
                otherwise="Python has no venv here. As root: apt-get install python3-venv",
            )
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True)
        if made.returncode:
            raise say.Trouble(f"Cannot make .venv: {_last_line(made.stdout + made.stderr)}")


def _works() -> bool:
    """Whether `.venv` has a Python that starts, of this version."""
    if not PYTHON.exists():
        return False
    ask = "import sys; print(sys.version_info[:2])"
    answer = subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True)
    return answer.returncode == 0 and answer.stdout.strip() == str(sys.version_info[:2])


def _install(group: str) -> None:
    lock = str(lock_of(group))
    if shutil.which("uv"):
        uv = ["uv", "pip", "install", "-q", "--require-hashes", "--python", str(PYTHON), "-r", lock]
        if subprocess.run(uv, capture_output=True).returncode == 0:
            _write_stamp(group)
            return
    # Quiet: where an index is configured and absent, pip warns twice a package. Bytecode is left to the first import.
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input", "--no-compile"]
    done = subprocess.run([*pip, "--require-hashes", "-r", lock], capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [_last_line(done.stderr)]
        raise say.Trouble("\n".join(["The packages could not be installed:", *errors[:3]]))
    _write_stamp(group)


def _write_stamp(group: str) -> None:
    held = GROUPS[: GROUPS.index(group) + 1]
    STAMP.write_text("".join(f"{_mark(name)}\n" for name in held))


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no reason was given")
