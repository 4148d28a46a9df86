"""What the pages of titles show, read in a few queries."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from backoffice.core import lists
from backoffice.core.models import Party
from backoffice.core.party_doors import PartyDoor
from finance.models import Instalment, JournalEntry, Posting, StatementLine, Title
from finance.services import settlement
from finance.terms import ZERO, Due

CHARGES = (Posting.Role.FINE, Posting.Role.INTEREST)
BESIDES = (*CHARGES, Posting.Role.DISCOUNT, Posting.Role.REBATE, Posting.Role.FEE, Posting.Role.ADVANCE)


@dataclass(frozen=True)
class Step:
    """What one entry did to one part."""

    entry: JournalEntry
    part: Instalment
    role: str
    amount: Decimal  # without sign
    restores: bool  # a reversal
    is_undone: bool
    besides: list[tuple[str, Decimal]]  # fine, interest, discount of the same entry
    line_id: int | None
    can_undo: bool  # here; what a statement line settled is undone there


@dataclass(frozen=True)
class Part:
    row: Instalment
    due: Due
    tone: str
    state: str

    @property
    def open(self) -> Decimal:
        return abs(self.row.balance)

    @property
    def size(self) -> Decimal:
        return abs(self.row.amount)


@dataclass(frozen=True)
class TitlePage:
    title: Title
    parts: list[Part]
    steps: list[Step]
    is_cancelled: bool
    issue_entry: JournalEntry | None
    line: StatementLine | None
    state: str = ""
    tone: str = ""
    open: Decimal = ZERO
    due: Decimal = ZERO
    settled: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return abs(self.title.amount)

    @property
    def next_part(self) -> Instalment | None:
        """The open part that is due first."""
        return min((part.row for part in self.parts if part.open), key=lambda row: (row.due_on, row.seq), default=None)


def state_of(row: Instalment, today: date, *, is_cancelled: bool = False) -> tuple[str, str]:
    """Tone and word of one part."""
    if is_cancelled:
        return "quiet", _("Cancelled")
    if not row.balance:
        return "good", _("Settled")
    if row.title.kind == Title.Kind.CREDIT:
        return "info", _("Credit")
    if row.due_on < today:
        return "wrong", pgettext("title", "Overdue")
    return "attention", pgettext("title", "Open")


def age_of(row: Instalment, today: date) -> str:
    """How late an open part is, in the buckets of the aging."""
    days = (today - row.due_on).days
    if not row.balance:
        return ""
    if days <= 0:
        return _("Not due yet")
    for limit, words in ((30, _("1 to 30 days")), (60, _("31 to 60 days")), (90, _("61 to 90 days"))):
        if days <= limit:
            return words
    return _("More than 90 days")


def cancelled(entries: set[int]) -> set[int]:
    """Those of the entries that were reversed."""
    if not entries:
        return set()
    return {pk for pk in JournalEntry.objects.filter(reverses__in=entries).values_list("reverses_id", flat=True) if pk}


def title_page(pk: int, *, today: date) -> TitlePage | None:
    """One title with its parts, what happened to them and what they owe today."""
    found = Instalment.objects.filter(title=pk).select_related("title__party", "title__account", "title__cost_centre")
    rows = list(found.order_by("seq"))
    if not rows:
        return None
    title = rows[0].title
    for row in rows:
        row.title = title
    by_pk, by_ref = {row.pk: row for row in rows}, {row.ref: row.pk for row in rows}
    named = JournalEntry.objects.filter(origin__in=list(by_ref)).order_by().values("pk")
    entries = Posting.objects.filter(instalment__in=rows).order_by().values("entry").union(named)
    found_postings = list(
        Posting.objects.filter(entry__in=entries)
        .select_related("entry__journal", "entry__made_by", "entry__reversed_by")
        .order_by("-on", "-entry_id", "seq")[:1200]
    )
    postings = [p for p in found_postings if p.instalment_id in by_pk]
    met = {p.entry_id for p in postings}
    for p in found_postings:  # a payment that reached nothing but fine and interest
        if p.entry_id not in met and p.role in CHARGES and p.entry.origin in by_ref:
            p.instalment_id = by_ref[p.entry.origin]
            postings.append(p)
            met.add(p.entry_id)
    postings.sort(key=lambda p: (p.on, p.entry_id), reverse=True)
    besides = [p for p in found_postings if p.instalment_id is None and p.role and p.entry_id != title.entry_id]
    issue = next((p.entry for p in postings if p.entry_id == title.entry_id), None)
    is_cancelled = issue is not None and _undone(issue)
    steps, line = _steps([p for p in postings if p.entry_id != title.entry_id], besides, by_pk)
    owed = settlement.dues(rows, today)
    parts = [Part(row, owed[row.pk], *state_of(row, today, is_cancelled=is_cancelled)) for row in rows]
    whole = abs(sum((row.balance for row in rows), ZERO))
    tone, state = _whole(parts, is_cancelled)
    return TitlePage(
        title=title,
        parts=parts,
        steps=steps,
        is_cancelled=is_cancelled,
        issue_entry=issue,
        line=line,
        state=state,
        tone=tone,
        open=whole,
        due=sum((part.due.total for part in parts), ZERO),
        settled=ZERO if is_cancelled else abs(title.amount) - whole,
    )


def _whole(parts: list[Part], is_cancelled: bool) -> tuple[str, str]:
    tones = [(part.tone, part.state) for part in parts]
    if not is_cancelled and any(part.open for part in parts) and not all(part.open for part in parts):
        late = next((one for one in tones if one[0] == "wrong"), None)
        return late or ("attention", _("Settled in part"))
    return next((one for one in tones if one[0] == "wrong"), tones[0])


def _undone(entry: JournalEntry) -> bool:
    return getattr(entry, "reversed_by", None) is not None


def _steps(
    postings: list[Posting], others: list[Posting], parts: dict[int, Instalment]
) -> tuple[list[Step], StatementLine | None]:
    besides: dict[int, list[tuple[str, Decimal]]] = {}
    lines: dict[int, int] = {}
    for other in others:
        if other.line_id:
            lines.setdefault(other.entry_id, other.line_id)
        elif other.role in BESIDES:
            besides.setdefault(other.entry_id, []).append((other.get_role_display(), abs(other.amount)))
    steps = []
    for p in postings:
        assert p.instalment_id is not None
        restores = p.entry.kind == JournalEntry.Kind.REVERSAL
        steps.append(
            Step(
                entry=p.entry,
                part=parts[p.instalment_id],
                role=p.get_role_display(),
                amount=abs(p.amount),
                restores=restores,
                is_undone=_undone(p.entry),
                besides=besides.get(p.entry_id, []),
                line_id=lines.get(p.entry_id),
                can_undo=not restores
                and not _undone(p.entry)
                and p.role in (Posting.Role.PRINCIPAL, *CHARGES)
                and p.entry_id not in lines
                and not p.entry.approved_by_id,
            )
        )
    line_id = next((step.line_id for step in steps if step.line_id and not step.is_undone), None)
    line = StatementLine.objects.select_related("bank_account").filter(pk=line_id).first() if line_id else None
    return steps, line


def doors_of_party(party: Party) -> list[PartyDoor]:
    """For the page of a party: its receivables and payables, with what is open of them."""
    sums = Instalment.objects.filter(party=party).exclude(balance=0).values("title__direction")
    owed = {row["title__direction"]: row for row in sums.annotate(n=Count("pk"), left=Sum("balance")).order_by()}
    doors = []
    for direction, key, words in (
        (Title.Direction.RECEIVABLE, "finance.receivables", _("Receivables")),
        (Title.Direction.PAYABLE, "finance.payables", _("Payables")),
    ):
        row = owed.get(direction)
        if row:
            label = ngettext("%(list)s: %(n)s open", "%(list)s: %(n)s open", row["n"]) % {"list": words, "n": row["n"]}
            url = lists.url_for(key, party=party.pk, state="open")
            doors.append(PartyDoor(label, url, row["n"], abs(row["left"])))
        elif Title.objects.filter(party=party, direction=direction).exists():
            doors.append(PartyDoor(words, lists.url_for(key, party=party.pk), 0))
    return doors
