"""The questions that the lists of matches and of bank lines answer."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists
from finance.models import BankAccount, Match, StatementLine
from finance.reasons import HIGH, MEDIUM


class MatchFilters(lists.ListFilters):
    account = django_filters.ModelChoiceFilter(
        label=_("Bank account"), queryset=BankAccount.objects.order_by("name"), method="of_account"
    )
    at = lists.PeriodFilter(field_name="at", label=_("Matched"))
    stage = django_filters.ChoiceFilter(label=_("Reason"), choices=Match.Stage.choices)
    automatic = django_filters.BooleanFilter(label=_("By the program"))
    undone = django_filters.BooleanFilter(label=_("Undone"), field_name="undone_at", lookup_expr="isnull", exclude=True)

    def of_account(self, rows: QuerySet[Match], _name: str, account: BankAccount) -> QuerySet[Match]:
        return rows.filter(entry__postings__account=account.transit_id).distinct()


class BankLineFilters(lists.ListFilters):
    account = django_filters.ModelChoiceFilter(
        label=_("Bank account"), field_name="bank_account", queryset=BankAccount.objects.order_by("name")
    )
    state = django_filters.ChoiceFilter(
        label=_("State"),
        method="in_state",
        choices=[("open", _("Open")), ("aside", _("Set aside")), ("matched", _("Matched"))],
    )
    band = django_filters.ChoiceFilter(
        label=_("Best proposal"),
        method="in_band",
        choices=[("high", _("High")), ("medium", _("Medium")), ("low", _("Low"))],
    )
    on = lists.PeriodFilter(field_name="on", label=_("Date"))
    amount = lists.MoneyRangeFilter(field_name="amount", label=_("Amount"))

    def in_state(self, rows: QuerySet[StatementLine], _name: str, state: str) -> QuerySet[StatementLine]:
        if state == "matched":
            return rows.filter(open_amount=0)
        return rows.exclude(open_amount=0).filter(ignored__isnull=state != "aside")

    def in_band(self, rows: QuerySet[Any], _name: str, band: str) -> QuerySet[Any]:
        low, high = {"high": (HIGH, 9), "medium": (MEDIUM, HIGH), "low": (0, MEDIUM)}[band]
        best = {"suggestions__rank": 1, "suggestions__confidence__gte": low, "suggestions__confidence__lt": high}
        return rows.filter(**best)
