"""What every test stands on: the real PostgreSQL, whose append-only tables must still be emptied between tests.

Tests marked `browser` drive the machine's Chromium. Where there is none they are skipped, and the last lines say so;
with CI or REQUIRE_BROWSER in the environment they fail instead.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from backoffice.launch.testing import chromium

CHROMIUM = chromium()
CHROMIUM_WORDS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_CHROMIUM = "no Chromium here; install the package chromium"


def pytest_configure(config: pytest.Config) -> None:
    # Not "localhost": a bare machine has no hosts file to resolve it.
    config.option.liveserver = config.option.liveserver or "127.0.0.1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM or os.environ.get("CI") or os.environ.get("REQUIRE_BROWSER"):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_CHROMIUM in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} browser tests were skipped: {NO_CHROMIUM}.")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all browser tests of this process."""
    if not CHROMIUM:
        pytest.fail(NO_CHROMIUM)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright keeps an event loop in this thread
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_WORDS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh page with no memory of others."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en")
    yield context.new_page()
    context.close()


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_guards() -> Any:
    """Let only the test flush empty tables whose triggers refuse TRUNCATE."""
    ordinary = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        ordinary(self, ["SET session_replication_role = replica", *sql_list, "SET session_replication_role = DEFAULT"])

    DatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]
    yield
    DatabaseOperations.execute_sql_flush = ordinary  # type: ignore[method-assign]


class Application:
    """The test's own connection, each statement of which runs as the application's role in production."""

    def __init__(self, connected: psycopg.Connection, role: str) -> None:
        self.connected, self.role = connected, role

    def execute(self, statement: str, params: Any = None) -> psycopg.Cursor:
        with self.connected.transaction():  # what fails is taken back alone
            self.connected.execute(f"SET LOCAL ROLE {self.role}")
            answer = self.connected.execute(statement, params)
            self.connected.execute("RESET ROLE")
        return answer

    def transaction(self) -> AbstractContextManager[Any]:
        return self.connected.transaction()


@pytest.fixture(scope="session")
def application_role(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A role that owns nothing, with the rights that `migrate` gives the application's."""
    role = f"retaguarda_app_{os.getpid()}"
    with django_db_blocker.unblock():
        call_command("grant_app_role", role=role, verbosity=0)
    yield role
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture
def application(db: None, application_role: str) -> Application:
    """The database as the application sees it in production."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # begins the test's transaction, which is taken back at its end
    return Application(connection.connection, application_role)


@pytest.fixture(autouse=True)
def own_cache(settings: Any) -> None:
    """Every test counts its own sign-in attempts and keeps its own answers, whatever runs beside it."""
    prefix = f"test-{uuid.uuid4().hex}"
    settings.CACHES = {name: {**cache, "KEY_PREFIX": prefix} for name, cache in settings.CACHES.items()}
