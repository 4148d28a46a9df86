"""Rules on a line's text and sign: which lines they fit, and how an amount is spread over their accounts.

A condition: `{"how": "contains", "pattern": "tarifa pix", "sign": "out", "least": "0.01", "most": "50.00",
"bank_account": 3}`; all but how and pattern may be missing. A template: lines of `{"account": 12, "share": "1",
"role": "fee", "cost_centre": 4, "party": 9}` whose shares sum to one. Patterns are plain words, no
expressions: none can run long.
The database fits the same way (services/rules.py).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from backoffice.core.money import CENT

CONTAINS, STARTS, WORDS, EXACT = "contains", "starts", "words", "exact"
HOWS = (CONTAINS, STARTS, WORDS, EXACT)
IN, OUT = "in", "out"
SHORTEST = 3  # letters and digits of a pattern: a shorter one fits everything
_ACCENTED = "áàâãäåéèêëíìîïóòôõöúùûüçñýÿ"
_TABLE = str.maketrans(_ACCENTED, "aaaaaaeeeeiiiiooooouuuucnyy")
_GAPS = re.compile(r"[^a-z0-9]+")
# Words of banks, of months and between words: what they share says nothing about what a line is.
_SAYS_NOTHING = frozenset(
    """pix ted doc tef transf transferencia transferencias transferido transferida enviado enviada recebido recebida
    pagamento pagamentos pagto pgto pago paga deposito dep debito deb credito cred automatico automatica aut compra
    compras cartao boleto titulo liquidacao liq conta contas corrente agencia banco bco valor ref referente lancamento
    sispag internet online mobile app chave qr code dinamico estatico via para pelo pela por com sem dos das uma numero
    nro num ltda eireli epp cpf cnpj payment transfer wire sent received
    jan fev mar abr mai jun jul ago set out nov dez janeiro fevereiro marco abril maio junho julho agosto setembro
    outubro novembro dezembro""".split()  # noqa: SIM905
)


class WrongRule(ValueError):
    """The condition or the template says nothing usable; `args[0]` is the field."""


@dataclass(frozen=True)
class Condition:
    """sign: in, out or empty for both. least, most: of the amount without sign, inclusive."""

    how: str
    pattern: str
    sign: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    bank_account: int | None = None

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise WrongRule("how")
        if len(folded(self.pattern).replace(" ", "")) < SHORTEST:
            raise WrongRule("pattern")
        if self.sign not in ("", IN, OUT):
            raise WrongRule("sign")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise WrongRule("most")

    def likes(self) -> list[str]:
        """What the folded text, with a space at both ends, must be LIKE: all of them."""
        pattern = folded(self.pattern).strip()
        if self.how == CONTAINS:
            return [f"%{pattern}%"]
        if self.how == STARTS:
            return [f" {pattern}%"]
        if self.how == EXACT:
            return [f" {pattern} "]
        return [f"% {word} %" for word in pattern.split()]

    def fits(self, *, text: str, payer: str, amount: Decimal, bank_account: int) -> bool:
        """Whether the rule is about this line."""
        if self.bank_account not in (None, bank_account) or self.sign not in ("", IN if amount > 0 else OUT):
            return False
        if (self.least is not None and abs(amount) < self.least) or (self.most is not None and abs(amount) > self.most):
            return False
        whole, pattern = folded(f"{text} {payer}"), folded(self.pattern).strip()
        if self.how == CONTAINS:
            return pattern in whole
        if self.how == STARTS:
            return whole.startswith(f" {pattern}")
        if self.how == EXACT:
            return whole == f" {pattern} "
        return all(f" {word} " in whole for word in pattern.split())

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"how": self.how, "pattern": self.pattern}
        found |= {"sign": self.sign} if self.sign else {}
        found |= {"least": str(self.least)} if self.least is not None else {}
        found |= {"most": str(self.most)} if self.most is not None else {}
        return found | ({"bank_account": self.bank_account} if self.bank_account else {})


@dataclass(frozen=True)
class Part:
    """One line of a template. share: a fraction of the bank line."""

    account: int
    share: Decimal = Decimal(1)
    role: str = ""
    cost_centre: int | None = None
    party: int | None = None

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"account": self.account, "share": str(self.share)}
        for name in ("role", "cost_centre", "party"):
            if value := getattr(self, name):
                found[name] = value
        return found


def folded(text: str) -> str:
    """Small letters without accents and digits, single spaces, one at both ends."""
    return " " + _GAPS.sub(" ", text.lower().translate(_TABLE)).strip() + " "


def condition_of(data: Mapping[str, Any]) -> Condition:
    """From JSON. Raises WrongRule."""
    return Condition(
        how=data.get("how", CONTAINS),
        pattern=data.get("pattern", ""),
        sign=data.get("sign", ""),
        least=Decimal(data["least"]) if data.get("least") is not None else None,
        most=Decimal(data["most"]) if data.get("most") is not None else None,
        bank_account=data.get("bank_account"),
    )


def template_of(rows: Sequence[Mapping[str, Any]]) -> list[Part]:
    """From JSON. Raises WrongRule when there is no line or the shares do not sum to one."""
    parts = [
        Part(
            account=row["account"],
            share=Decimal(row.get("share", "1")),
            role=row.get("role", ""),
            cost_centre=row.get("cost_centre"),
            party=row.get("party"),
        )
        for row in rows
    ]
    if not parts or any(part.share <= 0 for part in parts) or sum(part.share for part in parts) != 1:
        raise WrongRule("share")
    return parts


def spread(amount: Decimal, parts: Sequence[Part]) -> list[tuple[Part, Decimal]]:
    """The postings against a bank line of `amount`: they sum to -amount; the last one takes the odd cents, zeros go."""
    left, found = -amount, []
    for part in parts[:-1]:
        cents = (-amount * part.share).quantize(CENT, rounding=ROUND_HALF_UP)
        found.append((part, cents))
        left -= cents
    found.append((parts[-1], left))
    return [(part, cents) for part, cents in found if cents]


def proposed_pattern(first: str, second: str) -> str:
    """What two texts that were treated alike share: their common words in order, or nothing.

    Numbers, short words and those of any bank line are left out.
    """
    others = folded(second).split()
    shared = [
        word
        for word in folded(first).split()
        if len(word) >= SHORTEST and word.isalpha() and word not in _SAYS_NOTHING and word in others
    ]
    pattern = " ".join(dict.fromkeys(shared))
    return pattern if len(pattern.replace(" ", "")) >= SHORTEST + 1 else ""
