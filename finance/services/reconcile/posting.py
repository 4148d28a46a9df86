"""Match and undo: one entry in the matching journal each, one transaction, locks in the one order of the books."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from backoffice.core import events
from backoffice.core.models import Party, User
from backoffice.core.money import format_money
from backoffice.core.services import audit
from finance.models import (
    IgnoredLine,
    Instalment,
    JournalEntry,
    Match,
    Period,
    Posting,
    StatementLine,
    Suggestion,
    Title,
)
from finance.services import ledger, periods, titles
from finance.services.ledger import Line
from finance.services.second_person import write_off_limit

from .errors import Changed, NeedsSecond, SecondPersonDid, SetAside, Stranger, Taken, Unbalanced, numbers, taken
from .items import ZERO, Item, from_json, with_accounts
from .learning import forget, learn, stranger
from .reasons import BY_HAND, Reasons
from .weight import Weight, weigh

Parts = Sequence[tuple[int, Decimal]]


@transaction.atomic
def match(
    *,
    lines: Parts,
    items: Iterable[Item],
    by: User,
    reasons: Reasons = BY_HAND,
    reason: str = "",
    approved_by: User | None = None,
    today: date | None = None,
) -> Match:
    """Take parts of bank lines out of transit against items that sum to them.

    lines: line and how much of its open amount, signed like the line. reason: why a difference may be, in words.
    Posted on the last booking date, or today where that month is closed.
    Raises Taken, Unbalanced, NeedsSecond, ledger.Refused and its kinds.
    """
    items = with_accounts(items)
    parts = dict(lines) | {item.id: item.amount for item in items if item.kind == "line"}
    if not parts or sum(parts.values(), ZERO) + sum((i.amount for i in items if i.kind != "line"), ZERO) != 0:
        raise Unbalanced(_("The two sides differ: bring the difference to 0.00 first."))
    on = posting_date(list(parts), today=today or timezone.localdate())
    check_advances(parts, items)
    found = lock_lines(parts)
    met = lock_instalments(items)
    if approved_by is None:
        weight = weigh(parts, items, reasons, met, by=by, to_say=True)
        if why := second_person(by, items, reasons, weight):
            raise NeedsSecond(why)
        check_payer(by, found, met, reasons)

    entry = ledger.next_entry()
    postings = [Line(line.bank_account.transit_id, parts[line.pk], line=line.pk, role="transit") for line in found]
    postings += [_posting(item, met) for item in items if item.kind in ("instalment", "account")]
    postings += [_advance(item, entry, found, on) for item in items if item.kind == "advance"]
    ledger.post(
        journal="matching",
        on=on,
        text=_words(found, met.values()),
        lines=postings,
        by=by,
        approved_by=approved_by,
        entry=entry,
    )
    made = Match.objects.create(
        entry_id=entry,
        stage=reasons.stage,
        confidence=reasons.confidence,
        automatic=False,
        evidence=reasons.evidence or {"stage": "M"},
        rule_version_id=reasons.rule_version,
        by=by,
    )
    learn(found, met.values())
    events.record("finance.lines_matched", match_id=made.pk, line_ids=list(parts), instalment_ids=sorted(met))
    moved = sum(parts.values(), ZERO) or max(parts.values())  # both sides of a transfer come to nothing
    audit.record("finance.line_matched", made, by=by, lines=list(parts), amount=str(moved), reason=reason)
    return made


def accept(*, suggestion_id: int, by: User, line_id: int | None = None, today: date | None = None) -> Match:
    """Do what a suggestion proposes. Raises Changed when it is proposed no longer, Taken, ledger.Refused."""
    suggestion = Suggestion.objects.select_related("line").filter(pk=suggestion_id).first()
    if suggestion is None or (line_id and suggestion.line_id != line_id):
        line = StatementLine.objects.filter(pk=line_id or 0).first()
        if line and not line.open_amount:
            raise taken(line=line.pk)
        raise Changed
    items = from_json(suggestion.items)
    part = -sum((item.amount for item in items), ZERO)
    return match(lines=[(suggestion.line_id, part)], items=items, by=by, reasons=reasons_of(suggestion), today=today)


def reasons_of(suggestion: Suggestion) -> Reasons:
    return Reasons(suggestion.stage, suggestion.confidence, suggestion.evidence, suggestion.rule_version_id)


@transaction.atomic
def undo(*, match_id: int, by: User, reason: str = "", today: date | None = None) -> int:
    """Post the mirror of a match's entry: every balance is as before. Returns the reversal's id.

    Raises SecondPersonDid where a second person approved it and `by` could not, Taken when somebody undid it before,
    ledger.TooMuch when something was built on it, PeriodClosed.
    """
    made = Match.objects.select_related("entry").get(pk=match_id)
    moved = list(Posting.objects.filter(entry_id=made.entry_id).order_by("seq"))
    lines = sorted({posting.line_id for posting in moved if posting.line_id})
    on = _open_day(made.entry.on, today=today or timezone.localdate())
    if made.entry.approved_by_id and not by.may("finance.match.approve"):
        raise SecondPersonDid(_("Two people agreed to this match. A finance manager undoes it."))
    found = list(_lines_for_update(lines))
    _instalments_for_update(sorted({posting.instalment_id for posting in moved if posting.instalment_id}))
    before = JournalEntry.objects.select_related("made_by").filter(reverses_id=made.entry_id).first()
    if before:
        raise Taken(who=str(before.made_by or ""), when=before.posted_at, match=made.pk, what=_("This match"))
    reversal = ledger.reverse(entry=made.entry_id, on=on, by=by)
    if made.by_id:
        forget(found, moved)
    instalments = sorted({posting.instalment_id for posting in moved if posting.instalment_id})
    events.record("finance.match_undone", match_id=made.pk, line_ids=lines, instalment_ids=instalments)
    audit.record("finance.match_undone", made, by=by, lines=lines, reason=reason)
    return reversal


def match_of_entry(entry_id: int) -> Match | None:
    """The match that an entry, or the entry it reverses, belongs to."""
    return Match.objects.filter(entry_id=entry_id).first()


# who may ------------------------------------------------------------------------------------------------------------


def second_person(by: User, items: Iterable[Item], reasons: Reasons, weight: Weight) -> str:
    """Why `by` cannot post this alone, or nothing.

    Exact matches, and what the engine proposed by terms or by a rule that another person stands behind, need
    `finance.match.post`; differences by hand or by a rule of one's own need `finance.match.approve`; more than the
    limit by one person's word always needs a second person.
    """
    if weight.needs_second:
        return above_limit(weight)
    if not any(item.kind == "account" for item in items) or by.may("finance.match.approve"):
        return ""
    if not reasons.is_suggested or reasons.is_own_rule(by):
        return _("Differences and entries of one's own need a finance manager.")
    return ""


def check_payer(by: User, lines: Iterable[StatementLine], met: Mapping[int, Instalment], reasons: Reasons) -> None:
    """Raise Stranger where a clerk puts the money of a known payer on titles of somebody else."""
    if reasons.is_suggested or by.may("finance.match.approve"):
        return
    if payer := stranger(lines, met):
        raise Stranger(
            _(
                "%(payer)s is known as the payer of somebody else. Give the reason why these titles were paid by them;"
                " then a finance manager is asked."
            )
            % {"payer": payer}
        )


def above_limit(weight: Weight) -> str:
    language = get_language() or "en"
    return _(
        "%(sum)s would be given up or booked by one person's word, the last 7 days of the same party counted; up to"
        " %(limit)s is allowed. A second person must approve it."
    ) % {"sum": format_money(weight.alone, language), "limit": format_money(write_off_limit(), language)}


def check_advances(parts: Mapping[int, Decimal], items: Iterable[Item]) -> None:
    """Refuse a credit that goes against the money: what came in is owed back to a customer, never a supplier's debt."""
    for item in items:
        if item.kind == "advance" and (not item.party or any(part * item.amount >= 0 for part in parts.values())):
            raise ledger.Refused(
                _("Only money that moved becomes a credit: its amount must be above zero and its party be named.")
            )


# locks and checks ----------------------------------------------------------------------------------------------------


def posting_date(line_ids: Sequence[int], *, today: date) -> date:
    """The last booking date of the lines, or `today` where its month takes no postings; the month is held open."""
    days = StatementLine.objects.filter(pk__in=line_ids).values_list("on", flat=True)
    return _open_day(max(days, default=today), today=today)


def hold_months(line_ids: Iterable[int], *, today: date) -> None:
    """Hold the months that acts on these lines post into, before the lines themselves are locked."""
    days = StatementLine.objects.filter(pk__in=list(line_ids)).values_list("on", flat=True)
    for month in sorted({day.replace(day=1) for day in days}):
        _open_day(month, today=today)


def _open_day(day: date, *, today: date) -> date:
    if _held_state(day) == Period.State.OPEN:
        return day
    if not _held_state(today):
        periods.ensure(today, today)
        _held_state(today)
    return today


def _held_state(day: date) -> str:
    """The state of the day's month, held as it is until the end of the transaction; "" where there is no month."""
    months = Period.objects.filter(starts_on=day.replace(day=1))
    with connection.cursor() as cursor:
        sql, params = months.values_list("state").query.sql_with_params()
        cursor.execute(f"{sql} FOR SHARE", params)  # Django has no shared lock
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _lines_for_update(ids: Iterable[int]) -> Iterable[StatementLine]:
    return (
        StatementLine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("bank_account")
        .filter(pk__in=list(ids))
        .order_by("pk")
    )


def lock_lines(parts: dict[int, Decimal]) -> list[StatementLine]:
    """The lines, locked, each with at least its part still open. Raises Taken, Changed, ledger.TooMuch."""
    found = list(_lines_for_update(parts))
    if len(found) < len(parts):
        raise Changed
    aside = IgnoredLine.objects.select_related("by").filter(line__in=found).order_by("line").first()
    if aside:
        raise SetAside(who=str(aside.by), when=aside.at)
    for line in found:
        part = parts[line.pk]
        if line.is_void:
            raise Changed
        if not line.open_amount:
            raise taken(line=line.pk)
        if part * line.open_amount <= 0 or abs(part) > abs(line.open_amount):
            if line.open_amount != line.amount:
                raise taken(line=line.pk)
            raise ledger.TooMuch(_("More than the line's open amount cannot be matched."))
    return found


def _instalments_for_update(ids: Iterable[int]) -> list[Instalment]:
    return list(
        Instalment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("title")
        .filter(pk__in=list(ids))
        .order_by("pk")
    )


def lock_instalments(items: Iterable[Item]) -> dict[int, Instalment]:
    """The instalments of the items, locked, each with as much open as is asked. Raises Taken, ledger.TooMuch."""
    wanted: dict[int, Decimal] = {}
    for item in items:
        if item.kind == "instalment":
            wanted[item.id] = wanted.get(item.id, ZERO) + item.amount
    found = {part.pk: part for part in _instalments_for_update(wanted)} if wanted else {}
    for pk, amount in wanted.items():
        part = found.get(pk)
        if part is None:
            raise Changed
        left = part.balance + amount
        if part.balance * amount >= 0 or left * part.balance < 0:  # nothing is opened again here
            if part.balance != part.amount:
                raise taken(instalment=pk, what=str(part.title.number))
            raise ledger.TooMuch(_("More than the open amount cannot be settled."))
    return found


# postings ------------------------------------------------------------------------------------------------------------


def _posting(item: Item, met: dict[int, Instalment]) -> Line:
    if item.kind == "account":
        return Line(item.id, item.amount, item.party, item.cost_centre, role=item.role, text=item.text)
    part = met[item.id]
    return Line(
        part.title.account_id,
        item.amount,
        part.party_id,
        part.title.cost_centre_id,
        instalment=part.pk,
        role=item.role or Posting.Role.PRINCIPAL,
        text=item.text,
    )


def _advance(item: Item, entry: int, lines: Sequence[StatementLine], on: date) -> Line:
    """A credit title for what a party paid, or was paid, too much."""
    return titles.credit(
        direction=Title.Direction.RECEIVABLE if item.amount < 0 else Title.Direction.PAYABLE,
        party=Party.objects.get(pk=item.party or 0),
        amount=abs(item.amount),
        on=on,
        entry=entry,
        origin=lines[0].ref,
        text=item.text or lines[0].text[:300],
    )


def _words(lines: Sequence[StatementLine], parts: Iterable[Instalment]) -> str:
    """The entry's text: the titles met, and what the bank wrote."""
    met = numbers(dict.fromkeys(part.title.number for part in parts))
    bank = lines[0].text or lines[0].payer
    return " · ".join(word for word in (met, bank) if word)[:300] or str(lines[0].amount)
