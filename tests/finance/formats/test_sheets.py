"""Tables as the banks' sites export them: headings, preambles, sides, running balances, continued texts."""

from datetime import date
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest

from finance.formats import Reading, Refusal, read

FILES = Path(__file__).parent.parent / "files"
TODAY = date(2024, 3, 1)

# file: lines, sum, opening, closing, parked; the files are our own, in the shape of the bank's export
DIALECTS = {
    "asaas.csv": (2, "98.01", "500.00", "598.01", 0),
    "banrisul.tsv": (2, "90.00", "1000.00", "1090.00", 1),
    "bb.csv": (2, "304.90", "1000.00", "1304.90", 2),
    "bb_novo.csv": (2, "304.90", "1000.00", "1304.90", 3),
    "bradesco.csv": (3, "484.50", "1000.00", "1484.50", 2),
    "btg.csv": (2, "749.90", "0.00", "749.90", 1),
    "c6_conta.csv": (3, "800.00", "200.00", "1000.00", 0),
    "c6_fatura.csv": (3, "-225.50", None, None, 0),
    "caixa.csv": (2, "137.50", None, None, 0),
    "cora.csv": (2, "750.00", None, None, 0),
    "inter.csv": (2, "60.00", "1000.00", "1060.00", 0),
    "itau.csv": (2, "150.00", "1000.00", "1150.00", 2),
    "itau_sem_titulos.csv": (2, "1174.66", "0.00", "1174.66", 1),
    "mercado_pago.csv": (2, "300.00", "1000.00", "1300.00", 0),
    "nubank_cartao.csv": (4, "433.20", None, None, 0),
    "nubank_conta.csv": (2, "60.50", None, None, 0),
    "pagbank.csv": (2, "98.01", None, None, 0),
    "safra.csv": (2, "90.00", "100.00", "190.00", 1),
    "santander.csv": (2, "60.00", "1000.00", "1060.00", 0),
    "sicoob.csv": (2, "380.00", "1000.00", "1380.00", 2),
    "sicredi.csv": (2, "380.00", "1000.00", "1380.00", 1),
    "stone.csv": (2, "70.00", "0.00", "70.00", 0),
}


def reading(text: str, **options: object) -> Reading:
    return read(BytesIO(text.encode()), name="x.csv", today=TODAY, **options)  # type: ignore[arg-type]


def money(amount: object) -> str | None:
    return None if amount is None else str(amount)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("name", DIALECTS)
def test_a_bank_s_table_is_read_in_every_encoding(name: str, encoding: str) -> None:
    text = (FILES / name).read_text("utf-8")
    found = read(BytesIO(text.encode(encoding)), name=name, today=TODAY)
    part = found.accounts[0]
    got = (found.totals.lines, str(found.totals.sum), money(part.opening), money(part.closing), found.totals.parked)
    assert got == DIALECTS[name]
    assert not found.quarantined
    assert not found.warnings


def test_every_table_among_the_files_is_asserted() -> None:
    assert {path.name for path in FILES.glob("*.[ct]sv")} == DIALECTS.keys()


def test_a_text_goes_on_in_the_next_row() -> None:
    part = read(FILES / "bradesco.csv", today=TODAY).accounts[0]
    assert part.lines[1].text == "TRANSFERENCIA PIX REM: FULANO DE TAL 02/01"
    sicoob = read(FILES / "sicoob.csv", today=TODAY).accounts[0]
    assert sicoob.lines[1].text == "PIX RECEBIDO - OUTRA IF Recebimento Pix FULANO DE TAL ***.123.456-**"


def test_preambles_name_account_and_branch() -> None:
    names = {"bradesco.csv": ("0012345-6", "1234"), "inter.csv": ("1234567-8", ""), "c6_conta.csv": ("123456789", "1")}
    for name, expected in names.items():
        part = read(FILES / name, today=TODAY).accounts[0]
        assert (part.id, part.branch) == expected


def test_a_card_s_purchases_are_money_out() -> None:
    for name in ("nubank_cartao.csv", "c6_fatura.csv"):
        part = read(FILES / name, today=TODAY).accounts[0]
        assert part.kind == "card"
        assert part.lines[0].amount < 0


def test_bad_rows_are_quarantined_with_their_line_and_the_rest_goes_in() -> None:
    found = reading("Data;Histórico;Valor\n02/01/2024;A;1,00\n32/01/2024;B;2,00\n03/01/2024;C;abc\n04/01/2024;D;3,00\n")
    assert [str(line.amount) for line in found.accounts[0].lines] == ["1.00", "3.00"]
    assert [(bad.where, bad.raw) for bad in found.quarantined] == [
        ("line 3", "32/01/2024;B;2,00"),
        ("line 4", "03/01/2024;C;abc"),
    ]


def test_the_order_of_dates_is_decided_by_all_of_them() -> None:
    american = reading("Date,Description,Amount\n01/02/2024,A,1.00\n01/13/2024,B,2.00\n")
    assert [str(line.on) for line in american.accounts[0].lines] == ["2024-01-02", "2024-01-13"]
    assert not american.warnings
    unclear = reading("Date,Description,Amount\n01/02/2024,A,1.00\n")
    assert "more than one order" in str(unclear.warnings[0])


def test_a_mapping_overrules_the_headings() -> None:
    text = "Quando;O quê;Quanto;Outra data\n1/2/2024;A;10.00;x\n"
    with pytest.raises(Refusal):
        reading(text)
    mapping = {"date": "Quando", "amount": "Quanto", "text": ["O quê"], "date_order": "mdy", "inverted": True}
    line = reading(text, as_format="csv", mapping=mapping).accounts[0].lines[0]
    assert (str(line.on), str(line.amount), line.text) == ("2024-01-02", "-10.00", "A")
    numbered = reading("1/2/2024;A;10.00\n", as_format="csv", mapping={"date": 1, "amount": 3, "text": 2})
    assert numbered.totals.lines == 1


def test_quotes_over_lines_are_joined_and_unclosed_ones_eat_nothing() -> None:
    found = reading(
        'Data,Descrição,Valor\n02/01/2024,"PIX\nDE ""X""","1.000,00"\n03/01/2024,"sem fim,-20,00\n04/01/2024,OK,-3\n'
    )
    first = found.accounts[0].lines[0]
    assert (first.text, str(first.amount)) == ('PIX DE "X"', "1000.00")
    many = reading("Data;Histórico;Valor\n" + '02/01/2024;"a;1,00\n' * 50)
    assert many.totals.lines == 50


def test_a_running_balance_that_breaks_is_reported() -> None:
    rows = "".join(f"{day:02}/01/2024;A;1,00;{10 + day + (5 if day == 7 else 0)},00\n" for day in range(1, 20))
    found = reading(f"Data;Histórico;Valor;Saldo\n{rows}")
    assert "running balance" in str(found.warnings[0])
    assert str(found.accounts[0].opening) == "10.00"


def test_a_table_without_lines_or_of_something_else_is_refused() -> None:
    with pytest.raises(Refusal, match="no lines"):
        reading("Data;Histórico;Valor\n")
    with pytest.raises(Refusal, match="titles"):
        reading("Número;Cliente;Vencimento;Valor;Data\n1;A;01/02/2024;10,00;01/01/2024\n")
    with pytest.raises(Refusal, match="settlement"):
        reading("Psp Reference,Merchant Account,Date,Amount\nA,B,2024-01-01,1.00\n")


def workbook(rows: list[list[object]]) -> BytesIO:
    book = openpyxl.Workbook()
    book.active.append(["Resumo"])
    sheet = book.create_sheet("Extrato")
    for row in rows:
        sheet.append(row)
    file = BytesIO()
    book.save(file)
    file.seek(0)
    return file


def test_a_workbook_is_read_on_whichever_sheet_the_table_is() -> None:
    rows: list[list[object]] = [
        ["Conta: 12345-6"],
        ["Data", "Histórico", "Valor", "Saldo"],
        [date(2024, 1, 2), "PIX", 1234.56, 2234.56],
        ["03/01/2024", "TARIFA", "-1.000,10", 1234.46],
        [date(2024, 1, 4), "JUROS", 0.1 + 0.2, 1234.76],
    ]
    found = read(workbook(rows), name="x.xlsx", today=TODAY)
    part = found.accounts[0]
    assert (found.format, part.id) == ("xlsx", "12345-6")
    assert [str(line.amount) for line in part.lines] == ["1234.56", "-1000.10", "0.30"]
    assert (str(part.opening), str(part.closing)) == ("1000.00", "1234.76")


def zipped(members: dict[str, bytes]) -> BytesIO:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    file.seek(0)
    return file


def test_a_zip_gives_every_statement_and_names_what_it_left_out() -> None:
    good = (FILES / "bb.csv").read_bytes()
    found = read(zipped({"jan/a.csv": good, "b.csv": good, "__MACOSX/x": b"x", "nota.pdf": b"%PDF-1.4"}), today=TODAY)
    assert [part.closing for part in found.accounts] == [found.accounts[0].closing] * 2
    assert "nota.pdf" in str(found.warnings[0])


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"a.csv": b"0" * (16 << 20)}, "times its size"),
        ({f"{number}.csv": b"" for number in range(501)}, "more than 500 files"),
        ({"b.zip": zipped({"a.csv": b"x"}).getvalue()}, "inside the zip"),
        ({"a.pdf": b"%PDF"}, "No file of the zip"),
        ({}, "no files"),
    ],
)
def test_a_zip_that_is_a_trap_is_refused(members: dict[str, bytes], reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        read(zipped(members))


def test_a_broken_zip_or_workbook_is_refused() -> None:
    whole = workbook([["Data", "Valor"], [date(2024, 1, 2), 1.5]]).getvalue()
    for broken in (whole[:-30], whole[:200], b"PK\x03\x04" + b"x" * 100):
        with pytest.raises(Refusal):
            read(BytesIO(broken), name="x.xlsx")


def with_member(name: str, data: bytes) -> BytesIO:
    """A sound workbook, one member of which is replaced."""
    file = BytesIO()
    with ZipFile(workbook([["Data", "Valor"], [date(2024, 1, 2), 1.5]])) as sound, ZipFile(file, "w") as archive:
        for member in sound.namelist():
            archive.writestr(member, data if member == name else sound.read(member))
        if name not in sound.namelist():
            archive.writestr(name, data)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("xl/styles.xml", b"<styleSheet>" + b"<a/>" * (3 << 20)),
        ("xl/worksheets/sheet2.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet>&a;</worksheet>'),
        ("xl/worksheets/sheet2.xml", b"<worksheet><sheetData><row><c><is><t>" + b"A" * (5 << 20)),
        ("xl/worksheets/sheet2.xml", b"<worksheet><sheetData><row>"),
        ("xl/workbook.xml", b"<workbook/>"),
    ],
    ids=["styles", "entities", "cell", "cut", "empty"],
)
def test_a_workbook_that_is_a_trap_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(Refusal):
        read(with_member(name, data), name="x.xlsx")
