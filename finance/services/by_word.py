"""What people do by their word, without a bank or a paper that shows it: up to the limit alone, above it by two.

A settlement in cash, and a receivable taken out of the books. What waits is done on the yes, in the name of both.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from backoffice.core.models import Approval, User
from finance.models import Account, Instalment, Invoice, Title
from finance.services import invoices, ledger, papers, second_person, settlement

SETTLE = "finance.settle"
CANCEL = "finance.cancel_title"
CANCEL_INVOICE = "finance.cancel_invoice"


@transaction.atomic
def settle(
    *, instalment_id: int, paid: Decimal, on: date, account: int, by: User, charge: bool = True, text: str = ""
) -> settlement.Settled | Approval:
    """Settle, or ask a second person. Raises what settlement.settle raises but NeedsSecond, second_person.Waiting."""
    try:
        with transaction.atomic():
            return settlement.settle(
                instalment_id=instalment_id, paid=paid, on=on, account=account, by=by, charge=charge, text=text
            )
    except settlement.NeedsSecond:
        row = Instalment.objects.select_related("title__party").get(pk=instalment_id)
        second_person.hold_words([row.party_id])
        return second_person.ask(
            SETTLE,
            row,
            object_="finance.title",
            amount=paid + settlement.said_lately(row.party_id),
            by=by,
            title=gettext_noop("Settle %(number)s of %(party)s: %(paid)s by %(means)s on %(on)s"),
            reason=text,
            number=str(row),
            party=row.title.party.name,
            paid=str(paid),
            means=Account.objects.get(pk=account).name,
            on=on.isoformat(),
            account=account,
            charge=charge,
            text=text,
        )


def decided_settling(approval: Approval) -> None:
    if approval.state != Approval.State.APPROVED:
        return
    data: dict[str, Any] = approval.data
    try:
        settlement.settle(
            instalment_id=second_person.pk_of(approval),
            paid=Decimal(data["paid"]),
            on=date.fromisoformat(data["on"]),
            account=data["account"],
            charge=data["charge"],
            text=data["text"],
            by=approval.asked_by,
            approved_by=approval.decided_by,
        )
    except ledger.Refused as problem:
        second_person.left_undone(approval, problem)


@transaction.atomic
def cancel(*, title_id: int, reason: str, by: User, today: date) -> Approval | None:
    """Take a title out of the books, or ask. Raises what settlement.cancel raises but NeedsSecond, Waiting."""
    try:
        with transaction.atomic():
            settlement.cancel(title_id=title_id, on=today, by=by, reason=reason)
            return None
    except settlement.NeedsSecond:
        title = Title.objects.select_related("party").get(pk=title_id)
        return _ask_cancelling(CANCEL, title, title, reason=reason, by=by)


def decided_cancelling(approval: Approval) -> None:
    if approval.state != Approval.State.APPROVED:
        return
    try:
        settlement.cancel(
            title_id=second_person.pk_of(approval),
            on=timezone.localdate(approval.decided_at),
            by=approval.asked_by,
            approved_by=approval.decided_by,
            reason=approval.reason,
        )
    except ledger.Refused as problem:
        second_person.left_undone(approval, problem)


@transaction.atomic
def cancel_invoice(*, invoice_id: int, reason: str, by: User, today: date) -> Approval | None:
    """Cancel an issued invoice, or ask. Raises what invoices.cancel raises but NeedsSecond, Waiting."""
    try:
        with transaction.atomic():
            invoices.cancel(invoice_id=invoice_id, reason=reason, by=by, today=today)
            return None
    except settlement.NeedsSecond:
        invoice = papers.locked(Invoice, invoice_id, Invoice.State.ISSUED)
        title = Title.objects.select_related("party").get(pk=invoice.title_id or 0)
        return _ask_cancelling(CANCEL_INVOICE, invoice, title, reason=reason, by=by)


def decided_invoice(approval: Approval) -> None:
    if approval.state != Approval.State.APPROVED:
        return
    try:
        invoices.cancel(
            invoice_id=second_person.pk_of(approval),
            reason=approval.reason,
            by=approval.asked_by,
            approved_by=approval.decided_by,
            today=timezone.localdate(approval.decided_at),
        )
    except ledger.Refused as problem:
        second_person.left_undone(approval, problem)


def _ask_cancelling(kind: str, record: Title | Invoice, title: Title, *, reason: str, by: User) -> Approval:
    return second_person.ask(
        kind,
        record,
        object_="finance.write_off",
        amount=title.amount,
        by=by,
        title=gettext_noop("Take %(number)s of %(party)s out of the books"),
        reason=reason,
        number=title.number,
        party=title.party.name,
    )
