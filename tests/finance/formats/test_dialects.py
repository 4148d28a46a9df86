"""Tables as banks of many countries export them: lines, sums, balances, accounts. The files are our own."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from finance.formats import Reading, Refusal, read

FILES = Path(__file__).parent.parent / "files" / "abroad"

# file: lines, sum, opening, closing, currency, account, first day; None: the file does not say
TABLES: dict[str, tuple[int, str, str | None, str | None, str | None, str | None, str | None]] = {
    "german_purpose_lines": (2, "401.24", "1333.32", "1734.56", "EUR", "1234567890", "2017-10-10"),
    "german_savings_bank": (2, "1114.80", None, None, "EUR", "DE12500500000123456789", "2023-01-02"),
    "german_direct_bank": (2, "2972.19", None, "1234.56", "EUR", "DE12120300001234567890", "2023-05-31"),
    "german_two_currency_columns": (2, "1950.00", "3050.00", "5000.00", "EUR", "DE12500105171234567890", "2018-06-30"),
    "german_open_lines": (2, "987.01", "1012.99", "2000.00", "EUR", None, "2021-03-05"),
    "german_soll_haben": (2, "1425.00", "1000.00", "2425.00", "EUR", None, "2021-01-04"),
    "neobank_original_currency": (3, "1481.51", None, None, "EUR", None, "2021-03-01"),
    "swiss_french": (2, "230.00", "11143.94", "11373.94", "CHF", "0123 45678901.23A", "2019-03-31"),
    "swiss_postal": (2, "1899.50", "0.00", "1899.50", "CHF", "CH5109000000250092291", "2023-01-31"),
    "dutch_af_bij": (2, "2487.50", None, None, "EUR", "NL20INGB0001234567", "2023-01-15"),
    "dutch_without_headings": (2, "13.90", None, None, None, None, "2020-01-22"),
    "dutch_credit_debet": (2, "89.50", None, None, "EUR", "NL00KNAB0123456789", "2022-05-31"),
    "french_without_headings": (2, "1974.70", None, None, None, None, "2023-01-30"),
    "french_postal": (2, "84.80", None, "1500.00", None, "1234567A033", "2023-01-30"),
    "spanish": (2, "464.80", "500.00", "964.80", "EUR", None, "2023-01-01"),
    "portuguese": (2, "950.00", "0.00", "950.00", None, "0123456789", "2022-12-31"),
    "italian": (2, "1154.90", None, None, None, None, "2023-01-31"),
    "swedish": (2, "849.50", "0.00", "849.50", "SEK", "123456789", "2023-01-31"),
    "danish": (2, "9849.25", "0.00", "9849.25", None, None, "2023-01-30"),
    "finnish": (2, "2474.10", None, None, "EUR", None, "2023-01-31"),
    "polish": (2, "4850.00", "0.00", "4850.00", None, None, "2023-01-10"),
    "czech": (2, "500.00", None, None, "CZK", None, "2023-01-10"),
    "british_apostrophes": (2, "987.50", "0.00", "987.50", None, "601234-12345678", "2023-02-15"),
    "british_neobank": (2, "987.50", None, None, "GBP", None, "2023-02-15"),
    "fee_beside_the_amount": (4, "68.50", "100.00", "168.50", "EUR", None, "2023-01-11"),
    "paid_in_paid_out": (2, "79.50", "0.00", "79.50", "EUR", None, "2023-01-10"),
    "transfers_with_total_fees": (3, "899.50", "0.00", "899.50", "EUR", None, "2023-01-31"),
    "processor_balance": (3, "0.00", None, None, "BRL", None, "2021-02-03"),
    "wallet_gross_fee_net": (3, "0.00", "100.00", "100.00", "BRL", None, "2023-01-05"),
    "american_summary_above": (2, "474.50", "1000.00", "1474.50", None, None, "2023-01-13"),
    "american_joined_headings": (3, "-158.00", "1036.47", "878.47", None, None, "2022-08-17"),
    "american_side_column": (2, "1000.00", None, None, None, "Savings", "2015-06-12"),
    "american_card": (3, "164.50", None, None, None, None, "2023-01-31"),
    "canadian_currency_headings": (2, "974.50", None, None, None, "01234-1234567", "2023-01-31"),
    "canadian_without_headings": (2, "974.50", "0.00", "974.50", None, None, "2023-01-31"),
    "brazilian_card": (2, "475.50", None, None, None, None, None),
    "wallet_release_report": (2, "0.00", "500.00", "500.00", None, None, None),
    "brazilian_balance_as_category": (2, "900.00", None, None, None, "123456-7", None),
    "transfers_in_out": (2, "900.50", None, None, None, None, None),
}


def reading(content: str | bytes) -> Reading:
    return read(BytesIO(content if isinstance(content, bytes) else content.encode()), today=date(2030, 1, 1))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_this_shape_gives_its_figures(name: str) -> None:
    lines, total, *expected = TABLES[name]

    found = reading((FILES / f"{name}.csv").read_bytes())

    part = found.accounts[0]
    first = next((str(line.on) for line in part.lines if not line.parked), "")
    told = [str(part.opening), str(part.closing), part.currency, part.id, first]
    assert (found.totals.lines, str(found.totals.sum), found.quarantined) == (lines, total, [])
    assert [seen for seen, asked in zip(told, expected, strict=True) if asked is not None] == [
        asked for asked in expected if asked is not None
    ]


def test_under_headings_nobody_knows_only_what_balances_prove_is_taken_without_asking() -> None:
    found = reading("Quando;O quê;Quanto;Fica\n01/02/2024;A;10,00;15,00\n02/02/2024;B;-4,00;11,00\n")

    assert (found.totals.lines, str(found.totals.sum), str(found.accounts[0].closing)) == (2, "6.00", "11.00")
    assert any("No known headings" in str(warning) for warning in found.warnings)
    with pytest.raises(Refusal):
        reading("Kiedy;Co;Wechselkurs\n01/02/2024;A;1.05\n02/02/2024;B;1.06\n")


def test_dates_without_a_known_language_keep_a_file_together() -> None:
    rows = "".join(f"04/0{day}/2024,A,-1.00\n" for day in (1, 3, 8))

    found = reading(f"Date,Description,Amount\n{rows}")

    assert [str(line.on) for line in found.accounts[0].lines] == ["2024-04-01", "2024-04-03", "2024-04-08"]
    assert "MM/DD/YYYY" in str(found.warnings[0])


def test_dates_of_portuguese_headings_begin_with_the_day() -> None:
    rows = "".join(f"05/0{month}/2024;A;-1,00\n" for month in (1, 2, 3))

    found = reading(f"Data;Histórico;Valor\n{rows}")

    assert [str(line.on) for line in found.accounts[0].lines] == ["2024-01-05", "2024-02-05", "2024-03-05"]


def test_lines_may_end_with_cr_alone() -> None:
    assert reading("Data;Histórico;Valor\r01/02/2024;A;1,00\r02/02/2024;B;-3,00\r").totals.lines == 2


def test_accounts_of_the_other_sides_do_not_split_the_file() -> None:
    found = reading(
        "Buchungstag;Auftraggeber / Begünstigter;Kontonummer;Betrag (EUR)\n"
        "31.01.2022;Telekom;DE00;-49,95\n15.01.2022;Arbeitgeber;DE01;2.500,00\n"
    )

    assert [(part.id, len(part.lines)) for part in found.accounts] == [("", 2)]


def test_a_running_balance_outweighs_todays_balance_above_the_table() -> None:
    found = reading(
        "Conta ;72385499\nSaldo ;9.999,99\n\nData Lançamento;Histórico;Descrição;Valor;Saldo\n"
        "30/08/2026;Pix enviado;A;-250,00;1.742,51\n02/09/2026;Pagamento;B;-55,90;1.686,61\n"
    )

    assert (str(found.accounts[0].opening), str(found.accounts[0].closing)) == ("1992.51", "1686.61")


def test_words_under_an_unknown_heading_are_the_text_where_nothing_else_is() -> None:
    found = reading("Datum;Was;Betrag\n02.01.2024;Miete;-5,00\n")

    assert found.accounts[0].lines[0].text == "Miete"


def test_accounts_under_a_heading_of_their_own_split_the_file_however_few_lines_they_have() -> None:
    found = reading("Auftragskonto;Buchungstag;Buchungstext;Betrag\nDE1;02.01.2024;A;-1,00\nDE2;03.01.2024;B;2,00\n")

    assert [(part.id, len(part.lines)) for part in found.accounts] == [("DE1", 1), ("DE2", 1)]
