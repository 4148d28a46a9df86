"""The questions that the list of postings answers: whatever a report's figure is made of can be asked here."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.core import lists
from backoffice.core.models import Party
from finance.models import Account, CostCentre, Journal, Posting, Title
from finance.reports import cash, tree

NONE = "none"


class PostingFilters(lists.ListFilters):
    on = lists.PeriodFilter(field_name="on", label=_("Date"), civil=True)
    account = django_filters.ChoiceFilter(label=_("Account"), choices=list, method="of_account")
    section = django_filters.MultipleChoiceFilter(
        label=_("Place in the DRE"),
        choices=[*Account.Section.choices, (NONE, _("None"))],
        method="of_section",
    )
    kind = django_filters.MultipleChoiceFilter(
        label=_("Kind of account"), choices=Account.Kind.choices, method="of_kind"
    )
    side = django_filters.ChoiceFilter(
        label=_("Side"), choices=[("debit", _("Debit")), ("credit", _("Credit"))], method="on_side"
    )
    centre = django_filters.ChoiceFilter(label=_("Cost centre"), choices=list, method="of_centre")
    party = django_filters.NumberFilter(field_name="party_id", label=_("Party"))
    direction = django_filters.ChoiceFilter(
        field_name="instalment__title__direction", label=_("Titles"), choices=Title.Direction.choices
    )
    part = django_filters.ChoiceFilter(
        label=_("Part of titles"), choices=[("claim", _("Claims")), ("credit", _("Credits"))], method="of_part"
    )
    title_centre = django_filters.ChoiceFilter(
        label=_("Cost centre of the title"), choices=list, method="of_title_centre"
    )
    due = lists.PeriodFilter(field_name="instalment__due_on", label=pgettext_lazy("title", "Due"), civil=True)
    flow = django_filters.ChoiceFilter(
        label=_("Cash flow"),
        choices=[
            ("cash", _("Cash and banks")),
            ("transit", _("Not yet reconciled")),
            ("other", _("Other side of cash")),
            ("beside", _("Other side of cash, with what is not yet reconciled")),
            ("other-operating", _("Operating activities")),
            ("other-investing", _("Investing activities")),
            ("other-financing", _("Financing activities")),
        ],
        method="of_flow",
    )
    closing = django_filters.ChoiceFilter(
        label=_("Closing entries"), choices=[("without", _("Left out"))], method="without_closing"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (
            ("account", lambda: self.accounts),
            ("centre", lambda: self.centres),
            ("title_centre", lambda: self.centres),
        ):
            self.filters[name].extra["choices"] = choices
            self.filters[name].__dict__.pop("_field", None)  # kept from when the class was asked for its keys

    @cached_property
    def plan(self) -> tree.Tree:
        return tree.read()

    @cached_property
    def accounts(self) -> list[tuple[str, str]]:
        """Every account, groups too; read once for all who ask for the choices."""
        found = sorted(self.plan, key=lambda node: (node.code, node.pk))
        return [(str(node.pk), f"{node.code} {node.name}") for node in found]

    @cached_property
    def centres(self) -> list[tuple[str, Any]]:
        found = [(str(one.pk), str(one)) for one in CostCentre.objects.order_by("code", "pk")]
        return [*found, (NONE, _("No cost centre"))]

    def sentence(self, name: str, value: Any) -> tuple[str, str]:
        """A party by its name."""
        verb, words = super().sentence(name, value)
        if name == "party":
            found = Party.objects.filter(pk=int(value)).first()
            return verb, str(found) if found else words
        return verb, words

    def of_account(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        """One account, or a group with everything below it."""
        nodes = self.plan.nodes
        pks = [pk for pk in self.plan.under(int(value)) if not nodes[pk].is_group or pk == int(value)]
        if pks == [int(value)]:
            return rows.filter(account_id=pks[0])
        return rows.filter(account_id__in=pks)

    def of_section(self, rows: QuerySet[Posting], name: str, value: list[str]) -> QuerySet[Posting]:
        wanted = ["" if one == NONE else one for one in value]
        return rows.filter(account_id__in=[node.pk for node in self.plan if node.section in wanted]) if value else rows

    def of_kind(self, rows: QuerySet[Posting], name: str, value: list[str]) -> QuerySet[Posting]:
        return rows.filter(account_id__in=[node.pk for node in self.plan if node.kind in value]) if value else rows

    def on_side(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        return rows.filter(amount__gt=0) if value == "debit" else rows.filter(amount__lt=0)

    def of_centre(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        return rows.filter(cost_centre=None) if value == NONE else rows.filter(cost_centre_id=int(value))

    def of_title_centre(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        if value == NONE:
            return rows.filter(instalment__isnull=False, instalment__title__cost_centre=None)
        return rows.filter(instalment__title__cost_centre_id=int(value))

    def of_part(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        """What a title asks for, or what it gives back: told by the sign of its parts."""
        owed = Q(instalment__title__direction="receivable", instalment__amount__gt=0)
        owed |= Q(instalment__title__direction="payable", instalment__amount__lt=0)
        return rows.filter(instalment__isnull=False).filter(owed if value == "claim" else ~owed)

    def of_flow(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        """What the cash flow is made of; see `reports.cash`."""
        held, transits = cash.accounts(self.plan)
        if value == "cash":
            return rows.filter(account_id__in=held)
        if value == "transit":
            return rows.filter(account_id__in=transits)
        place = value.partition("-")[2]
        if place:
            rows = rows.filter(account_id__in=self.plan.ids(cash_flow=place))
        taken = held if value == "beside" else [*held, *transits]
        beside = Posting.objects.filter(entry_id=OuterRef("entry_id"), account_id__in=[*held, *transits])
        return rows.exclude(account_id__in=taken).filter(Exists(beside))

    def without_closing(self, rows: QuerySet[Posting], name: str, value: str) -> QuerySet[Posting]:
        journals = list(Journal.objects.filter(kind=Journal.Kind.CLOSING).values_list("pk", flat=True))
        return rows.exclude(entry__journal_id__in=journals)
