"""What an invoice shows on its page, in its preview and on paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

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


def sheet(invoice: Invoice) -> Sheet:
    """The lines, taxes and parts of an invoice as it stands."""
    found = list(invoice.taxes.order_by("pk"))
    if invoice.title_id:
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


def preview(lines: list[invoices.LineFacts]) -> Sheet:
    """The same for lines that are being written."""
    found = invoices.reckon(lines)
    return Sheet(list(lines), _sums(found.own), _sums(found.withheld), found.total, found.net, [])


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


def settlements(invoice: Invoice, *, may_read: bool) -> list[dict[str, Any]]:
    """Links to what settled an issued invoice, and to the bank's lines behind it."""
    live = Posting.objects.filter(
        instalment__title=invoice.title_id, role=Posting.Role.PRINCIPAL, entry__reverses=None, entry__reversed_by=None
    )
    entries = {p.entry_id: p.entry for p in live.select_related("entry__journal").order_by("-on", "-pk")[:5]}
    links: list[dict[str, Any]] = [
        {
            "kind": _("Settlement"),
            "label": str(entry),
            "url": reverse("finance:entry", args=[pk]) if may_read else "",
        }
        for pk, entry in entries.items()
    ]
    if entries:
        lines = Posting.objects.filter(entry__in=list(entries), line__isnull=False).select_related("line")
        links += [{"kind": _("Bank line"), "label": str(posting.line)} for posting in lines.order_by("pk")[:3]]
    return links
