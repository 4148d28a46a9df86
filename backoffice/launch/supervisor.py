"""`manage.py up`: start everything in order, keep it running, stop it in order."""

import argparse
import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import LiteralString

from . import build, prepare, say, state
from .commands import SETTINGS
from .places import LOG, ROOT, RUN, VAR
from .process import Child, celery_pool, kill_group, outlive, turn_log
from .servers import ADMIN, Embedded, check_database, wait_for

PATIENCE = 18  # seconds that work gets to reach a safe point once we are asked to stop
LONGEST_PAUSE = 30
STEADY = 60  # seconds after which an old fall is forgotten


def up(words: list[str]) -> int:
    """Run the whole house until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="manage.py up", description="Start Retaguarda on this machine.")
    parser.add_argument("--no-demo", action="store_true", help="start with an empty company instead of the demo")
    parser.add_argument("--port", type=int, default=8000, help="port of the pages (another is taken if it is not free)")
    wish = parser.parse_args(words)

    holding = state.holding()
    said = False
    while not holding.take():
        known = state.read()
        if known.get("address"):
            say.line(f"Retaguarda already runs at {known['address']} (process {known['pid']}).")
            return 0
        if not said and known.get("by"):
            say.line(f"Waiting: {known['by']} (process {known['pid']}) uses the servers of this folder.")
            said = True
        time.sleep(0.2)
    return House(demo=not wish.no_demo, port=wish.port).run()


class Stopped(Exception):
    """Somebody asked us to stop."""


class Part:
    """One child with its falls: each start after a fall waits longer."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.falls = 0
        self.started_at = time.monotonic()
        self.start_again_at: float | None = None

    def fell(self, code: int) -> None:
        now = time.monotonic()
        self.falls = 1 if now - self.started_at > STEADY else self.falls + 1
        pause = min(0.5 * 2 ** (self.falls - 1), LONGEST_PAUSE)
        self.start_again_at = now + pause
        kill_group(self.child.pid)  # what it left behind
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        say.line(f"{self.child.name} ended ({how}); starting it again in {pause:g} s. Log: {self.child.log}")

    def restart(self) -> None:
        self.start_again_at = None
        self.started_at = time.monotonic()
        self.child.start()


class House:
    def __init__(self, *, demo: bool, port: int) -> None:
        self.demo, self.wanted_port = demo, port
        self.parts: list[Part] = []
        self.asked_to_stop = 0
        self.environ: dict[str, str] = {}
        self.address = ""
        self.checkpoint_url = ""
        self.ear, self.mouth = os.pipe()
        os.set_blocking(self.mouth, False)

    def run(self) -> int:
        # Our own handlers: a shell starts background jobs with SIGINT ignored.
        signal.set_wakeup_fd(self.mouth, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGHUP, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        outlive(state.read().get("pids", {}), 15)
        state.erase()
        code = 0
        try:
            self._open()
            self._keep()
        except Stopped:
            pass
        except (say.Trouble, OSError) as problem:
            say.line(str(problem))
            code = 1
        finally:
            self._close()
        return code

    def _stop(self, number: int, _frame: object) -> None:
        self.asked_to_stop = number

    def _heed(self) -> None:
        if self.asked_to_stop:
            raise Stopped

    # Opening

    def _open(self) -> None:
        say.line("Retaguarda is starting.")
        build.translations()
        outside = os.environ.get("DATABASE_URL")
        if outside:
            check_database(os.environ.get("DATABASE_OWNER_URL") or outside)
        servers = Embedded(VAR, LOG)
        for server in servers.members:
            self.parts.append(Part(server.child))
        if servers.members:
            with say.step(servers.names):
                servers.start()
        self._heed()

        port = free_port(self.wanted_port)
        if port != self.wanted_port:
            say.line(f"  Port {self.wanted_port} is taken; using {port}.")
        self.address = f"http://127.0.0.1:{port}"
        own = servers.addresses() | {"SECRET_KEY": prepare.secret_key(), "SITE_URL": self.address}
        own["DJANGO_SETTINGS_MODULE"] = os.environ.get("DJANGO_SETTINGS_MODULE", SETTINGS)
        if servers.postgres:
            self.checkpoint_url = own["DATABASE_ADMIN_URL"] = servers.postgres.url(ADMIN)
        self.environ = os.environ | own

        static = build.StaticFiles()
        static.start(self.environ)
        prepare.migrate(self.environ, embedded=servers.postgres is not None, heed=self._heed)
        self._heed()
        company = self._furnish()
        self.environ["RETAGUARDA_DEMO"] = own["RETAGUARDA_DEMO"] = "1" if company == "demo" else "0"
        static.wait()
        self._heed()

        web, *others = self._application(port)
        with say.step("web, worker and beat"):
            self._begin(web)
            wait_for(web, self._is_ready, 60)
            for child in others:  # only now: on a small machine they would make the pages wait
                self._begin(child)
        state.write("manage.py up", own, [part.child.pid for part in self.parts], self.address)
        self._heed()
        say.line(f"READY {self.address}   ({say.seconds():.1f} s)")
        if company == "demo":
            say.line(self._logins())
        elif not has_people(self.environ):
            say.line("  Nobody can sign in yet. Make the first administrator, in another terminal:")
            say.line("  python3 manage.py create_administrator")
        say.line("Stop with Ctrl-C.")

    def _begin(self, child: Child) -> None:
        child.start()
        self.parts.append(Part(child))

    def _logins(self) -> str:
        """One demo login per role; asked once, because asking takes another start of Django."""
        if os.environ.get("DATABASE_URL"):
            return prepare.django(self.environ, "demo_logins", heed=self._heed).rstrip()
        if not prepare.LOGINS.exists():
            prepare.LOGINS.write_text(prepare.django(self.environ, "demo_logins", heed=self._heed))
        return prepare.LOGINS.read_text().rstrip()

    def _furnish(self) -> str:
        """Seed the demo company into an empty database; "demo" or "own" tells which company it holds."""
        kept = prepare.COMPANY.read_text().strip() if prepare.COMPANY.exists() else ""
        if not os.environ.get("DATABASE_URL") and kept:
            if kept == "demo" and not self.demo:
                say.line("  This database holds the demo company. To start empty, stop and remove the folder var/.")
            return kept
        company = "own"
        if self.demo and prepare.has_command("seed_demo") and not has_people(self.environ):
            with say.step("demo company"):
                prepare.django(self.environ | {"RETAGUARDA_DEMO": "1"}, "seed_demo", heed=self._heed)
                prepare.LOGINS.unlink(missing_ok=True)
            company = "demo"
        elif self.demo and has_people(self.environ, "is_demo"):
            company = "demo"
        if not os.environ.get("DATABASE_URL"):
            prepare.COMPANY.write_text(company)
        return company

    def _application(self, port: int) -> list[Child]:
        celery = [sys.executable, "-m", "celery", "-A", "backoffice"]
        web = [
            sys.executable,
            "-m",
            "gunicorn",
            "backoffice.wsgi",
            "--bind",
            f"127.0.0.1:{port}",
            "--no-control-socket",
        ]
        web += [
            "--worker-class",
            "gthread",
            "--workers",
            "2",
            "--threads",
            "4",
            "--preload",
            "--graceful-timeout",
            "10",
        ]
        beat = ["beat", "--loglevel", "INFO", "--schedule", str(RUN / "beat-schedule"), "--pidfile", ""]
        worker = [
            "worker",
            "--concurrency",
            "2",
            "--loglevel",
            "INFO",
            "--hostname",
            "worker@localhost",
            "--without-mingle",
            "--without-gossip",
            *celery_pool(),
        ]
        return [
            Child("web", web, LOG / "web.log", environ=self.environ, folder=ROOT),
            Child(
                "worker",
                [*celery, *worker],
                LOG / "worker.log",
                environ=self.environ,
                folder=ROOT,
                death_signal=signal.SIGKILL,  # asked politely it waits for its tasks, and for a broker that is gone too
            ),
            Child("beat", [*celery, *beat], LOG / "beat.log", environ=self.environ, folder=ROOT),
        ]

    def _is_ready(self) -> bool:
        self._heed()
        for page in ("readyz", "healthz"):
            try:
                with urllib.request.urlopen(f"{self.address}/{page}", timeout=2) as answer:  # noqa: S310
                    return bool(answer.status == 200)
            except urllib.error.HTTPError as problem:
                if problem.code != 404:
                    return False
            except OSError:
                return False
        return False

    # Keeping

    def _keep(self) -> None:
        logs_turned_at = time.monotonic()
        while True:
            self._heed()
            now = time.monotonic()
            changed = False
            for part in self.parts:
                if part.start_again_at is not None:
                    if now >= part.start_again_at:
                        part.restart()
                        changed = True
                elif (code := part.child.ended()) is not None:
                    part.fell(code)
            if changed:
                self._note()
            if now - logs_turned_at > STEADY:
                logs_turned_at = now
                for part in self.parts:
                    turn_log(part.child.log)
            waiting = [part.start_again_at - now for part in self.parts if part.start_again_at is not None]
            self._listen(max(0.0, min([*waiting, 1.0])))

    def _note(self) -> None:
        known = state.read()
        state.write("manage.py up", known["environ"], [part.child.pid for part in self.parts], self.address)

    def _listen(self, seconds: float) -> None:
        if select.select([self.ear], [], [], seconds)[0]:
            os.read(self.ear, 1024)

    # Closing

    def _close(self) -> None:
        if not self.parts:
            state.erase()
            return
        say.line("\nStopping.")
        began = time.monotonic()
        servers = [part.child for part in self.parts if part.child.name in ("PostgreSQL", "Valkey")]
        application = [part.child for part in self.parts if part.child not in servers]
        for child in application:
            child.ask_to_stop()
        if self.checkpoint_url:  # so that the database has little left to write once it is asked
            threading.Thread(target=checkpoint, args=[self.checkpoint_url], daemon=True).start()
        until = began + PATIENCE
        for child in reversed(application):
            if not child.wait(max(0.1, until - time.monotonic())):
                say.line(
                    f"{child.name} is still busy after {PATIENCE} s and is ended; its work starts again next time."
                )
            child.kill()
        for child in servers:
            child.ask_to_stop()
        for child in servers:
            child.wait(5)
            child.kill()
        state.erase()
        say.line(f"Stopped ({time.monotonic() - began:.1f} s).")


def free_port(wanted: int) -> int:
    """`wanted`, or else another that is free."""
    for port in (wanted, *range(wanted + 1, wanted + 20), 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise say.Trouble("No port is free.")


def checkpoint(url: str) -> None:
    import psycopg

    with contextlib.suppress(psycopg.Error), psycopg.connect(url, connect_timeout=2, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def has_people(environ: dict[str, str], condition: LiteralString = "true") -> bool:
    """Whether anybody (such) has an account; another Django start is too slow for this question."""
    import psycopg

    with psycopg.connect(environ["DATABASE_URL"], connect_timeout=5) as connection:
        found = connection.execute(f"SELECT 1 FROM core_user WHERE {condition} LIMIT 1")  # noqa: S608 (a literal)
        return found.fetchone() is not None
