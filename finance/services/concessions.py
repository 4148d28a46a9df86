"""What a company gives up or agrees anew: write-offs and renegotiations. One person asks, another decides.

The manager decides up to the company's limit, a director above. Approved, each is one entry in the name of both.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.core.models import Approval, User
from backoffice.core.services import audit
from finance.models import Instalment, Journal, Posting, Title
from finance.services import ledger, plan, second_person, settlement, titles
from finance.services.ledger import Line
from finance.services.titles import Part
from finance.terms import Terms

WRITE_OFF = "finance.write_off"
RENEGOTIATE = "finance.renegotiate"
TERMS = "finance.terms"


@transaction.atomic
def ask_write_off(*, instalment_id: int, amount: Decimal, reason: str, by: User) -> Approval:
    """Ask to give up `amount` (above zero) of what is open. Raises NotOpen, TooMuch, second_person.Waiting."""
    instalment = titles.lock([instalment_id]).get(instalment_id)
    if instalment is None or not instalment.balance:
        raise settlement.NotOpen(_("Nothing of it is open any more."))
    if amount <= 0 or amount > abs(instalment.balance):
        raise ledger.TooMuch(_("More than the open amount cannot be settled."))
    if not reason.strip():
        raise ledger.Refused(_("Give the reason."))
    second_person.hold_words([instalment.party_id])
    return second_person.ask(
        WRITE_OFF,
        instalment,
        object_="finance.write_off",
        amount=amount,
        weighed=amount + second_person.asked_lately(WRITE_OFF, instalment.party_id),
        by=by,
        title=gettext_noop("Write off %(number)s of %(party)s"),
        reason=reason.strip(),
        number=str(instalment),
        party=instalment.title.party.name,
        party_id=instalment.party_id,
    )


@transaction.atomic
def write_off(
    *, instalment_id: int, amount: Decimal, on: date, reason: str, by: User | None, approved_by: User | None
) -> int:
    """Give up a part of what is open: a loss for a receivable, other income for a payable; the entry."""
    instalment = titles.lock([instalment_id]).get(instalment_id)
    if instalment is None or not instalment.balance:
        raise settlement.NotOpen(_("Nothing of it is open any more."))
    title = instalment.title
    side = 1 if instalment.balance > 0 else -1
    purpose = "write_off" if side > 0 else "other_income"
    entry = ledger.post(
        journal=Journal.Kind.GENERAL,
        on=on,
        text=f"{title.party.name} {title.number}: {reason}",
        lines=[
            Line(
                plan.account_for(purpose).pk,
                side * amount,
                party=title.party_id,
                cost_centre=title.cost_centre_id,
                role=Posting.Role.WRITE_OFF,
            ),
            settlement.principal(instalment, -side * amount),
        ],
        origin=instalment.ref,
        by=by,
        approved_by=approved_by,
    )
    audit.record(
        "finance.written_off", title, by=by, part=instalment.seq, amount=str(amount), reason=reason, entry=entry
    )
    return entry


@transaction.atomic
def ask_renegotiation(
    *, title_id: int, parts: Sequence[tuple[date, Decimal]], terms: Terms, reason: str, by: User
) -> Approval:
    """Ask to replace what is open of a title by new parts (amounts above zero); the difference is interest or discount.

    Raises NotOpen, titles.WrongParts, second_person.Waiting.
    """
    title = Title.objects.select_related("party").get(pk=title_id)
    old = open_amount(title)
    if not old or title.kind == Title.Kind.CREDIT:
        raise settlement.NotOpen(_("Nothing of it is open any more."))
    if not parts or any(amount <= 0 for _due, amount in parts):
        raise titles.WrongParts(_("A title has one part or more, and each part an amount above zero."))
    if not reason.strip():
        raise ledger.Refused(_("Give the reason."))
    return second_person.ask(
        RENEGOTIATE,
        title,
        object_="finance.write_off",
        amount=old,
        by=by,
        title=gettext_noop("Renegotiate %(number)s of %(party)s: %(count)s parts, %(new)s for %(old)s"),
        reason=reason.strip(),
        number=title.number,
        party=title.party.name,
        count=len(parts),
        old=str(old),
        new=str(sum((amount for _due, amount in parts), Decimal(0))),
        parts=[[due_on.isoformat(), str(amount)] for due_on, amount in parts],
        terms=[str(terms.discount_rate), terms.discount_days, str(terms.fine_rate), str(terms.interest_rate)],
    )


def open_amount(title: Title) -> Decimal:
    """What is open of a title, without sign."""
    return abs(sum((row.balance for row in title.instalments.all()), Decimal("0.00")))


@transaction.atomic
def renegotiate(
    *,
    title_id: int,
    parts: Sequence[tuple[date, Decimal]],
    terms: Terms,
    expected: Decimal,
    on: date,
    by: User | None,
    approved_by: User | None,
) -> Title:
    """Close what is open of a title and open the new one, in one entry. expected: what was open when it was asked.

    Raises second_person.Outdated.
    """
    title = Title.objects.select_related("party", "cost_centre").get(pk=title_id)
    old = [row for row in titles.lock(title.instalments.values_list("pk", flat=True)).values() if row.balance]
    if abs(sum((row.balance for row in old), Decimal(0))) != expected:
        raise second_person.Outdated(_("It changed since it was asked: what was approved is no longer what stands."))
    side = 1 if title.direction == Title.Direction.RECEIVABLE else -1
    entry = ledger.next_entry()
    fresh, lines = titles.prepare(
        entry=entry,
        direction=title.direction,
        kind=Title.Kind.RENEGOTIATED,
        number=_next_number(title),
        party=title.party,
        issued_on=on,
        instalments=[Part(due_on, side * amount) for due_on, amount in parts],
        account=title.account_id,
        terms=terms,
        origin=title.ref,
        text=title.text,
        cost_centre=title.cost_centre,
    )
    lines += [settlement.principal(row, -row.balance) for row in old]
    lines += _difference(title, -sum((line.amount for line in lines), Decimal(0)), side)
    ledger.post(
        journal=Journal.Kind.GENERAL,
        on=on,
        text=f"{title.party.name} {title.number} → {fresh.number}",
        lines=lines,
        origin=title.ref,
        by=by,
        approved_by=approved_by,
        entry=entry,
    )
    audit.record("finance.renegotiated", title, by=by, new=fresh.number, entry=entry)
    return fresh


def _difference(title: Title, missing: Decimal, side: int) -> list[Line]:
    """New more than old is interest, less is a discount."""
    if not missing:
        return []
    role = Posting.Role.INTEREST if missing * side < 0 else Posting.Role.DISCOUNT
    purpose = settlement.EXTRAS[role][0 if side > 0 else 1]
    return [
        Line(
            plan.account_for(purpose).pk,
            missing,
            party=title.party_id,
            cost_centre=title.cost_centre_id,
            role=role,
        )
    ]


def _next_number(title: Title) -> str:
    stem = title.number.partition(" R")[0]
    times = Title.objects.filter(number__startswith=f"{stem} R", party=title.party).count()
    return f"{stem[:54]} R{times + 1}"


def decided_write_off(approval: Approval) -> None:
    """A second person decided: give it up if they agreed."""
    if approval.state != Approval.State.APPROVED:
        return
    assert approval.amount is not None
    try:
        write_off(
            instalment_id=second_person.pk_of(approval),
            amount=approval.amount,
            on=_day(approval),
            reason=approval.reason,
            by=approval.asked_by,
            approved_by=approval.decided_by,
        )
    except ledger.Refused as problem:
        second_person.left_undone(approval, problem)


def decided_renegotiation(approval: Approval) -> None:
    if approval.state != Approval.State.APPROVED:
        return
    data: dict[str, Any] = approval.data
    discount_rate, discount_days, fine_rate, interest_rate = data["terms"]
    assert approval.amount is not None
    try:
        renegotiate(
            title_id=second_person.pk_of(approval),
            parts=[(date.fromisoformat(due_on), Decimal(amount)) for due_on, amount in data["parts"]],
            terms=Terms(Decimal(discount_rate), discount_days, Decimal(fine_rate), Decimal(interest_rate)),
            expected=approval.amount,
            on=_day(approval),
            by=approval.asked_by,
            approved_by=approval.decided_by,
        )
    except ledger.Refused as problem:
        second_person.left_undone(approval, problem)


def _day(approval: Approval) -> date:
    """The day of the decision, in the office."""
    return timezone.localdate(approval.decided_at)


def decided_terms(approval: Approval) -> None:
    if approval.state != Approval.State.APPROVED:
        return
    data: dict[str, Any] = approval.data
    discount_rate, discount_days, fine_rate, interest_rate = data["terms"]
    try:
        change(
            title_id=second_person.pk_of(approval),
            version=data["version"],
            text=data["text"],
            terms=Terms(Decimal(discount_rate), discount_days, Decimal(fine_rate), Decimal(interest_rate)),
            due={int(pk): date.fromisoformat(due_on) for pk, due_on in data["due"].items()},
            by=approval.asked_by,
            approved_by=approval.decided_by,
        )
    except ledger.Refused as problem:
        second_person.left_undone(approval, problem)


def gives_up(title: Title, terms: Terms, moved: Sequence[tuple[date, date]]) -> bool:
    """Whether new terms, or due dates moved from one day to another, cost the company what the old ones did not."""
    old, new = settlement.terms_of(title), terms
    if title.direction == Title.Direction.PAYABLE:
        old, new, moved = new, old, [(now, then) for then, now in moved]
    return (
        new.discount_rate > old.discount_rate
        or (new.discount_rate > 0 and new.discount_days < old.discount_days)
        or new.fine_rate < old.fine_rate
        or new.interest_rate < old.interest_rate
        or any(now > then for then, now in moved)
    )


@transaction.atomic
def change_due(*, instalment_id: int, due_on: date, version: int, by: User) -> Approval | None:
    """Move a due date while something is open, see `change`. Raises NotOpen, second_person.Outdated, Waiting."""
    instalment = Instalment.objects.select_related("title").get(pk=instalment_id)
    title = instalment.title
    return change(
        title_id=title.pk,
        version=version,
        text=title.text,
        terms=settlement.terms_of(title),
        due={instalment_id: due_on},
        by=by,
    )


@transaction.atomic
def change(
    *,
    title_id: int,
    version: int,
    text: str,
    terms: Terms,
    due: dict[int, date],
    by: User | None,
    approved_by: User | None = None,
) -> Approval | None:
    """Change what may change of a title: text, terms, and the due dates of its open parts (instalment → day).

    What gives something up waits for a second person: nothing changes yet, and their question is returned.
    Raises NotOpen, second_person.Outdated, second_person.Waiting.
    """
    found = titles.lock(due)
    title = Title.objects.get(pk=title_id)
    if any(row.title_id != title_id or not row.balance for row in found.values()) or len(found) < len(due):
        raise settlement.NotOpen(_("Nothing of it is open any more."))
    moved = [(row.due_on, due[pk]) for pk, row in found.items()]
    if by is not None and approved_by is None and gives_up(title, terms, moved):
        if title.version != version:
            raise second_person.Outdated(_("Somebody changed it since you opened it."))
        return _ask_terms(title, text=text, terms=terms, due=due, by=by)
    before, facts = settlement.terms_of(title), asdict(terms)
    changed = Title.objects.filter(pk=title_id, version=version).update(**facts, text=text[:300], version=version + 1)
    if not changed:
        raise second_person.Outdated(_("Somebody changed it since you opened it."))
    pairs: dict[str, tuple[Any, Any]] = {
        name: (getattr(before, name), value) for name, value in facts.items() if getattr(before, name) != value
    }
    if title.text != text[:300]:
        pairs["text"] = (title.text, text[:300])
    for pk, row in found.items():
        Instalment.objects.filter(pk=pk).update(due_on=due[pk])
        pairs[f"due_on {row.seq}"] = (row.due_on, due[pk])
    audit.record("finance.title_edited", title, by=by, changes=pairs)
    return None


def _ask_terms(title: Title, *, text: str, terms: Terms, due: dict[int, date], by: User) -> Approval:
    def percent(rate: Decimal) -> str:
        return f"{rate * 100:.2f}"

    return second_person.ask(
        TERMS,
        title,
        object_="finance.title",
        amount=open_amount(title),
        by=by,
        title=gettext_noop(
            "Change %(number)s of %(party)s: discount %(discount)s %%, fine %(fine)s %%, interest %(interest)s %%,"
            " due %(days)s"
        ),
        number=title.number,
        party=title.party.name,
        discount=percent(terms.discount_rate),
        fine=percent(terms.fine_rate),
        interest=percent(terms.interest_rate),
        days=", ".join(sorted({day.isoformat() for day in due.values()})) or "–",
        version=title.version,
        text=text,
        terms=[str(terms.discount_rate), terms.discount_days, str(terms.fine_rate), str(terms.interest_rate)],
        due={str(pk): day.isoformat() for pk, day in due.items()},
    )
