"""The questions that the lists of statements, their lines and what was set aside answer."""

import django_filters
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from backoffice.core import lists
from finance.models import BankAccount, ParkedLine, StatementLine

_PART = """SELECT unnest(ARRAY(
    SELECT id FROM finance_statementline WHERE open_amount <> 0 AND open_amount <> amount))"""
ALL = BankAccount.objects.order_by("name")


class StatementFilters(lists.ListFilters):
    account = django_filters.ModelChoiceFilter(label=_("Bank account"), field_name="bank_account", queryset=ALL)
    ends = lists.PeriodFilter(field_name="ends_on", label=_("Last day"), civil=True)
    undone = django_filters.BooleanFilter(label=_("Undone"), field_name="undone_at", lookup_expr="isnull", exclude=True)
    batch = django_filters.NumberFilter(field_name="batch_id", label=_("Import"))


class LineFilters(lists.ListFilters):
    account = django_filters.ModelChoiceFilter(label=_("Bank account"), field_name="bank_account", queryset=ALL)
    statement = django_filters.NumberFilter(field_name="statement_id", label=_("Statement"))
    on = lists.PeriodFilter(field_name="on", label=_("Date"), civil=True)
    amount = lists.MoneyRangeFilter(field_name="amount", label=_("Amount"))
    state = django_filters.ChoiceFilter(
        label=_("State"),
        method="in_state",
        choices=[("open", _("Open")), ("part", _("Partly matched")), ("matched", _("Matched"))],
    )

    def in_state(self, rows: QuerySet[StatementLine], _name: str, state: str) -> QuerySet[StatementLine]:
        if state == "matched":
            return rows.filter(open_amount=0)
        if state == "part":  # rare: found among the open lines before anything else is asked of them
            return rows.filter(pk__in=RawSQL(_PART, []))  # noqa: S611
        return rows.exclude(open_amount=0)


class ParkedFilters(lists.ListFilters):
    account = django_filters.ModelChoiceFilter(
        label=_("Bank account"), field_name="statement__bank_account", queryset=ALL
    )
    reason = django_filters.MultipleChoiceFilter(label=_("Why"), choices=ParkedLine.Reason.choices)
    statement = django_filters.NumberFilter(field_name="statement_id", label=_("Statement"))
    batch = django_filters.NumberFilter(field_name="batch_id", label=_("Import"))
    waiting = django_filters.BooleanFilter(label=_("Still set aside"), field_name="line", lookup_expr="isnull")
