"""Ask a second person, and let exactly one decide.

The database refuses the maker's own yes and a checker without the right (migration 0004), whatever door they take.

A kind of approval says what happens on the decision, in the same transaction:

    @on_decision("logistics.waive_exception")
    def waive(approval: Approval) -> None: ...
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from ..models import Approval, User, ref_of
from ..roles import roles_with
from . import audit, notices

Callback = TypeVar("Callback", bound=Callable[[Approval], None])

_TOLD = {
    Approval.State.APPROVED: gettext_noop("%(who)s approved what you asked for."),
    Approval.State.REJECTED: gettext_noop("%(who)s rejected what you asked for."),
}

_on_decision: dict[str, Callable[[Approval], None]] = {}


class AlreadyAsked(Exception):
    """The same question about the same record is still waiting."""


class AlreadyDecided(Exception):
    """Somebody was faster; `approval` says who and when."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(approval.pk)
        self.approval = approval


class NotTheirs(PermissionDenied):
    """Who asked cannot decide, who did not ask cannot withdraw, who lacks the right can do neither."""


class ReasonMissing(Exception):
    """A rejection says why."""


def on_decision(kind: str) -> Callable[[Callback], Callback]:
    """Call the function with each approval of this kind once approved, rejected or withdrawn, in that transaction."""

    def register(callback: Callback) -> Callback:
        _on_decision[kind] = callback
        return callback

    return register


@transaction.atomic
def ask(
    kind: str,
    record: models.Model | str,
    *,
    right: str,
    by: User,
    title: str,
    data: dict[str, Any] | None = None,
    amount: Decimal | None = None,
    reason: str = "",
    due_at: dt.datetime | None = None,
) -> Approval:
    """Put a question to everyone who holds `right`, except the person who asks.

    title: a gettext msgid filled with `data`.   amount: BRL.   Raises AlreadyAsked.
    """
    subject = record if isinstance(record, str) else ref_of(record)
    try:
        with transaction.atomic():
            approval = Approval.objects.create(
                kind=kind,
                subject=subject,
                right=right,
                title=title,
                data=data or {},
                amount=amount,
                reason=reason,
                asked_by=by,
                due_at=due_at,
            )
    except IntegrityError as problem:
        if "core_approval_one_waiting" not in str(problem):
            raise
        raise AlreadyAsked(subject) from problem
    notices.tell(
        holders_of(right).exclude(pk=by.pk).values_list("pk", flat=True),
        kind="approval",
        subject=approval.ref,
        text=gettext_noop("%(who)s asks for your approval."),
        key=f"{approval.ref} asked",
        who=str(by),
    )
    audit.record("core.approval_asked", subject, by=by, approval=approval.pk, kind=kind, reason=reason)
    return approval


def holders_of(right: str) -> QuerySet[User]:
    """Everyone active whose roles grant `right`."""
    roles = [role.key for role in roles_with(right)]
    return User.objects.filter(is_active=True, groups__name__in=roles).distinct().order_by("pk")


def decide(approval_id: int, *, yes: bool, by: User, answer: str = "") -> Approval:
    """Approve, or reject with a reason; what the kind does on it happens in the same transaction.

    Raises AlreadyDecided, NotTheirs, ReasonMissing.
    """
    if not yes and not answer.strip():
        raise ReasonMissing
    approval = Approval.objects.get(pk=approval_id)
    if approval.asked_by_id == by.pk or not by.may(approval.right):
        raise NotTheirs
    return _close(approval, Approval.State.APPROVED if yes else Approval.State.REJECTED, by=by, answer=answer)


def withdraw(approval_id: int, *, by: User, answer: str = "") -> Approval:
    """Take one's own question back. Raises AlreadyDecided, NotTheirs."""
    approval = Approval.objects.get(pk=approval_id)
    if approval.asked_by_id != by.pk:
        raise NotTheirs
    return _close(approval, Approval.State.WITHDRAWN, by=by, answer=answer)


@transaction.atomic
def _close(approval: Approval, state: Approval.State, *, by: User, answer: str) -> Approval:
    """One conditional UPDATE: of two people who decide at once, the second is told about the first."""
    won = Approval.objects.filter(pk=approval.pk, state=Approval.State.WAITING).update(
        state=state, decided_by=by, decided_at=Now(), answer=answer.strip()
    )
    approval = Approval.objects.select_related("asked_by", "decided_by").get(pk=approval.pk)
    if not won:
        raise AlreadyDecided(approval)
    if callback := _on_decision.get(approval.kind):
        callback(approval)
    if state in _TOLD:
        notices.tell(
            [approval.asked_by_id],
            kind="approval",
            subject=approval.ref,
            text=_TOLD[state],
            key=f"{approval.ref} {state}",
            who=str(by),
        )
    audit.record(f"core.approval_{state}", approval.subject, by=by, approval=approval.pk, answer=approval.answer)
    return approval
