"""Own bank accounts: opened, changed, and recognised in files whatever way the file spells them."""

import re
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import User
from backoffice.core.services import audit
from finance.models import BankAccount, Posting
from finance.services import plan

ALIASES = 40  # kept for an account; the oldest go first
_OTHER = re.compile(r"[^0-9A-Z]+")


class Posted(Exception):
    """The account has postings: its currency stays."""


class Conflict(Exception):
    """Somebody changed the account since the form was opened."""


def bare(number: str) -> str:
    """`001.234-5` → `12345`: letters and digits, without leading zeros; an IBAN stays whole."""
    return _OTHER.sub("", number.upper()).lstrip("0")


def alias(*, bank: str, branch: str, number: str) -> str:
    """How a file names an account, in one form; empty when it does not."""
    number = bare(number)
    return f"{bare(bank)}/{bare(branch)}/{number}"[:80] if number else ""


def recognised(
    accounts: Iterable[BankAccount], *, bank: str, branch: str, number: str, kind: str = ""
) -> BankAccount | None:
    """The one account that a file means; None when none fits, or more than one.

    First who was named so before; then the same number at the same bank; then the number as some files spell it:
    without its check digit, or with the branch before it. A bank or branch that one side leaves out is no objection.
    """
    named = alias(bank=bank, branch=branch, number=number)
    if not named:
        return None
    active = [account for account in accounts if account.is_active]
    if known := [account for account in active if named in account.aliases]:
        return known[0] if len(known) == 1 else None
    near = [
        account
        for account in active
        if account.number
        and _agree(bare(account.bank_code), bare(bank))
        and _agree(bare(account.branch), bare(branch), prefix=True)
        and (not kind or kind not in ("card", "savings") or account.kind == kind)
    ]
    spelled = bare(number)
    for fits in (_same, _without_digit, _with_branch):
        found = [account for account in near if fits(account, spelled)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _agree(ours: str, theirs: str, *, prefix: bool = False) -> bool:
    if not ours or not theirs or ours == theirs:
        return True
    return prefix and (ours.startswith(theirs) or theirs.startswith(ours)) and abs(len(ours) - len(theirs)) == 1


def _same(account: BankAccount, spelled: str) -> bool:
    return bare(account.number) == spelled


def _without_digit(account: BankAccount, spelled: str) -> bool:
    """One side leaves the check digit out; four digits must be left to be sure."""
    ours = bare(account.number)
    return len(min(ours, spelled, key=len)) >= 4 and (ours[:-1] == spelled or spelled[:-1] == ours)


def _with_branch(account: BankAccount, spelled: str) -> bool:
    branch, ours = bare(account.branch), bare(account.number)
    whole = _OTHER.sub("", account.number.upper())
    return bool(branch) and spelled in {branch + ours, branch + whole, branch[:-1] + whole, branch[:-1] + ours}


@transaction.atomic
def remember(account_id: int, named: str) -> None:
    """Know the account by this name from now on; another account that was known by it is not any more."""
    if not named:
        return
    for other in (
        BankAccount.objects.select_for_update(of=("self",), no_key=True)
        .filter(aliases__contains=[named])
        .order_by("pk")
    ):
        if other.pk != account_id:
            other.aliases = [each for each in other.aliases if each != named]
            other.save(update_fields=["aliases"])
    account = BankAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account_id)
    if named not in account.aliases:
        account.aliases = [*account.aliases, named][-ALIASES:]
        account.save(update_fields=["aliases"])


@transaction.atomic
def open_account(*, by: User | None, **facts: Any) -> BankAccount:
    """A bank account with its two accounts in the plan. Raises plan.NoAccount when the plan lacks their groups."""
    account = plan.open_bank_account(**facts)
    audit.record("finance.bank_account_opened", account, by=by, name=account.name)
    return account


@transaction.atomic
def change(*, account_id: int, version: int, by: User, **facts: Any) -> BankAccount:
    """Change what an account is called and how it is recognised. Raises Conflict, Posted."""
    account = BankAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account_id)
    if account.version != version:
        raise Conflict(_("Somebody changed this account meanwhile."))
    changes = {
        name: (getattr(account, name), value) for name, value in facts.items() if getattr(account, name) != value
    }
    if "currency" in changes and Posting.objects.filter(account_id=account.account_id).exists():
        raise Posted(_("The account has postings: its currency stays."))
    if not changes:
        return account
    for name, value in facts.items():
        setattr(account, name, value)
    account.version += 1
    account.save(update_fields=[*facts, "version"])
    if "name" in changes:
        account.account.name = account.name
        account.account.save(update_fields=["name"])
    told = {name: (str(old), str(new)) for name, (old, new) in changes.items() if name not in ("number", "aliases")}
    if "number" in changes:
        told["number"] = ("…", "…")  # account numbers stay out of the trail
    audit.record("finance.bank_account_changed", account, by=by, changes=told)
    return account
