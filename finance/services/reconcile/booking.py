"""Lines that meet no title: an account of one's own for one line or many, and transfers between own accounts."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.core.models import Approval, User
from finance.models import Match, StatementLine
from finance.services import ledger

from .asking import ask
from .errors import Changed, NeedsSecond
from .items import ZERO, Item
from .posting import hold_months, match, second_person
from .reasons import BY_HAND, Reasons
from .weight import weigh


@transaction.atomic
def new_entry(
    *,
    line_ids: Sequence[int],
    account: int,
    by: User,
    cost_centre: int | None = None,
    party: int | None = None,
    text: str = "",
    reasons: Reasons = BY_HAND,
    approved_by: User | None = None,
    today: date | None = None,
) -> list[Match]:
    """Book what is open of each line to one account, one match a line: all or none (cash coding).

    Raises Taken for the first line that somebody else was faster with, Changed, NeedsSecond, ledger.Refused.
    """
    open_lines = dict(StatementLine.objects.filter(pk__in=line_ids).values_list("pk", "open_amount"))
    if len(open_lines) < len(set(line_ids)):
        raise Changed
    hold_months(line_ids, today=today or timezone.localdate())
    _lock_all(line_ids)
    made = []
    for pk in sorted(set(line_ids)):
        amount = open_lines[pk]
        items = [Item("account", -amount, account, "", party, cost_centre, text)]
        made.append(
            match(lines=[(pk, amount)], items=items, by=by, reasons=reasons, approved_by=approved_by, today=today)
        )
    return made


def entry_or_ask(
    *,
    line_ids: Sequence[int],
    account: int,
    by: User,
    cost_centre: int | None = None,
    party: int | None = None,
    text: str = "",
) -> list[Match] | Approval:
    """Book the lines to one account, or put them all to a second person as one entry.

    Raises what `new_entry` raises; NeedsSecond only where the lines go both ways: those are not asked about as one.
    """
    try:
        return new_entry(line_ids=line_ids, account=account, by=by, cost_centre=cost_centre, party=party, text=text)
    except NeedsSecond as problem:
        lines = list(StatementLine.objects.filter(pk__in=line_ids).order_by("pk").values_list("pk", "open_amount"))
        if len({amount > 0 for _pk, amount in lines}) > 1:
            raise NeedsSecond(_("It needs a second person: choose lines of one direction at a time.")) from problem
        total = sum((amount for _pk, amount in lines), ZERO)
        item = Item("account", -total, account, "", party, cost_centre, text)
        return ask(lines=lines, items=[item], by=by, reason=text or problem.reason)


def needs_second(by: User, parts: Mapping[int, Decimal], *, account: int, party: int | None = None) -> str:
    """Why `by` may not book these parts of lines to the account alone, all in one act, or nothing."""
    items = [Item("account", -part, account, "", party) for part in parts.values()]
    return second_person(by, items, BY_HAND, weigh(parts, items, BY_HAND, {}, by=by))


def _lock_all(line_ids: Sequence[int]) -> None:
    """Every line before the first entry: the order of locks holds for the whole set."""
    list(StatementLine.objects.select_for_update(no_key=True).filter(pk__in=line_ids).order_by("pk").values_list("pk"))


class NotATransfer(ledger.Refused):
    """The two lines are not the two sides of one transfer."""


@transaction.atomic
def transfer(*, line_a: int, line_b: int, by: User, today: date | None = None) -> Match:
    """Meet the two sides of a transfer between own accounts: opposite amounts, both open.

    Raises NotATransfer, Taken, Changed, ledger.Refused.
    """
    lines = {line.pk: line for line in StatementLine.objects.filter(pk__in=[line_a, line_b])}
    if len(lines) < 2:
        raise Changed
    one, other = lines[line_a], lines[line_b]
    if one.bank_account_id == other.bank_account_id or one.amount != -other.amount:
        raise NotATransfer(_("A transfer has two lines of opposite amount in two own accounts."))
    reasons = Reasons("M", evidence={"stage": "M", "signals": [{"key": "transfer", "value": str(other.bank_account)}]})
    return match(
        lines=[(one.pk, one.amount)], items=[Item("line", other.amount, other.pk)], by=by, reasons=reasons, today=today
    )


def transfer_candidates(line: StatementLine, *, days: int = 5) -> list[StatementLine]:
    """Open lines of other own accounts with the opposite amount, nearest in time first."""
    near = StatementLine.objects.select_related("bank_account").filter(
        amount=-line.amount,
        open_amount=F("amount"),
        is_void=False,
        on__range=(line.on - timedelta(days=days), line.on + timedelta(days=days)),
    )
    found = list(near.exclude(bank_account_id=line.bank_account_id).order_by("on", "pk")[:20])
    return sorted(found, key=lambda other: (abs((other.on - line.on).days), other.pk))
