"""`manage.py test`: pytest against throw-away servers; everything after `test` is pytest's own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from . import build
from .places import ROOT
from .servers import ADMIN, Embedded, running

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def test(words: list[str]) -> int:
    """Run the tests; the exit code is pytest's."""
    build.translations()
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "CELERY_BROKER_URL", "CACHE_URL"):
        os.environ.pop(name, None)  # tests never touch a database that somebody works with
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="retaguarda-test-") as folder:
        home = Path(folder)
        servers = Embedded(home, home / "log", throw_away=True)
        with running(servers) as addresses:
            assert servers.postgres
            (home / "var" / "static").mkdir(parents=True)  # WhiteNoise warns at each request without it
            own = addresses | {
                "DATABASE_URL": servers.postgres.url(ADMIN),
                "DJANGO_SETTINGS_MODULE": "backoffice.settings.test",
                "VAR_DIR": str(home / "var"),
            }
            own.pop("DATABASE_OWNER_URL")
            browser = chromium()
            if browser:
                own["CHROMIUM"] = browser
            return subprocess.run(
                [sys.executable, "-m", "pytest", *spread(words), *words], cwd=ROOT, env=os.environ | own
            ).returncode


def spread(words: list[str]) -> list[str]:
    """Two workers for the whole suite; a few named tests run faster in one."""
    chosen = any(not word.startswith("-") and (ROOT / word.partition("::")[0]).exists() for word in words)
    told = any(word.startswith(("-n", "--numprocesses", "--pdb", "-p")) for word in words)
    return [] if chosen or told else ["-n", "2", "--dist", "worksteal"]


def chromium() -> str | None:
    """The Chromium that the browser tests drive."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
