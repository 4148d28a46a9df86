"""What is built from the sources, and only when they changed: message catalogues and static files."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from . import environment, say
from .places import ROOT, VAR

LOCALE = ROOT / "backoffice" / "locale"
STATIC = VAR / "static"


def translations() -> None:
    """Compile each `.po` whose `.mo` is missing or older (with Babel, so that gettext need not be installed)."""
    stale = [po for po in LOCALE.rglob("*.po") if not _is_fresh(po.with_suffix(".mo"), po)]
    if not stale:
        return
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for po in stale:
        with po.open("rb") as source:
            catalogue = read_po(source, locale=po.parent.parent.name)
        new = po.with_suffix(f".mo.{os.getpid()}")
        with new.open("wb") as target:
            write_mo(target, catalogue)
        new.replace(po.with_suffix(".mo"))


def _is_fresh(built: Path, source: Path) -> bool:
    return built.exists() and built.stat().st_mtime >= source.stat().st_mtime


class StaticFiles:
    """`collectstatic`, in the background; `wait` tells how it went."""

    def __init__(self) -> None:
        self.mark = VAR / "static.txt"
        self.sources = self._sources()
        self.running: subprocess.Popen[str] | None = None

    def start(self, environ: dict[str, str]) -> None:
        if STATIC.exists() and self.mark.exists() and self.mark.read_text() == self.sources:
            return
        words = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        self.running = subprocess.Popen(
            words, cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def wait(self) -> None:
        if not self.running:
            return
        output, _ = self.running.communicate()
        if self.running.returncode:
            raise say.Trouble(f"The static files could not be built:\n{output}")
        self.mark.write_text(self.sources)

    @staticmethod
    def _sources() -> str:
        digest = hashlib.sha256(environment.lock_of("local").read_bytes())
        apps = [folder for folder in (*ROOT.glob("*/static"), *ROOT.glob("backoffice/*/static")) if folder != STATIC]
        for folder in [ROOT / "static", *sorted(apps)]:
            for file in sorted(folder.rglob("*")):
                about = file.stat()
                digest.update(f"{file} {about.st_mtime_ns} {about.st_size}\n".encode())
        return digest.hexdigest()
