from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class FinanceConfig(AppConfig):
    name = "finance"
    verbose_name = _("Finance")
    default_auto_field = "django.db.models.BigAutoField"
    # What the application's database role may do, where that is less than reading and writing rows.
    append_only = ("finance_journalentry", "finance_posting", "finance_match", "finance_matchruleversion")
    sealed = (
        "finance_entryseal",
        "finance_journalyear",
        "finance_periodbalance",
        "finance_daybalance",
        "finance_daysummary",
        "finance_newline",
        "finance_newposting",
    )
    limited = {  # balances and heads move with postings, by triggers; a row is locked by whom may change a column of it
        "finance_instalment": "SELECT, INSERT, UPDATE (due_on)",
        "finance_journalhead": "SELECT, UPDATE (held)",
        "finance_period": "SELECT, INSERT, UPDATE (state, changed_by_id, changed_at, version)",
        "finance_periodexception": "SELECT, INSERT, UPDATE (expires_at)",
        "finance_statementline": "SELECT, INSERT, UPDATE (is_void)",
        "finance_title": "SELECT, INSERT,"
        " UPDATE (discount_rate, discount_days, fine_rate, interest_rate, text, version)",
    }

    def ready(self) -> None:
        """A company without a plan of accounts or tax treatments gets the default ones."""
        post_migrate.connect(_install_plan, sender=self, dispatch_uid="finance.plan")


def _install_plan(**_signal: Any) -> None:
    from .services import plan, tax_profiles

    plan.install()
    tax_profiles.install()
