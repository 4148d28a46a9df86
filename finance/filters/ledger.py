"""The questions that the lists of the books answer."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists
from finance.models import Account, CostCentre, DraftEntry, Journal, JournalEntry, Period, Posting, RecurringEntry


class EntryFilters(lists.ListFilters):
    on = lists.PeriodFilter(field_name="on", label=_("Date"), civil=True)
    journal = django_filters.ModelChoiceFilter(label=_("Journal"), queryset=Journal.objects.order_by("code"))
    period = django_filters.ModelChoiceFilter(
        label=_("Month"), queryset=Period.objects.order_by("-starts_on"), method="in_period"
    )
    account = django_filters.ModelChoiceFilter(
        label=_("Account"), queryset=Account.objects.filter(is_group=False).order_by("code"), method="on_account"
    )
    cost_centre = django_filters.ModelChoiceFilter(
        label=_("Cost centre"), queryset=CostCentre.objects.order_by("code"), method="of_centre"
    )
    amount = lists.MoneyRangeFilter(label=_("Amount of a posting"), method="with_amount")
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=JournalEntry.Kind.choices)
    maker = django_filters.NumberFilter(field_name="made_by_id", label=_("Made by number"))
    origin = django_filters.CharFilter(label=_("Comes from"), lookup_expr="exact")
    party = django_filters.NumberFilter(label=_("Party number"), method="with_party")
    batch = django_filters.NumberFilter(field_name="batch_id", label=_("Import"))

    def in_period(self, rows: QuerySet[JournalEntry], name: str, value: Period) -> QuerySet[JournalEntry]:
        return rows.filter(on__gte=value.starts_on, on__lt=value.ends_on)

    def on_account(self, rows: QuerySet[JournalEntry], name: str, value: Account) -> QuerySet[JournalEntry]:
        return rows.filter(pk__in=Posting.objects.filter(account=value).values("entry_id"))

    def of_centre(self, rows: QuerySet[JournalEntry], name: str, value: CostCentre) -> QuerySet[JournalEntry]:
        return rows.filter(pk__in=Posting.objects.filter(cost_centre=value).values("entry_id"))

    def with_party(self, rows: QuerySet[JournalEntry], name: str, value: Any) -> QuerySet[JournalEntry]:
        return rows.filter(pk__in=Posting.objects.filter(party_id=int(value)).values("entry_id"))

    def with_amount(self, rows: QuerySet[JournalEntry], name: str, value: slice) -> QuerySet[JournalEntry]:
        """Some posting's amount, whichever side it stands on: the debit side is enough, what balances has both."""
        postings = Posting.objects.filter(amount__gt=0)
        if value.start is not None:
            postings = postings.filter(amount__gte=value.start)
        if value.stop is not None:
            postings = postings.filter(amount__lte=value.stop)
        return rows.filter(pk__in=postings.values("entry_id"))


class DraftFilters(lists.ListFilters):
    state = django_filters.ChoiceFilter(label=_("State"), choices=DraftEntry.State.choices)
    on = lists.PeriodFilter(field_name="on", label=_("Date"), civil=True)
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=DraftEntry.Kind.choices)
    recurring = django_filters.NumberFilter(field_name="recurring_id", label=_("Recurring entry"))


class RecurringFilters(lists.ListFilters):
    mode = django_filters.ChoiceFilter(label=_("Each month"), choices=RecurringEntry.Mode.choices)
    active = django_filters.BooleanFilter(field_name="is_active", label=_("Active"))
