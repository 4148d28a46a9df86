"""Entries and titles: issued, settled, offset, written off, renegotiated, entered by hand, reversed."""

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models.functions import Now

from backoffice.core.models import Approval, User
from finance.models import Instalment, Title
from finance.services import ledger
from finance.services.ledger import Line

from ..world import ZERO, Effect, Part, World
from . import Act, act, foretell


def add_title(
    world: World, *, party: int, account: int, direction: str, kind: str, amounts: list[Decimal], against: list[Line],
    on: date, number: str, journal: str, extra: list[Line] | None = None,
) -> None:  # fmt: skip
    """Title, instalments and their entry. amounts: signed; against: what the entry holds besides them."""
    with transaction.atomic():
        entry = ledger.next_entry()
        title = Title.objects.create(
            direction=direction, kind=kind, number=number, party_id=party, account_id=account, issued_on=on,
            amount=sum(amounts), entry_id=entry,
        )  # fmt: skip
        parts = Instalment.objects.bulk_create(
            Instalment(title=title, seq=seq, party_id=party, due_on=on + timedelta(days=30 * seq), amount=amount)
            for seq, amount in enumerate(amounts, 1)
        )
        own = [Line(account, part.amount, party, instalment=part.pk, role="issue") for part in parts]
        ledger.post(journal=journal, on=on, text=number, entry=entry, lines=[*own, *against, *(extra or [])])


def pieces(world: World, total: Decimal) -> list[Decimal]:
    """1 to 4 parts that sum to the total."""
    count = min(world.chance.choice([1, 1, 1, 2, 3, 4]), int(abs(total) * 100))
    each = (total / count).quantize(Decimal("0.01"))
    return [each] * (count - 1) + [total - each * (count - 1)] if count > 1 else [total]


@act(16)
def issue(world: World) -> Act:
    owed = world.chance.random() < 0.6
    account = world.accounts["receivable" if owed else "payable"]
    other = world.accounts[world.chance.choice(["sales", "services"]) if owed else "other_expense"]
    on, party, number = world.day(), world.chance.choice(world.parties), world.number("F")
    total = world.money() if owed else -world.money()
    amounts = [amount for amount in pieces(world, total) if amount]
    centre = world.chance.choice([None, *world.centres])
    against = [Line(other, -total, cost_centre=centre)]
    effect = Effect.of([Line(account, total), *against], parts=amounts)

    def do() -> None:
        add_title(
            world, party=party, account=account, direction="receivable" if owed else "payable",
            kind="invoice" if owed else "bill", amounts=amounts, against=against, on=on, number=number,
            journal="sales" if owed else "purchases",
        )  # fmt: skip

    return foretell(world.takes(on), effect, do)


@act(4)
def credit(world: World) -> Act:
    """A credit note or an advance: a title below zero on the receivable's side."""
    note = world.chance.random() < 0.5
    account, on = world.accounts["receivable" if note else "customer_advance"], world.day()
    party, number, amount = world.chance.choice(world.parties), world.number("C"), -world.money(50_000)
    against = [Line(world.accounts["sales" if note else "cash"], -amount)]

    def do() -> None:
        add_title(
            world, party=party, account=account, direction="receivable", kind="credit", amounts=[amount],
            against=against, on=on, number=number, journal="sales",
        )  # fmt: skip

    return foretell(world.takes(on), Effect.of([Line(account, amount), *against], parts=[amount]), do)


def principal(part: Part, amount: Decimal) -> Line:
    """Take this much of what is open, signed as the balance."""
    return Line(part.account, -amount, part.party, instalment=part.id, role="principal")


def differences(world: World, part: Part, *, most: Decimal) -> list[Line]:
    """Interest, a fine, a discount: explicit lines, or none. most: of a discount."""
    lines, owed = [], part.amount > 0
    if world.chance.random() < 0.25:
        interest = Decimal(world.chance.randint(1, 3_000)) / 100
        lines.append(
            Line(world.accounts["interest_income" if owed else "interest_expense"], -interest if owed else interest,
                 role="interest")
        )  # fmt: skip
    elif world.chance.random() < 0.15 and abs(most) > Decimal("0.02"):
        discount = Decimal(world.chance.randint(1, int(abs(most) * 100) - 1)) / 100
        lines.append(
            Line(world.accounts["discount_given" if owed else "discount_taken"], discount if owed else -discount,
                 role="discount")
        )  # fmt: skip
    return lines


@act(9)
def settle(world: World) -> Act | None:
    """In cash: all, a part, or more than there is."""
    part = world.part()
    if part is None:
        return None
    on, amount = world.day(), world.share(part.balance)
    if world.chance.random() < 0.08:
        amount = part.balance + (Decimal("0.01") if part.balance > 0 else Decimal("-0.01"))
    lines = [principal(part, amount), *differences(world, part, most=amount)]
    lines.append(Line(world.accounts["cash"], -sum((line.amount for line in lines), ZERO)))
    effect = Effect.of(lines)
    return foretell(
        world.takes(on) and world.fits(effect),
        effect,
        lambda: ledger.post(journal="general", on=on, text="Settled", lines=lines),
        once=amount == part.balance,
    )


def agree(subject: str, right: str, amount: Decimal, *, by: User, decided_by: User | None) -> None:
    """One person asks, another says yes."""
    asked = Approval.objects.create(
        kind="finance.simulated", subject=subject, right=right, title="Simulated", amount=amount, asked_by=by
    )
    if decided_by:
        Approval.objects.filter(pk=asked.pk).update(
            state=Approval.State.APPROVED, decided_by=decided_by, decided_at=Now()
        )


@act(2)
def write_off(world: World) -> Act | None:
    part = world.part()
    if part is None:
        return None
    on, (maker, checker) = world.day(), world.two_people()
    lines = [principal(part, part.balance), Line(world.accounts["write_off"], part.balance, role="write_off")]
    origin = f"finance.instalment:{part.id}"

    def do() -> None:
        with transaction.atomic():
            agree(origin, "finance.write_off.approve", abs(part.balance), by=maker, decided_by=checker)
            ledger.post(
                journal="general", on=on, text="Lost", lines=lines, origin=origin, by=maker, approved_by=checker
            )

    return foretell(world.takes(on, maker, checker), Effect.of(lines), do, once=True)


@act(3)
def offset(world: World) -> Act | None:
    """A credit against an invoice of the same party."""
    one = world.part()
    if one is None:
        return None
    for _ in range(40):
        other = world.part()
        if other and other.party == one.party and (other.balance > 0) != (one.balance > 0):
            break
    else:
        return None
    on, amount = world.day(), min(abs(one.balance), abs(other.balance))
    lines = [principal(part, amount if part.balance > 0 else -amount) for part in (one, other)]
    return foretell(
        world.takes(on),
        Effect.of(lines),
        lambda: ledger.post(journal="general", on=on, text="Offset", lines=lines),
        once=True,
    )


@act(2)
def renegotiate(world: World) -> Act | None:
    """What is open becomes a new title with other instalments."""
    part = world.part()
    if part is None:
        return None
    on, number = world.day(), world.number("R")
    amounts = [amount for amount in pieces(world, part.balance) if amount]
    close = [principal(part, part.balance)]
    effect = Effect.of([*close, Line(part.account, part.balance)], parts=amounts)
    account, party = part.account, part.party
    direction = next(side for side, accounts in world.controls.items() if account in accounts)
    kind = "renegotiated" if (part.amount > 0) == (direction == "receivable") else "credit"

    def do() -> None:
        add_title(
            world, party=party, account=account, direction=direction, kind=kind, amounts=amounts,
            against=close, on=on, number=number, journal="general",
        )  # fmt: skip

    return foretell(world.takes(on), effect, do, once=True)


@act(6)
def enter(world: World) -> Act:
    """By hand, approved by another; sometimes by nobody else, never asked, unbalanced, or around documents: refused."""
    on, (maker, checker) = world.day(), world.two_people()
    amount, places = world.money(), world.chance.sample(["other_expense", "cash", "capital", "salaries"], 2)
    lines = [
        Line(world.accounts[places[0]], amount, cost_centre=world.chance.choice([None, *world.centres])),
        Line(world.accounts[places[1]], -amount),
    ]
    fault = world.chance.choice(["", "", "", "", "self", "alone", "unasked", "unbalanced", "control", "nothing"])
    if fault == "unbalanced":
        lines[1] = Line(lines[1].account, -amount - Decimal("0.01"))
    elif fault == "control":
        lines[1] = Line(world.accounts["receivable"], -amount)
    elif fault == "nothing":
        lines.append(Line(lines[0].account, ZERO))
    approved_by = maker if fault == "self" else None if fault == "alone" else checker
    origin = f"finance.draftentry:{world.number('H')}"

    def do() -> None:
        with transaction.atomic():
            if fault != "unasked":
                agree(origin, "finance.entry.approve", amount, by=maker, decided_by=approved_by)
            ledger.post(
                journal="general", on=on, text="By hand", lines=lines, kind="manual", origin=origin, by=maker,
                approved_by=approved_by,
            )  # fmt: skip

    return foretell(not fault and world.takes(on, maker, checker), Effect.of(lines), do)


@act(8)
def reverse(world: World) -> Act | None:
    """Undo an entry that stands; one that was undone, is an undoing, was built upon or is by two people: refused."""
    entry = world.entry()
    if entry is None or any(line.role == "bank" for line in entry.lines):
        return None  # an import is undone as a whole, with its lines
    on, by = entry.on if world.takes(entry.on) else world.day(), world.person()
    effect = Effect.of(entry.lines).mirrored()
    allowed = not entry.reversed and not entry.is_reversal and not entry.by_two
    allowed &= world.takes(on, by) and world.fits(effect)
    return foretell(allowed, effect, lambda: ledger.reverse(entry=entry.id, on=on, by=by), once=True)
