from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class FinanceConfig(AppConfig):
    name = "finance"
    verbose_name = _("Finance")
    default_auto_field = "django.db.models.BigAutoField"
    append_only = ("finance_journalentry", "finance_posting", "finance_match", "finance_matchruleversion")
    sealed = (
        "finance_entryseal",
        "finance_journalyear",
        "finance_periodbalance",
        "finance_daybalance",
        "finance_daysummary",
    )

    def ready(self) -> None:
        """A company without a plan of accounts or tax treatments gets the default ones."""
        post_migrate.connect(_install_plan, sender=self, dispatch_uid="finance.plan")


def _install_plan(**_signal: Any) -> None:
    from .services import plan, tax_profiles

    plan.install()
    tax_profiles.install()
