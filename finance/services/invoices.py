"""Invoices and credit notes: drafted, approved by a second person, numbered without gaps, booked with their taxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.core import events
from backoffice.core.models import Approval, User
from backoffice.core.services import audit, numbering
from finance import taxes, terms
from finance.models import Instalment, Invoice, InvoiceLine, InvoiceTax, Posting, TaxRate, Title
from finance.services import ledger, papers, plan, second_person, settlement, titles
from finance.services.ledger import Line
from finance.services.titles import Part
from finance.taxes import Item, Rate, Reckoning
from finance.terms import ZERO

APPROVE = "finance.invoice"
PREFIX = {Invoice.Kind.INVOICE: "FAT", Invoice.Kind.CREDIT_NOTE: "NC"}


class TooMuchCredited(ledger.Refused):
    """Credit notes of an invoice sum to more than the invoice."""


@dataclass(frozen=True)
class LineFacts:
    text: str
    qty: Decimal
    price: Decimal  # a unit, taxes inside
    account: int
    profile: int | None = None
    unit: str = ""
    cost_centre: int | None = None

    @property
    def price_places(self) -> int:
        return taxes.price_places(self.price)

    @property
    def amount(self) -> Decimal:
        return taxes.line_amount(self.qty, self.price)


def reckon(lines: Sequence[LineFacts]) -> Reckoning:
    """Taxes of lines that are being written."""
    rates: dict[int, list[Rate]] = {}
    for row in TaxRate.objects.filter(profile__in={line.profile for line in lines if line.profile}).order_by("pk"):
        rates.setdefault(row.profile_id, []).append(Rate(row.tax, row.rate, row.is_withheld))
    return taxes.reckon([Item(line.amount, rates.get(line.profile or 0, [])) for line in lines])


@transaction.atomic
def save(
    *, values: dict[str, Any], lines: Sequence[LineFacts], by: User, invoice_id: int | None = None, version: int = 0
) -> Invoice:
    """Write a draft, new or again, with its taxes. values: fields of Invoice.

    Raises papers.NotADraft, papers.Outdated, titles.WrongParts.
    """
    if not lines or any(line.amount <= 0 for line in lines):
        raise titles.WrongParts(_("An invoice has one line or more, each above zero."))
    found = reckon(lines)
    withheld = found.withheld
    if of := _credited_by(values, invoice_id):
        withheld = withheld_of_note(of, found.total)
    invoice: Invoice = papers.write(
        Invoice,
        values | {"total": found.total, "withheld": sum((charge.amount for charge in withheld), ZERO)},
        by=by,
        pk=invoice_id,
        version=version,
    )
    invoice.taxes.all().delete()
    invoice.lines.all().delete()
    made = InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice, seq=seq, text=line.text, qty=line.qty, unit=line.unit, price=line.price,
            amount=line.amount, account_id=line.account, profile_id=line.profile, cost_centre_id=line.cost_centre,
        )
        for seq, line in enumerate(lines, 1)
    )  # fmt: skip
    InvoiceTax.objects.bulk_create(
        InvoiceTax(
            invoice=invoice, line=made[charge.line or 0], tax=charge.tax, base=charge.base, rate=charge.rate,
            amount=charge.amount,
        )
        for charge in found.own
    )  # fmt: skip
    _keep_withheld(invoice, withheld)
    audit.record("finance.invoice_written", invoice, by=by, total=str(found.total))
    return invoice


def _credited_by(values: dict[str, Any], invoice_id: int | None) -> Invoice | None:
    """The invoice that a credit note takes from; None for an invoice."""
    if "credits" in values or invoice_id is None:
        found: Invoice | None = values.get("credits")
        return found
    return Invoice.objects.filter(credit_notes=invoice_id).first()


@transaction.atomic
def draft_credit_note(*, invoice_id: int, by: User, today: date) -> Invoice:
    """A draft that credits all lines of an issued invoice; whoever writes it takes lines or amounts away.

    Raises papers.NotThere.
    """
    invoice = papers.locked(Invoice, invoice_id, Invoice.State.ISSUED)
    if invoice.kind != Invoice.Kind.INVOICE:
        raise papers.NotThere(_("A credit note is not credited; cancel it."))
    return save(
        values={
            "kind": Invoice.Kind.CREDIT_NOTE,
            "credits": invoice,
            "party": invoice.party,
            "issued_on": today,
            "first_due_on": today,
            "cost_centre": invoice.cost_centre,
            "text": invoice.number,
        },
        lines=[
            LineFacts(line.text, line.qty, line.price, line.account_id, line.profile_id, line.unit, line.cost_centre_id)
            for line in invoice.lines.order_by("seq")
        ],
        by=by,
    )


@transaction.atomic
def submit(*, invoice_id: int, by: User) -> Approval:
    """Send a draft to whoever decides about its amount. Raises papers.NotADraft, second_person.Waiting."""
    invoice = papers.to_waiting(Invoice, invoice_id, by=by)
    title = gettext_noop("Invoice for %(party)s, %(total)s")
    if invoice.kind == Invoice.Kind.CREDIT_NOTE:
        title = gettext_noop("Credit note for %(party)s, %(total)s")
    elif invoice.discount_rate:
        title = gettext_noop(
            "Invoice for %(party)s, %(total)s, with a discount of %(discount)s %% until %(days)s days before due"
        )
    return second_person.ask(
        APPROVE,
        invoice,
        object_="finance.invoice",
        amount=invoice.total,
        by=by,
        title=title,
        party=invoice.party.name,
        total=str(invoice.total),
        discount=f"{invoice.discount_rate * 100:.2f}",
        days=invoice.discount_days,
    )


def decided(approval: Approval) -> None:
    """Approved: issued. Rejected or withdrawn: a draft again, with the answer."""
    rows = Invoice.objects.select_for_update(of=("self",)).select_related("party", "credits__title")
    invoice = rows.get(pk=second_person.pk_of(approval))
    if invoice.state != Invoice.State.WAITING:
        return
    if approval.state == Approval.State.APPROVED:
        papers.check_writers(invoice, approval.decided_by)
        try:
            issue(invoice=invoice, approved_by=approval.decided_by, today=timezone.localdate(approval.decided_at))
        except (ledger.Refused, plan.NoAccount) as problem:
            second_person.left_undone(approval, problem)
            papers.back_to_draft(invoice, str(problem))
    else:
        papers.back_to_draft(invoice, approval.answer)


@transaction.atomic
def issue(*, invoice: Invoice, approved_by: User | None, today: date) -> Title:
    """Give the number, the title and the entry. A credit note settles what is open of its invoice; the rest is credit.

    Raises ledger.Refused, TooMuchCredited; the database refuses who wrote it.
    """
    is_note = invoice.kind == Invoice.Kind.CREDIT_NOTE
    side = -1 if is_note else 1
    if is_note:
        _check_credited(invoice)
    on = papers.open_day(invoice.issued_on, today=today)
    number = f"{PREFIX[Invoice.Kind(invoice.kind)]}{invoice.issued_on.year}/" + "{:06}".format(
        numbering.next_number(f"finance.{invoice.kind}", year=invoice.issued_on.year)
    )
    parts = [(invoice.issued_on, invoice.net)]
    if not is_note:
        parts = terms.parts(invoice.net, count=invoice.count, first_due=invoice.first_due_on)
    title = titles.issue(
        direction=Title.Direction.RECEIVABLE,
        kind=Title.Kind.CREDIT if is_note else Title.Kind.INVOICE,
        account=plan.account_for("receivable").pk,
        number=number,
        party=invoice.party,
        issued_on=invoice.issued_on,
        posted_on=on,
        instalments=[Part(due_on, side * amount) for due_on, amount in parts],
        against=against(invoice, side),
        terms=None if is_note else papers.terms_of(invoice),
        origin=invoice.ref,
        text=invoice.text,
        cost_centre=invoice.cost_centre,
        by=invoice.made_by,
        approved_by=approved_by,
    )
    papers.booked(invoice, Invoice.State.ISSUED, title=title, approved_by=approved_by, number=number, pdf=None)
    if is_note:
        _apply(title, invoice, on=on, by=approved_by)
    audit.record("finance.invoice_issued", invoice, by=approved_by, number=number, title=title.pk)
    events.record("finance.invoice_issued", invoice_id=invoice.pk)
    return title


def against(invoice: Invoice, side: int) -> list[Line]:
    """Revenue, deductions, taxes to pay and what the customer withheld; side: -1 for a credit note."""
    found = list(invoice.taxes.order_by("pk"))
    own = sorted({tax.tax for tax in found if not tax.is_withheld})
    kept = {tax.tax: _kept_at(tax.tax, own) for tax in found if tax.is_withheld}
    purposes = [f"{tax}_{end}" for tax in own for end in ("expense", "payable")] + sorted(kept.values())
    accounts = plan.accounts_for(*purposes, *(["returns"] if side < 0 else []))
    centres = {line.pk: line.cost_centre_id for line in invoice.lines.all()}
    lines = [
        Line(
            accounts["returns"] if side < 0 else line.account_id,
            -side * line.amount,
            party=invoice.party_id,
            cost_centre=line.cost_centre_id,
            text=line.text,
        )
        for line in invoice.lines.order_by("seq")
    ]
    sums: dict[tuple[str, int | None], Decimal] = {}
    for tax in found:
        if not tax.is_withheld:
            place = (tax.tax, centres.get(tax.line_id or 0))
            sums[place] = sums.get(place, ZERO) + tax.amount
    for (name, centre), amount in sums.items():
        lines.append(Line(accounts[f"{name}_expense"], side * amount, cost_centre=centre))
        lines.append(Line(accounts[f"{name}_payable"], -side * amount))
    for tax in found:
        if tax.is_withheld:
            account = accounts[kept[tax.tax]]
            lines.append(Line(account, side * tax.amount, party=invoice.party_id, role=Posting.Role.RETENTION))
    return lines


def _kept_at(tax: str, own: Sequence[str]) -> str:
    """Where what the customer withholds is booked: a claim on the treasury; but withheld ISS is paid to the town by the
    customer in our stead (LC 116/2003, art. 6), so it settles what we owe of it, or is its expense by itself.
    """
    if tax == "iss":
        return "iss_payable" if "iss" in own else "iss_expense"
    return f"{tax}_withheld"


def credited(invoice: Invoice) -> Decimal:
    """What issued credit notes took of an invoice."""
    notes = invoice.credit_notes.filter(state=Invoice.State.ISSUED)
    return notes.aggregate(sum=Sum("total"))["sum"] or ZERO


def withheld_of_note(invoice: Invoice, total: Decimal) -> list[taxes.Charge]:
    """What a credit note of `total` takes back of what was withheld from its invoice."""
    notes = invoice.credit_notes.filter(state=Invoice.State.ISSUED)
    rows = InvoiceTax.objects.filter(invoice__in=notes, is_withheld=True).values_list("tax", "rate")
    before = {(tax, rate): amount for tax, rate, amount in rows.annotate(sum=Sum("amount"))}
    taken = min(credited(invoice) + total, invoice.total)
    found = [
        taxes.credited(
            taxes.Charge(kept.tax, kept.base, kept.rate, kept.amount),
            of=invoice.total,
            taken=taken,
            before=before.get((kept.tax, kept.rate), ZERO),
        )
        for kept in invoice.taxes.filter(is_withheld=True).order_by("pk")
    ]
    return [charge for charge in found if charge.amount > 0]


def _check_credited(note: Invoice) -> None:
    """Refuse to credit more than the invoice; what is taken back of the withheld is reckoned by what notes took since.

    Raises TooMuchCredited.
    """
    assert note.credits_id is not None
    invoice = papers.locked(Invoice, note.credits_id, Invoice.State.ISSUED)
    if credited(invoice) + note.total > invoice.total:
        raise TooMuchCredited(_("Credit notes take more than the invoice asked for."))
    found = withheld_of_note(invoice, note.total)
    note.withheld = sum((charge.amount for charge in found), ZERO)
    if note.withheld != (note.taxes.filter(is_withheld=True).aggregate(sum=Sum("amount"))["sum"] or ZERO):
        note.taxes.filter(is_withheld=True).delete()
        _keep_withheld(note, found)
        Invoice.objects.filter(pk=note.pk).update(withheld=note.withheld)
    notes = invoice.credit_notes.filter(state=Invoice.State.ISSUED)
    net = notes.aggregate(sum=Sum(F("total") - F("withheld")))["sum"] or ZERO
    if net + note.net > invoice.net:
        raise TooMuchCredited(_("Credit notes take more than the invoice asked for."))


def _keep_withheld(invoice: Invoice, charges: Sequence[taxes.Charge]) -> None:
    InvoiceTax.objects.bulk_create(
        InvoiceTax(
            invoice=invoice, tax=charge.tax, base=charge.base, rate=charge.rate, amount=charge.amount, is_withheld=True
        )
        for charge in charges
    )  # fmt: skip


def _apply(credit: Title, note: Invoice, *, on: date, by: User | None) -> None:
    """Settle the open parts of the credited invoice, the latest first: the customer's next payments stay as told."""
    left = credit.instalments.get()
    assert note.credits is not None
    parts = Instalment.objects.filter(title=note.credits.title, balance__gt=0)
    list(parts.select_for_update(no_key=True).order_by("pk"))  # locked by rising key, as everywhere
    for part in parts.order_by("-seq"):
        left.refresh_from_db()
        if amount := min(-left.balance, part.balance):
            settlement.apply_credit(credit_id=left.pk, instalment_id=part.pk, amount=amount, on=on, by=by)


@transaction.atomic
def cancel(*, invoice_id: int, reason: str, by: User, today: date, approved_by: User | None = None) -> None:
    """Take an issued one out of the books while nothing of it is settled; its number stays, marked as cancelled.

    Raises papers.NotThere, settlement.NeedsSecond, ledger.Refused.
    """
    invoice = papers.locked(Invoice, invoice_id, Invoice.State.ISSUED)
    if invoice.credit_notes.filter(state__in=[Invoice.State.ISSUED, Invoice.State.WAITING]).exists():
        raise papers.NotThere(_("It has credit notes; cancel those first."))
    assert invoice.title is not None
    entry = settlement.cancel(
        title_id=invoice.title.pk,
        on=papers.open_day(invoice.issued_on, today=today),
        by=by,
        approved_by=approved_by,
        reason=reason,
        by_paper=True,
    )
    Invoice.objects.filter(pk=invoice_id).update(
        state=Invoice.State.CANCELLED,
        cancel_reason=reason[:300],
        cancel_entry=entry,
        cancelled_by=by,
        version=invoice.version + 1,
    )
    audit.record("finance.invoice_cancelled", invoice, by=by, reason=reason)


def discard(*, invoice_id: int, by: User) -> None:
    """Put a draft away; it stays readable. Raises papers.NotADraft."""
    papers.discard(Invoice, invoice_id, by=by)
