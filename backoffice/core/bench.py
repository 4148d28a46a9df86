"""Measurements anybody can repeat: `manage.py bench NAME`, each in a scratch database that is gone afterwards.

    @bench("kpis", arguments=add_arguments)          # in <app>/bench.py
    def kpis(options: dict[str, Any], say: Say) -> dict[str, Any]:
        say("filling")                               # progress, for people
        return {"facts": 1_000_000, "fill_s": 3.2}   # printed as the last line, one JSON object

The function runs with the default connection on the scratch database, migrated and empty. `DATABASE_URL` must belong to
a role that may create databases.
"""

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import psycopg
from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connections
from django.utils.module_loading import autodiscover_modules
from psycopg import sql

DROP_TRIES = 30  # a second apart

Say = Callable[[str], None]
Run = Callable[[dict[str, Any], Say], dict[str, Any]]


@dataclass(frozen=True)
class Bench:
    name: str
    run: Run
    arguments: Callable[[CommandParser], None] | None


_BENCHES: dict[str, Bench] = {}


def bench(name: str, *, arguments: Callable[[CommandParser], None] | None = None) -> Callable[[Run], Run]:
    """Register a measurement; `arguments` adds its own options to the command."""

    def keep(run: Run) -> Run:
        _BENCHES[name] = Bench(name, run, arguments)
        return run

    return keep


def benches() -> dict[str, Bench]:
    """Every bench of every app."""
    autodiscover_modules("bench")
    return dict(sorted(_BENCHES.items()))


@contextmanager
def scratch() -> Iterator[str]:
    """The default connection on a new, migrated database; dropped at the end, whatever ends it."""
    default = connections["default"]
    name, home = f"bench_{os.getpid()}_{secrets.token_hex(4)}", default.settings_dict["NAME"]
    with _ended_by_exception():
        _maintain(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            _move(name)
            call_command("migrate", verbosity=0, skip_checks=True)
            yield name
        finally:
            _move(home)
            _drop(name)


@contextmanager
def copies(name: str, count: int) -> Iterator[list[str]]:
    """So many copies of a scratch database that nobody is connected to, for work in as many processes."""
    made = [f"{name}_{number}" for number in range(count)]
    _hang_up()
    try:
        for copy in made:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            _maintain(create.format(sql.Identifier(copy), sql.Identifier(name)))
        yield made
    finally:
        for copy in made:
            _drop(copy)


def work_on(name: str) -> None:
    """From here on the default connection of this process is on that database."""
    _move(name)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the measurements do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 100) * len(ordered) // 100) - 1))]


def _move(name: str) -> None:
    _hang_up()
    connections["default"].settings_dict["NAME"] = name  # the same dict that other threads' connections are made from


def _hang_up() -> None:
    connection = connections["default"]
    connection.close()
    if getattr(connection, "pool", None):
        connection.close_pool()  # type: ignore[attr-defined]


def _drop(name: str) -> None:
    """Remove a scratch database. An autovacuum that is in it may be ended by the server only, so it is waited for."""
    for left in range(DROP_TRIES, 0, -1):
        try:
            return _maintain(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            if left == 1:
                raise
            time.sleep(1)
    return None


def _maintain(statement: sql.Composed) -> None:
    parameters = connections["default"].get_connection_params()
    for theirs in ("pool", "context", "cursor_factory", "prepare_threshold", "server_side_binding"):
        parameters.pop(theirs, None)
    with psycopg.connect(**{**parameters, "dbname": "postgres"}, autocommit=True) as line:
        line.execute(statement)


@contextmanager
def _ended_by_exception() -> Iterator[None]:
    """SIGTERM becomes an exception, so that the database is dropped on the way out."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
