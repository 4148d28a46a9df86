"""The plan of accounts and the cost centres, as people change them; and what each account holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from backoffice.core.models import User
from backoffice.core.services import audit
from finance.models import Account, BankAccount, CostCentre, PeriodBalance, Posting, RecurringLine
from finance.services import day_sums

# Closed months are frozen; only what came after is added up, by days and what was posted since these were summed, or
# posting by posting. `only`: of these accounts, or all.
_BALANCES = """
WITH {fresh}frozen AS (
    SELECT coalesce(max(ends_on), date '-infinity') AS until FROM finance_period WHERE state = 'closed'
)
SELECT account_id, sum(amount) FROM (
    SELECT account_id, sum(debit - credit) AS amount FROM finance_periodbalance
    WHERE %(only)s::bigint[] IS NULL OR account_id = ANY(%(only)s) GROUP BY account_id
    UNION ALL
    SELECT account_id, sum(amount) FROM {live} WHERE "on" >= (SELECT until FROM frozen){only}
    GROUP BY account_id
) AS parts GROUP BY account_id
"""


_SUMMED = """(
        SELECT account_id, "on", debit - credit AS amount FROM finance_daybalance
        UNION ALL SELECT account_id, "on", amount FROM fresh
    ) summed"""


class Changed(Exception):
    """Somebody changed the record since it was read. `current`: as it stands now."""

    def __init__(self, current: Account | CostCentre) -> None:
        super().__init__(str(current))
        self.current = current


class Kept(Exception):
    """The account does not take this change; the sentence says why."""


@dataclass(frozen=True)
class Row:
    """One line of the tree: an account with what it and everything below it holds. BRL, debit positive."""

    account: Account
    depth: int
    balance: Decimal

    @property
    def credit(self) -> Decimal:
        """What a credit balance shows."""
        return -self.balance


def balances(only: Sequence[int] | None = None) -> dict[int, Decimal]:
    """Account id → balance of everything posted, of all accounts or some, of one moment."""
    with connection.cursor() as cursor:
        some = "" if only is None else " AND account_id = ANY(%(only)s)"
        summed = day_sums.behind() <= day_sums.MOST
        live = {"live": _SUMMED, "fresh": f"{day_sums.FRESH}, "} if summed else {"live": "finance_posting", "fresh": ""}
        cursor.execute(_BALANCES.format(only=some, **live), {"only": None if only is None else list(only)})
        return {account: amount for account, amount in cursor.fetchall() if amount}


def tree(*, retired: bool = False, below: Account | None = None) -> list[Row]:
    """The plan in its order, groups with the sums of what is below them; below: only that account and what it holds."""
    accounts = list(Account.objects.order_by("code", "pk"))
    parents = {account.pk: account.parent_id for account in accounts}
    if below is not None:
        inside = {below.pk}
        accounts = [one for one in _parents_first(accounts) if _joins(one, inside)]
        accounts.sort(key=lambda one: (one.code, one.pk))
    totals = dict.fromkeys((account.pk for account in accounts), Decimal("0.00"))
    for held, amount in balances(None if below is None else list(totals)).items():
        place: int | None = held
        while place is not None and place in totals:
            totals[place] += amount
            place = parents[place]
    depths: dict[int, int] = {}
    rows = []
    for account in accounts:
        depths[account.pk] = depths.get(account.parent_id, -1) + 1 if account.parent_id else 0
        if retired or account.is_active:
            rows.append(Row(account, depths[account.pk], totals[account.pk]))
    return rows


def _parents_first(accounts: list[Account]) -> list[Account]:
    """By depth, so that a parent comes before its children whatever their codes."""
    parents = {account.pk: account.parent_id for account in accounts}

    def depth(account: Account) -> int:
        steps, place = 0, account.parent_id
        while place is not None:
            steps, place = steps + 1, parents[place]
        return steps

    return sorted(accounts, key=depth)


def _joins(account: Account, inside: set[int]) -> bool:
    if account.pk in inside or account.parent_id in inside:
        inside.add(account.pk)
        return True
    return False


def guards(
    account: Account, *, has_postings: bool | None = None, is_transit: bool | None = None
) -> list[str | Promise]:
    """What of this account stays as it is, and why; a sentence each. What the caller knows is not asked again."""
    found: list[str | Promise] = []
    if has_postings is None:
        has_postings = Posting.objects.filter(account=account).exists()
    if is_transit is None:
        is_transit = BankAccount.objects.filter(transit=account).exists()
    if has_postings:
        found.append(_("It has postings: its kind stays, and it does not become a group."))
    if account.purpose:
        found.append(_("The program posts here by itself. Name, code and place may change; it is not retired."))
    if account.is_control:
        found.append(_("It is an account of titles: it moves only with invoices, bills and opening titles."))
    if is_transit:
        found.append(_("It holds what of a bank's statement is not matched yet; it moves only with statement lines."))
    return found


@transaction.atomic
def create(*, values: dict[str, Any], by: User) -> Account:
    account = Account.objects.create(**values)
    audit.record("finance.account_created", account, by=by)
    return account


@transaction.atomic
def change(*, account_id: int, version: int, values: dict[str, Any], by: User) -> None:
    """Write over the version the person read. Raises Changed, Kept."""
    account = Account.objects.select_for_update().get(pk=account_id)
    if account.version != version:
        raise Changed(account)
    moved = {name for name in ("kind", "is_group") if getattr(account, name) != values[name]}
    if moved and Posting.objects.filter(account=account).exists():
        raise Kept(_("It has postings: its kind stays, and it does not become a group."))
    placed = [name for name in ("section", "cash_flow") if name in values and getattr(account, name) != values[name]]
    if placed and PeriodBalance.objects.filter(account=account).exists():
        raise Kept(
            _("Closed months tell it at its place in the reports, which stays. Post to a new account from now on.")
        )
    if moved and (account.purpose or account.is_control):
        raise Kept(_("The program posts here by itself: its kind stays, and it does not become a group."))
    if account.is_group and not values["is_group"] and account.children.exists():
        raise Kept(_("It has accounts below it and stays a group."))
    if values["parent"] and _is_below(values["parent"], account):
        raise Kept(_("An account does not lie below itself."))
    changes = _changes(account, values)
    if changes:
        Account.objects.filter(pk=account.pk).update(**values, version=F("version") + 1)
        audit.record("finance.account_changed", account, by=by, changes=changes)


@transaction.atomic
def retire(*, account_id: int, by: User) -> None:
    """No further posting goes there; what is posted stays. Raises Kept."""
    account = Account.objects.select_for_update().get(pk=account_id)
    if account.purpose:
        raise Kept(_("The program posts here by itself; it is not retired."))
    if account.is_group and account.children.filter(is_active=True).exists():
        raise Kept(_("Retire the accounts below it first."))
    if BankAccount.objects.filter(is_active=True, account=account).exists() or (
        BankAccount.objects.filter(is_active=True, transit=account).exists()
    ):
        raise Kept(_("It belongs to a bank account in use. Close that first."))
    if balance := balances([account.pk]).get(account.pk):
        raise Kept(_("Its balance is %(balance)s. Move it elsewhere first.") % {"balance": balance})
    if RecurringLine.objects.filter(account=account, recurring__is_active=True).exists():
        raise Kept(_("A recurring entry posts here. Change that first."))
    _activate(account, False, by, "finance.account_retired")


@transaction.atomic
def restore(*, account_id: int, by: User) -> None:
    _activate(Account.objects.select_for_update().get(pk=account_id), True, by, "finance.account_restored")


def _activate(account: Account, active: bool, by: User, name: str) -> None:
    if Account.objects.filter(pk=account.pk, is_active=not active).update(is_active=active, version=F("version") + 1):
        audit.record(name, account, by=by)


def _is_below(place: Account | None, account: Account) -> bool:
    while place is not None:
        if place.pk == account.pk:
            return True
        place = place.parent
    return False


# --- cost centres ----------------------------------------------------------------------------------------------------


@transaction.atomic
def create_centre(*, values: dict[str, Any], by: User) -> CostCentre:
    centre = CostCentre.objects.create(**values)
    audit.record("finance.cost_centre_created", centre, by=by)
    return centre


@transaction.atomic
def change_centre(*, centre_id: int, version: int, values: dict[str, Any], by: User) -> None:
    """Write over the version the person read. Raises Changed."""
    centre = CostCentre.objects.select_for_update().get(pk=centre_id)
    if centre.version != version:
        raise Changed(centre)
    if changes := _changes(centre, values):
        CostCentre.objects.filter(pk=centre.pk).update(**values, version=F("version") + 1)
        audit.record("finance.cost_centre_changed", centre, by=by, changes=changes)


def _changes(record: Account | CostCentre, values: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        name: (str(getattr(record, name) or ""), str(value or ""))
        for name, value in values.items()
        if getattr(record, name) != value
    }
