"""Who decides about papers and titles: the finance manager up to the company's limit, a director above it.

The database holds the rest: nobody approves what they wrote (checks on entries, invoices, bills and approvals).
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, models
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import Approval, Company, User
from backoffice.core.services import approvals, audit
from finance.models import BooksSetup, TitlePolicy
from finance.services import ledger

UNSAID = Decimal(100)  # BRL, the limit that a company begins with
ABOVE = "finance.above_limit.approve"
SPLIT_DAYS = 7  # what concerns one party within so many days counts together against the limits


class Waiting(ledger.Refused):
    """The same is asked already and waits for its answer."""


class Outdated(ledger.Refused):
    """It changed since it was asked: what was approved is no longer what stands."""


def sent_it(right: str, sender: int | None, by: User | None) -> str:
    """Why whoever sent rows into the books neither writes nor undoes them, or nothing.

    While the books are set up and nobody else could, a first person finishes the start alone.
    """
    if by is None or sender != by.pk:
        return ""
    is_set_up = BooksSetup.objects.filter(finished_at__isnull=False).exists()
    if not is_set_up and not approvals.holders_of(right).exclude(pk=by.pk).exists():
        return ""
    return str(_("Who sent it neither writes nor undoes it: another person who may write such imports does."))


def policy() -> TitlePolicy:
    """What the company decided; the defaults where nothing was."""
    return TitlePolicy.objects.first() or TitlePolicy(pk=1)


def right_for(kind: str, amount: Decimal) -> str:
    """The right that decides: `<kind>.approve`, or the director's above the limit."""
    return ABOVE if abs(amount) > policy().approval_limit else f"{kind}.approve"


def write_off_limit() -> Decimal:
    """BRL: up to here one person gives something up, or books a bank line by their word."""
    company = Company.objects.only("waive_limit").filter(pk=1).first()
    return company.waive_limit if company else UNSAID


def ask(
    kind: str,
    record: models.Model | str,
    *,
    object_: str,
    amount: Decimal,
    by: User,
    title: str,
    reason: str = "",
    weighed: Decimal | None = None,
    **data: Any,
) -> Approval:
    """Put it to a second person. object_: the row of the matrix, `finance.bill`. Raises Waiting.

    weighed: what counts against the limit, where that is more than the amount.
    """
    try:
        return approvals.ask(
            kind,
            record,
            right=right_for(object_, amount if weighed is None else weighed),
            by=by,
            title=title,
            data=data,
            amount=abs(amount),
            reason=reason,
        )
    except approvals.AlreadyAsked as problem:
        raise Waiting(_("A second person is asked already.")) from problem


def hold_words(parties: Iterable[int] = (), *, by: User | None = None) -> None:
    """Have what is said about these parties, or by this person, to oneself until the transaction ends.

    Asked before it is weighed, so that of two at the same moment the second is weighed with the first. It comes after
    lines and instalments and before any head of a journal: whoever posts several holds all of theirs at once.
    """
    held = [("finance.words_by", by.pk)] if by else []
    held += [("finance.words_about", party) for party in sorted(set(parties))]
    with connection.cursor() as cursor:
        for what, key in held:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), hashint8(%s))", [what, key])


def asked_lately(kind: str, party: int) -> Decimal:
    """BRL of that kind about a party in these days, approved or waiting: what is new is weighed with it."""
    rows = Approval.objects.filter(
        kind=kind,
        data__party_id=party,
        state__in=[Approval.State.WAITING, Approval.State.APPROVED],
        asked_at__gt=timezone.now() - timedelta(days=SPLIT_DAYS),
    )
    asked: Decimal = rows.aggregate(sum=Sum("amount", default=Decimal(0)))["sum"]
    return asked


def waiting(kind: str, ref: str) -> Approval | None:
    """The question that waits about a record."""
    return Approval.objects.filter(kind=kind, subject=ref, state=Approval.State.WAITING).first()


def subjects_waiting(kind: str) -> list[str]:
    """The records about which a question of that kind waits."""
    return list(Approval.objects.filter(kind=kind, state=Approval.State.WAITING).values_list("subject", flat=True))


def waiting_about(subjects: list[str]) -> list[Approval]:
    """Every question of finance that waits about these records."""
    rows = Approval.objects.filter(subject__in=subjects, state=Approval.State.WAITING, kind__startswith="finance.")
    return list(rows.order_by("pk"))


def pk_of(approval: Approval) -> int:
    return int(approval.subject.rpartition(":")[2])


def left_undone(approval: Approval, problem: Exception) -> None:
    """Tell in the trail why an approved thing was not done: it stands as it was."""
    audit.record("finance.approved_but_refused", approval.subject, by=approval.decided_by, reason=str(problem))
