"""The exceptions queue: detectors that open and close, people who take, waive and reopen.

Each detector is one condition over orders. `detect` compares what holds with what stands open, for the orders of a TEMP
table or for all, and opens, closes and adjusts in whole sets; running it again changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.core import calendar
from backoffice.core.models import Approval, Company, User
from backoffice.core.services import approvals, audit

from ..models import Order, OrderException

Code = OrderException.Code
END_OF_DAY = time(18)
WAIVE = "logistics.waive_exception"  # kind of approval


@dataclass(frozen=True)
class Detector:
    code: str
    condition: str  # SQL over the order `o`; %(today)s is the company's civil day
    amount: str  # SQL, BRL: what stands too much (above zero) or too little
    department: str  # whose queue
    business_days: int  # until it is due


DETECTORS = [
    Detector(
        Code.PAYMENT_DIFFERS,
        "o.item_count > 0 AND o.payment_count > 0 AND abs(o.paid_amount - o.total_amount) > 0.01",
        "o.paid_amount - o.total_amount",
        "finance",
        2,
    ),
    Detector(Code.PAID_WITHOUT_ITEMS, "o.item_count = 0 AND o.payment_count > 0", "o.paid_amount", "logistics", 1),
    Detector(Code.CANCELLED_WITH_MONEY, "o.status = 'cancelled' AND o.paid_amount > 0", "o.paid_amount", "finance", 2),
    Detector(Code.NO_PAYMENT, "o.payment_count = 0 AND o.status <> 'cancelled'", "-o.total_amount", "finance", 1),
    Detector(
        Code.LATE,
        "o.promised_on < %(today)s AND o.delivered_at IS NULL AND o.status IN ("
        + ", ".join(f"'{status}'" for status in Order.UNDELIVERED)
        + ")",
        "NULL::numeric",
        "logistics",
        1,
    ),
]

_FOUND = """
DROP TABLE IF EXISTS found_exception;
CREATE TEMP TABLE found_exception ON COMMIT DROP AS {selects};
ANALYZE found_exception;
"""

# What is over, and a waiver given for another amount: a waiver covers the amount it was given for.
_CLOSE = """
UPDATE logistics_orderexception e SET closed_at = %(now)s, version = version + 1
WHERE e.closed_at IS NULL AND e.code = ANY(%(codes)s) {scope}
  AND NOT EXISTS (
    SELECT FROM found_exception f WHERE f.order_id = e.order_id AND f.code = e.code
       AND (e.waived_at IS NULL OR f.amount IS NOT DISTINCT FROM e.amount))
"""

_ADJUST = """
UPDATE logistics_orderexception e SET amount = f.amount, version = version + 1
FROM found_exception f
WHERE e.order_id = f.order_id AND e.code = f.code AND e.closed_at IS NULL AND e.amount IS DISTINCT FROM f.amount
"""

_OPEN = """
INSERT INTO logistics_orderexception (order_id, code, amount, department, opened_at, due_at, waive_reason, version)
SELECT f.order_id, f.code, f.amount, f.department, %(now)s, f.due_at, '', 1 FROM found_exception f
WHERE NOT EXISTS (SELECT FROM logistics_orderexception e
                  WHERE e.order_id = f.order_id AND e.code = f.code AND e.closed_at IS NULL)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Found:
    opened: int
    closed: int


class NotOpen(Exception):
    """The exception is closed or waived already; `args[0]` says so."""


class NotWaived(Exception):
    """Only a waived exception can be reopened."""


def due_at(now: datetime, business_days: int) -> datetime:
    """The end of the business day that many days after today."""
    zone = timezone.get_default_timezone()
    day = calendar.add_business_days(timezone.localdate(now, zone), business_days)
    return datetime.combine(day, END_OF_DAY, zone)


def detect(cursor: CursorWrapper, *, now: datetime, ids: str | None = None, only: list[str] | None = None) -> Found:
    """Open and close by what holds now, for the orders of the TEMP table `ids` (a column id), or for all.

    Runs in the caller's transaction.   only: codes; default all.
    """
    detectors = [detector for detector in DETECTORS if only is None or detector.code in only]
    orders = f"WITH o AS MATERIALIZED (SELECT o.* FROM logistics_order o JOIN {ids} i ON i.id = o.id) " if ids else ""  # noqa: S608
    table = "o" if ids else "logistics_order o"
    selects = orders + " UNION ALL ".join(
        f"SELECT o.id AS order_id, '{d.code}'::text AS code, ({d.amount})::numeric(18, 2) AS amount,"  # noqa: S608
        f" '{d.department}'::text AS department, '{due_at(now, d.business_days).isoformat()}'::timestamptz AS due_at"
        f" FROM {table} WHERE {d.condition}"
        for d in detectors
    )
    values: dict[str, Any] = {
        "now": now,
        "today": timezone.localdate(now, timezone.get_default_timezone()),
        "codes": [str(d.code) for d in detectors],
    }
    cursor.execute(_FOUND.format(selects=selects), values)
    cursor.execute(
        _CLOSE.format(scope=f"AND e.order_id IN (SELECT id FROM {ids})" if ids else ""),  # noqa: S608
        values,
    )
    closed = cursor.rowcount
    cursor.execute(_ADJUST)
    cursor.execute(_OPEN, values)
    return Found(opened=cursor.rowcount, closed=closed)


@transaction.atomic
def detect_late(*, now: datetime) -> Found:
    """What time alone brings about: orders whose promised day is over."""
    with connection.cursor() as cursor:
        return detect(cursor, now=now, only=[Code.LATE])


@transaction.atomic
def detect_for(order_ids: list[int], *, now: datetime) -> Found:
    """All detectors for a few orders, after a person changed them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS looked_at; CREATE TEMP TABLE looked_at ON COMMIT DROP AS SELECT unnest(%s) AS id",
            [order_ids],
        )
        return detect(cursor, now=now, ids="looked_at")


# --- what people do -------------------------------------------------------------------------------------------------


def waive_limit() -> Decimal:
    """Up to this amount one person may waive; without a company, nothing above zero."""
    company = Company.objects.first()
    return company.waive_limit if company else Decimal(0)


def waiting_approval(exception: OrderException) -> Approval | None:
    """The question whether it may be waived, while it waits for a second person."""
    return Approval.objects.filter(kind=WAIVE, subject=exception.ref, state=Approval.State.WAITING).first()


def needs_second_person(exception: OrderException) -> bool:
    return abs(exception.amount or Decimal(0)) > waive_limit()


@transaction.atomic
def waive(exception_id: int, *, reason: str, by: User) -> Approval | None:
    """Say that nothing is to be done and why. Above the company's limit a second person is asked first.

    Returns the question put to a second person, or None when it is waived.   Raises NotOpen, AlreadyAsked.
    """
    exception = OrderException.objects.select_for_update().select_related("order").get(pk=exception_id)
    if exception.closed_at or exception.waived_at:
        raise NotOpen(_("This exception is not open any more."))
    if needs_second_person(exception):
        return approvals.ask(
            WAIVE,
            exception,
            right="logistics.exception.approve",
            by=by,
            title=gettext_noop("Waive “%(code)s” on order %(number)s"),
            data={"code": str(exception.get_code_display()), "number": exception.order.number},
            amount=exception.amount,
            reason=reason,
            due_at=exception.due_at,
        )
    _waive(exception.pk, reason=reason, by=by, approved_by=None, at=timezone.now())
    return None


def decided(approval: Approval) -> None:
    """A second person decided: waive if they agreed and the exception still stands as it was when asked."""
    if approval.state != Approval.State.APPROVED:
        return
    pk = int(approval.subject.rpartition(":")[2])
    current = OrderException.objects.select_for_update().filter(pk=pk, closed_at=None, waived_at=None).first()
    if current is None or current.amount != approval.amount:
        return  # it closed or changed meanwhile: what was approved is no longer what stands
    _waive(pk, reason=approval.reason, by=approval.asked_by, approved_by=approval.decided_by, at=approval.decided_at)


def _waive(pk: int, *, reason: str, by: User, approved_by: User | None, at: datetime | None) -> None:
    OrderException.objects.filter(pk=pk).update(
        waived_by=by, waived_at=at, waive_reason=reason, waive_approved_by=approved_by, version=F("version") + 1
    )
    audit.record(
        "logistics.exception_waived",
        f"logistics.orderexception:{pk}",
        by=by,
        reason=reason,
        approved_by=approved_by.pk if approved_by else None,
    )


@transaction.atomic
def waive_many(exception_ids: list[int], *, reason: str, by: User) -> None:
    """Waive exceptions that one person may waive, in one statement; the database refuses any above the limit."""
    rows = OrderException.objects.filter(pk__in=exception_ids, closed_at=None, waived_at=None)
    pks = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    OrderException.objects.filter(pk__in=pks).update(
        waived_by=by, waived_at=timezone.now(), waive_reason=reason, version=F("version") + 1
    )
    for pk in pks:
        audit.record("logistics.exception_waived", f"logistics.orderexception:{pk}", by=by, reason=reason)


@transaction.atomic
def reopen(exception_id: int, *, by: User) -> None:
    """Take a waiver back. Raises NotWaived."""
    changed = OrderException.objects.filter(pk=exception_id, closed_at=None, waived_at__isnull=False).update(
        waived_by=None, waived_at=None, waive_reason="", waive_approved_by=None, version=F("version") + 1
    )
    if not changed:
        raise NotWaived(_("This exception is not waived."))
    audit.record("logistics.exception_reopened", f"logistics.orderexception:{exception_id}", by=by)


@transaction.atomic
def assign(exception_ids: list[int], *, owner: User | None, by: User) -> int:
    """Give open exceptions to one person, or back to the department; how many."""
    rows = OrderException.objects.filter(pk__in=exception_ids, closed_at=None)
    pks = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    changed = OrderException.objects.filter(pk__in=pks).update(owner=owner, version=F("version") + 1)
    for pk in pks:
        audit.record(
            "logistics.exception_assigned", f"logistics.orderexception:{pk}", by=by, owner=owner.pk if owner else None
        )
    return changed
