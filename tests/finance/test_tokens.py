import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.formats.tokens import document_keys, is_tax_id, key_value, part_keys, tokens


def strong(text: str, number: str) -> bool:
    """Whether the text names the number as a document, in a full form."""
    keys = {value for value in document_keys(number) if not value.startswith("~")}
    return any(kind in ("doc", "ref") and value in keys for kind, value in tokens(text))


def weak(text: str, number: str) -> bool:
    keys = document_keys(number)
    return any(kind in ("doc", "num") and value in keys for kind, value in tokens(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Payment INV/2025/000123", "INV/2025/000123"),
        ("TRF/INV/2025/000123/SEPA", "INV/2025/000123"),
        ("inv 2025/123 obrigado", "INV/2025/000123"),
        ("PAGTO INV2025000123", "INV/2025/000123"),
        ("NF 12.345", "12345"),
        ("NF-e 12345", "NF 000012345"),
        ("Nota Fiscal nº 4711", "4711"),
        ("fatura 0045-2", "45-2"),
        ("NFs 123, 124 e 125", "125"),
        ("Invoices INV/2025/000001 + INV/2025/000002", "INV/2025/000002"),
        ("título 000981 vencido", "981"),
        ("OS4711", "OS-4711"),
        ("boleto 1001/2", "1001/2"),
        ("pedido e481f51cbdc54678b7cc49136f2d6af7", "e481f51cbdc54678b7cc49136f2d6af7"),
        ("PGTO 2025/000123", "2025/000123"),
    ],
)
def test_a_document_is_recognised_in_any_writing(text: str, number: str) -> None:
    assert strong(text, number)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("CARTAO TERMINAL 004512", "4512"),
        ("CHEQUE N 004512", "4512"),
        ("TEL 11987654321", "11987654321"),
        ("COMPRA 15032025", "15032025"),
        ("NF 15032025", "15032025"),
        ("REF 03/2025", "3/2025"),
        ("REF 202511", "2025/11"),
        ("MENSALIDADE REF 112025", "112025"),
        ("FATURA 199,00", "199"),
        ("NF 1234, 150,00", "150"),
        ("PAGTO CTE 1234", "1234"),
        ("order 000456", "INV/2025/000456"),
        ("WIRE 4711", "4711"),
        ("FATURA 0045-2", "00452"),
    ],
)
def test_a_bare_number_is_only_a_weak_sign(text: str, number: str) -> None:
    assert not strong(text, number)
    assert weak(text, number)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("INV/2025/00012", "INV/2025/000123"),
        ("INV/2025/0001234", "INV/2025/000123"),
        ("NF 1234", "123"),
        ("COMPRA 15/03/2025", "15032025"),
        ("PIX 12", "12"),
        ("CPF 111.444.777-35", "111"),
        ("TARIFA PACOTE", "7"),
    ],
)
def test_a_part_of_a_number_is_another_number(text: str, number: str) -> None:
    assert not weak(text, number)


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("PIX E12345678202511221530abcdefghijk", ("e2e", "E12345678202511221530ABCDEFGHIJK")),
        ("NOSSO NUMERO 00012345-6", ("nosso", "123456")),
        ("NSU 000777", ("nsu", "000777")),
        ("CPF 111.444.777-35 PAGTO", ("tax", "11144477735")),
        ("de 11144477735", ("tax", "11144477735")),
        ("CNPJ 12.ABC.345/01DE-35", ("tax", "12ABC34501DE35")),
        (
            "23793.38128 60007.827136 95000.063305 9 75520000370000",
            ("barcode", "23799755200003700003381260007827139500006330"),
        ),
    ],
)
def test_payment_keys_and_tax_ids_are_read(text: str, token: tuple[str, str]) -> None:
    assert token in tokens(text)


def test_a_payers_name_and_a_reference_hold_no_bare_numbers() -> None:
    assert tokens("PIX", "PRIMA NOVA LTDA 00123", "20250123001") == set()
    assert ("doc", "INV2025000123") in tokens("PIX", "", "INV-2025-000123")


def test_a_field_of_the_banks_own_numbers_introduces_nothing() -> None:
    assert tokens("PAGAMENTO DE TITULO", document="000512") == {("num", "512"), ("num", "~512")}
    assert ("doc", "512") not in tokens("PAGTO NF", document="INV/2025/000512")
    assert {kind for kind, _value in tokens("PIX", document="NF 2026/000512")} == {"num"}


@pytest.mark.parametrize("text", ["PEDIDO 4711", "ref. 4711", "CONTRATO nº 4711", "DOCTO 4711", "PED4711"])
def test_a_word_of_the_other_side_is_told_apart(text: str) -> None:
    found = {kind for kind, value in tokens(text) if value in ("4711", "PED4711")}

    assert "ref" in found
    assert "doc" not in found


@pytest.mark.parametrize("text", ["PIX ***.444.777-**", "Ana - •••.444.777-•• - Banco", "XXX.444.777-XX"])
def test_a_masked_cpf_says_that_somebody_is_there(text: str) -> None:
    assert tokens(text) == {("tax", "***444777**")}


def test_both_sides_write_a_key_alike() -> None:
    assert key_value("nosso", "000123456") == key_value("nosso", "12345-6")
    assert key_value("barcode", "23793.38128 60007.827136 95000.063305 9 75520000370000").startswith("2379")


@pytest.mark.parametrize(
    ("plain", "right"),
    [
        ("11144477735", True),
        ("11144477736", False),
        ("11111111111", False),
        ("12ABC34501DE35", True),
        ("12ABC34501DE36", False),
        ("1234", False),
    ],
)
def test_check_digits(plain: str, right: bool) -> None:
    assert is_tax_id(plain) is right


@pytest.mark.parametrize(
    ("number", "named"),
    [
        ("NF 1234", {"1234-2"}),
        ("1234", {"1234-2"}),
        ("INV/2025/000123", {"2025-123-2"}),
        ("NF 2025", set()),
        ("A", set()),
    ],
)
def test_a_part_is_named_by_its_place_and_by_nothing_that_could_be_another_document(
    number: str, named: set[str]
) -> None:
    assert part_keys(number, 2) == named


@given(number=st.text(string.ascii_letters + string.digits + "/-. ", min_size=1, max_size=70))
def test_every_key_of_a_number_is_short_and_says_something(number: str) -> None:
    for key in document_keys(number):
        assert len(key) <= 80
        assert any(sign.isdigit() for sign in key)


@given(text=st.text(max_size=300), payer=st.text(max_size=80))
def test_any_text_is_read(text: str, payer: str) -> None:
    for kind, value in tokens(text, payer):
        assert 2 <= len(value) <= 80
        assert kind in ("doc", "ref", "num", "tax", "e2e", "txid", "nosso", "barcode", "nsu")


@pytest.mark.parametrize("unit", ["A", "1", "A1", "1/", "A-", "1.", "NF ", "1 ", "E1", "NOSSO NUMERO "])
def test_reading_is_linear(unit: str) -> None:
    def cost(length: int) -> float:
        text = (unit * length)[:length]
        began = time.process_time()
        tokens(text)
        return time.process_time() - began

    cost(1000)
    assert min(cost(40_000) for _ in range(3)) < 40 * min(cost(4_000) for _ in range(5)) + 0.02
