"""How a table is to be read: where its headings are, what they name, date order, decimal mark: by evidence."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from . import values
from .columns import Columns, by_headings, by_mapping, is_settlement, is_title_list
from .dates import Order, order_of
from .keys import folded
from .shapes import Refusal, gettext_noop
from .tables import Row

MOST_PREAMBLE = 60

SETTLEMENT = gettext_noop("This is a card processor's settlement report, not a bank statement.")
TITLES = gettext_noop("This is a list of titles with due dates, not a bank statement.")

_PORTUGUESE = {"DATA", "VALOR", "HISTORICO", "DESCRICAO", "LANCAMENTO", "SALDO", "CREDITO", "DEBITO", "TITULO"}
DEBIT = frozenset(
    {"D", "DEBITO", "DEBIT", "SAIDA", "DB", "DEB", "DBIT", "DR", "S", "PAGAMENTO", "DESPESA", "OUT", "DEBITOS"}
)
CREDIT = frozenset(
    {"C", "CREDITO", "CREDIT", "ENTRADA", "CR", "CRED", "CRDT", "E", "RECEBIMENTO", "RECEITA", "IN", "CREDITOS"}
)
_SIDES = DEBIT | CREDIT | {"", "+", "-"}

_ACCOUNT = re.compile(
    r"\b(?:CONTA(?: CORRENTE| POUPANCA| DE PAGAMENTO)?|C/C|CC|ACCOUNT)\b[ :;|,.\-/Nnº°o]{0,10}"
    r"([0-9][0-9.]{2,}(?: ?[-/] ?[0-9Xx]{1,2})?)",
    re.IGNORECASE,
)
_BRANCH = re.compile(r"\bAG(?:ENCIA|ÊNCIA|\.)?\b[^0-9]{0,12}([0-9]{1,5}(?:-[0-9Xx])?)", re.IGNORECASE)
_OPENING = re.compile(r"\b(?:SALDO (?:ANTERIOR|INICIAL)|INITIAL BALANCE|OPENING BALANCE)\b", re.IGNORECASE)
_CLOSING = re.compile(r"\b(?:SALDO FINAL|FINAL BALANCE|CLOSING BALANCE)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    columns: Columns
    heading: int  # line number of the headings, 0 without any
    order: Order
    is_ambiguous: bool
    decimal: str
    account: str = ""
    branch: str = ""
    opening: Decimal | None = None
    closing: Decimal | None = None
    first_on: date | None = None


def find(sample: Sequence[Row], mapping: Mapping[str, object] | None = None) -> Layout | None:
    """The layout of a table from its first rows, or None where no column holds dates and none amounts."""
    at, columns = _headings(sample, mapping)
    if columns is None:
        columns = _by_content([row for _, row in sample])
        if columns is None:
            return None
        at = -1
    body = [row for _, row in sample[at + 1 :]]
    columns = _settled(columns, body)
    dates = [cell for row in body if (cell := columns.cell(row, "date"))]
    order, ambiguous = order_of(dates)
    is_portuguese = bool(_PORTUGUESE & {word for heading in columns.headings for word in heading.split()})
    if mapping and mapping.get("date_order") in ("dmy", "mdy", "ymd"):
        order, ambiguous = Order(str(mapping["date_order"])), False
    decimal = str(mapping.get("decimal", "")) if mapping else ""
    decimal = decimal or decimal_mark(
        columns.cell(row, role) for row in body for role in ("amount", "debit", "credit", "balance")
    )
    if not decimal and is_portuguese:
        decimal = ","
    ambiguous = ambiguous and not is_portuguese and decimal != ","
    first_on = next((on for cell in dates if (on := order.read(cell))), None)
    layout = Layout(columns, sample[at][0] if at >= 0 else 0, order, ambiguous, decimal, first_on=first_on)
    return _with_preamble(layout, [row for _, row in sample[: max(at, 0)]], order)


def _headings(sample: Sequence[Row], mapping: Mapping[str, object] | None) -> tuple[int, Columns | None]:
    for at, (_, row) in enumerate(sample[:MOST_PREAMBLE]):
        if is_settlement(row):
            raise Refusal(SETTLEMENT)
        if mapping and any(name in mapping for name in ("date", "amount", "debit", "credit")):
            columns = by_mapping(mapping, row)
            if columns.is_enough() and all(place < len(row) for place in columns.single.values()):
                is_heading = not any(character.isdigit() for character in columns.cell(row, "date"))
                return (at if is_heading else at - 1), columns
            continue
        columns = by_headings(row)
        if columns.is_enough():
            if is_title_list(columns):
                raise Refusal(TITLES)
            if mapping:
                columns = replace(
                    columns,
                    is_inverted=bool(mapping.get("inverted", columns.is_inverted)),
                    is_card=columns.is_card or mapping.get("kind_of_account") == "card",
                )
            return at, columns
    return -1, None


_DATE = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{2,4}(?: .*)?")
_NUMBER = re.compile(r"[+-]?(?:R\$)? ?[+-]?[0-9.]*[0-9],[0-9]{2} ?[DCdc+-]?|[+-]?[0-9,]*[0-9]\.[0-9]{2} ?[DCdc+-]?")


def _by_content(rows: Sequence[Sequence[str]]) -> Columns | None:
    """Columns of a table without headings: a date, a number with cents, words."""
    rows = [row for row in rows[:200] if len(row) >= 3]
    if not rows:
        return None
    width = max(map(len, rows))

    def share(place: int, pattern: re.Pattern[str]) -> float:
        return sum(place < len(row) and bool(pattern.fullmatch(row[place])) for row in rows) / len(rows)

    dates = [place for place in range(width) if share(place, _DATE) >= 0.8]
    numbers = [place for place in range(width) if share(place, _NUMBER) >= 0.8]
    if not dates or not numbers:
        return None
    rest = [place for place in range(width) if place not in dates and place not in numbers]
    length = {place: sum(len(row[place]) for row in rows if place < len(row)) for place in rest}
    single = {"date": dates[0], "amount": numbers[0]}
    if len(dates) > 1:
        single["valued"] = dates[1]
    if len(numbers) > 1:
        single["balance"] = numbers[1]
    sides = [place for place in rest if all(place < len(row) and folded(row[place]) in _SIDES - {""} for row in rows)]
    if sides:
        single["side"] = sides[0]
    texts = sorted((place for place in rest if place not in sides and length[place]), key=lambda place: -length[place])
    return Columns(single, tuple(texts[:1]))


def _settled(columns: Columns, body: Sequence[Sequence[str]]) -> Columns:
    """Sides that are none become text or kind; a kind that is all there is becomes the text."""
    single, texts = dict(columns.single), list(columns.texts)
    rows = body[:2000]
    if "side" in single:
        place = single["side"]
        cells = {folded(row[place]) if row[place] not in "+-" else row[place] for row in rows if place < len(row)}
        if not cells <= _SIDES or cells == {""}:
            del single["side"]
            if place not in single.values() and place not in texts:
                texts.append(place)
        elif single.get("kind") == place:
            del single["kind"]
    if single.get("amount") is not None and {"debit", "credit"} <= set(single):
        filled = sum(bool(columns.cell(row, "debit") or columns.cell(row, "credit")) for row in rows)
        if filled:
            del single["amount"]
    for place in [place for place in texts if len(texts) > 1 and _is_number(rows, place)]:
        texts.remove(place)
        single.setdefault("reference", place)
    if not texts and "kind" in single:
        texts.append(single["kind"])
    if not texts and "payer" in single:
        texts.append(single["payer"])
    inverted = columns.is_inverted
    if columns.is_card and not inverted and "side" not in single and "amount" in single:
        amounts = [values.priced(columns.cell(row, "amount")) for row in rows]
        positive = sum(amount is not None and amount > 0 for amount in amounts)
        inverted = positive > sum(amount is not None and amount < 0 for amount in amounts)
    return replace(columns, single=single, texts=tuple(sorted(texts)), is_inverted=inverted)


def _is_number(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether a column of words holds ids and no words."""
    cells = [row[place] for row in rows if place < len(row) and row[place]]
    return bool(cells) and all(cell.isdigit() for cell in cells)


_CENTS = re.compile(r"([.,])[0-9]{1,2}(?:[^0-9]*|\))$")
_GROUPS = re.compile(r"[0-9]([.,])[0-9]{3}(?:\1[0-9]{3})+(?![0-9])")


def decimal_mark(cells: Iterable[str]) -> str:
    """The mark before cents that nearly all amounts use, or nothing."""
    seen = {".": 0, ",": 0}
    for cell in cells:
        if found := _CENTS.search(cell):
            seen[found[1]] += 1
        elif found := _GROUPS.search(cell):
            seen["." if found[1] == "," else ","] += 1
    points, commas = seen["."], seen[","]
    return "." if points > commas * 10 else "," if commas > points * 10 else ""


def _with_preamble(layout: Layout, rows: Sequence[Sequence[str]], order: Order) -> Layout:
    """What banks print above the table: account, branch, opening and closing balance."""
    account = branch = ""
    opening = closing = None
    for at, row in enumerate(rows):
        line = " ".join(row).replace("_", " ")
        if not account and (found := _ACCOUNT.search(line)):
            account = found[1].replace(" ", "").rstrip(".-/")
        if not branch and (found := _BRANCH.search(line)):
            branch = found[1]
        for place, cell in enumerate(row):
            label = folded(cell)
            is_opening, is_closing = _OPENING.search(label), _CLOSING.search(label)
            if not (is_opening or is_closing):
                continue
            below = rows[at + 1][place] if at + 1 < len(rows) and place < len(rows[at + 1]) else ""
            beside = row[place + 1] if place + 1 < len(row) else ""
            amount = values.priced(beside, layout.decimal)
            amount = values.priced(below, layout.decimal) if amount is None else amount
            if is_opening and opening is None:
                opening = amount
            elif is_closing and closing is None:
                closing = amount
    return replace(layout, account=account, branch=branch, opening=opening, closing=closing)
