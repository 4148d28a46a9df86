"""Where things are. Everything written goes under `.venv/` and `var/` (or the folder named by VAR_DIR)."""

import hashlib
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
VAR = Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute()
RUN = VAR / "run"
LOG = VAR / "log"
NATIVE = VAR / "native"

LONGEST_SOCKET = 100  # the kernel takes about 107 bytes, the longest socket name is the database's


def private(folder: Path) -> Path:
    """Make `folder` for our eyes only."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def socket_folder(base: Path) -> Path:
    """A private folder whose sockets have short enough names: `base`, else one under the temporary directory."""
    if len(os.fsencode(base / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET:
        return private(base)
    mark = hashlib.sha256(os.fsencode(base)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"retaguarda-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        folder = Path(tempfile.mkdtemp(prefix="retaguarda-"))  # somebody else made that name first
    return private(folder)
