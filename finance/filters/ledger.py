"""The questions that the lists of the books answer."""

from typing import Any

import django_filters
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists
from finance.models import DraftEntry, JournalEntry, Period, Posting, RecurringEntry
from finance.selectors.walking import Walk

_CHOICES = """
SELECT kind, id, label FROM (
    SELECT 'journal' AS kind, id, code || ' ' || name AS label, 0 AS place FROM finance_journal
    UNION ALL
    SELECT 'period', id, to_char(starts_on, 'YYYY-MM'), date '2000-01-01' - starts_on FROM finance_period
    UNION ALL
    SELECT 'account', id, code || ' ' || name, 0 FROM finance_account WHERE NOT is_group
    UNION ALL
    SELECT 'cost_centre', id, code || ' ' || name, 0 FROM finance_costcentre
) choice
ORDER BY place, label COLLATE "C", id
"""


class EntryFilters(lists.ListFilters):
    on = lists.PeriodFilter(field_name="on", label=_("Date"), civil=True)
    journal = django_filters.ChoiceFilter(label=_("Journal"), choices=list, field_name="journal_id")
    period = django_filters.ChoiceFilter(label=_("Month"), choices=list, method="in_period")
    account = django_filters.ChoiceFilter(label=_("Account"), choices=list, method="on_account")
    cost_centre = django_filters.ChoiceFilter(label=_("Cost centre"), choices=list, method="of_centre")
    amount = lists.MoneyRangeFilter(label=_("Amount of a posting"), method="with_amount")
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=JournalEntry.Kind.choices)
    maker = django_filters.NumberFilter(field_name="made_by_id", label=_("Made by number"))
    origin = django_filters.CharFilter(label=_("Comes from"), lookup_expr="exact")
    party = django_filters.NumberFilter(label=_("Party number"), method="with_party")
    batch = django_filters.NumberFilter(field_name="batch_id", label=_("Import"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("journal", "period", "account", "cost_centre"):
            self.filters[name].extra["choices"] = lambda name=name: self._choices(name)  # a form copies no function
            self.filters[name].__dict__.pop("_field", None)  # kept from when the class was asked for its keys

    def _choices(self, name: str) -> list[tuple[str, str]]:
        return [(str(pk), label) for kind, pk, label in self.choices if kind == name]

    @cached_property
    def choices(self) -> list[tuple[str, int, str]]:
        """Everything there is to choose, in one question."""
        with connection.cursor() as cursor:
            cursor.execute(_CHOICES)
            found: list[tuple[str, int, str]] = cursor.fetchall()
        return found

    @cached_property
    def walk(self) -> Walk | None:
        """The way to the entries of an account within the days that are asked for, if one is."""
        asked = self.form.cleaned_data
        first, end = None, None
        if span := asked["on"]:
            first, end = (
                timezone.localdate(day) if day else None for day in (span.start, span.stop and span.stop.instant)
            )
        if asked["period"]:
            month = self._month
            first, end = max(first or month.starts_on, month.starts_on), min(end or month.ends_on, month.ends_on)
        if asked["account"]:
            return Walk(int(asked["account"]), first, end)
        return None

    @property
    def is_walk(self) -> bool:
        """Whether the walk finds exactly what is asked for: nothing else is."""
        names = {name for name, _value in self.applied()}
        return self.walk is not None and len(names - {"on", "period"}) == 1

    @cached_property
    def _month(self) -> Period:
        return Period.objects.get(pk=int(self.form.cleaned_data["period"]))

    def in_period(self, rows: QuerySet[JournalEntry], name: str, value: str) -> QuerySet[JournalEntry]:
        return rows.filter(on__gte=self._month.starts_on, on__lt=self._month.ends_on)

    def on_account(self, rows: QuerySet[JournalEntry], name: str, value: str) -> QuerySet[JournalEntry]:
        """A bank's postings lie in few entries; of others, each entry is asked."""
        if self.walk and self.walk.count <= lists.CAP:
            return rows.filter(pk__in=self.walk.newest)
        return rows.filter(Exists(Posting.objects.filter(entry=OuterRef("pk"), account=int(value))))

    def of_centre(self, rows: QuerySet[JournalEntry], name: str, value: str) -> QuerySet[JournalEntry]:
        return rows.filter(pk__in=Posting.objects.filter(cost_centre=int(value)).values("entry_id"))

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
