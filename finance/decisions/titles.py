"""Decisions about titles, bills and invoices."""

from backoffice.core.models import Approval
from backoffice.core.services.approvals import on_decision
from finance.services import bills, by_word, concessions, invoices


@on_decision(concessions.WRITE_OFF)
def write_off(approval: Approval) -> None:
    concessions.decided_write_off(approval)


@on_decision(concessions.RENEGOTIATE)
def renegotiate(approval: Approval) -> None:
    concessions.decided_renegotiation(approval)


@on_decision(concessions.TERMS)
def change_terms(approval: Approval) -> None:
    concessions.decided_terms(approval)


@on_decision(bills.APPROVE)
def approve_bill(approval: Approval) -> None:
    bills.decided(approval)


@on_decision(invoices.APPROVE)
def issue_invoice(approval: Approval) -> None:
    invoices.decided(approval)


@on_decision(by_word.SETTLE)
def settle(approval: Approval) -> None:
    by_word.decided_settling(approval)


@on_decision(by_word.CANCEL)
def cancel_title(approval: Approval) -> None:
    by_word.decided_cancelling(approval)


@on_decision(by_word.CANCEL_INVOICE)
def cancel_invoice(approval: Approval) -> None:
    by_word.decided_invoice(approval)
