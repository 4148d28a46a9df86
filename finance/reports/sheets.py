"""The shape every report takes: headings, rows, cells with the address of what is behind them.

The same sheet is drawn on a page (`body`), written to a file (`files`) and laid out on paper.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Literal

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from backoffice.core.charts import Chart
from backoffice.core.templatetags import display
from backoffice.core.templatetags.display import MINUS, NOTHING

ZERO = Decimal(0)

Kind = Literal["money", "side", "percent", "text", "number"]
Style = Literal["leaf", "group", "section", "step", "total", "check"]


@dataclass(frozen=True)
class Head:
    """A column. kind: `side` is a balance told by its size and the side it lies on. quiet: a figure beside another."""

    label: str
    kind: Kind = "money"
    quiet: bool = False


@dataclass(frozen=True)
class Cell:
    value: Decimal | str | None
    url: str = ""


@dataclass(frozen=True)
class Row:
    """label: what it is. code: of the account. level: from 0. fold: address that hides or shows what is below it."""

    label: str
    cells: Sequence[Cell]
    code: str = ""
    level: int = 0
    style: Style = "leaf"
    url: str = ""
    fold: str = ""
    is_folded: bool = False


@dataclass(frozen=True)
class Fact:
    """A figure said above the table."""

    label: str
    value: Decimal
    url: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Sheet:
    """first: the heading over the names. notes: sentences under the table. more: address of the following rows.

    stream: the rows of a file where these may be too many to hold; then `rows` holds none of them.
    """

    title: str
    lead: str
    heads: Sequence[Head]
    rows: Sequence[Row]
    first: str = ""
    notes: Sequence[str] = ()
    facts: Sequence[Fact] = ()
    chart: Chart | None = None
    empty: str = ""
    hint: str = ""
    empty_url: str = ""
    empty_label: str = ""
    is_proven: bool | None = None  # whether the check that must hold holds; None where there is none
    proof: str = ""
    more: str = ""
    back: str = ""
    door: str = ""  # where the figures are written, and what that is called
    door_label: str = ""
    door_right: str = ""  # who may go there and to `empty_url`; empty: everybody
    tables: Sequence["Sheet"] = field(default_factory=list)  # further parts under their own headings
    stream: Callable[[], Iterator[Row]] | None = None

    @property
    def each(self) -> Iterator[Row]:
        """Every row, one after another."""
        return self.stream() if self.stream else iter(self.rows)

    def held(self, most: int | None = None) -> "Sheet":
        """The same with all its rows at hand, or with the first so many of each table."""
        tables = [part.held(most) for part in self.tables]
        return replace(self, rows=list(islice(self.each, most)), stream=None, tables=tables)

    @property
    def body(self) -> SafeString:
        """The rows with their links; written here and not in a template: it is most of a page's time."""
        return _rows(self, linked=True)

    @property
    def paper(self) -> SafeString:
        """The rows without links."""
        return _rows(self, linked=False)

    @property
    def is_wide(self) -> bool:
        """Whether paper is turned on its side."""
        return len(self.heads) > 5


def change(now: Decimal, then: Decimal) -> list[Cell]:
    """The difference, and as a fraction of the size of what was before."""
    return [Cell(now - then), Cell((now - then) / abs(then) if then else None)]


def change_heads() -> list[Head]:
    return [Head(_("Difference")), Head(_("Difference, %"), "percent", quiet=True)]


def figure(value: Decimal | str | None, kind: Kind) -> str:
    """Escaped HTML of a cell; nothing and zero are a dash."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, str):
        return str(escape(value))
    if kind == "percent":
        return display.percent(value)
    if kind == "number":
        return display.number(value)
    if not value:
        return NOTHING
    if kind == "side":
        side = _("Dr") if value > 0 else _("Cr")
        return f'{display.grouped(value, 2)}<span class="side">{side}</span>'
    return f"{MINUS if value < 0 else ''}{display.grouped(value, 2)}"


def _rows(sheet: Sheet, *, linked: bool) -> SafeString:
    parts = []
    has_folds = linked and any(row.fold for row in sheet.rows)
    for row in sheet.rows:
        label: str = escape(row.label)
        if row.url and linked:
            label = f'<a href="{escape(row.url)}">{label}</a>'
        if row.code:
            label = f'<span class="code">{escape(row.code)}</span> {label}'
        if row.fold and linked:
            said = _("Show the parts of %(name)s") if row.is_folded else _("Hide the parts of %(name)s")
            mark = display.drawn("chevron-right" if row.is_folded else "chevron-down", 14)
            hidden = f'<span class="visually-hidden">{escape(said % {"name": row.label})}</span>'
            label = f'<a class="twig" href="{escape(row.fold)}">{mark}{hidden}</a>{label}'
        elif has_folds and row.style in ("leaf", "group"):
            label = f'<span class="twig"></span>{label}'
        parts.append(f'<tr class="{row.style} in-{row.level}"><th scope="row">{label}</th>')
        for head, cell in zip(sheet.heads, row.cells, strict=False):
            shown: str = figure(cell.value, head.kind)
            if cell.value == 0 and head.kind != "percent" and row.style in ("total", "check"):
                shown = display.grouped(ZERO, 2)
            if cell.url and linked and shown != NOTHING:
                shown = f'<a href="{escape(cell.url)}">{shown}</a>'
            classes = "num" if head.kind != "text" else ""
            quiet = " quiet" if head.quiet or shown == NOTHING else ""
            parts.append(f'<td class="{classes}{quiet}">{shown}</td>')
        parts.append("</tr>")
    return mark_safe("".join(parts))  # every text went through escape()
