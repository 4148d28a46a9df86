"""The budget from a file: one row per account and month, the amount as people plan it (above zero)."""

from typing import Any

from django.db.backends.utils import CursorWrapper
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.core.imports import Column, Source, Table
from backoffice.core.models import ImportBatch
from finance.services import budgets

COLUMNS = [
    Column("account", required=True, title=_("Account"), max_length=30, aliases=("conta", "code", "código", "codigo")),
    Column(
        "cost_centre",
        title=_("Cost centre"),
        max_length=20,
        aliases=("cost center", "centro de custo", "centro", "cc"),
    ),
    Column("month", "date", required=True, title=_("Month"), aliases=("mês", "mes", "date", "data", "competência")),
    Column("amount", "money", required=True, title=_("Amount"), aliases=("valor", "orçado", "orcado", "budget")),
]

_WRONG = [
    (
        "account",
        gettext_noop("There is no account “%(found)s” that earns or spends."),
        "NOT EXISTS (SELECT 1 FROM finance_account a WHERE a.code = trim(s.account) AND NOT a.is_group"
        " AND a.kind IN ('revenue', 'expense'))",
    ),
    (
        "cost_centre",
        gettext_noop("There is no cost centre “%(found)s”."),
        "s.cost_centre IS NOT NULL AND NOT EXISTS (SELECT 1 FROM finance_costcentre c"
        " WHERE c.code = trim(s.cost_centre))",
    ),
    (
        "month",
        gettext_noop("The account has two rows for this month."),
        "(s.file, s.line) IN (SELECT file, line FROM (SELECT file, line, row_number() OVER (PARTITION BY trim(account),"
        " trim(cost_centre), date_trunc('month', month) ORDER BY file, line) AS n FROM stage_budget"
        " WHERE problem IS NULL) d WHERE n > 1)",
    ),
]


class Budget(Source):
    key = "finance.budget"
    title = _("Budget")
    help = _(
        "One row per account and month: code of the account, any day of the month, amount above zero for what is"
        " planned to be earned or spent, and a cost centre if the plan has them."
    )
    right_create = "finance.budget.create"
    right_post = "finance.budget.edit"
    mapped = True
    tables = (Table("budget", _("Budget"), COLUMNS),)
    undo_order = ("finance_budgetline",)

    def result_url(self, batch: ImportBatch) -> str:
        return reverse("finance:report", args=["budget"])

    def check(self, cursor: CursorWrapper) -> None:
        for column, reason, wrong in _WRONG:
            cursor.execute(
                "UPDATE stage_budget s SET problem = %s, problem_column = %s"  # noqa: S608
                f" WHERE problem IS NULL AND ({wrong})",
                [reason, column],
            )
        cursor.execute(budgets.INCOMING)
        cursor.execute(
            "UPDATE stage_budget s SET action = CASE WHEN i.id IS NULL THEN 'c' WHEN i.before <> i.amount THEN 'u'"
            " ELSE 's' END FROM incoming_budget i WHERE i.file = s.file AND i.line = s.line"
        )

    def write(self, cursor: CursorWrapper, batch: ImportBatch | None) -> dict[str, Any]:
        budgets.take(cursor, batch)
        return {}
