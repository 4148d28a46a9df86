"""Small worlds of lines and titles for the engine, and the same worlds as its kernel sees them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from backoffice.core.models import Approval, Company, Party
from finance import matching, rules, terms
from finance.formats.tokens import tokens
from finance.models import BankAccount, IgnoredLine, Instalment, InstalmentKey, LineToken, Match, StatementLine
from finance.services import second_person, settlement, titles
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
    issued: date = MAY,
    parts: int = 1,
) -> Instalment:
    """A title of equal parts, the first of them: above zero a receivable, below a payable."""
    value = Decimal(amount)
    payable = (value < 0) != (kind == "credit")
    made = titles.issue(
        direction="payable" if payable else "receivable",
        kind=kind,
        number=number,
        party=who or party(0),
        issued_on=issued,
        instalments=[Part(due + timedelta(days=30 * n), value, () if n else keys) for n in range(parts)],
        against=[Line(accounts()[0 if payable else 1], -value * parts)],
        terms=terms,
    )
    return made.instalments.get(seq=1)


def line(
    text: str, amount: str, *, days: int = 0, account: BankAccount, tax: str = "", payer: str = "", **facts: Any
) -> StatementLine:
    made = banking.line(
        amount, account=account, on=MAY + timedelta(days=days), text=text, payer=payer, payer_tax_id=tax, **facts
    )
    found = tokens(text, payer) | ({("tax", tax)} if tax else set())
    LineToken.objects.bulk_create(LineToken(line=made, kind=k, value=v) for k, v in sorted(found))
    return made


def as_the_kernel_sees_it() -> dict[str, Any]:
    """The open lines and items of the database, and what else `matching.decide` asks."""
    people = {party.tax_id: party for party in Party.objects.exclude(tax_id="")}
    known = {tax_id: party.pk for tax_id, party in people.items() if not party.is_intermediary}
    company = "".join(Company.objects.values_list("cnpj", flat=True))
    versions = [(v, rules.condition_of(v.condition)) for v in current()]
    own = (f"entry__postings__line__{name}" for name in ("bank_account", "key", "occurrence"))
    undone = set(Match.objects.exclude(entry__reversed_by=None).values_list(*own))
    asked = [a.data for a in Approval.objects.filter(kind="finance.match", state="waiting")]
    waiting = {pk for data in asked for pk, _part in data["lines"]}
    others = _pay_for_others()
    lines = []
    open_lines = StatementLine.objects.exclude(open_amount=0).filter(is_void=False).order_by("pk")
    for row in open_lines.exclude(pk__in=IgnoredLine.objects.values("line")):
        found = frozenset(LineToken.objects.filter(line=row).values_list("kind", "value"))
        ids = matching.shown({v for k, v in found if k == "tax"} | ({row.payer_tax_id} - {""}), company)
        fitting = [
            v
            for v, condition in versions
            if condition.fits(text=row.text, payer=row.payer, amount=row.amount, bank_account=row.bank_account_id)
        ]
        payer = matching.payer(ids, known)
        lines.append(
            matching.Line(
                row.pk, row.on, row.open_amount, found, payer, row.bank_account_id,
                row.open_amount == row.amount and (row.bank_account_id, row.key, row.occurrence) not in undone,
                tuple((v.pk, v.rule.is_trusted) for v in fitting),
                tax_ids=frozenset(one for one in ids if one not in people or not people[one].is_intermediary),
                is_reversal=matching.speaks_of_reversal(row.text),
                reversed_by=frozenset(v.pk for v in fitting if matching.speaks_of_reversal(v.condition["pattern"])),
                waits=row.pk in waiting,
                pays_for_others=payer in others,
            )
        )  # fmt: skip
    days = {row.on for row in lines}
    items, settled = [], []
    held = {row["id"] for data in asked for row in data["items"] if row["kind"] == "instalment"}
    for part in Instalment.objects.select_related("title", "party").order_by("pk"):
        title = part.title
        late = _late(part, days)
        item = matching.Item(
            part.pk, part.party_id, part.balance or part.amount, part.due_on,
            frozenset(InstalmentKey.objects.filter(instalment=part).values_list("kind", "value")), _owed(part, days),
            {day: due.fine + due.interest for day, due in late.items()} if title.direction == "receivable" else {},
            title.pk, (part.seq, title.instalments.count()), title.issued_on, title.kind == "order",
            title.direction == "payable", part.party.tax_id, part.pk in held,
        )  # fmt: skip
        (items if part.balance else settled).append(item)
    return {"lines": lines, "items": items, "settled": settled, "limit": second_person.write_off_limit()}


def _pay_for_others() -> set[int]:
    """Parties whose tax id stands on a line that settled another party's title."""
    found = set()
    for match in Match.objects.filter(entry__reversed_by=None):
        rows: list[Any] = list(match.entry.postings.all())
        met = {row.party_id for row in rows if row.instalment_id}
        lines = [row.line_id for row in rows if row.line_id]
        ids = LineToken.objects.filter(line__in=lines, kind="tax").values("value")
        found |= {pk for pk in Party.objects.filter(tax_id__in=ids).values_list("pk", flat=True) if met - {pk}}
    return found


def _owed(part: Instalment, days: set[date]) -> dict[date, Decimal]:
    if part.balance != part.amount:
        return {}
    sign = 1 if part.balance > 0 else -1
    return {day: sign * due.total for day, due in _late(part, days).items()}


def _late(part: Instalment, days: set[date]) -> dict[date, terms.Due]:
    own = settlement.terms_of(part.title)
    if part.title.kind == "credit" or own == Terms():
        return {}
    return {day: terms.due(abs(part.balance), due_on=part.due_on, on=day, terms=own) for day in days}


def posted() -> dict[int, tuple[str, tuple[int, ...]]]:
    """Line → stage and instalments of what stands matched."""
    found: dict[int, tuple[str, tuple[int, ...]]] = {}
    for match in Match.objects.filter(entry__reversed_by=None):
        rows: list[Any] = list(match.entry.postings.all())
        (own,) = [row.line_id for row in rows if row.line_id]
        found[own] = (match.stage, tuple(sorted(row.instalment_id for row in rows if row.instalment_id)))
    return found
