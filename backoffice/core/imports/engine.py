"""One import from files to rows: open, stage, check, write, in one transaction; a killed worker leaves nothing.

    result = run("olist", [Path("shop/")], by=None)            # a command: keep the files, read, check, write
    result = run("orders_csv", batch, by=user, commit=False)   # a job: what would happen

The same files twice give zero new rows because `check` compares with what is there, not because the engine remembers.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ..database import patient
from ..jobs import Quiet, Work
from ..models import ImportBatch, ImportFile, User
from ..services import audit, files
from . import mapping, report, stage
from .files import Sheet, open_file
from .registry import Refusal, Source, get
from .stage import Failures, Load

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

PATIENCE_SECONDS = 1800  # for one statement: a COPY lasts as long as its file is read
TIDY_FROM = 20_000  # written rows
SUFFIXES = (".csv", ".csv.gz", ".zip", ".xlsx", ".tsv", ".txt")


@dataclass
class Result:
    """What an import did, or would do. The four numbers count rows of the source's primary table."""

    batch: ImportBatch
    counts: dict[str, Any]
    seconds: float

    @property
    def created(self) -> int:
        return int(self.counts.get("create", 0))

    @property
    def updated(self) -> int:
        return int(self.counts.get("update", 0))

    @property
    def unchanged(self) -> int:
        return int(self.counts.get("skip", 0))

    @property
    def failed(self) -> int:
        return int(self.counts.get("error", 0))


class MappingNeeded(Exception):
    """A person must say which heading of `sheet` is which column."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet.name)
        self.sheet = sheet


def run(
    source_key: str,
    what: "ImportBatch | Iterable[Path]",
    by: User | None,
    commit: bool = True,
    work: Work | None = None,
) -> Result:
    """Check the files of a batch, or files of this machine; write if `commit`. Raises Refusal, MappingNeeded.

    Without `work` nobody takes a failed import up again: it ends as refused, with the reason.
    """
    began, source = time.monotonic(), get(source_key)
    batch = what if isinstance(what, ImportBatch) else receive_paths(source, what, by)
    if batch.state == ImportBatch.State.COMMITTED:
        return Result(batch, batch.counts, 0.0)
    with nullcontext() if work else refusing(batch):
        work = work or Quiet()
        sheets = open_batch(batch)
        loads = assign(source, sheets, batch)
        with patient(PATIENCE_SECONDS), work.writing():
            batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
            if batch.state == ImportBatch.State.CANCELLED:
                raise Refusal(_("The import was discarded."))
            if batch.state != ImportBatch.State.COMMITTED:
                with connection.cursor() as cursor:
                    _pass(cursor, source, batch, sheets, loads, work, commit, by)
        if batch.state == ImportBatch.State.COMMITTED:
            with patient(PATIENCE_SECONDS):
                _tidy(source, batch)
    return Result(batch, batch.counts, time.monotonic() - began)


@contextmanager
def refusing(batch: ImportBatch) -> Iterator[None]:
    """Whatever ends the work inside, the batch says so: nobody else comes back to it."""
    try:
        yield
    except BaseException as problem:
        reason = _("It was stopped: %(problem)s") % {"problem": str(problem) or type(problem).__name__}
        if isinstance(problem, MappingNeeded):
            reason = _("The columns of %(name)s are not known.") % {"name": problem}
        elif isinstance(problem, Refusal):
            reason = str(problem)
        waiting = ImportBatch.objects.filter(pk=batch.pk, state=ImportBatch.State.RECEIVED)
        waiting.update(state=ImportBatch.State.REFUSED, reason=reason)
        raise


def receive_paths(source: Source, paths: Iterable[Path], by: User | None) -> ImportBatch:
    """Keep files of this machine as a new batch; of a directory, the files whose suffix may be one.

    Raises Refusal, files.NotStored.
    """
    found: list[Path] = []
    for path in paths:
        found += sorted(p for p in path.iterdir() if p.name.lower().endswith(SUFFIXES)) if path.is_dir() else [path]
    if not found:
        raise Refusal(_("No CSV, gzip, zip or XLSX file was found there."))
    stored = [files.store_path(path, by=by) for path in found]
    with transaction.atomic():
        batch = ImportBatch.objects.create(source=source.key, received_by=by)
        for position, file in enumerate(stored):
            ImportFile.objects.create(batch=batch, file=file, position=position)
    return batch


def open_batch(batch: ImportBatch) -> list[Sheet]:
    """The sheets of all its files, in order; their places number the failures."""
    sheets: list[Sheet] = []
    for row in batch.files.select_related("file").order_by("position"):
        sheets += open_file(files.path_of(row.file), row.file.name)
    return sheets


def assign(source: Source, sheets: list[Sheet], batch: ImportBatch) -> list[Load]:
    """Which sheet feeds which table. Raises Refusal when none does, MappingNeeded when a person must say."""
    loads = []
    for position, sheet in enumerate(sheets):
        if source.mapped:
            named = mapping.known(source, sheet, batch)
            if named is None:
                raise MappingNeeded(sheet)
            loads.append(
                Load(position, sheet, source.tables[0], stage.columns_of(source.tables[0], sheet.headings, named))
            )
            continue
        table = next((table for table in source.tables if table.tells(sheet.headings)), None)
        if table is not None:
            loads.append(Load(position, sheet, table, stage.columns_of(table, sheet.headings)))
    if not loads:
        raise Refusal(
            _("%(name)s has other headings than this import knows. Found: %(found)s. Expected: %(expected)s.")
            % {
                "name": sheets[0].name,
                "found": ", ".join(sheets[0].headings[:12]),
                "expected": _(" or ").join(
                    ", ".join(table.signature or [c.name for c in table.columns if c.required])
                    for table in source.tables
                ),
            }
        )
    for load in loads:
        missing = [str(c.title or c.name) for c in load.table.columns if c.required and c.name not in load.columns]
        if missing:
            raise Refusal(
                _("%(name)s lacks the column %(missing)s.") % {"name": load.sheet.name, "missing": ", ".join(missing)}
            )
    return loads


def _pass(
    cursor: "CursorWrapper",
    source: Source,
    batch: ImportBatch,
    sheets: list[Sheet],
    loads: list[Load],
    work: Work,
    commit: bool,
    by: User | None,
) -> None:
    stage.create(cursor, source)
    failures, done, total = Failures(), 0, sum(load.sheet.lines for load in loads)

    def told(rows: int) -> None:
        nonlocal done
        work.check()
        done += rows
        work.progress(min(done, total), total, _("Reading"))

    for load in loads:
        stage.load(cursor, load, failures, told)
    for table in source.tables:
        cursor.execute(f"ANALYZE {table.stage}")
    work.progress(total, total, _("Checking"))
    work.check()
    source.check(cursor)
    report.add_refused(cursor, source, loads, failures)
    batch.counts = report.count(cursor, source, loads, failures)
    batch.preview = [report.preview(cursor, position, sheet, loads) for position, sheet in enumerate(sheets)]
    work.check()
    if commit:
        work.progress(total, total, _("Writing"))
        _without_refused(cursor, source)
        batch.counts["written"] = source.write(cursor, batch) or {}
        batch.state, batch.committed_at = ImportBatch.State.COMMITTED, Now()
    else:
        batch.state = ImportBatch.State.CHECKED
    report.keep_failures(cursor, batch, failures)
    batch.reason = ""
    batch.save(update_fields=["counts", "preview", "state", "committed_at", "reason"])
    if commit:
        shown = {key: batch.counts[key] for key in ("create", "update", "skip", "error")}
        here = None if audit.origin().source == "command" else "import"
        audit.record("core.import_committed", batch, by=by, source=here, source_key=source.key, **shown)


def _tidy(source: Source, batch: ImportBatch) -> None:
    """Give a swollen table at once the statistics and marks that its next reader needs.

    Autovacuum would do it a minute later, beside the next import, which until then plans for empty tables. What may
    not be tidied (before PostgreSQL 17 only by its owner) is left out with a warning that nobody sees.
    """
    written = sum(entity["create"] + entity["update"] for entity in batch.counts["entities"].values())
    if not source.fills or written < TIDY_FROM or connection.in_atomic_block:
        return
    with suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE, SKIP_LOCKED) {', '.join(source.fills)}")


def _without_refused(cursor: "CursorWrapper", source: Source) -> None:
    for table in source.tables:
        cursor.execute(f"DELETE FROM {table.stage} WHERE problem IS NOT NULL")  # noqa: S608
