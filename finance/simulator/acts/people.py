"""What people do through the services of the screens: files taken in, lines matched, titles settled, second persons."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from backoffice.core.models import ImportBatch, Party
from finance import terms
from finance.models import BankAccount, Instalment, SaleBooking, Statement, StatementLine, Suggestion, Title
from finance.services import matching, opening, reconcile, settlement, statement_undo, statements, titles
from finance.services.ledger import Line

from ..world import ZERO, Effect, Entry, FileLine, Part, World
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
    allowed &= not _looks_known(world, bank.pk, new_lines, held)
    drawn = foretell(allowed, effect, do)
    return Act(
        do, drawn.effect, allowed, once=allowed, resumes=allowed, then=lambda: held.extend(new_lines)
    )  # fmt: skip


def _looks_known(world: World, bank: int, new: Sequence[FileLine], held: Sequence[FileLine]) -> bool:
    """Whether more than half of the new lines have the day and amount of lines without a reference: a person is asked.

    Those are the lines that came with no file here. Days of which the account holds nothing are left out of the count.
    """
    counted = Counter((line.on, line.amount) for line in new if world.days[bank, line.on])
    filed = Counter((line.on, line.amount) for line in held)
    twice = sum(min(n, world.movements[bank, *what] - filed[what]) for what, n in counted.items())
    return 2 * twice > sum(counted.values())


@act(0.5)
def unbring(world: World) -> Act | None:
    """Undo the import of a file: refused while one of its lines is matched; then the file may come again."""
    live = Statement.objects.filter(undone_at=None, new__gt=0).exclude(batch=None).order_by("-pk")[:12]
    if not live:
        return None
    chosen = world.chance.choice(list(live))
    batch, by, held = chosen.batch_id or 0, world.person(), world.files[chosen.bank_account_id]
    rows = list(StatementLine.objects.filter(statement__batch=batch, is_void=False).order_by("pk"))
    effect = Effect()
    for entry in world.batches[batch]:
        if not entry.reversed and not entry.is_reversal:
            effect.add(Effect.of(entry.lines).mirrored())
    allowed = all(world.lines[row.pk].open == row.amount for row in rows)

    def do() -> None:
        with transaction.atomic():
            statement_undo.take_back(ImportBatch.objects.select_for_update().get(pk=batch), by=by)

    def then() -> None:
        for row in rows:
            held.remove(FileLine(row.on, row.amount, row.text, "7"))

    return Act(do, effect if allowed else NOTHING, allowed, once=allowed, then=then)


# Reconciling --------------------------------------------------------------------------------------------------------


@act(1.5)
def meet(world: World) -> Act | None:
    """A line against an instalment and an account, on the screen."""
    line = world.line()
    part = world.part() if line else None
    if line is None or part is None:
        return None
    is_free = line.id not in world.aside
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
        is_free and world.fits(effect),
        effect,
        lambda: reconcile.match(lines=[(line.id, taken)], items=items, by=by, today=world.today),
        once=is_free and (abs(taken) * 2 > abs(line.open) or abs(amount) * 2 > abs(part.balance)),
    )


@act(1.2)
def meet_many(world: World) -> Act | None:
    """Some lines against some instalments, each in part or whole; the rest is an expense or a party's advance."""
    lines = {line.id: line for line in (world.line() for _ in range(world.chance.randint(1, 3))) if line}
    parts = {part.id: part for part in (world.part() for _ in range(world.chance.randint(1, 3))) if part}
    if not lines or not parts:
        return None
    by, taken = world.person(), [(line, world.share(line.open)) for line in lines.values()]
    items, posted = [], [transit(world, line, amount) for line, amount in taken]
    for part in parts.values():
        amount = world.share(part.balance)
        items.append(reconcile.Item("instalment", -amount, part.id))
        posted.append(principal(part, amount))
    rest, born = -sum((line.amount for line in posted), ZERO), []
    moved = all(amount * rest < 0 for _line, amount in taken)  # else it is no money that a party may have back
    if rest and world.chance.random() < 0.5:
        advance, party = ("customer_advance" if rest < 0 else "supplier_advance"), world.chance.choice(world.parties)
        items.append(reconcile.Item("advance", rest, party=party))
        posted.append(Line(world.accounts[advance], rest))
        born = [rest]
    elif rest:
        account, centre = world.accounts["other_expense"], world.chance.choice([None, *world.centres])
        items.append(reconcile.Item("account", rest, account, cost_centre=centre))
        posted.append(Line(account, rest))
    effect = Effect.of(posted, parts=born)
    is_free = not world.aside & lines.keys() and (moved or not born)
    return foretell(
        is_free,
        effect,
        lambda: reconcile.match(
            lines=[(line.id, amount) for line, amount in taken], items=items, by=by, today=world.today
        ),
        once=is_free and any(abs(amount) * 2 > abs(line.open) for line, amount in taken),
    )


@act(0.5)
def set_aside(world: World) -> Act | None:
    """Set a line aside, or put one back; matches on the screen leave it alone meanwhile."""
    by = world.person()
    if world.aside and world.chance.random() < 0.6:
        key = world.chance.choice(sorted(world.aside))
        return Act(
            lambda: reconcile.restore(line_id=key, by=by), NOTHING, once=True, then=lambda: world.aside.discard(key)
        )
    line = world.line()
    if line is None:
        return None
    key = line.id
    return Act(
        lambda: reconcile.ignore(line_id=key, reason="Later", by=by),
        NOTHING,
        allowed=key not in world.aside,
        once=key not in world.aside,
        then=lambda: world.aside.add(key),
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
    is_free = line.id not in world.aside
    return foretell(
        is_free,
        effect,
        lambda: reconcile.new_entry(line_ids=[line.id], account=account, by=by, today=world.today),
        once=is_free,
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


@act(0.3)
def accept_shown(world: World) -> Act | None:
    """Take a page of the engine's best suggestions at once; those that hold no more are told apart."""
    shown = list(Suggestion.objects.filter(rank=1).order_by("line_id").values_list("pk", flat=True)[:5])
    by = world.person()
    if not shown:
        return None
    return Act(lambda: reconcile.accept_many(shown, by=by), None, most=len(shown))


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
    due = date(2030, 1, 1) if world.chance.random() < 0.5 else world.today - timedelta(days=world.chance.randint(1, 90))
    own = terms.Terms(fine_rate=Decimal("0.02"), interest_rate=Decimal("0.01")) if due < world.today else None
    parts = [titles.Part(due, amount) for amount in amounts]
    return foretell(
        world.takes(on, by),
        Effect.of([Line(account, total), *against], parts=amounts),
        lambda: titles.issue(
            direction="receivable" if owed else "payable", kind="invoice" if owed else "bill", number=number,
            party=party, issued_on=on, instalments=parts, against=against, terms=own, by=by,
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
    row = Instalment.objects.select_related("title").get(pk=part.id)
    if row.title.fine_rate:
        return _pay_late(world, part, row)
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


def _pay_late(world: World, part: Part, row: Instalment) -> Act:
    """Today, with fine and interest before the principal; too little settles only some of these."""
    by, side = world.person(), 1 if part.amount > 0 else -1
    due = settlement.owed(row, on=world.today)
    paid = abs(world.share(due.total)) + (world.money(5_000) if world.chance.random() < 0.2 else ZERO)
    left, lines = paid, [Line(world.accounts["cash"], side * paid)]
    for charge, income, expense in (
        (due.interest, "interest_income", "interest_expense"),
        (due.fine, "fine_income", "fine_expense"),
    ):
        settled = min(left, charge)
        lines.append(Line(world.accounts[income if side > 0 else expense], -side * settled))
        left -= settled
    settled = min(left, due.principal)
    lines.append(principal(part, side * settled))
    left -= settled
    if left:
        lines.append(Line(world.accounts["customer_advance" if side > 0 else "supplier_advance"], -side * left))
    return foretell(
        True,
        Effect.of(lines, parts=[-side * left] if left else []),
        lambda: settlement.settle(
            instalment_id=part.id, paid=paid, on=world.today, account=world.accounts["cash"], by=by
        ),
        once=paid >= due.total,
    )


@act(1)
def unpay(world: World) -> Act | None:
    """Take a settlement back on the page of its title."""
    entry = next((one for one in (world.entry() for _ in range(30)) if one and _is_settlement(one)), None)
    if entry is None:
        return None
    on, by = entry.on if world.takes(entry.on) else world.day(), world.person()
    effect = Effect.of(entry.lines).mirrored()
    allowed = not entry.reversed and not entry.is_reversal and world.takes(on, by) and world.fits(effect)
    allowed &= not SaleBooking.objects.filter(money_entry=entry.id).exists()
    return foretell(allowed, effect, lambda: settlement.undo(entry=entry.id, on=on, by=by), once=True)


def _is_settlement(entry: Entry) -> bool:
    return entry.match is None and any(line.role == "principal" for line in entry.lines)


@act(1)
def use_credit(world: World) -> Act | None:
    """Settle what a party owes with a credit of theirs, on the same side of the books."""
    debt = world.part()
    if debt is None:
        return None
    for _ in range(40):
        credit = world.part()
        if credit and credit.party == debt.party and credit.balance * debt.balance < 0:
            break
    else:
        return None
    sides = dict(Instalment.objects.filter(pk__in=[debt.id, credit.id]).values_list("pk", "title__direction"))
    on, by, amount = world.day(), world.person(), min(abs(credit.balance), abs(debt.balance))
    signed = amount if debt.balance > 0 else -amount
    return foretell(
        world.takes(on, by) and sides[debt.id] == sides[credit.id],
        Effect.of([principal(credit, -signed), principal(debt, signed)]),
        lambda: settlement.apply_credit(credit_id=credit.id, instalment_id=debt.id, amount=amount, on=on, by=by),
        once=True,
    )


@act(0.7)
def cancel_title(world: World) -> Act | None:
    """Take a title out of the books, while nothing of it is settled and no paper, line or sale brought it."""
    part = world.part()
    if part is None:
        return None
    title = Title.objects.get(instalments=part.id)
    entry, on, by = world.entries[title.entry_id], world.day(), world.person()
    effect = Effect.of(entry.lines).mirrored()
    is_own = not title.origin.startswith(settlement.PAPERS) and not SaleBooking.objects.filter(title=title).exists()
    is_own &= entry.match is None and not any(line.line or line.role == "principal" for line in entry.lines)
    return foretell(
        is_own and not entry.reversed and world.takes(on, by) and world.fits(effect),
        effect,
        lambda: settlement.cancel(title_id=title.pk, on=on, by=by, reason="Never sent"),
        once=True,
    )


@act(0.3)
def begin_with(world: World) -> Act:
    """Opening balances by hand; what does not balance goes to their own account."""
    on, by = world.day(), world.person()
    lines = [Line(world.accounts["cash"], world.money())]
    if world.chance.random() < 0.7:
        lines.append(Line(world.accounts["capital"], -world.money()))
    rest = -sum((line.amount for line in lines), ZERO)
    effect = Effect.of([*lines, Line(world.accounts["opening"], rest)])
    return foretell(world.takes(on, by), effect, lambda: opening.post(on=on, lines=lines, by=by))
