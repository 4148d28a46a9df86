"""What workers do with an import: check, write, take back. Each may be run twice: the batch's state decides."""

from itertools import islice
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..database import patient
from ..jobs import Work, job
from ..models import ImportBatch
from ..services import audit
from . import changes, engine
from .files import Sheet
from .registry import Asked, FileSource, NotUndoable, Refusal, Waits, get

State = ImportBatch.State
RAW_ROWS = 3


@job("imports.check", title=_("Check an import"), left=_("Nothing was written."))
def check(work: Work, *, batch_id: int) -> dict[str, Any]:
    """Say what the import would do."""
    batch = ImportBatch.objects.get(pk=batch_id)
    if batch.state == State.CHECKING:
        source = get(batch.source)
        try:
            if isinstance(source, FileSource):
                with patient(engine.PATIENCE_SECONDS):
                    found = source.look(batch, work)
                with work.writing():
                    _settle(batch, State.CHECKING, state=State.CHECKED, reason="", **found)
            else:
                engine.run(batch.source, batch, work.job.asked_by, commit=False, work=work)
        except Asked as asked:
            with work.writing():
                _settle(batch, State.CHECKING, state=State.MAPPING, preview=asked.preview)
        except engine.MappingNeeded as needed:
            with work.writing():
                _settle(batch, State.CHECKING, state=State.MAPPING, preview=[_raw(needed.sheet)])
        except Refusal as refusal:
            with work.writing():
                _settle(batch, State.CHECKING, state=State.REFUSED, reason=str(refusal))
    return {"url": reverse("import", args=[batch_id])}


@job("imports.write", title=_("Write an import"), left=_("Nothing was written."))
def write(work: Work, *, batch_id: int) -> dict[str, Any]:
    """Do what the check has shown."""
    return _write(work, batch_id)


@job(
    "imports.take", title=_("Write an import"), left=_("What was written so far is complete in itself. Write the rest.")
)
def take(work: Work, *, batch_id: int) -> dict[str, Any]:
    """The same for a source that writes in steps of its own."""
    return _write(work, batch_id)


def _write(work: Work, batch_id: int) -> dict[str, Any]:
    batch = ImportBatch.objects.get(pk=batch_id)
    if batch.state == State.COMMITTING:
        source = get(batch.source)
        try:
            if why := source.why_not_by(batch, work.job.asked_by):
                raise Waits(why)
            if isinstance(source, FileSource):
                with patient(engine.PATIENCE_SECONDS):
                    source.take(batch, work)
            else:
                engine.run(batch.source, batch, work.job.asked_by, commit=True, work=work)
        except Waits as why:
            with work.writing():
                _settle(batch, State.COMMITTING, state=State.CHECKED, reason=str(why), counts=batch.counts | why.counts)
        except Refusal as refusal:
            with work.writing():
                _settle(batch, State.COMMITTING, state=State.REFUSED, reason=str(refusal))
    return {"url": reverse("import", args=[batch_id])}


@job("imports.undo", title=_("Undo an import"), left=_("The import stays as it was."))
def undo(work: Work, *, batch_id: int) -> dict[str, Any]:
    """Take back what the import wrote, as long as nothing depends on it."""
    try:
        with patient(engine.PATIENCE_SECONDS), work.writing(), connection.cursor() as cursor:
            batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=batch_id)
            if batch.state == State.UNDOING:
                _take_back(cursor, batch, work)
    except NotUndoable as reason:
        with work.writing():
            _settle(batch, State.UNDOING, state=State.COMMITTED, reason=str(reason))
    return {"url": reverse("import", args=[batch_id])}


def _take_back(cursor: Any, batch: ImportBatch, work: Work) -> None:
    source = get(batch.source)
    if why := source.why_not_by(batch, work.job.asked_by):
        raise NotUndoable(why)
    changes.refuse_if_changed_later(cursor, batch)
    if found := source.obstacles(cursor, batch):
        raise NotUndoable(" ".join(found))
    if isinstance(source, FileSource):
        rows = source.take_back(cursor, batch, work.job.asked_by)
    else:
        rows = changes.take_back(cursor, batch, source.undo_order)
    source.undone(cursor, batch)
    _settle(batch, State.UNDOING, state=State.UNDONE, undone_at=Now(), reason="")
    audit.record("core.import_undone", batch, by=work.job.asked_by, rows=rows)


def _settle(batch: ImportBatch, expected: str, **values: Any) -> None:
    ImportBatch.objects.filter(pk=batch.pk, state=expected).update(**values)


def _raw(sheet: Sheet) -> dict[str, Any]:
    """The headings and first cells as they stand, for the person who says what they are."""
    _lines, rows = next(sheet.chunks(), ([], []))
    return {
        "name": sheet.name,
        "words": sheet.words,
        "headings": sheet.headings,
        "raw": [row[: len(sheet.headings)] for row in islice(rows, RAW_ROWS)],
    }
