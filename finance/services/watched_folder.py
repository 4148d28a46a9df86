"""Statements that a bank's program or a scanner drops into a folder of this machine (setting STATEMENT_FOLDER).

A file that is whole is taken in at once, without a person: it lies in `done/` afterwards, or in `refused/` beside a
text that says why. Whoever looks holds a lock of the database, so any number of workers may; who dies leaves the file
where it was, and the next one goes on with the import that was begun.
"""

import logging
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from backoffice.core.imports import Refusal, Waits
from backoffice.core.models import ImportBatch
from backoffice.core.services import files

from . import statements

log = logging.getLogger(__name__)

QUIET_SECONDS = 10  # a file that nobody has written to for so long is whole
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart", ".download")
DONE, REFUSED = "done", "refused"
_LOCK = "SELECT pg_try_advisory_lock(hashtext('finance.statement_folder'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('finance.statement_folder'))"


def folder() -> Path | None:
    """The folder, if one is named and there."""
    named = Path(settings.STATEMENT_FOLDER) if settings.STATEMENT_FOLDER else None
    return named if named and named.is_dir() else None


def ready() -> list[Path]:
    """The files that are whole, in the order of their names."""
    place = folder()
    if place is None:
        return []
    return sorted(path for path in place.iterdir() if _is_whole(path))


def _is_whole(path: Path) -> bool:
    if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED):
        return False
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size > 0 and time.time() - found.st_mtime >= QUIET_SECONDS


def take_all() -> tuple[int, int]:
    """Take in every whole file; how many went in and how many were refused. Does nothing while another one does it."""
    taken = refused = 0
    with _alone() as is_ours:
        if not is_ours:
            return 0, 0
        for path in ready():
            if reason := _take(path):
                refused += 1
                _put(path, REFUSED, reason)
            else:
                taken += 1
                _put(path, DONE)
    return taken, refused


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(_UNLOCK)


def _take(path: Path) -> str:
    """Why the file was refused; empty when it is in."""
    try:
        batch = _begun(path)
        if batch:
            statements.import_batch(batch)
        else:
            statements.import_file(path)
    except (Refusal, Waits, files.NotStored) as why:
        return str(why)
    except DatabaseError:
        raise  # another try may help
    except Exception as problem:  # a file that breaks a reader must not stop those behind it
        log.exception("statement_folder.broken_file")
        return _("It could not be read: %(problem)s") % {"problem": f"{type(problem).__name__}: {problem}"}
    return ""


def _begun(path: Path) -> ImportBatch | None:
    """An import of just this file that was killed on its way."""
    begun = ImportBatch.objects.filter(
        source=statements.SOURCE,
        state=ImportBatch.State.RECEIVED,
        received_by=None,
        files__file__size=path.stat().st_size,
    )
    digest = ""
    for batch in begun.order_by("-pk"):
        kept = batch.files.select_related("file")
        digest = digest or files.digest_of(path)
        if [row.file.sha256 for row in kept] == [digest]:
            return batch
    return None


def _put(path: Path, where: str, reason: str = "") -> None:
    """Move the file out of the way, under a name of its own, with the reason beside it."""
    place = path.parent / where
    place.mkdir(exist_ok=True)
    target = place / path.name
    if target.exists():
        target = place / f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}{path.suffix}"
    if reason:
        target.with_name(f"{target.name}.txt").write_text(f"{path.name}: {reason}\n", encoding="utf-8")
    try:
        path.replace(target)
    except OSError:  # a folder that is not ours to change: it is taken again, which changes nothing
        log.exception("statement_folder.not_moved", extra={"where": where})


def summary(taken: int, refused: int) -> str:
    return _("%(taken)s files taken in, %(refused)s refused.") % {"taken": taken, "refused": refused}
