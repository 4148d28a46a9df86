"""Statements come in: files are kept, staged, checked against what is known, and taken into the books.

`receive` is the door of the screens: a worker checks, a person confirms. `import_file` does it at once, for commands,
the watched folder and the demo. Both end in `take`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.core import events, hands
from backoffice.core.database import patient
from backoffice.core.hands import Hand
from backoffice.core.imports import Asked, Refusal, Waits, engine, get
from backoffice.core.jobs import Quiet, Work
from backoffice.core.models import ImportBatch, ImportFile, User
from backoffice.core.services import audit, files
from backoffice.core.services import imports as import_service
from finance import formats
from finance.models import BankAccount, Period, PeriodException, Statement, StatementLine

from . import bank_accounts, ledger, statement_twice, statistics
from . import statement_books as books
from . import statement_columns as columns
from .statement_stage import Loader, Part, Staged, begin, drop, finish, give

SOURCE = "finance.statement"
LEAVE_OUT = 0  # in place of an account: this part of the file is not taken
TIDY_FROM = 20_000  # new lines, after which the planner needs new statistics at once
BOOKS_CURRENCY = "BRL"


class Unrecognised(Refusal):
    """The file names accounts that are not known here; `parts` says which."""

    def __init__(self, parts: list[Part]) -> None:
        super().__init__(
            _("The file is of an account that is not known here: %(names)s. Say which bank account it is.")
            % {"names": ", ".join(name_of(part) or "–" for part in parts)}
        )
        self.parts = parts


def receive(
    *,
    files: "Sequence[UploadedFile[Any]]",
    by: User,
    bank_account: BankAccount | None = None,
    as_format: str | None = None,
) -> ImportBatch:
    """Keep the files and have a worker check them. bank_account: of the part that names no account we know.

    Raises core's files.NotStored.
    """
    options: dict[str, Any] = {}
    if bank_account:
        options["bank_account"] = bank_account.pk
    if as_format:
        options["format"] = as_format
    return import_service.receive(source=get(SOURCE), uploads=files, by=by, mapping=options)


def import_file(
    path: Path | str,
    *,
    bank_account: BankAccount | None = None,
    by: User | None = None,
    as_format: str | None = None,
    mapping: dict[str, Any] | None = None,
) -> list[Statement]:
    """Take one file of this machine into the books at once. The same file again changes nothing.

    mapping: role → heading or number, for a table whose columns are not understood.

    Raises Refusal (Unrecognised), Waits (a closed month, or lines that seem to be held; the import waits as checked),
    files.NotStored.
    """
    batch = engine.receive_paths(get(SOURCE), [Path(path)], by)
    options = {"bank_account": bank_account.pk if bank_account else None, "format": as_format, "columns": mapping}
    batch.mapping = {name: value for name, value in options.items() if value}
    batch.save(update_fields=["mapping"])
    return import_batch(batch)


def import_batch(batch: ImportBatch) -> list[Statement]:
    """The same for a batch that is received already."""
    with engine.refusing(batch), patient(engine.PATIENCE_SECONDS):
        try:
            return take(batch)
        except Waits as why:
            from .statement_check import look  # it stands on this module

            found = look(batch, Quiet())  # so that a person can write it later, on its page
            ImportBatch.objects.filter(pk=batch.pk).update(state=ImportBatch.State.CHECKED, reason=str(why), **found)
            raise


@contextmanager
def staged(batch: ImportBatch, work: Work) -> Iterator[Staged]:
    """The batch's files in the stage, with their accounts where recognised. Raises Refusal, Asked."""
    kept = list(batch.files.select_related("file").order_by("position"))
    done = 0

    def told(lines: int) -> None:
        nonlocal done
        work.check()
        done += lines
        work.progress(done, None, _("Reading"))

    found = Staged()
    begin()
    try:
        loader = Loader(found, _recogniser(batch), told)
        for row in kept:
            _load(loader, row, batch.mapping.get("format"), batch.mapping.get("columns"))
        finish()
        yield found
    finally:
        if connection.is_usable() and not connection.needs_rollback:
            drop()


def _load(loader: Loader, row: ImportFile, as_format: str | None, named: dict[str, Any] | None) -> None:
    """Stage one file. Raises Refusal; ColumnsNeeded, one kind of it, when nobody has said what its columns hold."""
    path, name = files.path_of(row.file), row.file.name
    try:
        today = timezone.localdate()
        events_ = formats.stream(path, name=name, as_format=as_format, mapping=named, today=today)
        loader.take(events_, file=row.position, size=row.file.size)
    except formats.Refusal as refusal:
        reason = f"{name}: {_(refusal.text) % refusal.data}"
        if named is None and refusal.text in columns.NOT_UNDERSTOOD and (sheet := columns.table_of(path, name)):
            known = columns.remembered(get(SOURCE), sheet)
            if known is None:
                raise columns.ColumnsNeeded(reason, columns.preview_of(sheet)) from refusal
            return _load(loader, row, columns.kind_of(sheet), known)
        raise Refusal(reason) from refusal
    return None


def _recogniser(batch: ImportBatch) -> Callable[[Part], int | None]:
    """Says which bank account a part is: as a person answered, as known, else the one the sender named."""
    accounts = list(BankAccount.objects.filter(is_active=True).order_by("pk"))
    answers: dict[str, int] = batch.mapping.get("accounts", {})
    given: int | None = batch.mapping.get("bank_account")
    given_to: set[str] = set()

    def recognise(part: Part) -> int | None:
        key = key_of(part)
        if key in answers:
            return answers[key] or LEAVE_OUT
        facts = part.facts
        known = bank_accounts.recognised(
            accounts, bank=facts.bank, branch=facts.branch, number=facts.id, kind=facts.kind
        )
        if known:
            return known.pk
        if given and given_to <= {key}:
            given_to.add(key)
            return given
        return None

    return recognise


def alias_of(part: Part) -> str:
    return bank_accounts.alias(bank=part.facts.bank, branch=part.facts.branch, number=part.facts.id)


def key_of(part: Part) -> str:
    """By what an answer about this part is kept: how the file names the account, else the part's place."""
    return alias_of(part) or f"#{part.file}"


def name_of(part: Part) -> str:
    """The account as the file spells it, for people."""
    return " ".join(piece for piece in (part.facts.bank, part.facts.branch, part.facts.id) if piece)


def unanswered(found: Staged) -> list[Part]:
    return [part for part in found.parts if part.account is None]


def taken_parts(found: Staged) -> list[Part]:
    """Those parts that can go into the books."""
    currencies = dict(BankAccount.objects.values_list("pk", "currency"))
    return [part for part in found.parts if part.account and not obstacle(part, currencies[part.account])]


def obstacle(part: Part, currency: str) -> str:
    """Why this part cannot be posted, if it cannot. currency: the bank account's."""
    said = part.facts.currency or currency
    if said != currency:
        return _("The file says %(said)s, the bank account is in %(ours)s.") % {"said": said, "ours": currency}
    if currency != BOOKS_CURRENCY:
        return _(
            "The account is in %(currency)s and the books are in BRL. Without an exchange rate nothing is posted;"
            " the file is kept."
        ) % {"currency": currency}
    return ""


def closed_months(months: set[date], by: User | None) -> list[date]:
    """Which of these months take no posting of this person."""
    shut = Period.objects.filter(starts_on__in=months).exclude(state=Period.State.OPEN)
    free = PeriodException.objects.filter(person=by, expires_at__gt=Now(), period__state=Period.State.SOFT)
    before = Period.objects.filter(state=Period.State.CLOSED).order_by("-starts_on").values_list("starts_on", flat=True)
    last = before.first()
    if by:
        shut = shut.exclude(pk__in=free.values("period_id"))
    held = set(shut.values_list("starts_on", flat=True))
    return sorted(month for month in months if month in held or (last and month <= last))


def closed_words(months: list[date], new: list[books.New]) -> str:
    """Why a statement waits: its date is the bank's, so it is posted in its own month or not at all."""
    count = sum(row.count for row in new if row.month in months)
    named = ", ".join(f"{month:%m/%Y}" for month in months[:6])
    return _(
        "%(count)s new lines lie in months that are closed: %(months)s. A bank line keeps its date, else the books"
        " would not agree with the bank on any day. Have the month opened, then write the statement."
    ) % {"count": count, "months": named}


def take(batch: ImportBatch, work: Work | None = None) -> list[Statement]:
    """Take a batch's files into the books, chunk by chunk; what an earlier try wrote is found known.

    Raises Refusal (Unrecognised), Waits when new lines lie in closed months or seem to be in the books already.
    """
    by = batch.received_by if work is None else work.job.asked_by
    work = work or Quiet()
    with staged(batch, work) as found:
        if asked := unanswered(found):
            raise Unrecognised(asked)
        parts = taken_parts(found)
        new = books.new_lines(parts)
        if months := closed_months({row.month for row in new}, by):
            raise Waits(closed_words(months, new))
        fresh = {row.part for row in new}
        statements: dict[int, Statement] = {}
        told = _Told(work, sum(part.found for part in parts))
        with books.alone([part.account for part in parts if part.account], work):
            twice = statement_twice.look(parts, new, batch)
            if not statement_twice.is_confirmed(batch, twice):
                reason = " ".join(statement_twice.words(one) for one in twice)
                raise Waits(reason, statement_twice.told(batch.counts, twice))
            try:
                for part in parts:
                    statements[part.number] = _open(part, batch, is_new=part.number in fresh)
                    if part.number in fresh:
                        _write(part, statements[part.number], told, work, by)
            except ledger.Refused as why:
                raise Waits(str(why)) from why
            told.add(0)
            with work.writing():
                _close(batch, found, parts, statements, by)
    _tidy(sum(row.count for row in new))
    return [statements[number] for number in sorted(statements)]


class _Told:
    """How many lines were written, told as they are."""

    def __init__(self, work: Work, total: int) -> None:
        self.work, self.done, self.total = work, 0, total

    def add(self, count: int) -> None:
        self.done += count
        self.work.progress(self.done, self.total, _("Writing"))


def _write(part: Part, statement: Statement, told: _Told, work: Work, by: User | None) -> None:
    """Take one part's lines, chunk by chunk; of a large one a second connection takes the later half."""

    def take_chunks(chunks: list[books.Chunk], hand: Hand | None = None) -> None:
        for first, last, count in chunks:
            work.check()
            if hand and hand.is_broken:
                return
            with work.writing():
                books.take_days(part, statement, first, last, by=by)
            told.add(count)

    told.add(0)
    chunks = books.days(part)
    half = len(chunks) // 2
    if part.found < books.SHARED_FROM or not half or not hands.may_share():
        return take_chunks(chunks)
    with hands.second() as hand:
        give(hand, part.number, chunks[half][0])
        hand.begin(partial(take_chunks, chunks[half:], hand))
        take_chunks(chunks[:half], hand)
        hand.wait()
    return None


def _open(part: Part, batch: ImportBatch, *, is_new: bool) -> Statement:
    """This part's statement: of an earlier try, or, when nothing in it is new, the one that said the same before."""
    mine = Statement.objects.filter(batch=batch, part=part.number).first()
    if mine:
        return mine
    if not is_new and (twin := twin_of(part)):
        return twin
    facts = part.facts
    assert part.account
    return Statement.objects.create(
        bank_account_id=part.account,
        batch=batch,
        part=part.number,
        format=part.format[:12],
        reader=part.reader[:20],
        label=facts.label[:120],
        starts_on=span(part)[0],
        ends_on=span(part)[1],
        opening=None if facts.opening_is_derived else facts.opening,
        closing=facts.closing,
        found=part.found,
        sum=part.sum,
        warnings=part.warnings,
    )


def span(part: Part) -> tuple[date | None, date | None]:
    """The days that the part tells of; a file that announces the future ends today."""
    first, last = part.facts.starts_on or part.first, part.facts.ends_on or part.last
    return first, min(last, timezone.localdate()) if last else None


def twin_of(part: Part) -> Statement | None:
    """An earlier statement with the same control totals."""
    facts = part.facts
    return (
        Statement.objects.filter(
            bank_account_id=part.account,
            undone_at=None,
            closing=facts.closing,
            found=part.found,
            sum=part.sum,
            starts_on=span(part)[0],
            ends_on=span(part)[1],
        )
        .order_by("-pk")
        .first()
    )


def _close(
    batch: ImportBatch, found: Staged, parts: list[Part], statements: dict[int, Statement], by: User | None
) -> None:
    """Count what came of it, keep what was parked, remember the accounts, and tell."""
    counts = dict.fromkeys(("create", "update", "skip", "error", "parked"), 0)
    for part in parts:
        statement = statements[part.number]
        counts["error"] += part.unreadable
        if statement.batch_id != batch.pk:
            counts["skip"] += part.found
            continue
        statement.new = StatementLine.objects.filter(statement=statement, is_void=False).count()
        statement.known = part.found - statement.new
        statement.parked = part.parked
        statement.warnings = part.warnings
        statement.save(update_fields=["new", "known", "parked", "warnings"])
        books.park(part, statement, batch.pk)
        bank_accounts.remember(statement.bank_account_id, alias_of(part))
        counts["create"] += statement.new
        counts["skip"] += statement.known
        counts["parked"] += part.parked
    books.park(None, None, batch.pk)
    counts["error"] += found.unreadable
    ours = [statement.pk for statement in statements.values() if statement.batch_id == batch.pk]
    batch.counts = batch.counts | counts | {"failures": counts["error"], "rows": sum(part.found for part in parts)}
    ImportBatch.objects.filter(pk=batch.pk).update(
        state=ImportBatch.State.COMMITTED, committed_at=Now(), counts=batch.counts, reason=""
    )
    batch.state = ImportBatch.State.COMMITTED
    here = None if audit.origin().source == "command" else "import"
    audit.record("core.import_committed", batch, by=by, source=here, source_key=SOURCE, changes=None, **counts)
    if ours:
        events.record("finance.statement_imported", statement_ids=ours)


def _tidy(new: int) -> None:
    """Fresh statistics after many lines: autovacuum would come a minute later, and the match run is asked for now."""
    if new < TIDY_FROM or connection.in_atomic_block:
        return
    try:
        statistics.know(("finance_posting", "finance_statementline", "finance_linetoken", "finance_journalentry"))
    except DatabaseError:
        return  # not ours to analyse: left to autovacuum


__all__ = ["Asked", "Unrecognised", "import_batch", "import_file", "receive", "take"]
