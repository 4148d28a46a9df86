"""Invoices, credit notes and bills: written, approved by another person, booked with their taxes, cancelled."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from backoffice.core.models import User
from finance.models import Bill, Invoice
from finance.services import bills, invoices
from finance.services.ledger import Line

from ..world import CENT, ISS, ZERO, Effect, Paper, World
from . import NOTHING, Act, act, foretell


def shares(whole: Decimal, count: int) -> list[Decimal]:
    """Equal parts, odd cents on the first ones."""
    each, odd = divmod(int(whole * 100), count)
    return [Decimal(each + (place < odd)) / 100 for place in range(count)]


def tax_of(amount: Decimal) -> Decimal:
    return (amount * ISS).quantize(CENT, ROUND_HALF_UP)


def _prices(world: World) -> list[Decimal]:
    return [max(Decimal(1), world.money(200_000)) for _ in range(world.chance.choice([1, 1, 2, 3]))]


@act(0.8)
def invoice(world: World) -> Act:
    """Write an invoice, with no tax, one of our own or one that the customer withholds; ask for its yes."""
    on, by, treatment = world.day(), world.person(), world.chance.choice(["", "own", "withheld"])
    prices, count = _prices(world), world.chance.choice([1, 1, 2, 3])
    party, account = world.chance.choice(world.parties), world.accounts[world.chance.choice(["sales", "services"])]
    centre, profile = world.chance.choice([None, *world.centres]), world.profiles.get(treatment)
    text = world.number("invoice ")

    def do() -> None:
        values = {"party_id": party, "issued_on": on, "first_due_on": on, "count": count, "text": text}
        lines = [invoices.LineFacts(text, Decimal(1), price, account, profile, cost_centre=centre) for price in prices]
        made = invoices.save(values=values, lines=lines, by=by)
        invoices.submit(invoice_id=made.pk, by=by)

    def yes(_other: User) -> Effect:
        lines = [Line(account, -price) for price in prices]
        kept = ZERO
        if treatment == "own":
            owed = sum((tax_of(price) for price in prices), ZERO)
            lines += [Line(world.accounts["iss_expense"], owed), Line(world.accounts["iss_payable"], -owed)]
        elif treatment == "withheld":
            kept = tax_of(sum(prices, ZERO))
            lines.append(Line(world.accounts["iss_expense"], kept))
        parts = shares(sum(prices, ZERO) - kept, count)
        return Effect.of([Line(world.accounts["receivable"], sum(parts, ZERO)), *lines], parts=parts)

    def after() -> None:
        made = Invoice.objects.get(text=text, kind="invoice")
        world.papers.append(_booked(made, "invoice", prices, treatment))

    return Act(do, NOTHING, then=lambda: world.asked(invoices.APPROVE, yes, after))


def _booked(made: Invoice | Bill, kind: str, lines: list[Decimal], treatment: str = "") -> Paper:
    assert made.title is not None
    parts = list(made.title.instalments.order_by("seq").values_list("pk", flat=True))
    return Paper(made.pk, kind, made.title.entry_id, parts, lines, treatment)


@act(0.7)
def credit_note(world: World) -> Act | None:
    """Write a note that credits a whole invoice: it settles what is open of it, the last part first."""
    paper, by = _paper(world, "invoice"), world.person()
    if paper is None:
        return None
    issued = Invoice.objects.filter(pk=paper.id, state="issued").exists()

    def do() -> None:
        note = invoices.draft_credit_note(invoice_id=paper.id, by=by, today=world.today)
        invoices.submit(invoice_id=note.pk, by=by)

    def yes(_other: User) -> Effect:
        if not Invoice.objects.filter(pk=paper.id, state="issued").exists():
            return NOTHING  # cancelled meanwhile
        if Invoice.objects.filter(credits=paper.id, state="issued").exists():
            return NOTHING  # credited meanwhile
        whole, receivable = sum(paper.lines, ZERO), world.accounts["receivable"]
        lines, left = [Line(world.accounts["returns"], whole)], whole
        if paper.treatment == "own":
            owed = sum((tax_of(price) for price in paper.lines), ZERO)
            lines += [Line(world.accounts["iss_expense"], -owed), Line(world.accounts["iss_payable"], owed)]
        elif paper.treatment == "withheld":
            lines.append(Line(world.accounts["iss_expense"], -tax_of(whole)))
            left -= tax_of(whole)
        effect = Effect.of([Line(receivable, -left), *lines])
        for key in reversed(paper.parts):
            amount = min(left, world.parts[key].balance)
            if amount:
                effect.add(Effect.of([Line(receivable, -amount, instalment=key), Line(receivable, amount)]))
                left -= amount
        effect.parts_born = [-left]
        return effect

    def after() -> None:
        note = Invoice.objects.filter(credits=paper.id).exclude(title=None).order_by("-title").first()
        if note and all(one.id != note.pk for one in world.papers):
            world.papers.append(_booked(note, "credit_note", paper.lines, paper.treatment))

    return Act(do, NOTHING, allowed=issued, then=lambda: world.asked(invoices.APPROVE, yes, after))


@act(0.8)
def bill_paper(world: World) -> Act:
    """Write a supplier's bill, of which we may withhold something; ask for its yes."""
    on, by, number = world.day(), world.person(), world.number("B")
    prices, count = _prices(world), world.chance.choice([1, 1, 2])
    party, centre = world.chance.choice(world.parties), world.chance.choice([None, *world.centres])
    kept = tax_of(sum(prices, ZERO)) if world.chance.random() < 0.3 else ZERO
    accounts = [world.accounts[world.chance.choice(["other_expense", "salaries"])] for _price in prices]

    def do() -> None:
        values = {"party_id": party, "number": number, "issued_on": on, "first_due_on": on, "count": count}
        lines = [bills.LineFacts(account, price, centre) for account, price in zip(accounts, prices, strict=True)]
        made = bills.save(values=values, lines=lines, withheld={"iss": kept} if kept else {}, by=by)
        bills.submit(bill_id=made.pk, by=by)

    def yes(_other: User) -> Effect:
        parts = [-part for part in shares(sum(prices, ZERO) - kept, count)]
        lines = [Line(account, price) for account, price in zip(accounts, prices, strict=True)]
        lines += [Line(world.accounts["withheld_payable"], -kept), Line(world.accounts["payable"], sum(parts, ZERO))]
        return Effect.of(lines, parts=parts)

    def after() -> None:
        world.papers.append(_booked(Bill.objects.get(number=number), "bill", prices))

    return Act(do, NOTHING, then=lambda: world.asked(bills.APPROVE, yes, after))


@act(0.7)
def cancel_paper(world: World) -> Act | None:
    """Cancel one that is in the books, while nothing of it is settled and nothing credits it."""
    paper, by = _paper(world), world.person()
    if paper is None:
        return None
    entry, cancel = world.entries[paper.entry], _cancel(paper, by, world)
    effect, table = Effect.of(entry.lines).mirrored(), Bill if paper.kind == "bill" else Invoice
    stands = table._default_manager.filter(pk=paper.id, state__in=["issued", "approved"]).exists()
    notes = Invoice.objects.filter(credits=paper.id, state__in=["issued", "waiting"])
    stands &= paper.kind != "invoice" or not notes.exists()
    return foretell(stands and not entry.reversed and world.fits(effect), effect, cancel, once=True)


def _cancel(paper: Paper, by: User, world: World) -> Callable[[], object]:
    if paper.kind == "bill":
        return lambda: bills.cancel(bill_id=paper.id, reason="Wrong", by=by, today=world.today)
    return lambda: invoices.cancel(invoice_id=paper.id, reason="Wrong", by=by, today=world.today)


def _paper(world: World, kind: str = "") -> Paper | None:
    """Rather a young one."""
    papers = [paper for paper in world.papers[-60:] if kind in ("", paper.kind)]
    return world.chance.choice(papers) if papers else None
