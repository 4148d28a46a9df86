"""Writing the budget: the cells of a grid, or a file of lines."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Q

from backoffice.core.imports import changes
from backoffice.core.models import ImportBatch, User
from backoffice.core.services import audit
from finance.models import Account, BudgetLine

CREDITS = (Account.Section.GROSS_REVENUE, Account.Section.FINANCIAL_INCOME)

# People write what they plan as a plain amount; the books keep income below zero.
SIGN = """
CASE WHEN a.section IN ('10_gross_revenue', '70_financial_income')
          OR a.section IN ('60_other', '') AND a.kind = 'revenue' THEN -1 ELSE 1 END
"""


def sign(*, section: str, kind: str) -> int:
    """How a planned amount of an account stands in the books: income below zero, costs and deductions above."""
    return -1 if section in CREDITS or (section in (Account.Section.OTHER, "") and kind == "revenue") else 1


@transaction.atomic
def plan(*, cells: Mapping[tuple[int, date], Decimal | None], cost_centre: int | None, by: User) -> int:
    """Set the budget of accounts in months; how many cells differed.

    cells: (account, first day of the month) → amount, debit positive; None or zero takes the line away.
    """
    of = Q(cost_centre=None) if cost_centre is None else Q(cost_centre_id=cost_centre)
    accounts, months = {account for account, _month in cells}, {month for _account, month in cells}
    held = BudgetLine.objects.select_for_update(of=("self",)).filter(of, account__in=accounts, month__in=months)
    known = {(line.account_id, line.month): line for line in held.order_by("pk")}
    fresh, other, gone = [], [], []
    for key, amount in cells.items():
        line = known.get(key)
        if line is None and amount:
            fresh.append(BudgetLine(account_id=key[0], month=key[1], cost_centre_id=cost_centre, amount=amount))
        elif line is not None and not amount:
            gone.append(line.pk)
        elif line is not None and amount is not None and line.amount != amount:
            line.amount = amount
            other.append(line)
    BudgetLine.objects.bulk_create(fresh)
    BudgetLine.objects.bulk_update(other, ["amount"])
    BudgetLine.objects.filter(pk__in=gone).delete()
    changed = len(fresh) + len(other) + len(gone)
    if changed:
        year = min(months).year
        audit.record("finance.budget_changed", f"finance.budget:{year}", by=by, cells=changed, cost_centre=cost_centre)
    return changed


INCOMING = f"""
DROP TABLE IF EXISTS incoming_budget;
CREATE TEMP TABLE incoming_budget ON COMMIT DROP AS
SELECT s.file, s.line, a.id AS account_id, c.id AS cost_centre_id, date_trunc('month', s.month)::date AS month,
       ({SIGN}) * s.amount AS amount, b.id, b.amount AS before
FROM stage_budget s
LEFT JOIN finance_account a ON a.code = trim(s.account)
LEFT JOIN finance_costcentre c ON c.code = trim(s.cost_centre)
LEFT JOIN finance_budgetline b ON b.account_id = a.id AND b.month = date_trunc('month', s.month)::date
    AND b.cost_centre_id IS NOT DISTINCT FROM c.id
WHERE s.problem IS NULL
"""  # noqa: S608 (SIGN is ours)


def take(cursor: CursorWrapper, batch: ImportBatch | None) -> None:
    """Write TEMP `incoming_budget`: create and change, leave what is the same."""
    cursor.execute(INCOMING)
    changed = "SELECT id FROM incoming_budget WHERE before <> amount"
    if batch:
        changes.keep_before(cursor, batch, "finance_budgetline", changed)
    cursor.execute(
        "UPDATE finance_budgetline b SET amount = i.amount FROM incoming_budget i WHERE i.id = b.id"
        " AND i.amount <> b.amount"
    )
    cursor.execute(
        "INSERT INTO finance_budgetline (account_id, cost_centre_id, month, amount)"
        " SELECT account_id, cost_centre_id, month, amount FROM incoming_budget WHERE id IS NULL ORDER BY file, line"
    )
    if batch:
        created = (
            "SELECT b.id FROM finance_budgetline b JOIN incoming_budget i ON i.id IS NULL"
            " AND (b.account_id, b.month) = (i.account_id, i.month)"
            " AND b.cost_centre_id IS NOT DISTINCT FROM i.cost_centre_id"
        )
        changes.keep_created(cursor, batch, "finance_budgetline", created)
