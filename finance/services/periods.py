"""Months of the books: coming into being, soft-closed with leave for some, closed, opened again by a director.

Whom a soft close binds does not take it back: opening again is asked with a reason and approved by another, in the
database too (migration 0016).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.core import events
from backoffice.core.models import Approval, User
from backoffice.core.services import approvals, audit
from finance.models import Period, PeriodException

REOPEN, LEAVE = "finance.reopen_period", "finance.period_leave"
RIGHT = "finance.period.approve"
AHEAD = timedelta(days=400)  # how far in the future a month comes into being by itself

_ENSURE = """
INSERT INTO finance_period (starts_on, ends_on, state, version)
SELECT month::date, (month + interval '1 month')::date,
       CASE WHEN month::date < (SELECT max(starts_on) FROM finance_period WHERE state = 'closed')
            THEN 'closed' ELSE 'open' END, 1
FROM generate_series(date_trunc('month', %s::date), date_trunc('month', %s::date), interval '1 month') AS month
WHERE NOT EXISTS (SELECT 1 FROM finance_period WHERE starts_on = month::date)
ORDER BY month
ON CONFLICT DO NOTHING
"""


class NotNow(Exception):
    """The month does not take this step; the sentence says why."""


def ensure(first: date, last: date) -> None:
    """Have a period for every month from `first` to `last`; months before a closed one come into being closed."""
    with connection.cursor() as cursor:
        cursor.execute(_ENSURE, [first, last])


def ensure_near(on: date) -> None:
    """Have the month of a day that a person wrote, unless it is far ahead: then it is a slip of the pen."""
    if on <= timezone.localdate() + AHEAD:
        ensure(on, on)


def live_leave(period: Period, people: Sequence[User] | None = None) -> QuerySet[PeriodException]:
    """Who may post into a soft-closed month at present."""
    rows = PeriodException.objects.filter(period=period, expires_at__gt=Now())
    return rows if people is None else rows.filter(person__in=people)


# --- soft close and leave --------------------------------------------------------------------------------------------


@transaction.atomic
def soft_close(*, period_id: int, by: User) -> None:
    """From now on only who has leave posts into the month. Raises NotNow."""
    _move(period_id, Period.State.OPEN, Period.State.SOFT, by, "finance.period_soft_closed")


@transaction.atomic
def give_leave(*, period_id: int, person: User, until: datetime, reason: str, by: User) -> Approval | None:
    """Let a person post into a soft-closed month until a moment; for oneself, a director is asked first.

    Raises NotNow, approvals.AlreadyAsked.
    """
    period = Period.objects.select_for_update().get(pk=period_id)
    if period.state != Period.State.SOFT:
        raise NotNow(_("Only a soft-closed month needs leave."))
    if until <= timezone.now():
        raise NotNow(_("Leave ends in the future."))
    if person.pk != by.pk:
        _leave(period, person, until, reason, by)
        return None
    return approvals.ask(
        LEAVE,
        period,
        right=RIGHT,
        by=by,
        title=gettext_noop("Let %(person)s post into %(month)s until %(until)s"),
        data={"person": str(person), "month": str(period), "until": until.isoformat(timespec="minutes")},
        reason=reason,
    )


def leave_decided(approval: Approval) -> None:
    if approval.state != Approval.State.APPROVED or approval.decided_by is None:
        return
    until = parse_datetime(approval.data["until"])
    period = Period.objects.select_for_update().get(pk=int(approval.subject.rpartition(":")[2]))
    if until and period.state == Period.State.SOFT:
        _leave(period, approval.asked_by, until, approval.reason, approval.decided_by)


def _leave(period: Period, person: User, until: datetime, reason: str, by: User) -> None:
    PeriodException.objects.create(period=period, person=person, expires_at=until, reason=reason, given_by=by)
    audit.record(
        "finance.period_leave_given", period, by=by, person=str(person), until=until.isoformat(), reason=reason
    )


@transaction.atomic
def end_leave(*, leave_id: int, by: User) -> None:
    """Take leave back now."""
    leave = PeriodException.objects.select_related("period", "person").get(pk=leave_id)
    if PeriodException.objects.filter(pk=leave_id, expires_at__gt=Now()).update(expires_at=Now()):
        audit.record("finance.period_leave_ended", leave.period, by=by, person=str(leave.person))


# --- close and open again --------------------------------------------------------------------------------------------


@transaction.atomic
def close(*, period_id: int, by: User, reason: str = "") -> None:
    """Close a month for good: nothing posts into it, and what it moved is frozen. Raises NotNow."""
    period = Period.objects.select_for_update().get(pk=period_id)
    if Period.objects.filter(starts_on__lt=period.starts_on).exclude(state=Period.State.CLOSED).exists():
        raise NotNow(_("An earlier month is open. Months close in order."))
    if period.state == Period.State.CLOSED:
        raise NotNow(_("This month is closed already."))
    _move(period_id, period.state, Period.State.CLOSED, by, "finance.period_closed", reason=reason)


def why_not_reopened(period: Period) -> str:
    if period.state == Period.State.OPEN:
        return _("This month is open.")
    if Period.objects.filter(starts_on__gt=period.starts_on, state=Period.State.CLOSED).exists():
        return _("A later month is closed. Open the last closed month first.")
    return ""


@transaction.atomic
def ask_reopening(*, period_id: int, reason: str, by: User) -> Approval:
    """Ask a director to open a month again, soft-closed or closed. Raises NotNow, approvals.AlreadyAsked."""
    period = Period.objects.select_for_update().get(pk=period_id)
    if why := why_not_reopened(period):
        raise NotNow(why)
    if not reason.strip():
        raise NotNow(_("Give the reason."))
    return approvals.ask(
        REOPEN,
        period,
        right=RIGHT,
        by=by,
        title=gettext_noop("Open %(month)s again"),
        data={"month": str(period)},
        reason=reason,
    )


def reopening(period: Period) -> Approval | None:
    """The question whether the month may be opened again, while it waits."""
    return Approval.objects.filter(kind=REOPEN, subject=period.ref, state=Approval.State.WAITING).first()


def reopened(approval: Approval) -> None:
    """A director decided: open the month if they agreed and no later one is closed since."""
    if approval.state != Approval.State.APPROVED or approval.decided_by is None:
        return
    period = Period.objects.select_for_update().get(pk=int(approval.subject.rpartition(":")[2]))
    if not why_not_reopened(period):
        _move(
            period.pk,
            period.state,
            Period.State.OPEN,
            approval.decided_by,
            "finance.period_reopened",
            reason=approval.reason,
        )


def _move(period_id: int, old: str, new: str, by: User, name: str, reason: str = "") -> None:
    """One conditional UPDATE; of two people at once, the second is told."""
    moved = Period.objects.filter(pk=period_id, state=old).update(
        state=new, changed_by=by, changed_at=Now(), version=F("version") + 1
    )
    if not moved:
        raise NotNow(_("Somebody moved this month on since. Look at it again."))
    audit.record(name, f"finance.period:{period_id}", by=by, reason=reason)
    events.record(name, period_id=period_id)
