"""What a bank line's text names, and the forms in which a document's number is kept, so that both meet by equality.

A number has forms, strongest first. `INV/2025/000123` is kept as

    INV2025000123   letters and digits as they stand (digits only: without leading zeros)
    2025-123        its runs of digits without leading zeros
    ~123            its telling run alone: the weak form

A line's text gives the same forms. Kind `doc` says that the text introduces the number as a document's (`NF 12.345`,
letters of its own, a year in it); kind `ref` the same by a word that may mean the other side's number (`PEDIDO 77`);
kind `num` that a bare number merely stands there: it may be a terminal, a telephone, a date, an amount, the bank's own.
A hit by `doc` or `ref` on a form without `~` is strong; every other hit is weak, and a weak one never decides alone
(finance/matching.py). Kind `tax` is a CPF or CNPJ, or what a bank left of a CPF: `***444777**`.

Standard library only. Every expression is linear: no nested repeats, words are entered at their beginning only.
"""

import re
from typing import Final

Token = tuple[str, str]

DOC, REF, NUM, TAX = "doc", "ref", "num", "tax"
E2E, TXID, NOSSO, BARCODE, NSU = "e2e", "txid", "nosso", "barcode", "nsu"
STRONG_KINDS: Final = (E2E, TXID, NOSSO, BARCODE, NSU)  # payment keys: made to name one payment
LONGEST: Final = 80  # characters of a value

_ACCENTS = str.maketrans("ÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑ", "AAAAAEEEEIIIIOOOOOUUUUCN")
# A number: digits, perhaps letters among them, its parts joined by a sign; before it a word, at most three signs away.
_GROUP = re.compile(
    # Greedy groups, not possessive ones: those that hold captures go wrong in Python 3.11.2.
    r"(?<![A-Z0-9])(?:((?:[A-Z]{1,4}+[-.](?=[A-Z]))?[A-Z]++)([^A-Z0-9+,;]{0,3}+))?"
    r"([0-9][0-9A-Z]*+(?:[/.\-_](?=[A-Z]{0,3}[0-9])[0-9A-Z]++)*)"
)
_HAS_DIGIT = re.compile(r"[0-9]").search
_MIXED = re.compile(r"[0-9][A-Z]")
_RUNS = re.compile(r"[0-9./_\-]+")
_DIGITS = re.compile(r"[0-9]+")
_AND = re.compile(r"\s*(?:[,;+&/]|E|AND)\s*")
_NO_WORD = re.compile(r"[^0-9A-Z]+")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
_DATE = re.compile(
    r"(?:(?:0?[1-9]|[12][0-9]|3[01])[/.\-](?:0?[1-9]|1[0-2])(?:[/.\-](?:[0-9]{2}|(?:19|20)[0-9]{2}))?"
    r"|(?:19|20)[0-9]{2}[/.\-](?:0?[1-9]|1[0-2])(?:[/.\-](?:0?[1-9]|[12][0-9]|3[01]))?"
    r"|(?:0?[1-9]|1[0-2])[/.\-](?:19|20)?[0-9]{2}"
    r"|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])(?:19|20)[0-9]{2}"
    r"|20[0-4][0-9](?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])20[0-4][0-9])"  # a month, as in `REF 202611`
)
_CENTS = re.compile(r",[0-9]{2}(?![0-9])")  # after the digits of an amount
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_E2E = re.compile(r"(?<![A-Z0-9])[ED][0-9]{20}[A-Z0-9]{11}(?![A-Z0-9])")
_TXID = re.compile(r"(?<![A-Z0-9])[A-Z0-9]{26,35}+(?![A-Z0-9])")
_BOLETO = re.compile(r"(?<![0-9])[0-9](?:[ .\-]{0,2}[0-9]){43,47}+(?![0-9])")
_CALLED = re.compile(
    r"(?<![A-Z])(NOSSO NUMERO|NOSSO NUM|NOSSO NRO|NOSSO NO|NSU|TXID)[^A-Z0-9]{0,4}([0-9A-Z][0-9A-Z./\-]*+)"
)

_TAX = re.compile(
    r"(?<![0-9A-Z])(?:[0-9]{3}\.[0-9]{3}\.[0-9]{3}-?[0-9]{2}|[0-9]{9}-?[0-9]{2}"
    r"|[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/?[0-9A-Z]{4}-?[0-9]{2}|[0-9A-Z]{8}/?[0-9A-Z]{4}-?[0-9]{2})(?![0-9A-Z])"
)
_MASKED = re.compile(r"(?<![0-9A-Z])[*\u2022X]{3}\.?([0-9]{3})\.?([0-9]{3})-?[*\u2022X]{2}(?![0-9A-Z])")

# Words that introduce a document's number.
_WORDS = frozenset(
    """NF NFE NFS NFSE NFCE NFES NFSES CT CTE NOTA NOTAS FISCAL FATURA FATURAS FAT INV INVOICE INVOICES BILL BILLS DOCTO
    DOCUMENTO DUP DUPL DUPLICATA DUPLICATAS TITULO TITULOS TIT BOLETO BOLETOS PEDIDO PED ORDER REF REFERENCIA RECIBO
    CONTRATO RECHNUNG FACTURA FACTURE""".split()  # noqa: SIM905
)
# Words among them that a payer or a carrier, or the bank itself, uses for numbers of its own.
_FOREIGN = frozenset("PEDIDO PED ORDER REF REFERENCIA RECIBO CONTRATO DOCTO DOCUMENTO".split())  # noqa: SIM905
_FREIGHT = frozenset(("CT", "CTE"))  # a freight document's number is not that of the invoice that it carries
_NUMBER_WORDS = frozenset(("N", "NO", "NR", "NRO", "NUM", "NUMERO"))  # say what the word before them says
_WORD_BEFORE = re.compile(r"([A-Z]+)[^A-Z0-9]*$")
_AND_WORDS = frozenset(("E", "AND", "Y", "ET", "UND"))


def tokens(text: str, payer: str = "", reference: str = "", document: str = "") -> set[Token]:
    """What a line names. payer and reference name documents only where they say so; a bare number there is an id.

    document: a field for numbers, as a rule the bank's own; what stands there is never introduced.
    """
    found: set[Token] = set()
    _read(_folded(text), found, bare=True)
    if payer and payer != text:
        _read(_folded(payer), found, bare=False)
    if reference and reference != text and not (len(reference) < 11 and reference.isdigit()):  # a bare number is an id
        _read(_folded(reference), found, bare=False)
    if document and document not in text:
        own: set[Token] = set()
        _read(_folded(document), own, bare=True)
        found |= {(NUM if kind in (DOC, REF) else kind, value) for kind, value in own}
    return found


def document_keys(number: str) -> set[str]:
    """The forms under which a document's number is kept, see above; empty when it says too little."""
    plain = _NO_WORD.sub(" ", _folded(number)).strip()
    whole = plain.replace(" ", "")[:LONGEST]
    runs = [run.lstrip("0") or "0" for run in _DIGITS.findall(plain)]
    keys = set()
    if whole.isdigit():
        whole = whole.lstrip("0")
    if runs and len(whole) >= 2 and not (whole.isdigit() and len(whole) < 3 and len(runs) == 1):
        keys.add(whole)
    elif runs and whole:
        keys.add(f"~{whole}")
    digits = sum(map(len, runs))
    if not runs or len(plain) > LONGEST or _MIXED.search(plain):
        return keys
    if len(runs) == 1 and digits >= 3:
        keys.add(runs[0])
    elif len(runs) > 1:
        if digits >= 3:
            keys.add("-".join(runs))
        telling = max((run for run in runs if not _YEAR.fullmatch(run)), key=len, default="")
        if len(telling) >= 3 and not _THOUSANDS.search(number):
            keys.add(f"~{telling}")
    return keys


def part_keys(number: str, seq: int) -> set[str]:
    """How the text names one part of a document, `NF 1234/2`: by `1234-2` alone, for `NF12342` is another document."""
    if _YEAR.fullmatch("".join(_DIGITS.findall(number))):
        return set()  # `2025/1` is a document of that year
    return {key for key in document_keys(f"{number}/{seq}") if "-" in key}


def key_value(kind: str, value: str) -> str:
    """A payment key as it is kept: letters and digits, upper case; a boleto's typed line as its barcode of 44."""
    plain = _NO_WORD.sub("", _folded(value))
    if kind == BARCODE:
        return _barcode(plain) or plain[:LONGEST]
    if kind == NOSSO:
        return plain.lstrip("0")[:LONGEST]
    return plain[:LONGEST]


def is_tax_id(plain: str) -> bool:
    """Whether letters and digits are a CPF or CNPJ, check digits right; letters count as ASCII - 48 (IN 2.229/2024)."""
    weights: tuple[tuple[int, ...], ...]
    if len(plain) == 11 and plain.isdigit():
        weights = ((10, 9, 8, 7, 6, 5, 4, 3, 2), (11, 10, 9, 8, 7, 6, 5, 4, 3, 2))
    elif len(plain) == 14 and plain[12:].isdigit():
        weights = ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))
    else:
        return False
    if plain == plain[0] * len(plain):
        return False
    values = [ord(sign) - 48 for sign in plain]
    for row in weights:
        rest = sum(map(int.__mul__, row, values)) % 11
        if values[len(row)] != (0 if rest < 2 else 11 - rest):
            return False
    return True


def _folded(text: str) -> str:
    upper = text.upper()
    return upper if upper.isascii() else upper.translate(_ACCENTS)


def _read(text: str, found: set[Token], *, bare: bool) -> None:
    """Add what `text` names; bare: whether a number without a word before it counts."""
    if not _HAS_DIGIT(text) and not ("NOSSO" in text or "NSU" in text or "TXID" in text):
        return  # names of people, as a rule
    taken = _read_ids(text, found) if len(text) >= 8 else ()
    introduced, by, last = False, "", 0
    for match in _GROUP.finditer(text):
        word, gap, number = match.groups()
        start, end = match.span()
        if taken and any(low < end and match.start(3) < high for low, high in taken):
            introduced, last = False, end
            continue
        if not word:
            introduced = introduced and _AND.fullmatch(text, last, start) is not None
        elif introduced and word in _AND_WORDS and gap and text[last:start] == " ":
            word = ""  # `NF 123 e 124`: the next one
        elif word in _NUMBER_WORDS:
            before = _WORD_BEFORE.search(text, max(0, start - 20), start)
            by = before[1] if before else ""
            introduced = by in _WORDS
            word = ""
        else:
            by = word if word.isalpha() else word.replace("-", "").replace(".", "")
            introduced = by in _WORDS
        last = end
        kind = (REF if by in _FOREIGN else DOC) if introduced else ""
        if word:
            if introduced or len(word) <= 3 or " " not in gap:
                _add_whole(word, gap, number, kind or DOC, found)
            if not gap and _MIXED.search(number):
                continue  # one code, `A1B2C3`
        if introduced or bare or (word and not number.isalnum()):
            is_amount = text.startswith(",", end) and _CENTS.match(text, end) is not None
            _add_numbers(number, "" if is_amount or by in _FREIGHT else kind, bare or introduced, found)


def _add_whole(word: str, gap: str, number: str, kind: str, found: set[Token]) -> None:
    """The form with the letters before it: `INV2025000123`."""
    digits = number if number.isalnum() else _NO_WORD.sub("", number)
    if len(digits) < 2 or len(word) + len(digits) > LONGEST:
        return
    short = word if word.isalpha() else word.rpartition("-")[2].rpartition(".")[2]
    if len(word) <= 6 or " " not in gap:
        found.add((kind, short + digits))
        if short != word:
            found.add((kind, _NO_WORD.sub("", word) + digits))


def _add_numbers(number: str, kind: str, bare: bool, found: set[Token]) -> None:
    """The forms without letters before the number; a mixed one, `4A71`, as it stands. kind: how it was introduced."""
    if len(number) > LONGEST - 1:
        return
    if number.isdigit():
        value = number.lstrip("0")
        if len(value) >= 3:
            found.add((kind if kind and not _DATE.fullmatch(number) else NUM, value))
            found.add((NUM, f"~{value}"))
        return
    parts = _DIGITS.findall(number)
    runs = [part.lstrip("0") or "0" for part in parts]
    if not _RUNS.fullmatch(number):
        whole = _NO_WORD.sub("", number)
        if len(whole) >= 4:
            found.add((kind or DOC, whole))
    elif _DATE.fullmatch(number):
        if bare:
            found.add((NUM, "-".join(runs)))
    elif sum(map(len, runs)) >= 3:
        joined = "".join(parts)
        yearly = len(joined) >= 8 and any(_YEAR.fullmatch(part) for part in parts)
        found.add((kind or (DOC if yearly else NUM), "-".join(runs)))
        if _THOUSANDS.fullmatch(number):
            found.add((kind or NUM, joined.lstrip("0")))
        elif "/" not in number:
            found.add((NUM, joined.lstrip("0")))


def _read_ids(text: str, found: set[Token]) -> list[tuple[int, int]]:
    """Add payment keys and tax ids; where they stand, so that their digits are not read again as numbers."""
    taken: list[tuple[int, int]] = []
    if len(text) >= 26:
        for match in _E2E.finditer(text):
            found.add((E2E, match[0]))
            taken.append(match.span())
        for match in _TXID.finditer(text):
            if not match[0].isdigit() and not match[0].isalpha() and match.span() not in taken:
                found.add((TXID, match[0]))
        if len(text) >= 44:
            for match in _BOLETO.finditer(text):
                if code := _barcode(_NO_WORD.sub("", match[0])):
                    found.add((BARCODE, code))
                    taken.append(match.span())
    if "NOSSO" in text or "NSU" in text or "TXID" in text:
        for match in _CALLED.finditer(text):
            kind = {"NSU": NSU, "TXID": TXID}.get(match[1], NOSSO)
            value = key_value(kind, match[2])
            if len(value) >= 3:
                found.add((kind, value))
                taken.append(match.span())
    if len(text) >= 11:
        for match in _TAX.finditer(text):
            plain = _NO_WORD.sub("", match[0])
            if is_tax_id(plain) and not any(low < match.end() and match.start() < high for low, high in taken):
                found.add((TAX, plain))
                taken.append(match.span())
        if "**" in text or "XXX" in text or "\u2022" in text:
            for match in _MASKED.finditer(text):
                found.add((TAX, f"***{match[1]}{match[2]}**"))
                taken.append(match.span())
    return taken


def _barcode(digits: str) -> str:
    """The 44 digits of a boleto from its barcode, its typed line of 47, or a utility bill's 48; else empty."""
    if not digits.isdigit():
        return ""
    if len(digits) == 48 and digits[0] == "8":
        return "".join(digits[at : at + 11] for at in (0, 12, 24, 36))
    if len(digits) == 47:
        digits = digits[:4] + digits[32:47] + digits[4:9] + digits[10:20] + digits[21:31]
    if len(digits) != 44:
        return ""
    return digits if digits[0] == "8" or digits[4] == _check_digit(digits) else ""


def _check_digit(barcode: str) -> str:
    """Modulus 11, weights 2 to 9 from the right over the other 43 digits; 0, 10 and 11 give 1 (FEBRABAN)."""
    others = (barcode[:4] + barcode[5:])[::-1]
    rest = 11 - sum(int(sign) * (2 + at % 8) for at, sign in enumerate(others)) % 11
    return "1" if rest in (0, 10, 11) else str(rest)
