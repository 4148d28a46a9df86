"""Decisions about entries by hand and about months."""

from backoffice.core.models import Approval
from backoffice.core.services.approvals import on_decision
from finance.services import entries, periods, recurring, setup


@on_decision(entries.POST)
def post_entry(approval: Approval) -> None:
    entries.posted(approval)


@on_decision(entries.REVERSE)
def reverse_entry(approval: Approval) -> None:
    entries.reversed_(approval)


@on_decision(periods.REOPEN)
def reopen_period(approval: Approval) -> None:
    periods.reopened(approval)


@on_decision(periods.LEAVE)
def give_leave(approval: Approval) -> None:
    periods.leave_decided(approval)


@on_decision(recurring.APPROVE)
def approve_recurring(approval: Approval) -> None:
    recurring.decided(approval)


@on_decision(setup.BALANCES)
def change_opening_balances(approval: Approval) -> None:
    setup.balances_decided(approval)
