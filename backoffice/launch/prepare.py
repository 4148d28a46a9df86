"""The database is brought to the present migrations before anything uses it; the embedded one only if they changed."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import say
from .places import ROOT, VAR
from .process import tie

MIGRATED = VAR / "pg" / "migrated.txt"
LOGINS = VAR / "pg" / "logins.txt"
COMPANY = VAR / "pg" / "company.txt"  # "demo" or "own": decided at the first start


def migrations() -> str:
    """A mark of all migration files, ours and those of the packages."""
    digest = hashlib.sha256((ROOT / "requirements" / "local.txt").read_bytes())
    for file in sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("backoffice/*/migrations/*.py")]):
        digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    # Grants are part of what a migrated database has.
    digest.update((ROOT / "backoffice/core/management/commands/grant_app_role.py").read_bytes())
    return digest.hexdigest()


def forget() -> None:
    """Somebody is about to migrate by hand."""
    MIGRATED.unlink(missing_ok=True)


def migrate(environ: dict[str, str], *, embedded: bool, heed: Callable[[], None] = lambda: None) -> None:
    mark = migrations()
    if embedded and MIGRATED.exists() and MIGRATED.read_text() == mark:
        return
    with say.step("database brought to the present migrations"):
        django(environ, "migrate", "--noinput", "-v0", heed=heed)
    if embedded:
        MIGRATED.write_text(mark)


def django(environ: dict[str, str], *words: str, heed: Callable[[], None] = lambda: None) -> str:
    """Run one of our commands to its end; gives its output. heed: asked meanwhile; what it raises ends the command."""
    running = subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environ,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=tie(signal.SIGTERM),
    )
    try:
        while True:
            try:
                output, _ = running.communicate(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                heed()
    except BaseException:
        running.terminate()
        running.wait(10)
        raise
    if running.returncode:
        end = "\n".join(output.strip().splitlines()[-6:])
        raise say.Trouble(f"manage.py {words[0]} failed:\n{end}")
    return output


def has_command(name: str) -> bool:
    return any(Path(ROOT).glob(f"*/management/commands/{name}.py")) or any(
        Path(ROOT).glob(f"backoffice/*/management/commands/{name}.py")
    )


def secret_key() -> str:
    """This machine's own secret, made once."""
    import secrets

    given = os.environ.get("SECRET_KEY")
    if given:
        return given
    file = VAR / "secret-key"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
            target.write(secrets.token_urlsafe(50))
    return file.read_text()
