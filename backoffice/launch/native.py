"""Pango, which draws our PDFs: from the system, by apt as root, or unpacked under `var/native` without root."""

import ctypes
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from . import say
from .places import NATIVE

PACKAGES = ["libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core"]
LIBRARIES = ["libpangoft2-1.0.so.0", "libharfbuzz.so.0", "libfontconfig.so.1", "libgobject-2.0.so.0"]
UNPACKED = NATIVE / "unpacked"
READY = NATIVE / "ready.txt"
FAILED = NATIVE / "failed.txt"
FONTS = NATIVE / "fonts.conf"
APT_LIMITS = ["-o", "Acquire::http::Timeout=10", "-o", "Acquire::Retries=1"]


def ensure() -> None:
    """Make Pango available, or say in one line why PDFs are off."""
    if READY.exists() or _in_system():
        return
    if FAILED.exists():
        say.line(FAILED.read_text().strip())
        return
    NATIVE.mkdir(parents=True, exist_ok=True)
    try:
        with say.step("Pango, for PDF files"):
            if not shutil.which("apt-get"):
                raise say.Trouble("there is no apt here; install Pango (Fedora, macOS: the package pango)")
            if os.getuid() == 0:
                install_as_root(PACKAGES, otherwise="")
            else:
                _unpack()
    except (say.Trouble, OSError, subprocess.SubprocessError) as problem:
        text = f"PDF files are off, all else works: {problem}. Then delete {FAILED.name} in {NATIVE} and start again."
        FAILED.write_text(text + "\n")
        say.line(text)


def install_as_root(packages: list[str], *, otherwise: str) -> None:
    """apt-get install; raises Trouble with `otherwise` where that is not possible."""
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise say.Trouble(otherwise)
    _update_lists()
    done = _apt("install", "-y", "-qq", "--no-install-recommends", *packages)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise say.Trouble(f"apt-get install {' '.join(packages)} failed: {reason}")


@cache
def _update_lists() -> None:
    _apt("update", "-qq")


def _apt(*words: str) -> subprocess.CompletedProcess[str]:
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        ["apt-get", *APT_LIMITS, *words], env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


def variables() -> dict[str, str]:
    """What a process needs in its environment to find the unpacked libraries and fonts."""
    if not READY.exists():
        return {}
    paths = READY.read_text().splitlines()
    before = os.environ.get("LD_LIBRARY_PATH")
    kept = [path for path in (before or "").split(":") if path and path not in paths]
    return {"LD_LIBRARY_PATH": ":".join([*paths, *kept]), "FONTCONFIG_FILE": str(FONTS)}


def missing_from_environ() -> bool:
    """Whether this process was started without them; the loader reads its path only at the start."""
    return any(os.environ.get(name) != value for name, value in variables().items())


def _in_system() -> bool:
    try:
        for library in LIBRARIES:
            ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _unpack() -> None:
    apt = NATIVE / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    own = ["-o", f"Dir::State::lists={apt}/lists", "-o", f"Dir::Cache={apt}/cache", "-o", "Debug::NoLocking=1"]
    own += ["-o", "APT::Sandbox::User=", *APT_LIMITS]

    def run(*words: str) -> str:
        done = subprocess.run(
            ["apt-get", *own, *words], cwd=apt / "debs", stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            raise say.Trouble(f"apt-get {words[0]} failed; as root: apt-get install {' '.join(PACKAGES)}")
        return done.stdout

    run("update", "-qq")
    wanted = run("install", "-y", "-qq", "--no-install-recommends", "--print-uris", *PACKAGES)
    # Each line: 'address' file_version_arch.deb size hash
    names = [line.split()[1].split("_")[0] for line in wanted.splitlines() if line.startswith("'")]
    run("download", "-qq", *names)
    for deb in sorted((apt / "debs").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", deb, UNPACKED], check=True, capture_output=True)
    _write_fonts()
    folders = sorted({str(library.parent) for library in UNPACKED.rglob("*.so.*")})
    shutil.rmtree(apt)
    READY.write_text("".join(f"{folder}\n" for folder in folders))


def _write_fonts() -> None:
    families = [UNPACKED / "usr" / "share" / "fonts", Path("/usr/share/fonts")]
    folders = "".join(f"<dir>{folder}</dir>" for folder in families)
    FONTS.write_text(f"<fontconfig>{folders}<cachedir>{NATIVE / 'fontcache'}</cachedir></fontconfig>\n")
