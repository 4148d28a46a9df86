"""Money without Django: whole cents in `Decimal`, read and written as people of each language do.

One currency, the real. Amounts are `Decimal` with two places; `brl` refuses anything finer, so a lost cent is an error
here and not a surprise in a report.
"""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

CENT = Decimal("0.01")
MINUS = "\u2212"
NBSP = "\u00a0"
LARGEST = Decimal("9999999999999999.99")  # NUMERIC(18, 2)

_SPACES = re.compile(r"[\s\u00a0\u202f]+")
_SIGN = re.compile(r"^([-\u2212])?(?:R\$)?([-\u2212])?(.*)$", re.DOTALL)


class NotMoney(ValueError):
    """The text is no amount. `reason`: empty, mark, decimals, size, text; `offer`: a text that would be read, or ""."""

    def __init__(self, text: str, reason: str, offer: str = "") -> None:
        super().__init__(text)
        self.text, self.reason, self.offer = text, reason, offer


def brl(amount: str | int | Decimal) -> Decimal:
    """An exact amount in reais from code or a file: `brl("99.50")`. Raises ValueError below one cent."""
    try:
        value = Decimal(amount)
        cents = value.quantize(CENT)
    except InvalidOperation as problem:
        raise ValueError(f"{amount!r} is not an amount") from problem
    if cents != value:
        raise ValueError(f"{amount!r} is finer than one cent")
    return cents


def split(total: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """Share `total` (whole cents) by `weights`; shares sum to `total`, odd cents go to the largest remainders.

    Raises ValueError for no weights, a negative weight, or weights that are all zero.
    """
    cents, whole = int(total / CENT), sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be zero or more, and one above zero")
    shares = [cents * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(cents * weights[i] % whole), i))
    for i in by_remainder[: cents - sum(shares)]:
        shares[i] += 1
    return [share * CENT for share in shares]


def marks(language: str) -> tuple[str, str]:
    """Thousands and decimal mark of a language."""
    return (".", ",") if language.lower().startswith("pt") else (",", ".")


def format_number(value: Decimal | int, language: str, places: int | None = None) -> str:
    """Group in threes; `places` decimals (rounded half up to even for show only), else as many as the value carries."""
    shown = f"{value:,.{places}f}" if places is not None else f"{value:,d}" if isinstance(value, int) else f"{value:,f}"
    thousands, decimal = marks(language)
    if shown.startswith("-"):
        shown = MINUS + shown[1:] if shown.strip("-0.,") else shown[1:]
    return shown.translate(str.maketrans(",.", thousands + decimal))


def format_money(amount: Decimal, language: str, *, symbol: bool = True) -> str:
    """`R$ 1.234,56` with a space that does not break, minus U+2212 before everything."""
    number = format_number(amount, language, 2)
    if not symbol:
        return number
    sign, digits = (MINUS, number[1:]) if number.startswith(MINUS) else ("", number)
    gap = NBSP if marks(language)[0] == "." else ""
    return f"{sign}R${gap}{digits}"


def parse_money(text: str, language: str) -> Decimal:
    """Read an amount as a person of `language` writes it; never guess.

    `R$`, spaces and their unbreakable kin are ignored; the thousands mark stands only before groups of three, the
    decimal mark before one or two digits; digits are 0 to 9. In pt-br `12.50` is refused and `12,50` offered; in en the
    other way round. Raises NotMoney.
    """
    thousands, decimal = marks(language)
    bare = _SPACES.sub(" ", text).strip()
    if not bare:
        raise NotMoney(text, "empty")
    signed = _SIGN.match(bare.replace("R$ ", "R$").replace("- ", "-").replace(f"{MINUS} ", MINUS))
    if signed is None or (signed[1] and signed[2]):
        raise NotMoney(text, "text")
    digits = signed[3].strip()
    value = _read(digits, thousands, decimal)
    if value is None:
        raise _explain(text, digits, thousands, decimal, bool(signed[1] or signed[2]))
    if value > LARGEST:
        raise NotMoney(text, "size")
    return -value if value and (signed[1] or signed[2]) else value


def _read(digits: str, thousands: str, decimal: str) -> Decimal | None:
    group = rf"[0-9]{{1,3}}(?:[{re.escape(thousands)} ][0-9]{{3}})+|[0-9]+"
    if not re.fullmatch(rf"(?:{group})(?:{re.escape(decimal)}[0-9]{{1,2}})?", digits):
        return None
    if " " in digits and thousands in digits:
        return None
    plain = digits.replace(thousands, "").replace(" ", "").replace(decimal, ".")
    return Decimal(plain).quantize(CENT) if len(plain) <= 20 else LARGEST + 1


def _explain(text: str, digits: str, thousands: str, decimal: str, negative: bool) -> NotMoney:
    if re.fullmatch(rf"[0-9{thousands} ]*[0-9]{re.escape(decimal)}[0-9]{{3,}}", digits):
        return NotMoney(text, "decimals")
    other = _read(digits, decimal, thousands)
    if other is not None and other <= LARGEST:
        offer = f"{other:f}".replace(".", decimal)
        return NotMoney(text, "mark", f"-{offer}" if negative else offer)
    return NotMoney(text, "text")
