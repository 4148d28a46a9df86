"""Bills: drafted by one person, approved by another by amount, then a title and an entry; and those that come back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.core.models import Approval, Party, User
from backoffice.core.services import audit
from finance import terms
from finance.models import Bill, BillLine, BillTax, InstalmentKey, Posting, RecurringBill, Title
from finance.services import ledger, papers, plan, second_person, settlement, titles
from finance.services.ledger import Line
from finance.services.titles import Part
from finance.terms import ZERO

APPROVE = "finance.bill"
LIVE = (Bill.State.DRAFT, Bill.State.WAITING, Bill.State.APPROVED)


@dataclass(frozen=True)
class LineFacts:
    account: int
    amount: Decimal
    cost_centre: int | None = None
    text: str = ""


@transaction.atomic
def save(
    *,
    values: dict[str, Any],
    lines: Sequence[LineFacts],
    withheld: dict[str, Decimal],
    by: User,
    bill_id: int | None = None,
    version: int = 0,
) -> Bill:
    """Write a draft, new or again. values: fields of Bill. withheld: tax → amount above zero.

    Raises papers.NotADraft, papers.Outdated, titles.WrongParts.
    """
    total, kept = sum((line.amount for line in lines), ZERO), sum(withheld.values(), ZERO)
    if total <= kept or any(line.amount <= 0 for line in lines):
        raise titles.WrongParts(_("The lines add up to more than what is withheld, each above zero."))
    bill: Bill = papers.write(Bill, values | {"total": total, "withheld": kept}, by=by, pk=bill_id, version=version)
    bill.lines.all().delete()
    bill.taxes.all().delete()
    BillLine.objects.bulk_create(
        BillLine(
            bill=bill, seq=seq, account_id=line.account, cost_centre_id=line.cost_centre, amount=line.amount,
            text=line.text,
        )
        for seq, line in enumerate(lines, 1)
    )  # fmt: skip
    BillTax.objects.bulk_create(BillTax(bill=bill, tax=tax, amount=amount) for tax, amount in withheld.items())
    audit.record("finance.bill_written", bill, by=by, total=str(total))
    return bill


def twins(*, party: Party, number: str, besides: int | None = None) -> QuerySet[Bill]:
    """Bills of the same supplier with the same number: perhaps the same paper twice."""
    found = Bill.objects.filter(party=party, number__iexact=number.strip(), state__in=LIVE)
    return found.exclude(pk=besides) if besides else found


def weighed(bill: Bill) -> Decimal:
    """What counts against the limit: the bill and its supplier's others of these days; splitting helps nobody."""
    near = Bill.objects.filter(
        party=bill.party,
        state__in=[Bill.State.WAITING, Bill.State.APPROVED],
        issued_on__gt=bill.issued_on - timedelta(days=second_person.SPLIT_DAYS),
        issued_on__lt=bill.issued_on + timedelta(days=second_person.SPLIT_DAYS),
    ).exclude(pk=bill.pk)
    return bill.total + (near.aggregate(sum=Sum("total"))["sum"] or ZERO)


@transaction.atomic
def submit(*, bill_id: int, by: User) -> Approval:
    """Send a draft to whoever decides about its amount. Raises papers.NotADraft, second_person.Waiting."""
    bill = papers.to_waiting(Bill, bill_id, by=by)
    second_person.hold_words([bill.party_id])
    return second_person.ask(
        APPROVE,
        bill,
        object_="finance.bill",
        amount=weighed(bill),
        by=by,
        title=gettext_noop("Bill %(number)s of %(party)s, %(total)s"),
        number=bill.number,
        party=bill.party.name,
        total=str(bill.total),
    )


def decided(approval: Approval) -> None:
    """Approved: into the books. Rejected or withdrawn: a draft again, with the answer."""
    bill = Bill.objects.select_for_update(of=("self",)).select_related("party").get(pk=second_person.pk_of(approval))
    if bill.state != Bill.State.WAITING:
        return
    if approval.state == Approval.State.APPROVED:
        papers.check_writers(bill, approval.decided_by)
        try:
            approve(bill=bill, approved_by=approval.decided_by, today=timezone.localdate(approval.decided_at))
        except (ledger.Refused, plan.NoAccount) as problem:
            second_person.left_undone(approval, problem)
            papers.back_to_draft(bill, str(problem))
    else:
        papers.back_to_draft(bill, approval.answer)


@transaction.atomic
def approve(*, bill: Bill, approved_by: User | None, today: date) -> Title:
    """Put a bill into the books: the expenses against the supplier, what is withheld against the treasury.

    Raises ledger.Refused; the database refuses who wrote it.
    """
    accounts = plan.accounts_for("withheld_payable") if bill.withheld else {}
    against = [
        Line(line.account_id, line.amount, party=bill.party_id, cost_centre=line.cost_centre_id, text=line.text)
        for line in bill.lines.order_by("seq")
    ]
    against += [
        Line(
            accounts["withheld_payable"],
            -tax.amount,
            party=bill.party_id,
            role=Posting.Role.RETENTION,
            text=tax.get_tax_display(),
        )
        for tax in bill.taxes.order_by("pk")
    ]
    keys = ((InstalmentKey.Kind.BARCODE.value, bill.barcode),) if bill.barcode and bill.count == 1 else ()
    title = titles.issue(
        direction=Title.Direction.PAYABLE,
        kind=Title.Kind.BILL,
        number=bill.number,
        party=bill.party,
        issued_on=bill.issued_on,
        posted_on=papers.open_day(bill.issued_on, today=today),
        instalments=[
            Part(due_on, -amount, keys)
            for due_on, amount in terms.parts(bill.net, count=bill.count, first_due=bill.first_due_on)
        ],
        against=against,
        terms=papers.terms_of(bill),
        origin=bill.ref,
        text=bill.text,
        cost_centre=bill.cost_centre,
        by=bill.made_by,
        approved_by=approved_by,
    )
    papers.booked(bill, Bill.State.APPROVED, title=title, approved_by=approved_by)
    audit.record("finance.bill_approved", bill, by=approved_by, title=title.pk)
    return title


@transaction.atomic
def cancel(*, bill_id: int, reason: str, by: User, today: date) -> None:
    """Take an approved bill out of the books while nothing of it is paid. Raises papers.NotThere, ledger.Refused."""
    bill = papers.locked(Bill, bill_id, Bill.State.APPROVED)
    assert bill.title is not None
    entry = settlement.cancel(
        title_id=bill.title.pk,
        on=papers.open_day(bill.title.issued_on, today=today),
        by=by,
        reason=reason,
        by_paper=True,
    )
    Bill.objects.filter(pk=bill_id).update(
        state=Bill.State.CANCELLED, cancel_reason=reason[:300], cancel_entry=entry, version=bill.version + 1
    )
    audit.record("finance.bill_cancelled", bill, by=by, reason=reason)


def discard(*, bill_id: int, by: User) -> None:
    """Put a draft away; it stays readable. Raises papers.NotADraft."""
    papers.discard(Bill, bill_id, by=by)


# Bills that come back -------------------------------------------------------------------------------------------------


@transaction.atomic
def save_recurring(*, values: dict[str, Any], by: User, pk: int | None = None, version: int = 0) -> RecurringBill:
    """Write a bill that comes back, new or again. Raises papers.NotThere when somebody changed it meanwhile."""
    if pk is None:
        one = RecurringBill.objects.create(**values, made_by=by)
    else:
        if not RecurringBill.objects.filter(pk=pk, version=version).update(**values, made_by=by, version=version + 1):
            raise papers.NotThere(_("Somebody changed it since you opened it."))
        one = RecurringBill.objects.get(pk=pk)
    audit.record("finance.recurring_bill_written", one, by=by)
    return one


@transaction.atomic
def draft_due(*, today: date) -> list[Bill]:
    """Draft every recurring bill whose time has come; a second run drafts nothing."""
    made = []
    due = RecurringBill.objects.filter(is_active=True, next_due_on__lte=today + timedelta(days=366))
    for one in due.select_for_update(of=("self",)).select_related("party").order_by("pk"):
        while one.is_active and one.next_due_on - timedelta(days=one.days_before) <= today:
            if one.ends_on and one.next_due_on > one.ends_on:
                one.is_active = False
                break
            if bill := _draft(one, issued_on=min(today, one.next_due_on)):
                made.append(bill)
            month = terms.month_after(one.next_due_on.replace(day=1), one.months)
            last = terms.month_after(month) - timedelta(days=1)
            one.next_due_on = month.replace(day=min(one.day, last.day))
        one.save(update_fields=["next_due_on", "is_active"])
    return made


def _draft(one: RecurringBill, *, issued_on: date) -> Bill | None:
    try:
        with transaction.atomic():
            bill = Bill.objects.create(
                party=one.party,
                number=f"{one.text[:48]} {one.next_due_on:%m/%Y}",
                text=one.text,
                issued_on=issued_on,
                first_due_on=one.next_due_on,
                cost_centre=one.cost_centre,
                total=one.amount,
                made_by=one.made_by,
                recurring=one,
            )
            BillLine.objects.create(
                bill=bill, seq=1, account=one.account, cost_centre=one.cost_centre, amount=one.amount, text=one.text
            )
    except IntegrityError as problem:
        if "finance_bill_once_a_period" not in str(problem):
            raise
        return None
    audit.record("finance.bill_recurred", bill, by=None, template=one.pk)
    return bill
