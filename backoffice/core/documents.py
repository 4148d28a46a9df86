"""CPF and CNPJ: checked, written and hidden as people know them. A CNPJ may carry letters (IN RFB 2.229/2024)."""

import re
from typing import Literal

from stdnum.br import cnpj as _cnpj
from stdnum.br import cpf as _cpf

Kind = Literal["cpf", "cnpj"]


class NotATaxId(ValueError):
    """The text is neither a CPF nor a CNPJ. `reason` is length or check."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def bare(text: str) -> str:
    """Letters and digits only, capital: how tax ids are kept."""
    return re.sub(r"[^0-9A-Z]", "", text.upper())


def kind_of(tax_id: str) -> Kind | None:
    """What a kept tax id is, by its length."""
    return {11: "cpf", 14: "cnpj"}.get(len(tax_id))  # type: ignore[return-value]


def parse_tax_id(text: str) -> str:
    """The tax id as it is kept, from any way of writing it. Raises NotATaxId."""
    tax_id = bare(text)
    if re.fullmatch(r"[0-9]{11}", tax_id):
        is_right = len(set(tax_id)) > 1 and _cpf.is_valid(tax_id)
    elif re.fullmatch(r"[0-9A-Z]{12}[0-9]{2}", tax_id):
        is_right = len(set(tax_id)) > 1 and _cnpj.is_valid(tax_id)
    else:
        raise NotATaxId("length")
    if not is_right:
        raise NotATaxId("check")
    return tax_id


def format_tax_id(tax_id: str) -> str:
    """`123.456.789-09` or `12.ABC.345/01DE-35`; other text as it is."""
    kind = kind_of(tax_id)
    if kind == "cpf":
        return f"{tax_id[:3]}.{tax_id[3:6]}.{tax_id[6:9]}-{tax_id[9:]}"
    if kind == "cnpj":
        return f"{tax_id[:2]}.{tax_id[2:5]}.{tax_id[5:8]}/{tax_id[8:12]}-{tax_id[12:]}"
    return tax_id


def mask_tax_id(tax_id: str) -> str:
    """A CPF with its ends hidden, `***.456.789-**`; a CNPJ is public and shown whole."""
    if kind_of(tax_id) == "cpf":
        return f"***.{tax_id[3:6]}.{tax_id[6:9]}-**"
    return format_tax_id(tax_id)
