"""Small worlds of lines and titles for the engine, and the same worlds as its kernel sees them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from backoffice.core.models import Party
from finance import matching, rules, terms
from finance.formats.tokens import tokens
from finance.models import BankAccount, IgnoredLine, Instalment, InstalmentKey, LineToken, Match, StatementLine
from finance.services import settlement, titles
from finance.services.ledger import Line
from finance.services.rules import current
from finance.services.titles import Part
from finance.terms import Terms
from tests.factories import banking
from tests.factories.books import MAY, accounts

TAX_IDS = ("11144477735", "52998224725", "12ABC34501DE35")


def party(number: int) -> Party:
    return Party.objects.get_or_create(tax_id=TAX_IDS[number], defaults={"name": f"Cliente {number} Comércio"})[0]


def title(
    number: str,
    amount: str,
    *,
    who: Party | None = None,
    due: date = MAY,
    keys: tuple[tuple[str, str], ...] = (),
    terms: Terms | None = None,
    kind: str = "invoice",
) -> Instalment:
    """A title of one part: above zero a receivable, below a payable."""
    value = Decimal(amount)
    payable = (value < 0) != (kind == "credit")
    made = titles.issue(
        direction="payable" if payable else "receivable",
        kind=kind,
        number=number,
        party=who or party(0),
        issued_on=MAY,
        instalments=[Part(due, value, keys)],
        against=[Line(accounts()[0 if payable else 1], -value)],
        terms=terms,
    )
    return made.instalments.get()


def line(
    text: str, amount: str, *, days: int = 0, account: BankAccount, tax: str = "", payer: str = "", **facts: Any
) -> StatementLine:
    made = banking.line(
        amount, account=account, on=MAY + timedelta(days=days), text=text, payer=payer, payer_tax_id=tax, **facts
    )
    LineToken.objects.bulk_create(LineToken(line=made, kind=k, value=v) for k, v in sorted(tokens(text, payer)))
    return made


def as_the_kernel_sees_it() -> tuple[list[matching.Line], list[matching.Item]]:
    """The open lines and items of the database."""
    by_tax = dict(Party.objects.exclude(tax_id="").values_list("tax_id", "pk"))
    versions = [(v, rules.condition_of(v.condition)) for v in current()]
    own = (f"entry__postings__line__{name}" for name in ("bank_account", "key", "occurrence"))
    undone = set(Match.objects.exclude(entry__reversed_by=None).values_list(*own))
    lines = []
    open_lines = StatementLine.objects.exclude(open_amount=0).filter(is_void=False).order_by("pk")
    for row in open_lines.exclude(pk__in=IgnoredLine.objects.values("line")):
        found = frozenset(LineToken.objects.filter(line=row).values_list("kind", "value"))
        ids = {
            by_tax[v]
            for v in ([row.payer_tax_id] if row.payer_tax_id else [v for k, v in found if k == "tax"])
            if v in by_tax
        }
        fitting = tuple(
            (v.pk, v.rule.is_trusted)
            for v, condition in versions
            if condition.fits(text=row.text, payer=row.payer, amount=row.amount, bank_account=row.bank_account_id)
        )
        lines.append(
            matching.Line(
                row.pk, row.on, row.open_amount, found, ids.pop() if len(ids) == 1 else None, row.bank_account_id,
                row.open_amount == row.amount and (row.bank_account_id, row.key, row.occurrence) not in undone, fitting,
            )
        )  # fmt: skip
    days = {row.on for row in lines}
    items = []
    for part in Instalment.objects.exclude(balance=0).select_related("title").order_by("pk"):
        keys = frozenset(InstalmentKey.objects.filter(instalment=part).values_list("kind", "value"))
        items.append(matching.Item(part.pk, part.party_id, part.balance, part.due_on, keys, _owed(part, days)))
    return lines, items


def _owed(part: Instalment, days: set[date]) -> dict[date, Decimal]:
    own = settlement.terms_of(part.title)
    if part.balance != part.amount or part.title.kind == "credit" or own == Terms():
        return {}
    sign = 1 if part.balance > 0 else -1
    return {day: sign * terms.due(abs(part.balance), due_on=part.due_on, on=day, terms=own).total for day in days}


def posted() -> dict[int, tuple[str, tuple[int, ...]]]:
    """Line → stage and instalments of what stands matched."""
    found: dict[int, tuple[str, tuple[int, ...]]] = {}
    for match in Match.objects.filter(entry__reversed_by=None):
        rows: list[Any] = list(match.entry.postings.all())
        (own,) = [row.line_id for row in rows if row.line_id]
        found[own] = (match.stage, tuple(sorted(row.instalment_id for row in rows if row.instalment_id)))
    return found
