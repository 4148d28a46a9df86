"""Statement lines taken in, matched in every way, and matches undone."""

import hashlib
from datetime import date
from decimal import Decimal

from django.db import transaction

from finance.models import Match, Statement, StatementLine
from finance.services import ledger
from finance.services.ledger import Line

from ..world import ZERO, BankLine, Effect, Part, World
from . import Act, act, foretell
from .books import differences, principal


@act(9)
def take(world: World) -> Act:
    """A day of a bank: lines that pay what is open, and lines of anything."""
    bank, on = world.chance.choice(list(world.banks.values())), world.day()
    amounts = []
    for _ in range(world.chance.randint(1, 4)):
        part = world.part()
        if part and world.chance.random() < 0.7:
            amounts.append(part.balance)
        else:
            amounts.append(world.money() * world.chance.choice([1, -1]))
    mark, open_at_once = world.number("T"), world.chance.random() < 0.7  # else the first posting opens a line

    def do() -> None:
        with transaction.atomic():
            statement = Statement.objects.create(bank_account=bank, format="ofx", reader="1", found=len(amounts))
            rows = StatementLine.objects.bulk_create(
                StatementLine(
                    bank_account=bank, statement=statement, on=on, amount=amount, text=f"{mark} {n}",
                    open_amount=amount if open_at_once else ZERO,
                    key=hashlib.blake2b(f"{mark} {n}".encode(), digest_size=16).digest(),
                )
                for n, amount in enumerate(amounts)
            )  # fmt: skip
            lines = [Line(bank.account_id, row.amount, line=row.pk, role="bank") for row in rows]
            lines += [Line(bank.transit_id, -row.amount, line=row.pk, role="transit") for row in rows]
            ledger.post(journal="bank", on=on, text=mark, lines=lines)

    whole = sum(amounts, ZERO)
    effect = Effect.of([Line(bank.account_id, whole), Line(bank.transit_id, -whole)], rows=amounts)
    return foretell(world.takes(on), effect, do)


def transit(world: World, line: BankLine, amount: Decimal) -> Line:
    """Take this much, signed as the line, out of transit."""
    return Line(world.banks[line.bank].transit_id, amount, line=line.id, role="transit")


def matched(world: World, lines: list[Line], on: date) -> Act:
    """The act of posting these lines as a match, by a person."""
    by = world.person()
    effect = Effect.of(lines)

    def do() -> None:
        with transaction.atomic():
            entry = ledger.post(journal="matching", on=on, text="Match", lines=lines, by=by)
            Match.objects.create(entry_id=entry, stage="M", automatic=False, by=by)

    once = any(abs(moved) * 2 > abs(world.lines[key].open) for key, moved in effect.lines.items())
    once |= any(abs(moved) * 2 > abs(world.parts[key].balance) for key, moved in effect.parts.items())
    return foretell(world.takes(on, by) and world.fits(effect), effect, do, once=once)


def posting_day(world: World, on: date) -> date:
    """The bank's day, or today where its month takes nothing."""
    return on if world.takes(on) or world.chance.random() < 0.1 else world.today


@act(10)
def match_one(world: World) -> Act | None:
    """One line against one instalment: as much as both have open, or a part, or too much; with differences."""
    line = world.line()
    part = _payable_by(world, line) if line else None
    if line is None or part is None:
        return None
    amount = min(abs(line.open), abs(part.balance))
    if world.chance.random() < 0.3 and amount > Decimal("0.01"):
        amount = abs(world.share(amount))
    if world.chance.random() < 0.05:
        amount = max(abs(line.open), abs(part.balance)) + Decimal("0.01")
    signed = amount if line.open > 0 else -amount
    lines = [principal(part, signed), transit(world, line, signed)]
    if amount < abs(line.open) and world.chance.random() < 0.5:
        rest = line.open - signed  # what came too much is a fee, interest or other money: said, not dropped
        lines = [lines[0], transit(world, line, line.open), Line(world.accounts["bank_fees"], -rest, role="fee")]
    elif world.chance.random() < 0.3:
        extra = differences(world, part, most=signed)
        whole = signed - sum((one.amount for one in extra), ZERO)
        if extra and whole:
            lines = [lines[0], *extra, transit(world, line, whole)]
    return matched(world, lines, posting_day(world, line.on))


def _payable_by(world: World, line: BankLine) -> Part | None:
    """An instalment that money of this sign settles, one of the same amount if a few looks find it."""
    found = None
    for _ in range(12):
        part = world.part()
        if part and (part.balance > 0) == (line.open > 0):
            found = part
            if part.balance == line.open:
                break
    return found


@act(4)
def match_many(world: World) -> Act | None:
    """Several lines against several instalments, the difference as explicit lines."""
    first = world.line()
    if first is None:
        return None
    lines = {line.id: line for line in [first, world.line(), world.line()] if line and line.bank == first.bank}
    parts = {part.id: part for part in (_payable_by(world, first) for _ in range(3)) if part}
    posted = [principal(part, world.share(part.balance)) for part in parts.values()]
    posted += [transit(world, line, world.share(line.open)) for line in lines.values()]
    rest = sum((one.amount for one in posted), ZERO)
    if rest:
        posted.append(Line(world.accounts["other_expense"], -rest, cost_centre=world.chance.choice(world.centres)))
    return matched(world, posted, posting_day(world, first.on))


@act(4)
def match_account(world: World) -> Act | None:
    """A line that needs no title: fees, interest, other expenses, split over one to three accounts."""
    line = world.line()
    if line is None:
        return None
    whole = world.share(line.open)
    places = world.chance.sample(["bank_fees", "other_expense", "interest_income", "salaries"], 3)
    posted, left = [transit(world, line, whole)], -whole
    for place in places[: world.chance.choice([0, 0, 1, 2])]:
        amount = world.share(left)
        if amount != left:
            posted.append(Line(world.accounts[place], amount))
            left -= amount
    posted.append(Line(world.accounts[places[2]], left))
    return matched(world, posted, posting_day(world, line.on))


@act(2)
def transfer(world: World) -> Act | None:
    """Two lines of own accounts against each other, as far as both go."""
    one = world.line()
    if one is None:
        return None
    for _ in range(30):
        other = world.line()
        if other and other.bank != one.bank and (other.open > 0) != (one.open > 0):
            break
    else:
        return None
    amount = min(abs(one.open), abs(other.open))
    posted = [transit(world, line, amount if line.open > 0 else -amount) for line in (one, other)]
    return matched(world, posted, posting_day(world, one.on))


@act(5)
def undo(world: World) -> Act | None:
    """Undo a live match: on its day, or today where its month is closed."""
    for _ in range(30):
        entry = world.entry()
        if entry and entry.match and not entry.reversed:
            break
    else:
        return None
    by = world.person()
    on = entry.on if world.takes(entry.on, by) else world.today
    effect = Effect.of(entry.lines).mirrored()
    return foretell(world.fits(effect), effect, lambda: ledger.reverse(entry=entry.id, on=on, by=by), once=True)
