"""Settling without a bank statement: cash and other means, with discount, fine and interest as lines of their own.

What a bank pays is settled by matching its statement (services/reconcile.py). Everything here is one entry; its undoing
is `undo`, the mirror that restores every balance.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import User
from backoffice.core.services import audit
from finance import terms
from finance.models import Account, BankAccount, Instalment, Journal, JournalEntry, Posting, Title
from finance.services import ledger, plan, titles
from finance.services.ledger import Line
from finance.terms import Cover, Due, Terms

MEANS = ("cash", "acquirer_cards", "acquirer_boleto", "acquirer_pix", "acquirer_other")

# Role of an explicit line → the account's purpose for receivables and for payables.
EXTRAS = {
    Posting.Role.DISCOUNT: ("discount_given", "discount_taken"),
    Posting.Role.FINE: ("fine_income", "fine_expense"),
    Posting.Role.INTEREST: ("interest_income", "interest_expense"),
}


class NotOpen(ledger.Refused):
    """Nothing of the instalment is open."""


class NotAMeans(ledger.Refused):
    """The account is none that money moves through without a bank statement."""


class NoCredit(ledger.Refused):
    """The two do not fit: another party, or not a credit and a debt."""


@dataclass(frozen=True)
class Settled:
    entry: int
    cover: Cover
    on: date


def means() -> QuerySet[Account]:
    """The accounts that money moves through without a statement of their own: cash and what acquirers owe."""
    return Account.objects.filter(
        Q(purpose__in=MEANS) | Q(bank_account__kind=BankAccount.Kind.CASH), is_active=True, is_group=False
    ).order_by("code")


def terms_of(title: Title) -> Terms:
    return Terms(title.discount_rate, title.discount_days, title.fine_rate, title.interest_rate)


def owed(instalment: Instalment, *, on: date) -> Due:
    """What settles the instalment on that day, without sign; what earlier parts were charged is not charged again."""
    if instalment.title.kind == Title.Kind.CREDIT:
        return Due(principal=abs(instalment.balance))
    fined, charged = False, None
    if instalment.balance != instalment.amount:
        fined, charged = _charged(instalment)
    return terms.due(
        abs(instalment.balance),
        due_on=instalment.due_on,
        on=on,
        terms=terms_of(instalment.title),
        fined=fined,
        charged_until=charged,
    )


def _charged(instalment: Instalment) -> tuple[bool, date | None]:
    """Whether a fine, and until when interest, came with the parts settled before."""
    settling = instalment.postings.filter(role=Posting.Role.PRINCIPAL, entry__reverses=None, entry__reversed_by=None)
    charges = Posting.objects.filter(
        entry__in=settling.values("entry"), role__in=[Posting.Role.FINE, Posting.Role.INTEREST]
    ).values_list("role", "on")
    interest = [on for role, on in charges if role == Posting.Role.INTEREST]
    return any(role == Posting.Role.FINE for role, _on in charges), max(interest, default=None)


def extra_lines(cover: Cover, *, direction: str, party: int, cost_centre: int | None = None) -> list[Line]:
    """Discount, fine and interest as postings of their own."""
    side = 1 if direction == Title.Direction.RECEIVABLE else -1
    amounts = {
        Posting.Role.DISCOUNT: side * cover.discount,
        Posting.Role.FINE: -side * cover.fine,
        Posting.Role.INTEREST: -side * cover.interest,
    }
    wanted = {role: EXTRAS[role][0 if side > 0 else 1] for role, amount in amounts.items() if amount}
    accounts = plan.accounts_for(*wanted.values())
    return [
        Line(accounts[purpose], amounts[role], party=party, cost_centre=cost_centre, role=role)
        for role, purpose in wanted.items()
    ]


@transaction.atomic
def settle(
    *,
    instalment_id: int,
    paid: Decimal,
    on: date,
    account: int,
    by: User | None,
    charge: bool = True,
    text: str = "",
) -> Settled:
    """Settle with money that came (or went) by `account`, in part, in full or beyond; the surplus is a credit title.

    paid: above zero, BRL, whatever the direction. charge: False forgoes fine and interest.
    Raises NotOpen, NotAMeans, ledger.Refused.
    """
    if paid <= 0:
        raise ledger.Refused(_("The amount paid is above zero."))
    if not means().filter(pk=account).exists():
        raise NotAMeans(_("Bank accounts move by their statements; choose cash or an acquirer."))
    instalment = _open(instalment_id)
    title = instalment.title
    due = owed(instalment, on=on)
    if not charge:
        due = Due(principal=due.principal, discount=due.discount)
    cover = terms.cover(paid, due)
    side = 1 if title.direction == Title.Direction.RECEIVABLE else -1
    lines = [Line(account, side * paid, party=title.party_id)]
    if cover.principal:
        lines.append(principal(instalment, -side * cover.principal))
    lines += extra_lines(cover, direction=title.direction, party=title.party_id, cost_centre=title.cost_centre_id)
    entry = ledger.next_entry()
    if cover.surplus:
        lines.append(
            titles.credit(
                direction=title.direction,
                party=title.party,
                amount=cover.surplus,
                on=on,
                entry=entry,
                origin=title.ref,
                text=text or f"{title.number} +",
            )
        )
    ledger.post(
        journal=Journal.Kind.GENERAL,
        on=on,
        text=text or f"{title.party.name} {title.number}",
        lines=lines,
        origin=instalment.ref,
        by=by,
        entry=entry,
    )
    audit.record("finance.instalment_settled", title, by=by, part=instalment.seq, paid=str(paid), entry=entry)
    return Settled(entry, cover, on)


@transaction.atomic
def apply_credit(*, credit_id: int, instalment_id: int, amount: Decimal, on: date, by: User | None) -> int:
    """Settle a part of what a party owes with a credit of theirs; the entry. amount: above zero, BRL.

    Raises NoCredit, NotOpen, ledger.TooMuch.
    """
    found = titles.lock([credit_id, instalment_id])
    credit, debt = found.get(credit_id), found.get(instalment_id)
    if credit is None or debt is None or not credit.balance or not debt.balance:
        raise NotOpen(_("Nothing is open there any more."))
    if (
        credit.party_id != debt.party_id
        or credit.balance * debt.balance > 0
        or credit.title.direction != debt.title.direction
    ):
        raise NoCredit(_("A credit settles what the same party owes on the other side."))
    if amount <= 0 or amount > min(abs(credit.balance), abs(debt.balance)):
        raise ledger.TooMuch(_("More than the open amount cannot be settled."))
    side = 1 if debt.balance > 0 else -1
    entry = ledger.post(
        journal=Journal.Kind.GENERAL,
        on=on,
        text=f"{debt.title.party.name} {credit.title.number} → {debt.title.number}",
        lines=[principal(credit, side * amount), principal(debt, -side * amount)],
        origin=debt.ref,
        by=by,
    )
    audit.record(
        "finance.credit_applied", debt.title, by=by, credit=credit.title.number, amount=str(amount), entry=entry
    )
    return entry


@transaction.atomic
def undo(*, entry: int, on: date, by: User | None) -> int:
    """Take a settlement back by its mirror; returns the reversal. on: a day in an open month.

    Raises ledger.AlreadyReversed, ledger.TooMuch (its credit was used since), ledger.PeriodClosed.
    """
    moved = Posting.objects.filter(entry_id=entry).exclude(instalment=None).values_list("instalment_id", flat=True)
    found = titles.lock(moved)
    reversal = ledger.reverse(entry=entry, on=on, by=by)
    for title in {row.title_id: row.title for row in found.values()}.values():
        audit.record("finance.settlement_undone", title, by=by, entry=entry, reversal=reversal)
    return reversal


@transaction.atomic
def cancel(*, title_id: int, on: date, by: User | None, reason: str) -> int:
    """Take a title out of the books by the mirror of its entry, while nothing of it is settled; the reversal.

    Raises ledger.TooMuch when something was settled, ledger.AlreadyReversed, ledger.PeriodClosed.
    """
    title = Title.objects.select_related("party").get(pk=title_id)
    titles.lock(title.instalments.values_list("pk", flat=True))
    reversal = ledger.reverse(entry=title.entry_id, on=on, by=by, text=f"{title.number}: {reason}")
    audit.record("finance.title_cancelled", title, by=by, reason=reason, reversal=reversal)
    return reversal


def is_cancelled(title: Title) -> bool:
    return JournalEntry.objects.filter(reverses=title.entry_id).exists()


def _open(instalment_id: int) -> Instalment:
    instalment = titles.lock([instalment_id]).get(instalment_id)
    if instalment is None or not instalment.balance:
        raise NotOpen(_("Nothing of it is open any more."))
    return instalment


def principal(instalment: Instalment, amount: Decimal) -> Line:
    return Line(
        instalment.title.account_id,
        amount,
        party=instalment.party_id,
        cost_centre=instalment.title.cost_centre_id,
        instalment=instalment.pk,
        role=Posting.Role.PRINCIPAL,
    )
