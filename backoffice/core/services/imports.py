"""An import from the door's side: receive files, name columns, write, undo, give up. Jobs do the work."""

from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from backoffice.core import jobs
from backoffice.core.imports import FileSource, Source, get, mapping
from backoffice.core.models import ImportBatch, ImportFile, User, ref_of

from . import audit, files

State = ImportBatch.State
MAX_FILES = 50
# Which work a state waits for; also how an import whose job was cancelled or parked is taken up again.
WORK = {State.CHECKING: "imports.check", State.COMMITTING: "imports.write", State.UNDOING: "imports.undo"}


class WrongState(Exception):
    """The import has moved on since the page was drawn."""


class NotTheirs(WrongState):
    """Another person writes or undoes this import; the sentence says why."""


class NotConfirmed(Exception):
    """What makes the import doubtful was not confirmed."""


def receive(
    *, source: Source, uploads: "Sequence[UploadedFile[Any]]", by: User, mapping: dict[str, Any] | None = None
) -> ImportBatch:
    """Keep the files as they came and have them checked. mapping: what the sender said. Raises files.NotStored."""
    stored = [files.store_upload(upload, by=by) for upload in uploads]
    with transaction.atomic():
        batch = ImportBatch.objects.create(source=source.key, received_by=by, mapping=mapping or {})
        ImportFile.objects.bulk_create(
            [ImportFile(batch=batch, file=file, position=place) for place, file in enumerate(stored)]
        )
        _move(batch, State.RECEIVED, State.CHECKING, by)
    return batch


@transaction.atomic
def answer(*, batch_id: int, chosen: dict[str, Any], by: User) -> None:
    """Take a person's answers for a source that reads its own files, and have it looked at again."""
    batch = _locked(batch_id)
    batch.mapping = chosen
    batch.save(update_fields=["mapping"])
    _move(batch, State.MAPPING, State.CHECKING, by)


@transaction.atomic
def name_columns(*, batch_id: int, chosen: dict[str, str], by: User) -> None:
    """Take a person's word for which heading is which column, for this and for later files with these headings."""
    batch = _locked(batch_id)
    mapping.remember(get(batch.source), batch.preview[0]["headings"], chosen, by)
    batch.mapping = chosen
    batch.save(update_fields=["mapping"])
    _move(batch, State.MAPPING, State.CHECKING, by)


@transaction.atomic
def rename_columns(*, batch_id: int, by: User) -> None:
    """Open the columns of a checked import again."""
    batch = _locked(batch_id)
    if not ImportBatch.objects.filter(pk=batch.pk, state=State.CHECKED).update(state=State.MAPPING):
        raise WrongState(_("The import has moved on."))


@transaction.atomic
def write(*, batch_id: int, by: User, is_confirmed: bool = False) -> None:
    """Have a checked import written. is_confirmed: the person has seen what makes it doubtful.

    Raises WrongState, NotTheirs, NotConfirmed.
    """
    batch = _theirs(batch_id, by)
    doubts = batch.counts.get("confirm", 0)
    if doubts and batch.state == State.CHECKED:
        if not is_confirmed:
            raise NotConfirmed(_("Tick that you have compared the lines, then write the import."))
        batch.mapping = batch.mapping | {"confirmed": {"by": by.pk, "doubts": doubts}}
        batch.save(update_fields=["mapping"])
        audit.record("core.import_confirmed", batch, by=by, doubts=doubts)
    _move(batch, State.CHECKED, State.COMMITTING, by)


@transaction.atomic
def undo(*, batch_id: int, by: User) -> None:
    """Have a written import taken back. Raises WrongState, NotTheirs."""
    _move(_theirs(batch_id, by), State.COMMITTED, State.UNDOING, by)


@transaction.atomic
def resume(*, batch_id: int, by: User) -> None:
    """Do the work again whose job was cancelled, failed or parked. Raises WrongState, NotTheirs."""
    batch = _locked(batch_id)
    if batch.state != State.CHECKING:
        _theirs(batch_id, by)
    alive = batch.job is not None and batch.job.state in ("queued", "running")
    if batch.state not in WORK or alive:
        raise WrongState(_("The import has moved on."))
    _ask(batch, by)


@transaction.atomic
def give_up(*, batch_id: int, by: User) -> None:
    """End an import before anything was written; its files stay. RECEIVED is one whose command was killed."""
    free = ImportBatch.objects.select_for_update(of=("self",), skip_locked=True).select_related("job")
    batch = free.filter(pk=batch_id).first()
    if batch is None:
        raise WrongState(_("It is being worked on. Cancel that first."))
    source = get(batch.source)
    if isinstance(source, FileSource) and source.has_begun(batch):
        raise WrongState(_("A part of it is written. Write the rest, then undo the import."))
    if batch.state not in (State.RECEIVED, State.CHECKING, State.MAPPING, State.CHECKED, State.COMMITTING):
        raise WrongState(_("The import has moved on."))
    if batch.job is not None and batch.job.state in ("queued", "running"):
        raise WrongState(_("It is being worked on. Cancel that first."))
    batch.state = State.CANCELLED
    batch.save(update_fields=["state"])
    audit.record("core.import_discarded", batch, by=by)


def _locked(batch_id: int) -> ImportBatch:
    return ImportBatch.objects.select_for_update(of=("self",)).select_related("job").get(pk=batch_id)


def _theirs(batch_id: int, by: User) -> ImportBatch:
    """The import, locked, if this person may write and undo it."""
    batch = _locked(batch_id)
    if why := get(batch.source).why_not_by(batch, by):
        raise NotTheirs(why)
    return batch


def _move(batch: ImportBatch, before: State, after: State, by: User) -> None:
    if not ImportBatch.objects.filter(pk=batch.pk, state=before).update(state=after, reason=""):
        raise WrongState(_("The import has moved on."))
    batch.state = after
    _ask(batch, by)


def _ask(batch: ImportBatch, by: User) -> None:
    kind = WORK[State(batch.state)]
    if kind == "imports.write" and isinstance(get(batch.source), FileSource):
        kind = "imports.take"
    batch.job = jobs.ask(kind, by=by, subject=ref_of(batch), batch_id=batch.pk)
    batch.save(update_fields=["job"])
