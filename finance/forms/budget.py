"""The grid in which a budget is planned: one section of the DRE, one year, one cost centre."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.forms import BoundField

from backoffice.core.forms import Form, MoneyField
from finance.reports.asking import month_name
from finance.reports.tree import Node
from finance.services import budgets

Cells = dict[tuple[int, date], Decimal]


class BudgetGrid(Form):
    """One field a cell, named by account and month. cells: what stands there, debit positive."""

    def __init__(self, nodes: Sequence[Node], months: Sequence[date], cells: Cells, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.nodes, self.months = nodes, months
        for node in nodes:
            for month in months:
                amount = cells.get((node.pk, month))
                field = MoneyField(required=False, label=f"{node.name}, {month_name(month)}")
                field.initial = amount * self._sign(node) if amount else None
                field.widget.attrs["aria-label"] = field.label
                self.fields[self._name(node, month)] = field

    @staticmethod
    def _name(node: Node, month: date) -> str:
        return f"a{node.pk}m{month.month}"

    @staticmethod
    def _sign(node: Node) -> int:
        return budgets.sign(section=node.section, kind=node.kind)

    def rows(self) -> list[tuple[Node, list[BoundField]]]:
        """Accounts with their fields, for the template."""
        return [(node, [self[self._name(node, month)] for month in self.months]) for node in self.nodes]

    def cells(self) -> dict[tuple[int, date], Decimal | None]:
        """What was written, debit positive."""
        found: dict[tuple[int, date], Decimal | None] = {}
        for node in self.nodes:
            for month in self.months:
                amount = self.cleaned_data[self._name(node, month)]
                found[node.pk, month] = amount * self._sign(node) if amount else None
        return found
