"""What was planned to be earned and spent, month by month."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.core.models import Referable

from .ledger import Account, CostCentre


class BudgetLine(Referable):
    """One account, cost centre and month of the budget."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("account"))
    cost_centre = models.ForeignKey(
        CostCentre, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("cost centre")
    )
    month = models.DateField(_("month"))  # its first day
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2)  # BRL, debit positive like a posting

    class Meta:
        verbose_name = _("budget line")
        verbose_name_plural = _("budget lines")
        constraints = [
            models.UniqueConstraint(
                name="finance_budget_once", fields=["month", "account", "cost_centre"], nulls_distinct=False
            ),
            models.CheckConstraint(name="finance_budget_month", condition=Q(month__day=1)),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.month:%Y-%m}"
