"""Doors for machines that watch this one."""

import ipaddress
import shutil
import time
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from psycopg_pool import PoolTimeout

from .. import metrics
from ..access import public, token_only

SPARE_BYTES = 500 * 1024 * 1024

BROKER_SECONDS = 5  # how long an answer about the broker holds: not a connection for each call

_migrated = False
_broker_was: tuple[float, str] = (float("-inf"), "")


@public
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok", content_type="text/plain", headers={"Cache-Control": "no-store"})


@public
def readyz(request: HttpRequest) -> HttpResponse:
    """It can do its work: 503 where it cannot, "degraded" where only background work waits."""
    checks = {"database": _database(), "broker": _broker(), "disk": _disk()}
    ready = checks["database"] == "ok" and checks["disk"] == "ok"
    state = "not ready" if not ready else "degraded" if checks["broker"] != "ok" else "ready"
    return JsonResponse({"state": state, **checks}, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


@token_only
def exposition(request: HttpRequest) -> HttpResponse:
    """Metrics, for who knows the token; without one configured, for this machine alone."""
    if not _may_measure(request):
        return JsonResponse({"error": "a token is needed"}, status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_measure(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}")
    if settings.BEHIND_PROXY:  # everybody comes from the proxy's address
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _database() -> str:
    """Reachable, with every migration applied; once applied, that is not asked again."""
    global _migrated
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, PoolTimeout):
        return "away"
    return "ok" if _migrated else "migrations are missing"


def _broker() -> str:
    global _broker_was
    asked_at, state = _broker_was
    if time.monotonic() - asked_at >= BROKER_SECONDS:
        state = _ask_broker()
        _broker_was = time.monotonic(), state
    return state


def _ask_broker() -> str:
    try:
        with current_app.connection(connect_timeout=1) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    except Exception:  # any transport has its own errors; none of them makes this process unfit
        return "away"
    return "ok"


def _disk() -> str:
    folder = Path(settings.MEDIA_ROOT)
    while not folder.exists():
        folder = folder.parent
    return "ok" if shutil.disk_usage(folder).free > SPARE_BYTES else "full"
