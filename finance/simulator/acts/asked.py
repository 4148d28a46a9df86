"""What one person asks and another decides: entries by hand and by template, reversals, write-offs, renegotiations."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from backoffice.core.models import Approval, User
from backoffice.core.services import approvals
from finance.models import DraftEntry, RecurringEntry, Title
from finance.services import concessions, entries, reconcile, recurring
from finance.services.ledger import Line
from finance.terms import Terms

from ..world import CENT, ZERO, Effect, World
from . import NOTHING, Act, act
from .bank import transit
from .books import pieces, principal

ENTRY, TITLE, PART, LINE = "finance.journalentry", "finance.title", "finance.instalment", "finance.statementline"
FORGIVE = reconcile.KIND
MOST_DUE = 6  # templates that wait for a month to open again


@act(0.9)
def propose(world: World) -> Act:
    """A manual entry is written and put to a second person; the books do not move."""
    on, by, amount = world.day(), world.person(), world.money()
    first, second = world.chance.sample(["other_expense", "capital", "salaries"], 2)
    lines = [Line(world.accounts[first], amount), Line(world.accounts[second], -amount)]

    def do() -> None:
        draft = entries.save(draft_id=None, version=0, on=on, text="By hand", lines=lines, by=by)
        entries.submit(draft_id=draft.pk, by=by)

    def yes(other: User) -> Effect:
        return Effect.of(lines) if world.takes(on, by, other) else NOTHING

    # Whoever may approve could have leave for a soft month, so the question is allowed if anybody could post.
    allowed = world.takes(on, *world.people)
    return Act(do, NOTHING, allowed, then=lambda: world.asked(entries.POST, yes))


@act(0.6)
def take_back(world: World) -> Act | None:
    """Ask to reverse an entry; what belongs to a title or a bank line is refused."""
    entry = world.entry()
    if entry is None:
        return None
    on, by, key = world.day(), world.person(), entry.id
    by_hand = not entry.reversed and not entry.is_reversal
    by_hand &= not any(line.instalment or line.line for line in entry.lines)
    allowed = by_hand and world.takes(on, *world.people) and not world.waits(entries.REVERSE, f"{ENTRY}:{key}")

    def yes(other: User) -> Effect:
        return NOTHING if entry.reversed or not world.takes(on, by, other) else Effect.of(entry.lines).mirrored()

    return Act(
        lambda: entries.ask_reversal(entry_id=key, on=on, reason="Wrong", by=by),
        NOTHING,
        allowed,
        then=lambda: world.asked(entries.REVERSE, yes),
    )


@act(1.2)
def give_up(world: World) -> Act | None:
    """Ask to write off some of what is open."""
    part = world.part()
    if part is None:
        return None
    amount, by = abs(world.share(part.balance)), world.person()

    def yes(_other: User) -> Effect:
        if not part.balance or amount > abs(part.balance):
            return NOTHING
        signed = amount if part.balance > 0 else -amount
        account = world.accounts["write_off" if signed > 0 else "other_income"]
        return Effect.of([Line(account, signed), principal(part, signed)])

    return Act(
        lambda: concessions.ask_write_off(instalment_id=part.id, amount=amount, reason="Gone", by=by),
        NOTHING,
        allowed=not world.waits(concessions.WRITE_OFF, f"{PART}:{part.id}"),
        then=lambda: world.asked(concessions.WRITE_OFF, yes),
    )


@act(1.2)
def agree_anew(world: World) -> Act | None:
    """Ask to replace what is open of a title by new parts, of as much, of more or of less."""
    part = world.part()
    if part is None:
        return None
    title = Title.objects.get(instalments=part.id)
    keys = list(title.instalments.order_by("pk").values_list("pk", flat=True))
    by, side = world.person(), 1 if title.direction == "receivable" else -1
    old = sum((abs(world.parts[key].balance) for key in keys), ZERO)
    new = max(CENT, (old * Decimal(world.chance.choice(["1", "1", "1.1", "0.9"]))).quantize(CENT))
    amounts = [amount for amount in pieces(world, new) if amount]
    due = [(world.today + timedelta(days=30 * n), amount) for n, amount in enumerate(amounts, 1)]

    def yes(_other: User) -> Effect:
        closed = [principal(world.parts[key], world.parts[key].balance) for key in keys if world.parts[key].balance]
        if abs(sum((line.amount for line in closed), ZERO)) != old:
            return NOTHING
        lines = [*closed, Line(title.account_id, side * new)]
        rest = -sum((line.amount for line in lines), ZERO)
        if rest:
            names = ("interest_income", "discount_given") if side > 0 else ("interest_expense", "discount_taken")
            lines.append(Line(world.accounts[names[rest * side > 0]], rest))
        return Effect.of(lines, parts=[side * amount for amount in amounts])

    return Act(
        lambda: concessions.ask_renegotiation(title_id=title.pk, parts=due, terms=Terms(), reason="Agreed", by=by),
        NOTHING,
        allowed=title.kind != "credit" and not world.waits(concessions.RENEGOTIATE, f"{TITLE}:{title.pk}"),
        then=lambda: world.asked(concessions.RENEGOTIATE, yes),
    )


@act(0.8)
def forgive(world: World) -> Act | None:
    """A line pays a part less than it owes, and the rest is forgiven: alone up to the limit, else asked."""
    line = world.line()
    if line is None or line.open < 0:
        return None
    part = next((one for one in (world.part() for _ in range(12)) if one and one.balance > line.open), None)
    if part is None:
        return None
    by, paid, owed = world.person(), line.open, part.balance
    lost = owed - paid
    lines = [transit(world, line, paid), principal(part, owed), Line(world.accounts["write_off"], lost)]
    items = [reconcile.Item("instalment", -owed, part.id), reconcile.Item("account", lost, role="write_off")]
    alone, is_free = lost <= world.may_give_up, line.id not in world.aside
    effect, subject = Effect.of(lines), f"{LINE}:{line.id}"

    def yes(_other: User) -> Effect:
        return effect if line.open and line.id not in world.aside and part.balance and world.fits(effect) else NOTHING

    return Act(
        lambda: reconcile.match_or_ask(lines=[(line.id, paid)], items=items, by=by, reason="Enough"),
        effect if alone and is_free else NOTHING,
        allowed=is_free and (alone or not world.waits(FORGIVE, subject)),
        once=alone and is_free,
        then=None if alone else lambda: world.asked(FORGIVE, yes),
    )


@act(0.25)
def repeat(world: World) -> Act | None:
    """A template that has owed an entry for some months: one that asks each time, or one that asks once."""
    if RecurringEntry.objects.filter(recurring.due(world.today)).count() > MOST_DUE:
        return None
    on, by, amount = world.day(), world.person(), world.money(50_000)
    mode, day = world.chance.choice(["ask", "automatic"]), world.chance.randint(1, 31)
    values = {"text": world.number("Rent "), "mode": mode, "day": day, "starts_on": on, "ends_on": None}
    lines = [Line(world.accounts["other_expense"], amount), Line(world.accounts["cash"], -amount)]

    def do() -> None:
        made = recurring.save(recurring_id=None, version=0, values=values, lines=lines, by=by)
        if mode == "automatic":
            recurring.submit(recurring_id=made.pk, by=by)

    return Act(do, NOTHING, then=lambda: world.asked(recurring.APPROVE, lambda _other: NOTHING))


@act(0.25)
def repeat_due(world: World) -> Act:
    """The night's run: each template makes what is due, up to the first month that takes nothing."""
    effect = Effect()
    for row in RecurringEntry.objects.filter(recurring.due(world.today)).select_related("made_by", "approved_by"):
        on = row.next_on
        lines = [Line(line.account_id, line.amount) for line in row.lines.all()]
        while on and on <= world.today:
            people = [row.made_by, row.approved_by] if row.approved_by and row.mode == "automatic" else world.people
            if not world.takes(on, *people):
                break
            if row.mode == "automatic":
                effect.add(Effect.of(lines))
            on = recurring.next_day(row.day, after=on)
    return Act(
        lambda: recurring.run(today=world.today),
        effect,
        once=True,
        resumes=True,
        then=lambda: world.asked_about(entries.POST, lambda approval: _draft_yes(world, approval)),
    )


def _draft_yes(world: World, approval: Approval) -> Callable[[User], Effect]:
    """What the yes to a draft does that a template made."""
    draft = DraftEntry.objects.get(pk=int(approval.subject.rpartition(":")[2]))
    lines, by = [Line(line.account_id, line.amount) for line in draft.lines.all()], approval.asked_by
    return lambda other: Effect.of(lines) if world.takes(draft.on, by, other) else NOTHING


@act(5)
def decide(world: World) -> Act | None:
    """A second person says yes or no; whoever asked may not. A yes for a month shut since gives the draft back."""
    if not world.waiting:
        return None
    question = world.chance.choice(world.waiting)
    by, yes = world.chance.choice([*world.people, world.director, world.director]), world.chance.random() < 0.85
    allowed = by.pk != question.asked_by and by.may(question.right)

    def then() -> None:
        world.waiting.remove(question)
        if yes and question.after:
            question.after()

    return Act(
        lambda: approvals.decide(question.approval, yes=yes, by=by, answer="Because"),
        question.yes(by) if yes and allowed else NOTHING,
        allowed,
        once=allowed,
        then=then,
    )
