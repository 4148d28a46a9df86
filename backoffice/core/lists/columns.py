"""What a list shows: columns that read a value from a row, show it, order by it, add it up and write it to a file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.db.models.expressions import BaseExpression
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from ..templatetags import display

Kind = Literal["text", "money", "number", "percent", "duration", "day", "stamp", "badge", "code"]
NUMERIC = {"money", "number", "percent", "duration"}
_NOTHING = mark_safe('<span class="muted">–</span>')


@dataclass(frozen=True)
class Column:
    """One column.

    value: attribute path (`customer.name`; the key when empty) or a function of the row; also what an export writes.
    cell: a template name or a function of the row, for cells that are more than their value by `kind`.
    order: field paths, all ascending, indexed together in the table; only the first may be null. The key ends them.
    total: an aggregate over the filtered rows, shown under the column.   right: who may see the column at all.
    """

    key: str
    label: str | Promise
    value: str | Callable[[Any], Any] = ""
    kind: Kind = "text"
    cell: str | Callable[[Any], Any] | None = None
    order: tuple[str, ...] = ()
    total: BaseExpression | None = None
    optional: bool = False  # hidden until the reader chooses it
    right: str = ""
    help: str | Promise = ""

    def read(self, row: Any) -> Any:
        """The typed value of this column in `row` (a model instance or a dict)."""
        if callable(self.value):
            return self.value(row)
        value = row
        for name in (self.value or self.key).split("."):
            value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
            if value is None:
                return None
        return value

    def show(self, row: Any) -> str:
        """The safe HTML of this column in `row`."""
        if isinstance(self.cell, str):
            return render_to_string(self.cell, {"row": row, "value": self.read(row)})
        if self.cell is not None:
            return conditional_escape(self.cell(row))
        return show(self.read(row), self.kind)

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC


def show(value: Any, kind: Kind) -> str:
    """Safe HTML of one typed value in the reader's language."""
    if kind == "money":
        return display.money_tag(value)
    if value is None or value == "":
        return _NOTHING
    if kind == "number":
        return display.number(value)
    if kind == "percent":
        return display.percent(value)
    if kind == "duration":
        return display.duration(value)
    if kind == "badge":
        return display.badge("quiet", value)
    if isinstance(value, date):
        return display.when(value, "day" if kind == "day" else "moment")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if kind == "code":
        return format_html("<code>{}</code>", value)
    return conditional_escape(value)
