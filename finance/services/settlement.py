"""Settling without a bank statement: cash and other means, with discount, fine and interest as lines of their own.

What a bank pays is settled by matching its statement (services/reconcile.py). Everything here is one entry; its undoing
is `undo`, the mirror that restores every balance.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Abs
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from backoffice.core.models import User
from backoffice.core.money import format_money
from backoffice.core.services import audit
from finance import terms
from finance.models import (
    Account,
    BankAccount,
    Instalment,
    Journal,
    JournalEntry,
    Match,
    Payment,
    Posting,
    SaleBooking,
    Title,
)
from finance.services import ledger, plan, second_person, titles
from finance.services.ledger import Line
from finance.terms import Cover, Due, Terms

ACQUIRERS = ("acquirer_cards", "acquirer_boleto", "acquirer_pix", "acquirer_other")
MEANS = ("cash", *ACQUIRERS)

PAPERS = ("finance.invoice:", "finance.bill:")

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


class GivesUp(ledger.Refused):
    """It gives up more than one person may alone."""


class NeedsSecond(ledger.Refused):
    """More than one person may do by their word: no bank shows that money moved."""


class NotHere(ledger.Refused):
    """It is undone or cancelled elsewhere: on its paper, on its bank line, or by a second person."""


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
    return dues([instalment], on)[instalment.pk]


def dues(rows: Iterable[Instalment], on: date) -> dict[int, Due]:
    """What settles each part on that day, in one query for all of them. Rows come with their titles."""
    rows = list(rows)
    late = [
        row.pk for row in rows if row.balance and row.due_on < on and (row.title.fine_rate or row.title.interest_rate)
    ]
    paid = _charged(late) if late else {}
    return {row.pk: _due(row, on, paid.get(row.pk, Charged())) for row in rows}


def _due(row: Instalment, on: date, paid: "Charged") -> Due:
    if row.title.kind == Title.Kind.CREDIT:
        return Due(principal=abs(row.balance))
    own = terms_of(row.title)
    return terms.due(abs(row.balance), due_on=row.due_on, on=on, terms=own, **asdict(paid))


@dataclass(frozen=True)
class Charged:
    """What was paid of a part's charges: see terms.due."""

    fine_paid: Decimal = terms.ZERO
    interest_paid: Decimal = terms.ZERO
    charged_until: date | None = None


# Charges belong to the part that their entry names as its origin; those of a match to the part it settles alone.
_CHARGES = """
WITH settling AS (
    SELECT w.part, e.id AS entry FROM unnest(%(parts)s::bigint[]) AS w (part)
    JOIN finance_journalentry e ON e.origin = 'finance.instalment:' || w.part AND e.origin <> ''
    UNION
    SELECT p.instalment_id, p.entry_id FROM finance_posting p
    WHERE p.instalment_id = ANY(%(parts)s) AND p.role = 'principal' AND NOT EXISTS (
        SELECT 1 FROM finance_posting o
        WHERE o.entry_id = p.entry_id AND o.role = 'principal' AND o.instalment_id <> p.instalment_id)
)
SELECT s.part, p.role, p."on", sum(abs(p.amount)) FROM settling s
JOIN finance_journalentry e ON e.id = s.entry JOIN finance_posting p ON p.entry_id = s.entry
WHERE p.role IN ('principal', 'fine', 'interest') AND e.reverses_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM finance_journalentry r WHERE r.reverses_id = e.id)
GROUP BY s.part, p.role, p."on"
"""


def _charged(parts: list[int]) -> dict[int, Charged]:
    """What was paid of the charges of each part. Principal is reached last, so with it all interest was paid."""
    with connection.cursor() as cursor:
        cursor.execute(_CHARGES, {"parts": parts})
        found: dict[int, dict[str, dict[date, Decimal]]] = {}
        for part, role, on, amount in cursor.fetchall():
            found.setdefault(part, {}).setdefault(role, {})[on] = amount
    paid = {}
    for part, roles in found.items():
        interest = roles.get("interest", {})
        until = max(roles.get("principal", {}).keys() & interest.keys(), default=None)
        since = sum((amount for on, amount in interest.items() if until is None or on > until), terms.ZERO)
        paid[part] = Charged(sum(roles.get("fine", {}).values(), terms.ZERO), since, until)
    return paid


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
    approved_by: User | None = None,
) -> Settled:
    """Settle with money that came (or went) by `account`, in part, in full or beyond; the surplus is a credit title.

    paid: above zero, BRL, whatever the direction. charge: False forgoes fine and interest. What that, or an earlier
    day, gives up of what is due today goes up to the limit of write-offs; above it who decides must be able to write it
    off. So does what one person says was paid by one party within seven days.
    Raises NotOpen, NotAMeans, GivesUp, NeedsSecond, ledger.Refused.
    """
    if on > timezone.localdate():
        raise ledger.Refused(_("The day of payment has not come yet."))
    if paid <= 0:
        raise ledger.Refused(_("The amount paid is above zero."))
    if not means().filter(pk=account).exists():
        raise NotAMeans(_("Bank accounts move by their statements; choose cash or an acquirer."))
    instalment = _open(instalment_id)
    title = instalment.title
    check_acquirer(title, account=account, paid=paid)
    due = owed(instalment, on=on)
    if not charge:
        due = Due(principal=due.principal, discount=due.discount)
    check_given_up(instalment, due, by=approved_by or by)
    if by is not None and approved_by is None:
        second_person.hold_words([title.party_id])
        check_word(title.party_id, paid)
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
        approved_by=approved_by,
        entry=entry,
    )
    audit.record("finance.instalment_settled", title, by=by, part=instalment.seq, paid=str(paid), entry=entry)
    return Settled(entry, cover, on)


def check_given_up(instalment: Instalment, due: Due, *, by: User | None) -> None:
    """Raise GivesUp where settling by `due` gives up more of today's due than `by` may alone."""
    if by is None or instalment.title.direction != Title.Direction.RECEIVABLE:
        return
    given_up = owed(instalment, on=timezone.localdate()).total - due.total
    if given_up <= second_person.write_off_limit() or by.may(second_person.right_for("finance.write_off", given_up)):
        return
    raise GivesUp(
        _(
            "It would give up more of what is due today than one person may. Settle what was paid, with fine and"
            " interest, and ask to write off the rest."
        )
    )


def check_word(party: int, paid: Decimal, *, before: Decimal = terms.ZERO) -> None:
    """Raise NeedsSecond where one person's word about cash goes beyond the limit. before: what is settled beside it."""
    said, limit = paid + before + said_lately(party), second_person.write_off_limit()
    if said > limit:
        language = get_language() or "en"
        raise NeedsSecond(
            _(
                "%(sum)s of this party in 7 days would be settled by one person's word; up to %(limit)s is allowed."
                " A second person must approve it."
            )
            % {"sum": format_money(said, language), "limit": format_money(limit, language)}
        )


def said_lately(party: int) -> Decimal:
    """What people settled alone for a party these days, without a bank."""
    since = timezone.now() - timedelta(days=second_person.SPLIT_DAYS)
    moved = Posting.objects.filter(
        party=party,
        account__in=means().exclude(purpose__in=ACQUIRERS),
        entry__posted_at__gt=since,
        entry__made_by__isnull=False,
        entry__approved_by=None,
        entry__reverses=None,
        entry__reversed_by=None,
        entry__origin__startswith="finance.instalment:",
    )
    said: Decimal = moved.aggregate(sum=Sum(Abs("amount"), default=terms.ZERO))["sum"]
    return said


def check_acquirer(title: Title, *, account: int, paid: Decimal) -> None:
    """Raise NotAMeans where an acquirer would owe what no payment of a sales channel says."""
    if not Account.objects.filter(pk=account, purpose__in=ACQUIRERS).exists():
        return
    payments = Payment.objects.filter(origin=title.origin) if title.origin else Payment.objects.none()
    told = payments.aggregate(sum=Sum("amount", default=terms.ZERO))["sum"]
    settling = Posting.objects.filter(instalment__title=title, role=Posting.Role.PRINCIPAL).values("entry")
    booked = Posting.objects.filter(
        entry__in=settling, account__purpose__in=ACQUIRERS, entry__reverses=None, entry__reversed_by=None
    )
    if paid > told - booked.aggregate(sum=Sum(Abs("amount"), default=terms.ZERO))["sum"]:
        raise NotAMeans(
            _(
                "No payment of a sales channel stands behind it, so no acquirer owes it. Choose cash, or reconcile the"
                " bank line that brought it."
            )
        )


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

    Raises NotHere, ledger.AlreadyReversed, ledger.TooMuch (its credit was used since), ledger.PeriodClosed.
    """
    row = JournalEntry.objects.get(pk=entry)
    moved = Posting.objects.filter(entry_id=entry).exclude(instalment=None).values_list("instalment_id", flat=True)
    found = titles.lock(moved)
    if SaleBooking.objects.filter(title__in={one.title_id for one in found.values()}, money_entry=entry).exists():
        raise NotHere(_("It follows the payments of its sales channel: correct them there."))
    if row.approved_by_id and by is not None and not by.may("finance.title.approve"):
        raise NotHere(_("A second person approved it; ask to reverse its journal entry."))
    if not found and row.origin.startswith("finance.instalment:"):  # it reached the charges only
        found = titles.lock([int(row.origin.rpartition(":")[2])])
    reversal = ledger.reverse(entry=entry, on=on, by=by)
    for title in {row.title_id: row.title for row in found.values()}.values():
        audit.record("finance.settlement_undone", title, by=by, entry=entry, reversal=reversal)
    return reversal


@transaction.atomic
def cancel(
    *,
    title_id: int,
    on: date,
    by: User | None,
    reason: str,
    by_paper: bool = False,
    approved_by: User | None = None,
) -> int:
    """Take a title out of the books by the mirror of its entry, while nothing of it is settled; the reversal.

    by_paper: the invoice or bill it comes from is being cancelled. What others owe goes out like a write-off.
    Raises NeedsSecond, NotHere, ledger.TooMuch when something was settled, ledger.AlreadyReversed, ledger.PeriodClosed.
    """
    title = Title.objects.select_related("party").get(pk=title_id)
    if not by_paper:
        _check_own(title)
    titles.lock(title.instalments.values_list("pk", flat=True))
    if by is not None and approved_by is None:
        second_person.hold_words([title.party_id])
        check_cancelling(title)
    reversal = ledger.reverse(
        entry=title.entry_id, on=on, by=by, approved_by=approved_by, text=f"{title.number}: {reason}"
    )
    audit.record("finance.title_cancelled", title, by=by, reason=reason, reversal=reversal)
    return reversal


def check_cancelling(title: Title) -> None:
    """Raise NeedsSecond where more of what others owe would go out than one person may give up."""
    if title.amount <= 0:
        return
    since = timezone.now() - timedelta(days=second_person.SPLIT_DAYS)
    lately = Title.objects.filter(
        party=title.party_id,
        amount__gt=0,
        entry__reversed_by__posted_at__gt=since,
        entry__reversed_by__approved_by=None,
        entry__reversed_by__made_by__isnull=False,
    ).exclude(pk=title.pk)
    lost = title.amount + lately.aggregate(sum=Sum("amount", default=terms.ZERO))["sum"]
    limit = second_person.write_off_limit()
    if lost > limit:
        language = get_language() or "en"
        raise NeedsSecond(
            _(
                "%(sum)s that this party owes would go out of the books by one person's word, the last 7 days counted;"
                " up to %(limit)s is allowed. A second person must approve it."
            )
            % {"sum": format_money(lost, language), "limit": format_money(limit, language)}
        )


def _check_own(title: Title) -> None:
    """Only what no paper, channel, bank line or other title brought is cancelled by itself."""
    if title.origin.startswith(PAPERS):
        raise NotHere(_("It comes from an invoice or a bill: cancel it on that page."))
    if SaleBooking.objects.filter(title=title).exists():
        raise NotHere(_("It follows the payments of its sales channel: correct them there."))
    if Match.objects.filter(entry=title.entry_id).exists() or (
        Posting.objects.filter(entry=title.entry_id).exclude(line=None).exists()
    ):
        raise NotHere(_("It came with a bank line: undo the match of that line."))
    if Posting.objects.filter(entry=title.entry_id, role=Posting.Role.PRINCIPAL).exists():
        raise NotHere(_("It came with the settlement of another title: undo that settlement."))


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
