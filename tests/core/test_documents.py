import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.br import cnpj

from backoffice.core.documents import (
    NotATaxId,
    bare,
    format_tax_id,
    kind_of,
    mask_tax_id,
    parse_tax_id,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("529.982.247-25", "52998224725"),
        ("11.222.333/0001-81", "11222333000181"),
        ("12.ABC.345/01DE-35", "12ABC34501DE35"),  # the example of the tax office
        ("12.abc.345/01de-35", "12ABC34501DE35"),
        (" 529 982 247 25 ", "52998224725"),
    ],
)
def test_tax_ids_are_kept_bare(text, kept):
    assert parse_tax_id(text) == kept


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("529.982.247-26", "check"),
        ("111.111.111-11", "check"),
        ("00000000000000", "check"),
        ("12ABC34501DE36", "check"),
        ("123", "length"),
        ("12ABC34501DEA5", "length"),
        ("", "length"),
    ],
)
def test_wrong_tax_ids_are_refused(text, reason):
    with pytest.raises(NotATaxId) as problem:
        parse_tax_id(text)

    assert problem.value.reason == reason


@given(base=st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=12, max_size=12).filter(lambda b: len(set(b)) > 1))
def test_a_cnpj_with_its_own_check_digits_is_right_and_reads_back(base):
    tax_id = base + cnpj.calc_check_digits(base)

    assert parse_tax_id(format_tax_id(tax_id)) == tax_id
    assert kind_of(tax_id) == "cnpj"


def test_a_cpf_is_masked_and_a_cnpj_is_public():
    assert mask_tax_id("52998224725") == "***.982.247-**"
    assert mask_tax_id("11222333000181") == "11.222.333/0001-81"


def test_marks_are_ignored():
    assert bare("12.345-x") == "12345X"
