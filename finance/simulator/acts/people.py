"""What people do through the services of the screens: files taken in, lines matched, titles settled, second persons."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from backoffice.core.models import Party
from backoffice.core.services import approvals
from finance.models import BankAccount, Suggestion
from finance.services import entries, matching, reconcile, settlement, statements, titles
from finance.services.ledger import Line

from ..world import ZERO, Effect, FileLine, Question, World
from . import NOTHING, Act, act, foretell
from .bank import transit
from .books import pieces, principal

# Statements ---------------------------------------------------------------------------------------------------------


def ofx(bank: BankAccount, lines: Sequence[FileLine]) -> str:
    rows = "".join(
        f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{line.on:%Y%m%d}<TRNAMT>{line.amount}<FITID>{line.mark}<MEMO>{line.text}"
        "</STMTTRN>\n"
        for line in lines
    )
    first, last = min(line.on for line in lines), max(line.on for line in lines)
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>BRL"
        f"<BANKACCTFROM><BANKID>{bank.bank_code}<ACCTID>{bank.number}<ACCTTYPE>CHECKING</BANKACCTFROM>\n"
        f"<BANKTRANLIST><DTSTART>{first:%Y%m%d}<DTEND>{last:%Y%m%d}\n{rows}</BANKTRANLIST>"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )


@act(0.6)
def bring(world: World) -> Act:
    """A file: new lines, lines of earlier files again, shuffled; twins of one day are two lines."""
    bank = world.chance.choice(list(world.banks.values()))
    held = world.files.setdefault(bank.pk, [])
    days = sorted(world.day() for _ in range(world.chance.randint(1, 2)))
    lines = list(held[-world.chance.randint(1, 6) :]) if held and world.chance.random() < 0.6 else []
    if not lines or world.chance.random() < 0.6:
        for on in days:
            new = FileLine(on, world.money() * world.chance.choice([1, -1]), world.number("PIX "), "7")
            lines += [new] * world.chance.choice([1, 1, 1, 2])
    world.chance.shuffle(lines)
    known = Counter(held)
    new_lines = [line for line, count in Counter(lines).items() for _ in range(max(0, count - known[line]))]
    effect = Effect()
    for on in sorted({line.on for line in new_lines}):
        of_day = [line.amount for line in new_lines if line.on == on]
        whole = sum(of_day, ZERO)
        effect.add(Effect.of([Line(bank.account_id, whole), Line(bank.transit_id, -whole)], rows=of_day))

    def do() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "statement.ofx"
            path.write_text(ofx(bank, lines))
            statements.import_file(path)

    allowed = all(world.month_of(line.on).state == "open" for line in new_lines)
    drawn = foretell(allowed, effect, do)
    return Act(
        do, drawn.effect, allowed, once=allowed, resumes=allowed, then=lambda: held.extend(new_lines)
    )  # fmt: skip


# Reconciling --------------------------------------------------------------------------------------------------------


@act(1.5)
def meet(world: World) -> Act | None:
    """A line against an instalment and an account, on the screen."""
    line = world.line()
    part = world.part() if line else None
    if line is None or part is None:
        return None
    amount = part.balance if abs(part.balance) < abs(line.open) else world.share(part.balance)
    taken, by = world.share(line.open), world.person()
    rest = amount - taken
    account = world.accounts["other_expense"]
    lines = [transit(world, line, taken), principal(part, amount)]
    items = [reconcile.Item("instalment", -amount, part.id)]
    if rest:
        items.append(reconcile.Item("account", rest, account))
        lines.append(Line(account, rest))
    effect = Effect.of(lines)
    return foretell(
        world.fits(effect),
        effect,
        lambda: reconcile.match(lines=[(line.id, taken)], items=items, by=by, today=world.today),
        once=abs(taken) * 2 > abs(line.open) or abs(amount) * 2 > abs(part.balance),
    )


@act(1.2)
def unmeet(world: World) -> Act | None:
    """Undo a match on the screen."""
    for _ in range(30):
        entry = world.entry()
        if entry and entry.match:
            break
    else:
        return None
    by, match = world.person(), entry.match
    effect = Effect.of(entry.lines).mirrored()
    return foretell(
        not entry.reversed and world.fits(effect),
        effect,
        lambda: reconcile.undo(match_id=match, by=by, today=world.today),
        once=True,
    )


@act(0.6)
def code(world: World) -> Act | None:
    """Cash coding: what is open of one line, to an account."""
    line = world.line()
    if line is None:
        return None
    by, account = world.person(), world.accounts[world.chance.choice(["bank_fees", "salaries", "other_expense"])]
    effect = Effect.of([transit(world, line, line.open), Line(account, -line.open)])
    return foretell(
        True,
        effect,
        lambda: reconcile.new_entry(line_ids=[line.id], account=account, by=by, today=world.today),
        once=True,
    )


@act(0.2)
def match_all(world: World) -> Act:
    """The engine runs over everything that is open; killed in the middle, it is run again."""
    return Act(lambda: matching.run(today=world.today), None, once=True, resumes=True)


@act(0.8)
def accept(world: World) -> Act | None:
    """Take one of the engine's suggestions, which may be out of date by now."""
    shown = list(Suggestion.objects.order_by("line_id", "rank").values_list("pk", flat=True)[:40])
    if not shown:
        return None
    chosen, by = world.chance.choice(shown), world.person()
    return Act(lambda: reconcile.accept(suggestion_id=chosen, by=by, today=world.today), None, most=1, once=True)


# Titles -------------------------------------------------------------------------------------------------------------


@act(1.2)
def bill(world: World) -> Act:
    """A title through the service."""
    owed = world.chance.random() < 0.5
    account, other = world.accounts["receivable" if owed else "payable"], world.accounts["services"]
    on, number, by = world.day(), world.number("S"), world.person()
    party = Party(pk=world.chance.choice(world.parties), name="Party")
    total = world.money() if owed else -world.money()
    amounts = [amount for amount in pieces(world, total) if amount]
    against = [Line(other, -total)]
    parts = [titles.Part(date(2030, 1, 1), amount) for amount in amounts]
    return foretell(
        world.takes(on, by),
        Effect.of([Line(account, total), *against], parts=amounts),
        lambda: titles.issue(
            direction="receivable" if owed else "payable", kind="invoice" if owed else "bill", number=number,
            party=party, issued_on=on, instalments=parts, against=against, by=by,
        ),
    )  # fmt: skip


@act(1.2)
def pay(world: World) -> Act | None:
    """Settle in cash, in part or beyond: the surplus becomes the party's credit."""
    part = world.part()
    if part is None or part.account not in (world.accounts["receivable"], world.accounts["payable"]):
        return None
    if (part.amount > 0) != (part.account == world.accounts["receivable"]):
        return None  # a credit
    on, by, side = world.day(), world.person(), 1 if part.amount > 0 else -1
    paid = abs(world.share(part.balance))
    surplus = world.money(5_000) if paid == abs(part.balance) and world.chance.random() < 0.3 else ZERO
    lines = [Line(world.accounts["cash"], side * (paid + surplus)), principal(part, side * paid)]
    born = []
    if surplus:
        born = [-side * surplus]
        lines.append(Line(world.accounts["customer_advance" if side > 0 else "supplier_advance"], -side * surplus))
    return foretell(
        world.takes(on, by),
        Effect.of(lines, parts=born),
        lambda: settlement.settle(
            instalment_id=part.id, paid=paid + surplus, on=on, account=world.accounts["cash"], by=by
        ),
        once=paid == abs(part.balance),
    )


# Second persons -----------------------------------------------------------------------------------------------------


@act(0.9)
def propose(world: World) -> Act:
    """A manual entry is written and put to a second person; the books do not move."""
    on, by, amount = world.day(), world.person(), world.money()
    first, second = world.chance.sample(["other_expense", "capital", "salaries"], 2)
    lines = [Line(world.accounts[first], amount), Line(world.accounts[second], -amount)]
    told: list[Question] = []

    def do() -> None:
        draft = entries.save(draft_id=None, version=0, on=on, text="By hand", lines=lines, by=by)
        told.append(Question(entries.submit(draft_id=draft.pk, by=by).pk, by, on, lines))

    # Whoever may approve could have leave for a soft month, so the question is allowed if anybody could post.
    allowed = world.takes(on, *world.people)
    return Act(do, NOTHING, allowed, then=lambda: world.waiting.extend(told))


@act(1.1)
def decide(world: World) -> Act | None:
    """A second person says yes or no; whoever asked may not. A yes for a month shut since gives the draft back."""
    if not world.waiting:
        return None
    question = world.chance.choice(world.waiting)
    own, yes = world.chance.random() < 0.25, world.chance.random() < 0.85
    others = [person for person in world.people if person.pk != question.asked_by.pk]
    by = question.asked_by if own else world.chance.choice(others)
    posts = yes and not own and world.takes(question.on, question.asked_by, by)
    return Act(
        lambda: approvals.decide(question.approval, yes=yes, by=by, answer="Because"),
        Effect.of(question.lines) if posts else NOTHING,
        allowed=not own,
        once=not own,
        then=lambda: world.waiting.remove(question),
    )
