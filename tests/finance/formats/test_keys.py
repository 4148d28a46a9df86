"""Keys: the same line gives the same key in every file, and nothing else does."""

from datetime import date
from decimal import Decimal

from finance.formats.keys import SIZE, folded, hint, line_key, numbered

BASE = {
    "account": "7",
    "on": date(2024, 1, 10),
    "amount": Decimal("10.00"),
    "kind": "CREDIT",
    "text": "Pix recebido - José",
    "payer": "JOSE",
    "reference": "E123",
}


def key(**changed: object) -> bytes:
    return line_key(**(BASE | changed))  # type: ignore[arg-type]


def test_a_key_has_sixteen_bytes_and_ignores_spelling() -> None:
    assert len(key()) == SIZE == 16
    assert key() == key(text="PIX  RECEBIDO JOSE", kind="credit", amount=Decimal("10.0"), reference="e-123")


def test_each_fact_tells_lines_apart() -> None:
    others = [
        {"account": "8"},
        {"on": date(2024, 1, 11)},
        {"amount": Decimal("-10.00")},
        {"kind": "DEBIT"},
        {"text": "Pix recebido - Joana"},
        {"payer": "JOANA"},
        {"reference": "E124"},
    ]
    assert len({key(**other) for other in others} | {key()}) == len(others) + 1


def test_a_reference_of_zeros_is_none() -> None:
    assert hint("000000") == hint("") == hint("NONREF") == hint("n/a") == ""
    assert hint("00-12") == "0012"


def test_folding_keeps_letters_and_digits() -> None:
    assert folded("  Pix*Recebido -  São João / 12.3 ") == "PIX RECEBIDO SAO JOAO 12 3"


def test_equal_lines_are_numbered() -> None:
    assert list(numbered([b"a", b"b", b"a", b"a"])) == [(b"a", 1), (b"b", 1), (b"a", 2), (b"a", 3)]
