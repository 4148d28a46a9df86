"""Doors and words for machines: alive, ready, measured; lines without personal data."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client, override_settings

from backoffice.core import database, demo_logins, logs
from backoffice.core.models import User
from backoffice.core.views import health
from tests.factories.people import person

pytestmark = pytest.mark.django_db


def test_the_process_answers_without_asking_the_database(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"ok"


def test_it_is_ready_when_the_database_is_there_and_migrated(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["database"] == "ok"


def test_it_is_not_ready_while_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_args: Any) -> Any:
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", gone)

    assert client.get("/readyz").status_code == 503


def test_the_broker_is_asked_once_in_some_seconds(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["away"])  # a second question would find none
    monkeypatch.setattr(health, "_broker_was", (float("-inf"), ""))
    monkeypatch.setattr(health, "_ask_broker", lambda: next(answers))

    assert [client.get("/readyz").json()["state"] for _ in range(3)] == ["degraded"] * 3


def test_pages_say_that_the_database_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(person())
    client.raise_request_exception = False
    monkeypatch.setattr(connection, "cursor", lambda *args: (_ for _ in ()).throw(OperationalError("secret host")))

    answer = client.get("/")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert b"secret host" not in answer.content


@pytest.mark.parametrize(
    ("token", "proxy", "sent", "address", "status"),
    [
        ("", False, "", "127.0.0.1", 200),
        ("", False, "", "203.0.113.9", 401),
        ("", True, "", "127.0.0.1", 401),
        ("t0ken", False, "", "127.0.0.1", 401),
        ("t0ken", False, "Bearer t0ken", "203.0.113.9", 200),
        ("t0ken", False, "Bearer other", "203.0.113.9", 401),
    ],
)
def test_metrics_are_not_public(client: Client, token: str, proxy: bool, sent: str, address: str, status: int) -> None:
    with override_settings(METRICS_TOKEN=token, BEHIND_PROXY=proxy):
        assert client.get("/metrics", REMOTE_ADDR=address, headers={"Authorization": sent}).status_code == status


def test_metrics_name_routes_and_count_what_waits(client: Client) -> None:
    client.get("/healthz")

    text = client.get("/metrics").content.decode()

    assert 'retaguarda_request_seconds_count{method="GET",route="healthz",status="200"}' in text
    assert 'retaguarda_jobs{state="queued"} 0.0' in text
    assert "retaguarda_outbox_lag_seconds 0.0" in text
    assert "retaguarda_rollup_lag_seconds 0.0" in text


def line_of(as_json: bool, message: str, *args: Any, **extra: Any) -> str:
    config = logs.configuration(as_json=as_json)
    formatter = dict(config["formatters"]["line"])
    made = formatter.pop("()")(**formatter)
    record = logging.LogRecord("x", logging.INFO, "f", 1, message, args, extra.get("exc_info"))
    return str(made.format(record))


def test_lines_carry_no_personal_data() -> None:
    line = line_of(True, "to ana.souza@example.com.br, 123.456.789-09, 12.ABC.345/01DE-35, %s", "12345678909")

    assert json.loads(line)["event"] == "to <e-mail>, <cpf>, <cnpj>, <cpf>"


def test_a_line_cannot_be_forged_by_a_line_break() -> None:
    line = line_of(False, "refused %s", "x\r\n2026-01-01 [info] core.approval_approved")

    assert "\n" not in line
    assert "\\r\\n" in line


def test_tracebacks_carry_no_personal_data() -> None:
    try:
        raise ValueError("ana@example.com")
    except ValueError:
        line = line_of(True, "failed", exc_info=sys.exc_info())

    assert "ana@example.com" not in line
    assert "ValueError" in line


def test_every_answer_carries_its_request_id_and_policy(client: Client) -> None:
    for path in ("/healthz", "/account/login/", "/nowhere/", "/configuration/"):
        answer = client.get(path)
        assert len(answer["X-Request-Id"]) == 16
        assert "camera=()" in answer["Permissions-Policy"]
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]


@override_settings(ALLOWED_HOSTS=["retaguarda.example"])
def test_a_host_that_is_not_ours_has_no_pages(client: Client) -> None:
    answer = client.get("/account/login/", headers={"host": "evil.example"})

    assert answer.status_code == 404
    assert "Content-Security-Policy" in answer


def test_a_failure_shows_its_number_and_nothing_else(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("password=hunter2 /srv/retaguarda")

    monkeypatch.setattr("backoffice.core.views.health._disk", fail)
    client.raise_request_exception = False

    answer = client.get("/readyz")

    assert answer.status_code == 500
    assert answer["X-Request-Id"].encode() in answer.content
    assert b"hunter2" not in answer.content
    assert b"Traceback" not in answer.content
    assert "Content-Security-Policy" in answer


# production


def start(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python under production settings."""
    base = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "backoffice.settings.prod",
        "SECRET_KEY": "qL8sV2nX5bT0mR7yK4wE9uJ1hG6fD3cA8pZ2xN5vB0tQ7rW4yU",
        "ALLOWED_HOSTS": "retaguarda.example",
        "SITE_URL": "https://retaguarda.example",
        "DATABASE_URL": os.environ.get("DATABASE_URL", ""),
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**base, **environ},
        cwd=Path(settings.BASE_DIR),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


LOAD = "import django; django.setup(); print('started')"


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is weak"),
        ({"DEBUG": "1"}, "DEBUG is set"),
        ({"RETAGUARDA_DEMO": "1"}, "RETAGUARDA_DEMO is set"),
    ],
)
def test_production_does_not_start_unsafely(environ: dict[str, str], reason: str) -> None:
    ended = start(LOAD, **environ)

    assert ended.returncode != 0
    assert reason in ended.stderr


def test_no_environment_switches_the_second_factor_off_in_production() -> None:
    ended = start("from django.conf import settings; print(settings.MFA_REQUIRED)", MFA_REQUIRED="0")

    assert ended.stdout.strip() == "True", ended.stderr


def test_production_passes_the_deploy_checks() -> None:
    ended = start(
        "import django; django.setup(); from django.core.management import call_command;"
        "call_command('check', '--deploy', '--fail-level', 'WARNING')"
    )

    assert ended.returncode == 0, ended.stderr


def test_development_settings_would_not_pass_for_production() -> None:
    found = {message.id for message in checks.run_checks(include_deployment_checks=True)}

    assert {"core.E012", "core.E014"} <= found


@override_settings(REFUSE_DEMO_LOGINS=True)
def test_production_refuses_demo_logins_at_the_start_and_at_the_door(client: Client) -> None:
    demo_logins.refuse()
    user = User.objects.create_user("demo@example.com", "correct horse battery", name="Demo", is_demo=True)

    with pytest.raises(SystemExit, match="demo logins"):
        demo_logins.refuse()
    client.post("/account/login/", {"login": user.email, "password": "correct horse battery"})
    assert client.get("/").status_code == 302


def test_the_first_administrator_comes_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMINISTRATOR_PASSWORD", "correct horse battery")

    call_command("create_administrator", "--email", "Ana@Example.com", "--name", "Ana")

    user = User.objects.get(email="ana@example.com")
    assert user.may("core.person.edit")
    assert user.is_staff
    with pytest.raises(CommandError, match="already"):
        call_command("create_administrator", "--email", "ana@example.com", "--name", "Ana")
    monkeypatch.setenv("ADMINISTRATOR_PASSWORD", "short")
    with pytest.raises(CommandError, match="12 characters"):
        call_command("create_administrator", "--email", "bia@example.com", "--name", "Bia")


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (["/venv/bin/gunicorn", "backoffice.wsgi"], "web"),
        (["manage.py", "runserver"], "web"),
        (["/venv/bin/celery", "-A", "backoffice", "worker"], "worker"),
        (["manage.py", "migrate"], "command"),
    ],
)
def test_each_kind_of_process_waits_as_long_as_it_may(
    argv: list[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RETAGUARDA_PROCESS", raising=False)
    monkeypatch.setattr(sys, "argv", argv)

    assert database.process_kind() == kind


def test_a_page_waits_five_seconds_for_a_statement_and_two_for_a_lock() -> None:
    options = database.session_options("web")

    assert "statement_timeout=5s" in options
    assert "lock_timeout=2s" in options
    assert "idle_in_transaction_session_timeout=30s" in options


def test_a_heavy_step_may_take_its_time_and_the_next_one_not(transactional_db: None) -> None:
    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    before = limit()

    with database.patient(900):
        assert limit() == "15min"
    assert limit() == before
