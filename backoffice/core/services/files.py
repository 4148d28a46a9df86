"""Files as they came: hashed while they are written, kept once under their SHA-256, given back as downloads only."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, TypeVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from backoffice.core.models import StoredFile, User

BLOCK = 1024 * 1024
Response = TypeVar("Response", bound=HttpResponseBase)
SPARE_BYTES = 200 * BLOCK  # kept free for the database and the logs


class NotStored(Exception):
    """The file cannot be kept; the sentence says why."""


def store_upload(upload: "UploadedFile[Any]", *, by: User | None) -> StoredFile:
    """Keep an uploaded file. Raises NotStored."""
    return _store(upload.chunks(BLOCK), upload.size or 0, upload.name or "", upload.content_type or "", by)


def store_path(path: Path, *, by: User | None) -> StoredFile:
    """Keep a copy of a file of this machine. Raises NotStored."""
    with path.open("rb") as file:
        return _store(_blocks(file), path.stat().st_size, path.name, "", by)


def digest_of(path: Path) -> str:
    """The SHA-256 under which a file of this machine would be kept."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path_of(stored: StoredFile) -> Path:
    """Where the content lies."""
    return Path(settings.MEDIA_ROOT) / stored.path


def download(stored: StoredFile) -> FileResponse:
    """The file as an attachment that no browser runs, shows or sniffs. Its door has checked who may have it."""
    response = FileResponse(
        path_of(stored).open("rb"),
        as_attachment=True,
        filename=stored.name,
        content_type="application/octet-stream",
    )
    return harmless(response)


def harmless(response: Response) -> Response:
    """Headers under which even an HTML file does nothing."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response


def _blocks(file: IO[bytes]) -> Iterable[bytes]:
    while block := file.read(BLOCK):
        yield block


def _store(blocks: Iterable[bytes], size: int, name: str, content_type: str, by: User | None) -> StoredFile:
    if size > settings.MAX_UPLOAD_BYTES:
        raise NotStored(
            _("%(name)s has %(size)s MB; at most %(most)s MB are taken.")
            % {"name": name, "size": size // BLOCK, "most": settings.MAX_UPLOAD_BYTES // BLOCK}
        )
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(root).free < size + SPARE_BYTES:
        raise NotStored(_("The disk is nearly full: %(name)s was not taken.") % {"name": name})
    digest, count = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=root, prefix="incoming-", delete=False) as kept:
        try:
            for block in blocks:
                digest.update(block)
                kept.write(block)
                count += len(block)
            kept.flush()
            os.fsync(kept.fileno())
        except BaseException:
            Path(kept.name).unlink(missing_ok=True)
            raise
    sha256 = digest.hexdigest()
    path = f"{sha256[:2]}/{sha256}"
    (root / path).parent.mkdir(exist_ok=True)
    Path(kept.name).replace(root / path)  # the same content over itself when it was here before
    shown = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())[-255:]
    return StoredFile.objects.create(
        sha256=sha256, size=count, name=shown or "file", content_type=content_type[:120], path=path, stored_by=by
    )
