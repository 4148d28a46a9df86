"""The guided set-up: company, bank accounts, what they hold, the first statement. Every step may be done again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.core.models import Approval, Company, User
from backoffice.core.services import audit
from finance.models import BankAccount, BooksSetup, Journal, JournalEntry, Posting, Statement
from finance.services import ledger, periods, plan, second_person
from finance.services.ledger import Line

SETUP, BALANCES = "finance.bookssetup:1", "finance.open_balances"
STEPS = ["company", "banks", "balances", "statement"]
COMPANY = ["name", "trade_name", "cnpj", "city", "state"]


class NothingToOpen(Exception):
    """There is no bank account and no cash to hold money yet."""


@dataclass(frozen=True)
class Purse:
    """An account that holds money, and what the set-up said it held. balance: None while nothing was said."""

    ref: str
    name: str
    account: int
    balance: Decimal | None


def current() -> BooksSetup:
    return BooksSetup.objects.filter(pk=1).first() or BooksSetup(pk=1)


def _locked() -> BooksSetup:
    BooksSetup.objects.bulk_create([BooksSetup(pk=1)], ignore_conflicts=True)
    return BooksSetup.objects.select_for_update().get(pk=1)


def _reach(row: BooksSetup, step: str) -> None:
    row.done = [key for key in STEPS if key in row.done or key == step]
    row.save()


def next_step(row: BooksSetup) -> str:
    """The first step that is not done; empty when all are."""
    return next((step for step in STEPS if step not in row.done), "")


@transaction.atomic
def describe_company(*, values: Mapping[str, str], tax_regime: str, by: User) -> None:
    """values: the fields in COMPANY."""
    row = _locked()
    company = Company.objects.filter(pk=1).first() or Company(pk=1)
    changes = {key: [getattr(company, key), values[key]] for key in COMPANY if getattr(company, key) != values[key]}
    if row.tax_regime != tax_regime:
        changes["tax_regime"] = [row.tax_regime, tax_regime]
    for key in COMPANY:
        setattr(company, key, values[key])
    company.save()
    row.tax_regime = tax_regime
    _reach(row, "company")
    if changes:
        audit.record("finance.company_described", "core.company:1", by=by, changes=changes)


@transaction.atomic
def accept_banks() -> None:
    """The bank accounts are all there; none is an answer too: the money is in cash."""
    _reach(_locked(), "banks")


def purses() -> list[Purse]:
    """Bank accounts in use and the cash, with the opening balances that stand."""
    found = [
        (account.ref, account.name, account.account_id)
        for account in BankAccount.objects.filter(is_active=True).order_by("name", "pk")
    ]
    cash = plan.account_for("cash")
    found.append((cash.ref, cash.name, cash.pk))
    said = dict(
        Posting.objects.filter(
            entry__kind=JournalEntry.Kind.OPENING,
            entry__reversed_by=None,
            entry__origin__in=[ref for ref, _name, _account in found],
            account__in=[account for _ref, _name, account in found],
        )
        .values_list("account")
        .annotate(total=Sum("amount"))
    )
    return [Purse(ref, name, account, said.get(account)) for ref, name, account in found]


@transaction.atomic
def say_balances(*, on: date, amounts: Mapping[str, Decimal], text: str, by: User) -> list[int] | Approval:
    """Say what banks and cash held; once the books are set up, only as another person approves it.

    Raises ledger.Refused and its kinds, second_person.Waiting.
    """
    if _locked().finished_at is None:
        return open_balances(on=on, amounts=amounts, text=text, by=by)
    held = {purse.ref: purse.balance or Decimal(0) for purse in purses()}
    moved = sum((abs(amount - held.get(ref, Decimal(0))) for ref, amount in amounts.items()), Decimal(0))
    return second_person.ask(
        BALANCES,
        SETUP,
        object_="finance.entry",
        amount=moved,
        by=by,
        title=gettext_noop("Change the opening balances of %(on)s"),
        reason="; ".join(
            f"{purse.name}: {amounts[purse.ref]}" for purse in purses() if amounts.get(purse.ref) is not None
        ),
        on=on.isoformat(),
        amounts={ref: str(amount) for ref, amount in amounts.items()},
        text=text,
    )


def balances_decided(approval: Approval) -> None:
    if approval.state != Approval.State.APPROVED:
        return
    data: dict[str, Any] = approval.data
    try:
        open_balances(
            on=date.fromisoformat(data["on"]),
            amounts={ref: Decimal(amount) for ref, amount in data["amounts"].items()},
            text=data["text"],
            by=approval.asked_by,
            approved_by=approval.decided_by,
        )
    except ledger.Refused as problem:
        second_person.left_undone(approval, problem)


class NeedsSecond(ledger.Refused):
    """Once the books are set up, opening balances are changed by two people."""


@transaction.atomic
def open_balances(
    *, on: date, amounts: Mapping[str, Decimal], text: str, by: User, approved_by: User | None = None
) -> list[int]:
    """Write what banks and cash held at the end of a day; what was said before is reversed where it differs.

    amounts: by reference of a purse, zero included; overdrawn is below zero. Returns the entries posted.
    Raises NeedsSecond, ledger.Refused and its kinds.
    """
    row, opening = _locked(), plan.account_for("opening").pk
    if row.finished_at and approved_by is None:
        raise NeedsSecond(_("The books are set up: another person must approve new opening balances."))
    periods.ensure(on, on)
    posted = []
    for purse in purses():
        amount = amounts.get(purse.ref)
        if amount is None:
            continue
        standing = JournalEntry.objects.filter(
            origin=purse.ref, kind=JournalEntry.Kind.OPENING, reversed_by=None
        ).first()
        if standing and standing.on == on and purse.balance == amount:
            continue
        if standing:
            posted.append(ledger.reverse(entry=standing.pk, on=standing.on, by=by, approved_by=approved_by))
        if amount:
            posted.append(
                ledger.post(
                    journal=Journal.Kind.OPENING,
                    on=on,
                    text=f"{text}: {purse.name}",
                    lines=[Line(purse.account, amount), Line(opening, -amount)],
                    kind=JournalEntry.Kind.OPENING,
                    origin=purse.ref,
                    by=by,
                    approved_by=approved_by,
                )
            )
    row.opened_on = on
    _reach(row, "balances")
    if posted:
        audit.record("finance.balances_opened", SETUP, by=by, on=str(on), entries=posted)
    return posted


@transaction.atomic
def balances_come_otherwise() -> None:
    """An accountant imports a trial balance, or nothing is opened."""
    _reach(_locked(), "balances")


def statements() -> Sequence[Statement]:
    """The newest statement files that were taken in."""
    rows = Statement.objects.filter(undone_at=None).select_related("bank_account")
    return list(rows.order_by("-received_at", "-pk")[:5])


@transaction.atomic
def finish(*, by: User) -> None:
    """The last step: the set-up is left, with a statement taken in or for later."""
    row = _locked()
    if row.finished_at is None:
        row.finished_by = by
        _reach(row, "statement")
        BooksSetup.objects.filter(pk=1).update(finished_at=Now())
        audit.record("finance.set_up", "finance.bookssetup:1", by=by, steps=row.done)
