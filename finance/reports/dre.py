"""The income statement (DRE) in the order of Lei 6.404/1976, art. 187: revenue down to the net result.

What closes a year (the closing journal) is left out: else every closed year would have earned nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.core.calendar import Period
from finance.models import Account

from . import balances, centres, links, tree
from .asking import Asked, Column
from .balances import ALL, Moves, Span
from .sheets import Cell, Head, Row, Sheet, Style, change, change_heads
from .tree import ZERO, Node, Tree

Section = Account.Section
UNPLACED = ""  # result accounts that nobody gave a place yet: they count, and are shown

STEP_NAMES: dict[str, str | Promise] = {
    "net_revenue": gettext_lazy("Net revenue"),
    "gross_profit": gettext_lazy("Gross profit"),
    "operating": gettext_lazy("Operating result"),
    "before_tax": gettext_lazy("Result before taxes on profit"),
    "net_result": gettext_lazy("Net result"),
}
# Subtotal → the sections it adds to all those before it.
STEPS: list[tuple[str, tuple[str, ...]]] = [
    ("net_revenue", (Section.GROSS_REVENUE, Section.DEDUCTIONS)),
    ("gross_profit", (Section.COST,)),
    ("operating", (Section.SELLING, Section.ADMINISTRATIVE, Section.OTHER, UNPLACED)),
    ("before_tax", (Section.FINANCIAL_INCOME, Section.FINANCIAL_EXPENSE)),
    ("net_result", (Section.INCOME_TAX,)),
]


@dataclass(frozen=True)
class Statement:
    """One column. accounts, sections, steps: what came in is positive, what went out negative."""

    accounts: dict[int, Decimal]
    sections: dict[str, Decimal]
    steps: dict[str, Decimal]

    @property
    def result(self) -> Decimal:
        return self.steps["net_result"]

    def share(self, amount: Decimal) -> Decimal | None:
        """Of the net revenue, as a fraction; None without revenue."""
        base = self.steps["net_revenue"]
        return amount / base if base > 0 else None


def result_accounts(plan: Tree) -> list[Node]:
    return [node for node in plan if node.kind in ("revenue", "expense") and not node.is_group]


def dre(periods: Sequence[Period], cost_centre: int | None = None, *, plan: Tree | None = None) -> list[Statement]:
    """A statement for each period. cost_centre: an id, `balances.NONE`, or None for all."""
    plan = plan or tree.read()
    moves = balances.moved(
        [Span(period.start, period.end) for period in periods],
        accounts=[node.pk for node in result_accounts(plan)],
        cost_centre=ALL if cost_centre is None else cost_centre,
        without=balances.closing_journals(),
    )
    return [of_moves(plan, moves, place) for place in range(len(periods))]


def of_moves(plan: Tree, moves: Moves, place: int, centre: int | None = None) -> Statement:
    """One column from moves read before; of one cost centre or all."""
    accounts: dict[int, Decimal] = {}
    for (at, account, cost_centre), move in moves.items():
        if (
            at == place
            and (centre is None or cost_centre == centre)
            and plan.nodes[account].kind in ("revenue", "expense")
        ):
            accounts[account] = accounts.get(account, ZERO) - move.net
    return of_amounts(plan, accounts)


def of_amounts(plan: Tree, accounts: dict[int, Decimal]) -> Statement:
    """A column from amounts by account, income positive."""
    sections: dict[str, Decimal] = {}
    for account, amount in accounts.items():
        section = plan.nodes[account].section
        sections[section] = sections.get(section, ZERO) + amount
    steps, running = {}, ZERO
    for name, parts in STEPS:
        running += sum((sections.get(part, ZERO) for part in parts), ZERO)
        steps[name] = running
    return Statement(accounts, sections, steps)


def sheet(asked: Asked) -> Sheet:
    """The statement as it is shown; with one column or two, each figure also as a share of the net revenue."""
    plan, without = tree.read(), balances.closing_journals()
    columns, statements = read(asked, plan)
    has_shares = len(columns) <= 2
    rows: list[Row] = []
    added: list[str] = []
    for step, parts in STEPS:
        for section in parts:
            rows += _section(plan, section, asked, columns, statements, without, has_shares=has_shares)
        added += parts
        urls = [_link(column, without, section=added) for column in columns]
        amounts = [one.steps[step] for one in statements]
        style: Style = "total" if step == "net_result" else "step"
        rows.append(Row(str(STEP_NAMES[step]), _cells(amounts, urls, statements, has_shares=has_shares), style=style))
    moved = any(one.accounts for one in statements)
    return Sheet(
        title=_("Income statement"),
        lead=_("What was earned and spent, by competence, in reais."),
        heads=_heads(columns, has_shares=has_shares),
        rows=rows if moved else [],
        first=_("Account"),
        empty=_("Nothing was earned or spent in these days."),
    )


def read(asked: Asked, plan: Tree, *, also: Iterable[int] = ()) -> tuple[list[Column], list[Statement]]:
    """The columns asked for and a statement for each. also: cost centres that have a column though nothing moved."""
    result, without = [node.pk for node in result_accounts(plan)], balances.closing_journals()
    if asked.against == "centres":
        moves = balances.moved(
            [Span(asked.period.start, asked.period.end)], accounts=result, by_centre=True, without=without
        )
        columns = asked.columns(centres.of({*also, *(centre for _place, _account, centre in moves)}))
        return columns, [of_moves(plan, moves, 0, column.centre) for column in columns]
    columns = asked.columns()
    parts = [column for column in columns if not column.is_total]
    moves = balances.moved(
        [Span(column.period.start, column.period.end) for column in parts],
        accounts=result,
        cost_centre=ALL if asked.centre is None else asked.centre,
        without=without,
    )
    statements = [of_moves(plan, moves, place) for place in range(len(parts))]
    if len(columns) > len(parts):
        whole: dict[int, Decimal] = {}
        for one in statements:
            for account, amount in one.accounts.items():
                whole[account] = whole.get(account, ZERO) + amount
        statements.append(of_amounts(plan, whole))
    return columns, statements


def _section(
    plan: Tree,
    section: str,
    asked: Asked,
    columns: list[Column],
    statements: list[Statement],
    without: list[int],
    *,
    has_shares: bool,
) -> list[Row]:
    """One section and, unless only sections are asked for, its accounts that moved."""
    if not any(section in one.sections for one in statements):
        return []
    urls = [_link(column, without, section=[section]) for column in columns]
    amounts = [one.sections.get(section, ZERO) for one in statements]
    rows = [Row(section_name(section), _cells(amounts, urls, statements, has_shares=has_shares), style="section")]
    if asked.level == 1:
        return rows
    for node in plan:
        if node.section == section and any(one.accounts.get(node.pk) for one in statements):
            urls = [_link(column, without, account=node.pk) for column in columns]
            amounts = [one.accounts.get(node.pk, ZERO) for one in statements]
            rows.append(
                Row(node.name, _cells(amounts, urls, statements, has_shares=has_shares), code=node.code, level=1)
            )
    return rows


def section_name(section: str) -> str:
    return str(Section(section).label) if section else _("Not placed in the statement")


def _link(column: Column, without: list[int], **what: object) -> str:
    kinds = ["revenue", "expense"] if "section" in what else None
    return links.within(
        column.period,
        centre=column.centre,
        kind=kinds,
        closing="without" if without else None,
        **what,  # type: ignore[arg-type]
    )


def _heads(columns: list[Column], *, has_shares: bool) -> list[Head]:
    heads = []
    for column in columns:
        heads.append(Head(column.label))
        if has_shares:
            heads.append(Head(_("Share of net revenue"), "percent", quiet=True))
    return heads + (change_heads() if has_shares and len(columns) == 2 else [])


def _cells(amounts: list[Decimal], urls: list[str], statements: list[Statement], *, has_shares: bool) -> list[Cell]:
    cells = []
    for amount, url, one in zip(amounts, urls, statements, strict=True):
        cells.append(Cell(amount, url))
        if has_shares:
            cells.append(Cell(one.share(amount)))
    return cells + (change(*amounts) if has_shares and len(amounts) == 2 else [])
