"""Entries by hand: written as drafts, approved by a second person, posted; and the reversal of what is posted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from backoffice.core import events
from backoffice.core.models import Approval, User
from backoffice.core.services import approvals, audit, notices
from backoffice.core.templatetags.display import month
from finance.models import Account, DraftEntry, DraftLine, Journal, JournalEntry, Period, Posting

from . import ledger, periods
from .ledger import Line

POST, REVERSE = "finance.post_entry", "finance.reverse_entry"
RIGHT = "finance.entry.approve"
MOST_LINES = 200

State = DraftEntry.State
JOURNAL = {DraftEntry.Kind.MANUAL: Journal.Kind.GENERAL, DraftEntry.Kind.OPENING: Journal.Kind.OPENING}


class Changed(Exception):
    """Somebody changed the draft since it was read, or it is no draft any more. `draft`: as it stands now."""

    def __init__(self, draft: DraftEntry) -> None:
        super().__init__(str(draft))
        self.draft = draft


class NotReady(Exception):
    """The draft cannot be posted as it stands; `problems` says why, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


class NotByHand(Exception):
    """The entry follows from a document and is undone there; the sentence says where."""


@dataclass(frozen=True)
class Balance:
    """What an entry's lines add up to; amounts without sign."""

    debit: Decimal
    credit: Decimal

    @property
    def difference(self) -> Decimal:
        return self.debit - self.credit


def balance(amounts: Sequence[Decimal]) -> Balance:
    debit = sum((amount for amount in amounts if amount > 0), Decimal("0.00"))
    return Balance(debit, debit - sum(amounts, Decimal("0.00")))


def lines_of(draft: DraftEntry) -> QuerySet[DraftLine]:
    return draft.lines.select_related("account", "party", "cost_centre").order_by("seq")


# --- writing --------------------------------------------------------------------------------------------------------


@transaction.atomic
def save(
    *,
    draft_id: int | None,
    version: int,
    on: date,
    text: str,
    lines: Sequence[Line],
    by: User,
    kind: str = DraftEntry.Kind.MANUAL,
) -> DraftEntry:
    """Keep a draft, new or changed; whoever writes last is its maker. It need not balance yet.

    Raises Changed when it moved on since `version`.
    """
    if draft_id is None:
        draft = DraftEntry.objects.create(kind=kind, on=on, text=text, made_by=by)
        audit.record("finance.draft_made", draft, by=by)
    else:
        draft = DraftEntry.objects.select_for_update().get(pk=draft_id)
        if draft.version != version or draft.state != State.DRAFT:
            raise Changed(draft)
        before = balance([line.amount for line in draft.lines.all()])
        draft.on, draft.text, draft.made_by, draft.version = on, text, by, draft.version + 1
        draft.save(update_fields=["on", "text", "made_by", "version"])
        draft.lines.all().delete()
        after = balance([line.amount for line in lines])
        changes = {"amount": (str(before.debit), str(after.debit))} if before != after else {}
        audit.record("finance.draft_changed", draft, by=by, changes=changes)
    DraftLine.objects.bulk_create(
        DraftLine(
            draft=draft,
            seq=seq,
            account_id=line.account,
            party_id=line.party,
            cost_centre_id=line.cost_centre,
            amount=line.amount,
            text=line.text,
        )
        for seq, line in enumerate(lines, 1)
    )
    return draft


@transaction.atomic
def discard(*, draft_id: int, by: User) -> None:
    """Throw a draft away; it stays readable. Raises Changed."""
    if not DraftEntry.objects.filter(pk=draft_id, state=State.DRAFT).update(
        state=State.DISCARDED, version=F("version") + 1
    ):
        raise Changed(DraftEntry.objects.get(pk=draft_id))
    audit.record("finance.draft_discarded", f"finance.draftentry:{draft_id}", by=by)


# --- asking and posting ----------------------------------------------------------------------------------------------


def problems(draft: DraftEntry, *, people: Sequence[User] = ()) -> list[str]:
    """Why the draft cannot be posted, a sentence each; empty when it can. people: whose exceptions count."""
    found: list[str] = []
    lines = list(lines_of(draft))
    if len(lines) < 2:
        found.append(_("An entry has two lines or more."))
    total = balance([line.amount for line in lines])
    if total.difference:
        found.append(_("Debits and credits differ."))
    for code, reason in account_problems([line.account for line in lines]).items():
        found.append(f"{code}: {reason}")
    if reason := period_problem(draft.on, people):
        found.append(reason)
    return found


def account_problems(accounts: Sequence[Account]) -> dict[str, str | Promise]:
    """Account code → why no entry by hand goes there."""
    transits = set(
        Account.objects.filter(pk__in=[one.pk for one in accounts], transit_of__isnull=False).values_list(
            "pk", flat=True
        )
    )
    found: dict[str, str | Promise] = {}
    for account in accounts:
        if account.is_group:
            found[account.code] = _("A group sums its accounts and takes no entry.")
        elif not account.is_active:
            found[account.code] = _("This account is retired.")
        elif account.is_control:
            found[account.code] = _(
                "It moves only with titles. Enter an invoice, a bill or an opening title; the books follow."
            )
        elif account.pk in transits:
            found[account.code] = _("It moves only with lines of its bank's statement.")
    return found


def period_problem(on: date, people: Sequence[User] = ()) -> str:
    """Why nothing is posted on that day, or nothing. Only a soft-closed month asks who wants to."""
    period = Period.objects.filter(starts_on__lte=on, ends_on__gt=on).first()
    if period is None:
        return _("There is no month of the books for this day. Check the year.")
    if period.state == Period.State.CLOSED:
        return _("%(month)s is closed. Choose a later date, or ask for the month to be opened again.") % {
            "month": month(period.starts_on)
        }
    if period.state == Period.State.SOFT and not periods.live_leave(period, people).exists():
        return _("%(month)s is soft-closed and nobody gave leave to post into it.") % {"month": month(period.starts_on)}
    return ""


@transaction.atomic
def submit(*, draft_id: int, by: User) -> Approval:
    """Ask a second person to post the draft; until they decide it stays as it is. Raises Changed, NotReady."""
    draft = DraftEntry.objects.select_for_update().get(pk=draft_id)
    if draft.state != State.DRAFT:
        raise Changed(draft)
    periods.ensure_near(draft.on)
    if found := problems(draft, people=[by, *approvals.holders_of(RIGHT)]):
        raise NotReady(found)
    draft.state, draft.made_by, draft.answer, draft.version = State.WAITING, by, "", draft.version + 1
    draft.save(update_fields=["state", "made_by", "answer", "version"])
    return approvals.ask(
        POST,
        draft,
        right=RIGHT,
        by=by,
        title=gettext_noop("Post “%(text)s” on %(on)s"),
        data={"text": draft.text[:120], "on": str(draft.on), "version": draft.version},
        amount=balance([line.amount for line in draft.lines.all()]).debit,
    )


def question(record: DraftEntry | JournalEntry) -> Approval | None:
    """The question about a draft, or about reversing an entry, while it waits."""
    kind = POST if isinstance(record, DraftEntry) else REVERSE
    return Approval.objects.filter(kind=kind, subject=record.ref, state=Approval.State.WAITING).first()


def posted(approval: Approval) -> None:
    """A second person decided on a draft: it is posted, or comes back with the reason."""
    draft = DraftEntry.objects.select_for_update().get(pk=int(approval.subject.rpartition(":")[2]))
    if draft.state != State.WAITING or draft.version != approval.data["version"]:
        return
    if approval.state == Approval.State.APPROVED:
        assert approval.decided_by is not None
        try:
            _post(draft, by=approval.asked_by, approved_by=approval.decided_by)
        except ledger.Refused as problem:
            _give_back(draft, str(problem))
            _tell_refused(approval, str(problem))
    else:
        _give_back(draft, approval.answer)


def _post(draft: DraftEntry, *, by: User, approved_by: User) -> int:
    entry = ledger.post(
        journal=JOURNAL[DraftEntry.Kind(draft.kind)],
        on=draft.on,
        text=draft.text,
        kind=draft.kind,
        origin=draft.ref,
        by=by,
        approved_by=approved_by,
        lines=[
            Line(line.account_id, line.amount, line.party_id, line.cost_centre_id, text=line.text)
            for line in draft.lines.order_by("seq")
        ],
    )
    draft.state, draft.entry_id, draft.version = State.POSTED, entry, draft.version + 1
    draft.save(update_fields=["state", "entry", "version"])
    events.record("finance.entry_posted", entry_id=entry)
    return entry


def _give_back(draft: DraftEntry, reason: str) -> None:
    draft.state, draft.answer, draft.version = State.DRAFT, reason[:2000], draft.version + 1
    draft.save(update_fields=["state", "answer", "version"])


def _tell_refused(approval: Approval, reason: str) -> None:
    people = [approval.asked_by_id, *([approval.decided_by_id] if approval.decided_by_id else [])]
    notices.tell(
        people,
        kind="approval",
        subject=approval.subject,
        text=gettext_noop("It was approved, but the books did not take it: %(reason)s"),
        key=f"{approval.ref} refused",
        reason=reason,
    )


# --- reversing -------------------------------------------------------------------------------------------------------

_ELSEWHERE = {
    "instalment": gettext_lazy("This entry moves a title. Undo it at the title, so that what is owed follows."),
    "line": gettext_lazy("This entry belongs to a bank statement. Undo the match or the import it comes from."),
    "reversal": gettext_lazy("This entry is a reversal. Write a new entry instead."),
    "reversed": gettext_lazy("This entry is reversed already."),
}


def why_not_reversed(entry: JournalEntry) -> str | Promise:
    """Why this entry is not reversed by hand; empty when it may be."""
    if entry.kind == JournalEntry.Kind.REVERSAL:
        return _ELSEWHERE["reversal"]
    if JournalEntry.objects.filter(reverses=entry).exists():
        return _ELSEWHERE["reversed"]
    rows = Posting.objects.filter(entry=entry)
    if rows.filter(line__isnull=False).exists():
        return _ELSEWHERE["line"]
    if rows.filter(instalment__isnull=False).exists():
        return _ELSEWHERE["instalment"]
    return ""


@transaction.atomic
def ask_reversal(*, entry_id: int, on: date, reason: str, by: User) -> Approval:
    """Ask a second person to reverse a posted entry. Raises NotByHand, NotReady, approvals.AlreadyAsked."""
    entry = JournalEntry.objects.select_related("journal").get(pk=entry_id)
    if why := why_not_reversed(entry):
        raise NotByHand(str(why))
    periods.ensure_near(on)
    if found := period_problem(on, [by, *approvals.holders_of(RIGHT)]):
        raise NotReady([found])
    amount = Posting.objects.filter(entry=entry, amount__gt=0).aggregate(total=Sum("amount"))["total"]
    return approvals.ask(
        REVERSE,
        entry,
        right=RIGHT,
        by=by,
        title=gettext_noop("Reverse %(entry)s “%(text)s” on %(on)s"),
        data={"entry": str(entry), "text": entry.text[:120], "on": str(on)},
        amount=amount,
        reason=reason,
    )


def reversed_(approval: Approval) -> None:
    """A second person decided on a reversal: post it if they agreed."""
    if approval.state != Approval.State.APPROVED:
        return
    entry = JournalEntry.objects.get(pk=int(approval.subject.rpartition(":")[2]))
    on = date.fromisoformat(approval.data["on"])
    try:
        if why := why_not_reversed(entry):
            raise ledger.Refused(why)
        made = ledger.reverse(
            entry=entry.pk, on=on, text=approval.reason, by=approval.asked_by, approved_by=approval.decided_by
        )
    except ledger.Refused as problem:
        _tell_refused(approval, str(problem))
        return
    audit.record("finance.entry_reversed", entry, by=approval.asked_by, reason=approval.reason, reversal=made)
    events.record("finance.entry_posted", entry_id=made)
