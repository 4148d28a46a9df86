"""What an invoice shows on its page, in its preview and on paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from finance import terms
from finance.models import Instalment, Invoice, Posting, Tax
from finance.services import invoices
from finance.terms import ZERO


@dataclass(frozen=True)
class TaxSum:
    name: str
    rate: Decimal | None  # None where lines differ
    amount: Decimal


@dataclass(frozen=True)
class Sheet:
    lines: list[Any]  # text, qty, unit, price, amount, account, profile
    own: list[TaxSum]
    withheld: list[TaxSum]
    total: Decimal
    net: Decimal
    parts: list[tuple[Any, Decimal]]  # due, amount


def sheet(invoice: Invoice, parts: list[tuple[Any, Decimal]] | None = None) -> Sheet:
    """The lines, taxes and parts of an invoice as it stands. parts: its title's, where the caller read them."""
    found = list(invoice.taxes.order_by("pk"))
    if parts is not None:
        pass
    elif invoice.title_id:
        rows = Instalment.objects.filter(title=invoice.title_id).order_by("seq")
        parts = [(row.due_on, abs(row.amount)) for row in rows]
    elif invoice.kind == Invoice.Kind.CREDIT_NOTE or invoice.net < Decimal("0.01") * invoice.count:
        parts = [(invoice.first_due_on, invoice.net)]
    else:
        parts = terms.parts(invoice.net, count=invoice.count, first_due=invoice.first_due_on)
    return Sheet(
        lines=list(invoice.lines.select_related("account", "profile", "cost_centre").order_by("seq")),
        own=_sums([tax for tax in found if not tax.is_withheld]),
        withheld=_sums([tax for tax in found if tax.is_withheld]),
        total=invoice.total,
        net=invoice.net,
        parts=parts,
    )


def preview(lines: list[invoices.LineFacts], *, of: Invoice | None = None) -> Sheet:
    """The same for lines that are being written. of: the invoice that a credit note takes from."""
    found = invoices.reckon(lines)
    withheld = invoices.withheld_of_note(of, found.total) if of else found.withheld
    net = found.total - sum((charge.amount for charge in withheld), ZERO)
    return Sheet(list(lines), _sums(found.own), _sums(withheld), found.total, net, [])


def _sums(charges: Sequence[Any]) -> list[TaxSum]:
    sums: dict[str, Decimal] = {}
    rates: dict[str, set[Decimal]] = {}
    for charge in charges:
        sums[charge.tax] = sums.get(charge.tax, ZERO) + charge.amount
        rates.setdefault(charge.tax, set()).add(charge.rate)
    return [
        TaxSum(str(Tax(tax).label), next(iter(rates[tax])) if len(rates[tax]) == 1 else None, amount)
        for tax, amount in sums.items()
    ]


def settlements(invoice: Invoice, *, may_read: bool) -> tuple[list[tuple[Any, Decimal]], list[dict[str, Any]]]:
    """The parts of an issued invoice, and links to what settled them and to the bank's lines behind it."""
    behind = Posting.objects.filter(entry=OuterRef("entry"), line__isnull=False).order_by("seq")
    rows = (
        Posting.objects.filter(instalment__title=invoice.title_id, entry__reverses=None)
        .select_related("entry__journal", "entry__reversed_by", "instalment")
        .annotate(
            line_on=Subquery(behind.values("line__on")[:1]), line_amount=Subquery(behind.values("line__amount")[:1])
        )
    )
    parts: list[tuple[int, Any, Decimal]] = []
    entries: dict[int, Any] = {}
    lines: dict[int, str] = {}
    for row in rows.order_by("-on", "-pk")[:400]:
        if row.role == Posting.Role.ISSUE and row.instalment:
            parts.append((row.instalment.seq, row.instalment.due_on, abs(row.instalment.amount)))
        elif row.role == Posting.Role.PRINCIPAL and getattr(row.entry, "reversed_by", None) is None:
            entries[row.entry_id] = row.entry
            if row.line_on:
                lines[row.entry_id] = f"{row.line_on} {row.line_amount}"
    links: list[dict[str, Any]] = [
        {"kind": _("Settlement"), "label": str(entry), "url": reverse("finance:entry", args=[pk]) if may_read else ""}
        for pk, entry in list(entries.items())[:5]
    ]
    links += [{"kind": _("Bank line"), "label": line} for line in list(lines.values())[:3]]
    return [(due_on, amount) for _seq, due_on, amount in sorted(parts)], links
