"""What stands against bank lines in a match: titles, accounts, other lines, advances; postings, debit positive.

As JSON (suggestions, approvals): `{"kind": "instalment", "id": 5, "amount": "-100.00"}`,
`{"kind": "account", "purpose": "bank_fees" | "account": 12, "role": "fee", "amount": "2.00"}`,
`{"kind": "line", "id": 9, "amount": "50.00"}` for the other side of a transfer,
`{"kind": "advance", "party": 3, "amount": "-20.00"}` for what a party paid too much.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from finance.models import Posting
from finance.services import plan

ZERO = Decimal("0.00")
ROLES = ("interest", "fine", "discount", "rebate", "fee", "exchange", "write_off")


@dataclass(frozen=True)
class Item:
    """kind: instalment, account, line or advance.   id: of the instalment, the account (0: by role) or the line."""

    kind: str
    amount: Decimal
    id: int = 0
    role: str = ""
    party: int | None = None
    cost_centre: int | None = None
    text: str = ""

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": self.kind, "amount": str(self.amount)}
        if self.kind == "account" and self.id:
            found["account"] = self.id
        elif self.id:
            found["id"] = self.id
        for name in ("role", "party", "cost_centre", "text"):
            if value := getattr(self, name):
                found[name] = value
        return found


def purpose_of(role: str, amount: Decimal) -> str:
    """Where a difference of this role is posted: costs are debits, gains are credits."""
    debit = amount > 0
    return {
        Posting.Role.INTEREST: "interest_expense" if debit else "interest_income",
        Posting.Role.FINE: "fine_expense" if debit else "fine_income",
        Posting.Role.DISCOUNT: "discount_given" if debit else "discount_taken",
        Posting.Role.REBATE: "rebate_given" if debit else "discount_taken",
        Posting.Role.FEE: "bank_fees",
        Posting.Role.EXCHANGE: "exchange_loss" if debit else "exchange_gain",
        Posting.Role.WRITE_OFF: "write_off" if debit else "other_income",
    }[Posting.Role(role)]


def from_json(rows: Iterable[dict[str, Any]]) -> list[Item]:
    """Items as a suggestion or an approval keeps them; purposes become accounts. Raises plan.NoAccount."""
    rows = list(rows)
    purposes = {row["purpose"] for row in rows if row.get("purpose")}
    accounts = plan.accounts_for(*sorted(purposes)) if purposes else {}
    return [
        Item(
            kind=row["kind"],
            amount=Decimal(row["amount"]),
            id=int(row.get("id") or row.get("account") or accounts.get(row.get("purpose", ""), 0)),
            role=row.get("role", ""),
            party=row.get("party"),
            cost_centre=row.get("cost_centre"),
            text=row.get("text", ""),
        )
        for row in rows
    ]


def with_accounts(items: Iterable[Item]) -> list[Item]:
    """Give items that name only a role the account of that role, in one query."""
    items = list(items)
    wanted = {item: purpose_of(item.role, item.amount) for item in items if item.kind == "account" and not item.id}
    if not wanted:
        return items
    accounts = plan.accounts_for(*sorted(set(wanted.values())))
    return [
        Item("account", i.amount, accounts[wanted[i]], i.role, i.party, i.cost_centre, i.text) if i in wanted else i
        for i in items
    ]
