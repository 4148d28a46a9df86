"""Entries that come back each month: a template, its approval, and the drafts or entries that it makes by the clock."""

import calendar
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.core.models import Approval, User
from backoffice.core.services import approvals, audit, notices
from finance.models import DraftEntry, DraftLine, JournalEntry, RecurringEntry, RecurringLine

from . import entries, ledger, periods
from .ledger import Line

APPROVE = "finance.approve_recurring"
MOST_AT_ONCE = 36  # months that one run makes up for


class Changed(Exception):
    """Somebody changed the template since it was read. `current`: as it stands now."""

    def __init__(self, current: RecurringEntry) -> None:
        super().__init__(str(current))
        self.current = current


def day_in(month: date, day: int) -> date:
    """That day of the month, or the last one of a shorter month."""
    return month.replace(day=min(day, calendar.monthrange(month.year, month.month)[1]))


def next_day(day: int, *, after: date) -> date:
    """The first such day after a date."""
    this = day_in(after.replace(day=1), day)
    if this > after:
        return this
    following = date(after.year + after.month // 12, after.month % 12 + 1, 1)
    return day_in(following, day)


def first_on(day: int, starts_on: date, ends_on: date | None) -> date | None:
    """The first day on which the template makes an entry."""
    this = day_in(starts_on.replace(day=1), day)
    first = this if this >= starts_on else next_day(day, after=this)
    return first if ends_on is None or first <= ends_on else None


# --- templates -------------------------------------------------------------------------------------------------------


@transaction.atomic
def save(
    *, recurring_id: int | None, version: int, values: dict[str, Any], lines: Sequence[Line], by: User
) -> RecurringEntry:
    """Keep a template, new or changed; a change takes its approval away. Raises Changed, entries.NotReady."""
    if recurring_id is None:
        record = RecurringEntry(**values, made_by=by)
        record.next_on = first_on(record.day, record.starts_on, record.ends_on)
        record.save()
        audit.record("finance.recurring_made", record, by=by)
    else:
        record = RecurringEntry.objects.select_for_update().get(pk=recurring_id)
        if record.version != version:
            raise Changed(record)
        _free(record, by)
        for name, value in values.items():
            setattr(record, name, value)
        record.made_by, record.approved_by, record.problem, record.version = by, None, "", record.version + 1
        last = DraftEntry.objects.filter(recurring=record).order_by("-on").values_list("on", flat=True).first()
        begin = first_on(record.day, record.starts_on, record.ends_on)
        if last and begin and begin <= last:
            begin = next_day(record.day, after=last)
            if begin.replace(day=1) == last.replace(day=1):  # the day moved behind one that is made already
                begin = next_day(record.day, after=begin)
        record.next_on = begin if begin and (record.ends_on is None or begin <= record.ends_on) else None
        record.save()
        record.lines.all().delete()
        audit.record("finance.recurring_changed", record, by=by)
    RecurringLine.objects.bulk_create(
        RecurringLine(
            recurring=record,
            seq=seq,
            account_id=line.account,
            party_id=line.party,
            cost_centre_id=line.cost_centre,
            amount=line.amount,
            text=line.text,
        )
        for seq, line in enumerate(lines, 1)
    )
    return record


def question(record: RecurringEntry) -> Approval | None:
    return Approval.objects.filter(kind=APPROVE, subject=record.ref, state=Approval.State.WAITING).first()


def _free(record: RecurringEntry, by: User) -> None:
    """What a second person is asked about stays as it is; only who asked takes the question back by a change."""
    waiting = question(record)
    if waiting and waiting.asked_by_id != by.pk:
        raise entries.NotReady(
            [_("%(who)s has asked a second person about it. Wait for the answer.") % {"who": waiting.asked_by}]
        )
    if waiting:
        approvals.withdraw(waiting.pk, by=by)


@transaction.atomic
def submit(*, recurring_id: int, by: User) -> Approval:
    """Ask a second person to let the template post by itself. Raises entries.NotReady, approvals.AlreadyAsked."""
    record = RecurringEntry.objects.select_for_update().get(pk=recurring_id)
    if found := problems(record):
        raise entries.NotReady(found)
    if record.made_by_id != by.pk:
        RecurringEntry.objects.filter(pk=record.pk).update(made_by=by)
    return approvals.ask(
        APPROVE,
        record,
        right=entries.RIGHT,
        by=by,
        title=gettext_noop("Let “%(text)s” post by itself on day %(day)s of each month"),
        data={"text": record.text[:120], "day": record.day, "version": record.version},
        amount=entries.balance([line.amount for line in record.lines.all()]).debit,
    )


def problems(record: RecurringEntry) -> list[str]:
    """Why its entries could not be posted, a sentence each."""
    lines = list(record.lines.select_related("account").order_by("seq"))
    found: list[str] = []
    if len(lines) < 2:
        found.append(_("An entry has two lines or more."))
    if entries.balance([line.amount for line in lines]).difference:
        found.append(_("Debits and credits differ."))
    found += [f"{code}: {why}" for code, why in entries.account_problems([line.account for line in lines]).items()]
    return found


def decided(approval: Approval) -> None:
    """A second person decided on a template; their yes counts for the version they were asked about."""
    if approval.state != Approval.State.APPROVED:
        return
    RecurringEntry.objects.filter(
        pk=int(approval.subject.rpartition(":")[2]), version=approval.data["version"], made_by=approval.asked_by
    ).update(approved_by=approval.decided_by)


# --- by the clock ----------------------------------------------------------------------------------------------------


def due(today: date) -> Q:
    """Templates that owe an entry: automatic ones that nobody approved yet do not run."""
    ready = Q(mode=RecurringEntry.Mode.ASK) | Q(approved_by__isnull=False)
    return Q(is_active=True, next_on__lte=today) & ready


def run(*, today: date) -> int:
    """Make what is due, up to three years behind; how many drafts and entries. May run twice, also at once."""
    made = 0
    for pk in RecurringEntry.objects.filter(due(today)).order_by("pk").values_list("pk", flat=True):
        for _month in range(MOST_AT_ONCE):
            if not _make_next(pk, today):
                break
            made += 1
    return made


@transaction.atomic
def _make_next(pk: int, today: date) -> bool:
    record = RecurringEntry.objects.select_for_update().filter(due(today), pk=pk).first()
    if record is None or record.next_on is None:
        return False
    on = record.next_on
    periods.ensure_near(on)
    try:
        with transaction.atomic():
            draft = _draft(record, on)
            if record.mode == RecurringEntry.Mode.AUTOMATIC:
                _post(record, draft)
            else:
                entries.submit(draft_id=draft.pk, by=record.made_by)
    except (ledger.Refused, entries.NotReady) as problem:
        _stumble(record, str(problem))
        return False
    except IntegrityError as problem:
        if "finance_draft_once_a_month" not in str(problem):
            raise
    following = next_day(record.day, after=on)
    RecurringEntry.objects.filter(pk=pk).update(
        next_on=following if record.ends_on is None or following <= record.ends_on else None, problem=""
    )
    return True


def _draft(record: RecurringEntry, on: date) -> DraftEntry:
    draft = DraftEntry.objects.create(text=record.text, on=on, made_by=record.made_by, recurring=record)
    DraftLine.objects.bulk_create(
        DraftLine(
            draft=draft,
            seq=line.seq,
            account_id=line.account_id,
            party_id=line.party_id,
            cost_centre_id=line.cost_centre_id,
            amount=line.amount,
            text=line.text,
        )
        for line in record.lines.order_by("seq")
    )
    return draft


def _post(record: RecurringEntry, draft: DraftEntry) -> None:
    assert record.approved_by is not None
    entry = ledger.post(
        journal="general",
        on=draft.on,
        text=draft.text,
        kind=JournalEntry.Kind.MANUAL,
        origin=draft.ref,
        by=record.made_by,
        approved_by=record.approved_by,
        lines=[
            Line(line.account_id, line.amount, line.party_id, line.cost_centre_id, text=line.text)
            for line in record.lines.order_by("seq")
        ],
    )
    DraftEntry.objects.filter(pk=draft.pk).update(state=DraftEntry.State.POSTED, entry=entry, version=F("version") + 1)


def _stumble(record: RecurringEntry, reason: str) -> None:
    """It stays due and is tried again each day; its maker is told once per month and reason."""
    RecurringEntry.objects.filter(pk=record.pk).update(problem=reason[:300])
    notices.tell(
        [record.made_by_id],
        kind="books",
        subject=record.ref,
        text=gettext_noop("The recurring entry “%(name)s” could not be made: %(reason)s"),
        key=f"{record.ref} {record.next_on} {reason}"[:120],
        name=record.text,
        reason=reason,
    )
