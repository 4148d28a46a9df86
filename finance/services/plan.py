"""The plan of accounts: seeded once, found by purpose."""

from django.db import transaction

from finance.models import Account, BankAccount, Journal
from finance.plan import JOURNALS, PLAN


class NoAccount(LookupError):
    """The plan has no active account for this purpose."""


@transaction.atomic
def install() -> None:
    """Give a company without accounts and journals the default ones; a plan that exists is left as it is."""
    if not Journal.objects.exists():
        for code, name, kind in JOURNALS:
            Journal.objects.create(code=code, name=name, kind=kind)
    if Account.objects.exists():
        return
    codes = [row.code for row in PLAN]
    known: dict[str, Account] = {}
    for depth in sorted({row.code.count(".") for row in PLAN}):
        made = [
            Account(
                code=row.code,
                name=row.name,
                kind=row.kind,
                parent=next((known[code] for code in _above(row.code) if code in known), None),
                is_group=any(code.startswith(row.code + ".") for code in codes) or row.purpose in ("banks", "transits"),
                is_control=row.control,
                section=row.section,
                cash_flow=row.flow,
                purpose=row.purpose,
            )
            for row in PLAN
            if row.code.count(".") == depth
        ]
        known |= {account.code: account for account in Account.objects.bulk_create(made)}


def _above(code: str) -> list[str]:
    parts = code.split(".")
    return [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def account_for(purpose: str) -> Account:
    """The account into which the program posts `purpose`. Raises NoAccount."""
    account = Account.objects.filter(purpose=purpose, is_active=True).first()
    if account is None:
        raise NoAccount(purpose)
    return account


def accounts_for(*purposes: str) -> dict[str, int]:
    """Purpose → account id, in one query. Raises NoAccount for the first one missing."""
    found = dict(Account.objects.filter(purpose__in=purposes, is_active=True).values_list("purpose", "id"))
    for purpose in purposes:
        if purpose not in found:
            raise NoAccount(purpose)
    return found


@transaction.atomic
def open_bank_account(*, name: str, **facts: object) -> BankAccount:
    """A bank account with its two ledger accounts, numbered after the last ones of their groups.

    facts: the other fields of BankAccount (kind, bank_code, branch, number, currency, aliases).
    """
    made = []
    for purpose, title in (("banks", name), ("transits", f"{name}, a conciliar")):
        group = account_for(purpose)
        last = Account.objects.filter(parent=group).order_by("-code").values_list("code", flat=True).first()
        number = int(last.rpartition(".")[2]) + 1 if last else 1
        made.append(
            Account.objects.create(
                code=f"{group.code}.{number:03}",
                name=title[:120],
                kind=Account.Kind.ASSET,
                parent=group,
                cash_flow=group.cash_flow,
            )
        )
    return BankAccount.objects.create(name=name, account=made[0], transit=made[1], **facts)
