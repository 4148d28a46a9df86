"""Amounts, dates and words as banks write them. What can be read two ways is not read: it is None, and quarantined."""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

from .keys import folded

LARGEST = Decimal(10) ** 15
CENT = Decimal("0.01")

PLAIN = re.compile(r"[+-]?[0-9]{1,15}\.[0-9]{2}")
_COMMON = re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{3}){1,4}|[0-9]{1,15}),[0-9]{2}")  # 1.234,56 as Brazil writes it
_DIGITS = re.compile(r"[0-9]+(?:[.,' ][0-9]+)*[.,]?|[.,][0-9]+")
_SPACES = re.compile(r"[\s\u00a0\u2007\u202f]+")
_BEFORE_SIDE = frozenset("0123456789 )")
_CODES = "BRL|USD|EUR|GBP|CHF|SEK|DKK|NOK|PLN|CZK|HUF|RON|CAD|AUD|NZD|MXN|ARS|CLP|COP|ZAR|INR|TRY"
_CURRENCY = re.compile(rf"^(?:R\$|US\$|U\$|\$|€|£|{_CODES})|(?:R\$|\$|€|£|ZŁ|KČ|KR\.?|{_CODES})$", re.IGNORECASE)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*")


def amount(text: str, decimal: str = "") -> Decimal | None:
    """Money in cents, or None. decimal: the mark the rest of the file uses, which settles `1.234`.

    `1.234,56` `1,234.56` `1234,5` `+10.00` `  -12.00` `12,00-` `(12,00)` are read; `.` `NaN` `1e9` `1.234` (alone) and
    fractions of a cent are not.
    """
    if PLAIN.fullmatch(text):
        return Decimal(text)
    if len(text) > 60:
        return None
    return _amount(text, decimal)


def _amount(text: str, decimal: str) -> Decimal | None:
    text = _SPACES.sub(" ", text).strip().replace("\u2212", "-").replace("\u2013", "-").replace("’", "'")
    negative, text = _sign(text)
    if not text or not _DIGITS.fullmatch(text) or not text.isascii():
        return None
    whole, fraction = _split(text, decimal)
    if whole is None or len(whole) > 15 or fraction[2:].strip("0"):
        return None
    value = Decimal(f"{whole or '0'}.{(fraction + '00')[:2]}")
    return -value if negative and value else value


def _sign(text: str) -> tuple[bool, str]:
    if text.startswith("(") and text.endswith(")"):
        return True, text[1:-1].strip()
    if text.startswith(("+", "-")):
        return text.startswith("-"), text[1:].strip()
    if text.endswith(("+", "-")):
        return text.endswith("-"), text[:-1].strip()
    return False, text


def _split(text: str, decimal: str) -> tuple[str | None, str]:
    """Whole part and fraction; (None, …) where the marks contradict each other."""
    last = max(text.rfind("."), text.rfind(","))
    marks = {mark for mark in ".,' " if mark in text}
    if last < 0:
        return (text.replace("'", "").replace(" ", ""), "") if not marks or _THOUSANDS.fullmatch(text) else (None, "")
    mark = text[last]
    if len(marks) == 1 and _THOUSANDS.fullmatch(text):
        grouped = text.count(mark) > 1 or (decimal and decimal != mark)
        if not grouped and decimal != mark:
            return (None, "") if text[0] != "0" else (text[:last], text[last + 1 :])
        return (text.replace(mark, ""), "") if grouped else (text[:last], text[last + 1 :])
    whole, fraction = text[:last], text[last + 1 :]
    if mark in whole:
        return None, ""
    if marks - {mark} and not _THOUSANDS.fullmatch(whole):
        return None, ""
    return re.sub(r"[.,' ]", "", whole), fraction


def priced(text: str, decimal: str = "") -> Decimal | None:
    """An amount from a table cell: also `R$ 1.234,56`, `-R$ 10,00`, `R$ -10,00`, `1.234,56 D`."""
    if not text:
        return None
    if _COMMON.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    text = text.strip().replace("\u2212", "-")
    side = ""
    if text[-1:].upper() in ("D", "C") and text[-2:-1] in _BEFORE_SIDE:
        text, side = text[:-1].strip(), text[-1].upper()
    elif text[-2:].upper() in ("DR", "CR", "DB") and text[-3:-2] in _BEFORE_SIDE:
        text, side = text[:-2].strip(), text[-2:].upper().replace("R", "")[0]
    lead = ""
    if text.startswith(("+", "-")):
        lead, text = text[0], text[1:].strip()
    text = _CURRENCY.sub("", text).strip()
    value = amount(text if text.startswith(("+", "-", "(")) else lead + text, decimal)
    return -abs(value) if value is not None and side == "D" else value


_COMPACT = re.compile(r"\s*([0-9]{4})([0-9]{2})([0-9]{2})(?:[^0-9]|$|[0-9]{2})")
_ISO = re.compile(r"\s*([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[^0-9]|$)")
_BRAZILIAN = re.compile(r"\s*([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})(?:[^0-9]|$)")


@lru_cache(maxsize=20_000)
def stamp(text: str) -> date | None:
    """The day of `20240131…`, whatever hour and zone follow: as printed. Also `2024-01-31` and `31/01/2024`."""
    for pattern, order in ((_COMPACT, (1, 2, 3)), (_ISO, (1, 2, 3)), (_BRAZILIAN, (3, 2, 1))):
        if found := pattern.match(text):
            return day(*(int(found[group]) for group in order))
    return None


def day(year: int, month: int, of_month: int) -> date | None:
    """The date, if there is such a day in a year a bank can mean."""
    if not 1900 <= year <= 2199:
        return None
    try:
        return date(year, month, of_month)
    except ValueError:
        return None


def century(two_digits: int, pivot: int = 70) -> int:
    """99 → 1999, 26 → 2026."""
    return two_digits + (1900 if two_digits >= pivot else 2000)


MAY_BE_BALANCE = re.compile(
    r"\s*[*\-=.( ]*\s*(?:S ?A ?L ?D|S ?D ?O\b|OPENING|CLOSING|BALANCE|BEGINNING|ENDING|INITIAL|SLD\b)", re.I
)
_BALANCE = re.compile(
    r"(?:SALDOS?|SDO|SLD)"
    r"(?: (?:ANTERIOR(?:ES)?|ANT|ATUAL|DO DIA|DIA|DIARIO|EM|INICIAL|FINAL|TOTAL|DISPONIVEL|DISP|BLOQUEADO|BLOQ|PARCIAL"
    r"|CONTABIL|LIQUIDO|PROVISORIO|(?:EM |DA |DE |NA )?CONTA(?: CORRENTE)?|CTA|C C|CC|APLIC\w*|APL|INVEST\w*"
    r"|DO PERIODO|NO PERIODO|ABERTURA|DE ABERTURA|FECHAMENTO|DE FECHAMENTO|ENCERRAMENTO|FINAL DO DIA|MES ANTERIOR"
    r"|DO MES|NA DATA|PREVISTO|PROJETADO|A LIBERAR|RESERVADO|EM APLICACAO|CDB|RDB|FUNDOS?|UTILIZADO"
    r"|CONSOLIDADO|TRANSPORTE|TRANSPORTADO|A TRANSPORTAR|VINCULADO|LIVRE|SUJEITO|LIMITE|CREDOR|POUPANCA|AUTOMATIC\w*"
    r"|[0-9]+)\b.*)?"
    r"|(?:(?:OPENING|CLOSING|BEGINNING|ENDING|LEDGER|AVAILABLE|INITIAL(?: AVAILABLE)?) BALANCE\b.*"
    r"|BALANCE (?:BROUGHT|CARRIED|FORWARD)\b.*)"
)
_SPELLED = re.compile(r"^S ?A ?L ?D ?O(?: S)?\b")


def is_balance(text: str) -> bool:
    """Whether a line's text names a balance: `SALDO ANTERIOR`, `S A L D O`. `SALDO DEVEDOR` is a movement."""
    if not MAY_BE_BALANCE.match(text):
        return False
    return bool(_BALANCE.fullmatch(_SPELLED.sub("SALDO", folded(text))))


def is_opening(text: str) -> bool:
    """Whether a balance line states the balance before the lines."""
    return bool(
        re.search(r"\b(?:ANTERIOR|ANT|INICIAL|ABERTURA|TRANSPORTE|OPENING|BEGINNING|INITIAL|BROUGHT)\b", folded(text))
    )


def is_closing(text: str) -> bool:
    """Whether a balance line states a balance at the end of a day, of the account and of no investment beside it."""
    return bool(
        re.search(
            r"^(?:SALDO|SDO)(?: (?:DO DIA|DIA|DIARIO|NA DATA|FINAL|ATUAL|EM CONTA|TOTAL)\b|$)|CLOSING|ENDING",
            _spelled(text),
        )
    )


def _spelled(text: str) -> str:
    return _SPELLED.sub("SALDO", folded(text))


def tidy(text: str) -> str:
    """One line, single spaces."""
    return " ".join(text.split())
