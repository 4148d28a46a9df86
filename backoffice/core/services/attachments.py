"""Files on a record: kept under our own names, given to whoever may read the record."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ..models import Attachment, User
from . import activity, audit, files

MOST_BYTES = 25 * 1024 * 1024


@transaction.atomic
def attach(*, ref: str, upload: "UploadedFile[Any]", by: User) -> Attachment:
    """Put a file on a record that the caller knows `by` may read. Raises files.NotStored."""
    if (upload.size or 0) > MOST_BYTES:
        raise files.NotStored(
            _("%(name)s has %(size)s MB; a file on a record has at most %(most)s MB.")
            % {"name": upload.name, "size": (upload.size or 0) // 1024 // 1024, "most": MOST_BYTES // 1024 // 1024}
        )
    if not upload.size:
        raise files.NotStored(_("%(name)s is empty.") % {"name": upload.name})
    attachment = Attachment.objects.create(subject=ref, file=files.store_upload(upload, by=by), added_by=by)
    activity.follow(ref=ref, users=[by])
    audit.record("core.file_added", ref, by=by, name=attachment.file.name)
    return attachment


@transaction.atomic
def remove(*, attachment_id: int, by: User) -> bool:
    """Take one's own file off a record; its bytes stay, for the trail. False when it is gone or somebody else's."""
    own = Attachment.objects.filter(pk=attachment_id, added_by=by, removed_at=None)
    if not own.update(removed_at=Now()):
        return False
    attachment = Attachment.objects.select_related("file").get(pk=attachment_id)
    audit.record("core.file_removed", attachment.subject, by=by, name=attachment.file.name)
    return True
