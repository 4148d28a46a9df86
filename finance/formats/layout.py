"""How a table is to be read: where its headings are, what they name, date order, decimal mark: by evidence."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from . import values
from .columns import Columns, by_headings, by_mapping, is_settlement, is_title_list, unit_of
from .dates import Order, order_of
from .keys import folded
from .shapes import Refusal, gettext_noop
from .tables import Row

MOST_PREAMBLE = 60
MOST_NUMBERS = 10  # columns of numbers looked at where no heading says what they are
ZERO = Decimal("0.00")

SETTLEMENT = gettext_noop("This is a card processor's settlement report, not a bank statement.")
TITLES = gettext_noop("This is a list of titles with due dates, not a bank statement.")

_PORTUGUESE = {"DATA", "VALOR", "HISTORICO", "DESCRICAO", "LANCAMENTO", "SALDO", "CREDITO", "DEBITO", "TITULO"}
_DAY_FIRST = _PORTUGUESE | set(  # words of headings in languages that write the day before the month
    """DATUM BETRAG BUCHUNGSTAG BUCHUNG VALUTA BUCHUNGSDATUM MONTANT LIBELLE SOLDE FECHA IMPORTE CONCEPTO MONTO IMPORTO
    DESCRIZIONE BEDRAG REKENING BELOPP DATO KWOTA CASTKA OBJEM MAARA""".split()  # noqa: SIM905
)
DEBIT = frozenset(
    """D DEBITO DEBIT SAIDA DB DEB DBIT DR S PAGAMENTO DESPESA OUT DEBITOS AF DEBET SOLL AUSGANG BELASTUNG CARGO
    WITHDRAWAL""".split()  # noqa: SIM905
)
CREDIT = frozenset(
    """C CREDITO CREDIT ENTRADA CR CRED CRDT E RECEBIMENTO RECEITA IN CREDITOS BIJ HABEN H EINGANG GUTSCHRIFT ABONO
    DEPOSIT""".split()  # noqa: SIM905
)
_SIDES = DEBIT | CREDIT | {"", "+", "-"}

_ACCOUNT = re.compile(
    r"\b(?:CONTA(?: CORRENTE| POUPANCA| DE PAGAMENTO)?|C/C|CC|ACCOUNT|KONTO(?:NUMMER)?|COMPTE|CUENTA|CONTO)\b"
    r"[ :;|,.\-/Nnº°o]{0,10}"
    r"([0-9][0-9.]{2,}(?:[A-Z][0-9]{3,})?(?: ?[-/] ?[0-9Xx]{1,2})?)",
    re.IGNORECASE,
)
_BRANCH = re.compile(r"\bAG(?:ENCIA|ÊNCIA|\.)?\b[^0-9]{0,12}([0-9]{1,5}(?:-[0-9Xx])?)", re.IGNORECASE)
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Z0-9])")
_OPENING = re.compile(
    r"\b(?:SALDO (?:ANTERIOR|INICIAL|POCZATKOWE|INIZIALE)|(?:INITIAL|OPENING|BEGINNING) BALANCE"
    r"|(?:ALTER|LETZTER|ANFANGS) ?KONTOSTAND|ANFANGSSALDO|ANCIEN SOLDE|SOLDE INITIAL|BEGINSALDO)\b"
)
_CLOSING = re.compile(
    r"\b(?:SALDO (?:FINAL|KONCOWE|FINALE)|(?:FINAL|CLOSING|ENDING) BALANCE|(?:NEUER|AKTUELLER) KONTOSTAND"
    r"|NOUVEAU SOLDE|EINDSALDO|ENDSALDO)\b|^KONTOSTAND|^SALDO$|^SOLDE AU\b|^SOLDE EUROS?$"
)


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
    currency: str = ""  # by the heading of the amounts
    is_guessed: bool = False  # by what the cells hold, though a row looks like headings


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
    words = {word for heading in columns.headings for word in heading.split()}
    is_portuguese, day_first = bool(_PORTUGUESE & words), bool(_DAY_FIRST & words)
    order, ambiguous = order_of(dates, by_span=not day_first)
    if mapping and mapping.get("date_order") in ("dmy", "mdy", "ymd"):
        order, ambiguous = Order(str(mapping["date_order"])), False
    decimal = str(mapping.get("decimal", "")) if mapping else ""
    decimal = decimal or decimal_mark(
        columns.cell(row, role) for row in body for role in ("amount", "debit", "credit", "balance")
    )
    if not decimal and is_portuguese:
        decimal = ","
    ambiguous = ambiguous and not day_first and decimal != ","
    first_on = next((on for cell in dates if (on := order.read(cell))), None)
    heads = sample[at][1] if at >= 0 else []
    currency = next(
        (unit for role in ("amount", "credit", "debit", "balance") if (unit := unit_of(columns.cell(heads, role)))), ""
    )
    layout = Layout(columns, sample[at][0] if at >= 0 else 0, order, ambiguous, decimal, "", "", None, None, first_on)
    guessed = at < 0 and any(_is_heading(row) for _, row in sample[:MOST_PREAMBLE])
    layout = replace(layout, currency=currency, is_guessed=guessed)
    return _with_preamble(layout, [row for _, row in sample[: max(at, 0)]], order)


def _is_heading(row: Sequence[str]) -> bool:
    """Whether a row looks like headings: words and no numbers."""
    return len(row) > 2 and all(cell and not any(map(str.isdigit, cell)) for cell in row)


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


_DATE = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{2,4}(?:[ T].*)?|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]")
_NUMBER = re.compile(
    r"[+-]?(?:R\$)? ?[+-]?[0-9][0-9.' ]*,[0-9]{2} ?[DCdc+-]?|[+-]?[$£€]?[+-]?[0-9][0-9,' ]*\.[0-9]{1,2} ?[DCdc+-]?"
)


def _by_content(rows: Sequence[Sequence[str]]) -> Columns | None:
    """Columns of a table without headings: a date, a number with cents, words."""
    rows = [row for row in rows[:200] if len(row) >= 3]
    if not rows:
        return None
    width = max(map(len, rows))

    def is_of_dates(place: int) -> bool:
        dated = [place < len(row) and bool(_DATE.fullmatch(row[place])) for row in rows]
        first = dated.index(True) if True in dated[:MOST_PREAMBLE] else 0
        return sum(dated) >= 0.8 * (len(dated) - first)

    dates = [place for place in range(width) if is_of_dates(place)]
    if not dates:
        return None
    above = next((row for row in rows if not any(map(_DATE.fullmatch, row))), [])
    rows = [row for row in rows if dates[0] < len(row) and _DATE.fullmatch(row[dates[0]])]
    filled = {place: [row[place] for row in rows if place < len(row) and row[place]] for place in range(width)}
    numbers = [
        place
        for place, cells in filled.items()
        if place not in dates and cells and all(_NUMBER.fullmatch(cell) for cell in cells)
    ]
    if not numbers:
        return None
    rest = [place for place in range(width) if place not in dates and place not in numbers]
    length = {place: sum(map(len, filled[place])) for place in rest}
    single = {"date": dates[0]} | _roles_of_numbers(rows, numbers)
    if not {"amount", "debit"} & set(single) or ("balance" not in single and _is_heading(above)):
        return None  # headings that nobody knows: only what the balances prove is taken without asking
    if len(dates) > 1:
        single["valued"] = dates[1]
    sides = [place for place in rest if all(place < len(row) and folded(row[place]) in _SIDES - {""} for row in rows)]
    if sides:
        single["side"] = sides[0]
    texts = sorted((place for place in rest if place not in sides and length[place]), key=lambda place: -length[place])
    return Columns(single, tuple(texts[:1]))


def _roles_of_numbers(rows: Sequence[Sequence[str]], places: Sequence[int]) -> dict[str, int]:
    """Which column of numbers is the amount and which the balance: by what follows from what, else by their order."""
    places = places[:MOST_NUMBERS]
    mark = decimal_mark(row[place] for row in rows for place in places if place < len(row))
    table = [[values.priced(row[place], mark) if place < len(row) else None for place in places] for row in rows]
    whole = [at for at in range(len(places)) if all(line[at] is not None for line in table)]
    halves = [at for at in range(len(places)) if at not in whole]
    pairs = [
        (one, other)
        for one in halves
        for other in halves
        if one < other and all((line[one] is None) != (line[other] is None) for line in table)
    ]
    best: tuple[int, dict[str, int]] = (0, {})
    amounts: list[Decimal | None]
    for balance in whole:
        for one, other in pairs:
            for debit, credit in ((one, other), (other, one)):
                amounts = [abs(line[credit] or ZERO) - abs(line[debit] or ZERO) for line in table]
                if (hits := _follows(amounts, [line[balance] for line in table])) > best[0]:
                    best = hits, {"debit": places[debit], "credit": places[credit], "balance": places[balance]}
        for amount in whole:
            if amount != balance:
                amounts = [line[amount] for line in table]
                if (hits := _follows(amounts, [line[balance] for line in table])) > best[0]:
                    best = hits, {"amount": places[amount], "balance": places[balance]}
    if best[0]:
        return best[1]
    if whole:
        return {"amount": places[whole[0]]} | ({"balance": places[whole[1]]} if len(whole) > 1 else {})
    return {"debit": places[pairs[0][0]], "credit": places[pairs[0][1]]} if pairs else {}


def _follows(amounts: Sequence[Decimal | None], balances: Sequence[Decimal | None]) -> int:
    """How often a balance is the one before plus an amount: of the same row, of the other one, up or down."""
    steps = [
        (later - earlier, before, after)
        for earlier, later, before, after in zip(balances, balances[1:], amounts, amounts[1:], strict=False)
        if earlier is not None and later is not None
    ]
    return max(
        sum(step == after for step, _, after in steps),
        sum(step == before for step, before, _ in steps),
        sum(before is not None and step == -before for step, before, _ in steps),
    )


def _settled(columns: Columns, body: Sequence[Sequence[str]]) -> Columns:
    """Sides that are none become text or kind; a kind that is all there is becomes the text."""
    single, texts = dict(columns.single), list(columns.texts)
    rows = [row for row in body[:2000] if any(character.isdigit() for character in columns.cell(row, "date"))]
    for role, fits in _FITS.items():
        if role in single and not _mostly(fits, [columns.cell(row, role) for row in rows]):
            del single[role]
    if {"fee", "amount", "balance"} <= set(single) and "gross" not in single and _is_beside(columns, rows):
        single["fee_beside"] = single["fee"]
    if "account" in single:
        accounts = [columns.cell(row, "account") for row in rows]
        is_named = bool(columns.headings) and columns.headings[single["account"]] in _OWN
        if not (all(accounts) if is_named else _is_own(accounts)):
            del single["account"]
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
    if not texts and (place := _wordiest(rows, set(single.values()))) >= 0:
        texts.append(place)
    inverted = columns.is_inverted
    if columns.is_card and not inverted and "side" not in single and "amount" in single:
        amounts = [values.priced(columns.cell(row, "amount")) for row in rows]
        positive = sum(amount is not None and amount > 0 for amount in amounts)
        inverted = positive > sum(amount is not None and amount < 0 for amount in amounts)
    return replace(columns, single=single, texts=tuple(sorted(texts)), is_inverted=inverted)


_OWN = frozenset(  # headings that can only mean the account whose statement it is
    {"AUFTRAGSKONTO", "IBAN AUFTRAGSKONTO", "IBAN AUFTRAGGEBERKONTO", "REKENING", "REKENINGNUMMER", "IBAN BBAN"}
    | {"PRODUIT", "CONTA CORRENTE", "NUMERO DA CONTA"}
)
_FITS: dict[str, re.Pattern[str]] = {  # what a cell of a role looks like, where one word names two things
    "valued": re.compile(r"[0-9]{1,4}[-/. ].*|[0-9]{8}"),
    "currency": re.compile(r"[A-Za-z]{3}|[A-Z]{0,2}\$|[€£]|EUROS?|REAL|REAIS|DOLAR(?:ES)?", re.IGNORECASE),
    "original_amount": re.compile(r".*[0-9].*"),
    "balance": re.compile(r".*[0-9].*"),
}


def _mostly(fits: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether the cells that hold anything look like this, and there are some."""
    filled = [cell for cell in cells if cell.strip("- ")]
    return bool(filled) and sum(bool(fits.fullmatch(cell)) for cell in filled) * 2 > len(filled)


def _is_beside(columns: Columns, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a fee leaves the account beside the amount of its row: by what the balances say."""
    amounts, balances, fees = (
        [values.priced(columns.cell(row, role)) for row in rows] for role in ("amount", "balance", "fee")
    )
    if not any(fees):
        return False
    both = [None if amount is None else amount - abs(fee or ZERO) for amount, fee in zip(amounts, fees, strict=True)]
    return _follows(both, balances) > _follows(amounts, balances)


def _is_own(cells: Sequence[str]) -> bool:
    """Whether a column of account numbers names the accounts of the file and not those of the other sides."""
    return bool(cells) and all(cells) and len(set(cells)) in range(1, max(2, len(cells) // 2 + 1))


def _wordiest(rows: Sequence[Sequence[str]], claimed: set[int]) -> int:
    """The column with the most letters among those that have no role; -1 without any."""
    letters: dict[int, int] = {}
    for row in rows[:200]:
        for place, cell in enumerate(row):
            if place not in claimed:
                letters[place] = letters.get(place, 0) + sum(map(str.isalpha, cell))
    place = max(letters, key=lambda each: letters[each], default=-1)
    return place if letters.get(place) else -1


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


def balance_named(label: str) -> str:
    """`opening` or `closing`, if the words name such a balance."""
    words = folded(label)
    return "opening" if _OPENING.search(words) else "closing" if _CLOSING.search(words) else ""


def _with_preamble(layout: Layout, rows: Sequence[Sequence[str]], order: Order) -> Layout:
    """What banks print above the table: account, branch, opening and closing balance."""
    account = branch = iban = ""
    stated: dict[str, Decimal] = {}
    for at, row in enumerate(rows):
        line = " ".join(row).replace("_", " ")
        if not iban and (found := _IBAN.search(line)):
            iban = found[0].replace(" ", "")
        if not account and (found := _ACCOUNT.search(line)):
            account = found[1].replace(" ", "").rstrip(".-/")
        if not branch and (found := _BRANCH.search(line)):
            branch = found[1]
        for place, cell in enumerate(row):
            name = balance_named(cell)
            if not name or name in stated:
                continue
            below = [rows[at + 1][place]] if at + 1 < len(rows) and place < len(rows[at + 1]) else []
            beside = [other for other in row[place + 1 :] if other][:1]
            read = (values.priced(text, layout.decimal) for text in beside + below)
            amount = next((each for each in read if each is not None), None)
            if amount is not None:
                stated[name] = amount
    return replace(
        layout,
        account=iban or account,
        branch=branch,
        opening=stated.get("opening"),
        closing=stated.get("closing"),
    )
