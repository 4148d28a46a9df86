"""What a person cannot post alone waits for a second one; the yes posts it as it was asked."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from backoffice.core.models import Approval, User
from backoffice.core.services import approvals, notices
from finance.models import Instalment, Match, StatementLine
from finance.services import ledger

from .errors import Changed, NeedsSecond, Stranger, Taken
from .items import Item, from_json, with_accounts
from .posting import Parts, check_advances, match
from .reasons import BY_HAND, Reasons
from .weight import KIND, weigh


def match_or_ask(
    *, lines: Parts, items: Iterable[Item], by: User, reasons: Reasons = BY_HAND, reason: str = ""
) -> Match | Approval:
    """Match, or put the same match to a manager where this person may not post it alone.

    Raises what `match` raises, and approvals.AlreadyAsked when the line waits for an answer.
    """
    items = list(items)
    try:
        return match(lines=lines, items=items, by=by, reasons=reasons, reason=reason)
    except NeedsSecond as problem:
        if isinstance(problem, Stranger) and not reason.strip():
            raise
        return ask(lines=lines, items=items, by=by, reason=reason or problem.reason, reasons=reasons)


@transaction.atomic
def ask(*, lines: Parts, items: Iterable[Item], by: User, reason: str, reasons: Reasons = BY_HAND) -> Approval:
    """Put a match to whoever may approve it: above the policy's limit, a director. Raises approvals.AlreadyAsked."""
    items = with_accounts(items)
    line = StatementLine.objects.get(pk=min(pk for pk, _part in lines))
    wanted = [item.id for item in items if item.kind == "instalment"]
    met = Instalment.objects.select_related("title").in_bulk(wanted)
    check_advances(dict(lines), items)
    weight = weigh(dict(lines), items, reasons, met, by=by, to_say=True)
    by_word = sum((abs(item.amount) for item in items if item.kind == "account"), Decimal(0))
    return approvals.ask(
        KIND,
        line,
        right=weight.right,
        by=by,
        title=gettext_noop("Reconcile %(text)s with a difference"),
        data={
            "text": line.text or line.payer or str(line.amount),
            "lines": [[pk, str(part)] for pk, part in lines],
            "items": [item.as_json() for item in items],
            "parties": list(weight.parties),
        },
        amount=max(weight.own, by_word),
        reason=reason,
    )


def decided(approval: Approval) -> None:
    """On yes: post it for the one who asked. What cannot be posted any more is told to them instead."""
    if approval.state != Approval.State.APPROVED:
        return
    data: dict[str, Any] = approval.data
    try:
        match(
            lines=[(int(pk), Decimal(part)) for pk, part in data["lines"]],
            items=from_json(data["items"]),
            by=approval.asked_by,
            reason=approval.reason,
            approved_by=approval.decided_by,
        )
    except (Taken, Changed, ledger.Refused) as problem:
        notices.tell(
            [approval.asked_by_id],
            kind="approval",
            subject=approval.subject,
            text=gettext_noop("The match was approved, but could not be posted: %(why)s"),
            key=f"{approval.ref} not posted",
            why=str(problem),
        )
