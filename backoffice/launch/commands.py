"""Django's commands, ours included: with the servers that run, else with servers of their own while they last."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import build, prepare, say, state
from .places import LOG, VAR
from .process import outlive
from .servers import ADMIN, Embedded, running

SETTINGS = "backoffice.settings.dev"
WITHOUT_SERVERS = {
    "audit_templates",
    "check_translations",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "read_statement",
    "startapp",
    "startproject",
    "test",
    "version",
}
AS_OWNER = {
    "bench",
    "flush",
    "grant_app_role",
    "migrate",
    "optimizemigration",
    "sqlmigrate",
    "simulate_finance",
    "squashmigrations",
    "torture_rollups",
}
BEFORE_MIGRATING = {"check", "flush", "makemigrations", "migrate", "showmigrations", "sqlmigrate"}


def run(argv: list[str]) -> int:
    """Run one command in this process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    command = argv[1] if len(argv) > 1 else "help"
    build.translations()
    if needs_no_server(argv):
        return _execute(argv)
    with _servers(command) as addresses:
        os.environ.update(addresses)
        return _execute(argv)


def needs_no_server(argv: list[str]) -> bool:
    if len(argv) < 2 or argv[1].startswith("-") or argv[1] in WITHOUT_SERVERS or {"--help", "-h"} & set(argv[2:]):
        return True
    if os.environ["DJANGO_SETTINGS_MODULE"].endswith(".prod"):
        return True  # production never falls back on embedded servers; a missing address is an error
    return all(os.environ.get(name) for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL"))


def _execute(argv: list[str]) -> int:
    from django.core.management import call_command, execute_from_command_line

    command = argv[1] if len(argv) > 1 else "help"
    application_url = os.environ.get("DATABASE_URL", "")
    owner_url = os.environ.get("DATABASE_OWNER_URL", "")
    if command in AS_OWNER and owner_url:
        os.environ["DATABASE_URL"] = owner_url
    try:
        execute_from_command_line(argv)
        if command == "migrate" and owner_url and owner_url != application_url and not {"-h", "--help"} & set(argv):
            call_command("grant_app_role", application_url=application_url, verbosity=0)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    finally:
        sys.stdout.flush()
        _hang_up()
    return 0


def _hang_up() -> None:
    """Close the connections before their server goes."""
    from django.db import connections

    if not connections.settings:
        return
    for connection in connections.all(initialized_only=True):
        connection.close()
        getattr(connection, "close_pool", lambda: None)()


@contextmanager
def _servers(command: str) -> Iterator[dict[str, str]]:
    holding, using = state.holding(), state.using()
    until = time.monotonic() + 120
    while not holding.take():
        using.take(shared=True, wait=True)
        known = state.read()
        if known.get("environ"):
            yield {name: value for name, value in known["environ"].items() if name not in os.environ}
            return
        using.drop()
        if time.monotonic() > until:
            raise say.Trouble(
                "The servers of this folder are being started or stopped elsewhere and did not answer in time."
            )
        time.sleep(0.2)
    outlive(state.read().get("pids", {}), 10)
    state.erase()
    servers = Embedded(VAR, LOG)
    try:
        with running(servers) as addresses:
            own = addresses | {"SECRET_KEY": prepare.secret_key()}
            if servers.postgres:
                own["DATABASE_ADMIN_URL"] = servers.postgres.url(ADMIN)
                if command in BEFORE_MIGRATING:
                    prepare.forget()
                else:
                    prepare.migrate(os.environ | own, embedded=True)
            state.write(f"manage.py {command}", own, [server.child.pid for server in servers.members])
            yield own
            state.erase()  # nobody new comes in
            using.take(wait=True)  # and those inside finish
    finally:
        state.erase()
        using.drop()
        holding.drop()
