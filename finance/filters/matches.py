"""The questions that the lists of matches and of bank lines answer."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.core import lists
from finance.models import BankAccount, JournalEntry, Match, Posting, StatementLine
from finance.reasons import HIGH, MEDIUM


class MatchFilters(lists.ListFilters):
    account = django_filters.ModelChoiceFilter(
        label=_("Bank account"), queryset=BankAccount.objects.order_by("name"), method="of_account"
    )
    at = lists.PeriodFilter(field_name="at", label=_("Matched"))
    stage = django_filters.ChoiceFilter(label=_("Reason"), choices=Match.Stage.choices)
    automatic = django_filters.BooleanFilter(label=_("By the program"))
    undone = django_filters.BooleanFilter(label=_("Undone"), method="by_undoing")

    def of_account(self, rows: QuerySet[Match], _name: str, account: BankAccount) -> QuerySet[Match]:
        return rows.filter(Exists(Posting.objects.filter(entry=OuterRef("entry_id"), account=account.transit_id)))

    def by_undoing(self, rows: QuerySet[Match], _name: str, value: bool) -> QuerySet[Match]:
        """Few are undone: these are found from the reversals, the others one by one as the list is walked."""
        back = JournalEntry.objects.filter(kind=JournalEntry.Kind.REVERSAL)
        if value:
            return rows.filter(entry__in=back.values("reverses"))
        return rows.exclude(Exists(back.filter(reverses=OuterRef("entry_id"))))


class BankLineFilters(lists.ListFilters):
    account = django_filters.ModelChoiceFilter(
        label=_("Bank account"), field_name="bank_account", queryset=BankAccount.objects.order_by("name")
    )
    state = django_filters.ChoiceFilter(
        label=_("State"),
        method="in_state",
        choices=[("open", pgettext_lazy("lines", "Open")), ("aside", _("Set aside")), ("matched", _("Matched"))],
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
