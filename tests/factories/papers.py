"""Bills and invoices for the tests of finance."""

from datetime import date
from decimal import Decimal
from typing import Any

from backoffice.core.models import Approval, Party, User
from backoffice.core.services import approvals
from finance.models import Bill, Invoice, TaxProfile
from finance.services import bills, invoices, plan
from tests.factories.books import MAY, party
from tests.factories.people import person

D = Decimal


def bill(amount: str = "100.00", *, by: User | None = None, who: Party | None = None, **values: Any) -> Bill:
    """A draft of one line of bank fees."""
    values = {"number": "NF 77", "issued_on": MAY, "first_due_on": date(2026, 6, 5), **values}
    withheld = values.pop("withheld", {})
    lines = [bills.LineFacts(plan.account_for("bank_fees").pk, D(amount))]
    return bills.save(
        values={"party": who or party("Fornecedor"), **values}, lines=lines, withheld=withheld,
        by=by or person("finance_clerk"),
    )  # fmt: skip


def invoice(
    *amounts: str, by: User | None = None, who: Party | None = None, profile: str = "", **values: Any
) -> Invoice:
    """A draft of service lines, each of quantity one."""
    values = {"issued_on": MAY, "first_due_on": date(2026, 6, 5), **values}
    found = TaxProfile.objects.get(name=profile).pk if profile else None
    services = plan.account_for("services").pk
    return invoices.save(
        values={"party": who or party("Cliente"), **values},
        lines=[invoices.LineFacts("Consultoria", D(1), D(a), services, found) for a in amounts or ("1000.00",)],
        by=by or person("finance_clerk"),
    )


def decide(approval: Approval, *, by: User, yes: bool = True) -> None:
    approvals.decide(approval.pk, yes=yes, by=by, answer="" if yes else "Not so")
