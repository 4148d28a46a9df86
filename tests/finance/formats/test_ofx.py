"""OFX as Brazilian banks write it: every quirk, and that nothing readable is lost to one that is not."""

from datetime import date
from io import BytesIO

import pytest

from finance.formats import Line, Reading, Refusal, read, stream
from finance.formats.keys import key_of, numbered

HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"
TODAY = date(2024, 2, 1)
LEDGER = "</BANKTRANLIST><LEDGERBAL><BALAMT>100.00<DTASOF>20240131</LEDGERBAL>"


def line(amount: str = "10.00", on: str = "20240110", text: str = "PIX", fitid: str = "1", more: str = "") -> str:
    return f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{on}<TRNAMT>{amount}<FITID>{fitid}{more}<MEMO>{text}</STMTTRN>"


def document(lines: str, *, header: str = HEADER, currency: str = "BRL", tail: str = LEDGER) -> str:
    return (
        f"{header}<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20240131</SONRS>"
        f"</SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS>"
        f"<CURDEF>{currency}<BANKACCTFROM><BANKID>001<ACCTID>12345-6<ACCTTYPE>CHECKING</BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>20240101<DTEND>20240131{lines}{tail}</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


def reading(text: str, encoding: str = "utf-8") -> Reading:
    return read(BytesIO(text.encode(encoding)), name="x.ofx", today=TODAY)


def lines_of(text: str, encoding: str = "utf-8") -> list[Line]:
    return [found for part in reading(text, encoding).accounts for found in part.lines]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("-1234,5", "-1234.50"),
        ("+10", "10.00"),
        ("10,", "10.00"),
        ("     -530,86", "-530.86"),
        (".50", "0.50"),
        ("-,50", "-0.50"),
        ("1.234.567,89", "1234567.89"),
        ("1 234,56", "1234.56"),
        ("10,00-", "-10.00"),
        ("(10,00)", "-10.00"),
        ("R$ 5,00", "5.00"),
        ("-R$ 1.005,00", "-1005.00"),
        ("7,00D", "-7.00"),
        ("10.0000", "10.00"),
        ("1000000000.00", "1000000000.00"),
    ],
)
def test_an_amount_is_read_as_meant(written: str, meant: str) -> None:
    assert [str(found.amount) for found in lines_of(document(line(written)))] == [meant]


@pytest.mark.parametrize(
    "written",
    [
        ".",
        "",
        "-",
        "NaN",
        "Infinity",
        "1e999",
        "0x10",
        "$120",
        "1.00.00",
        "12,345,6",
        "--1",
        "9" * 30,
        "1.234",
        "10.005",
    ],
)
def test_an_amount_that_says_nothing_or_two_things_is_quarantined_and_the_rest_goes_in(written: str) -> None:
    found = reading(document(line("1.00") + line(written, fitid="2") + line("3.00")))
    assert [str(each.amount) for each in found.accounts[0].lines] == ["1.00", "3.00"]
    bad = found.quarantined[0]
    assert (bad.where, bad.data["value"]) == ("STMTTRN 2", written.strip())
    assert "FITID>2" in bad.raw
    assert found.accounts[0].opening is None  # a balance cannot be derived from lines that are not all known


def test_the_marks_of_the_other_amounts_settle_an_ambiguous_one() -> None:
    commas, points = lines_of(document(line("1.234") + line("2,50"))), lines_of(document(line("1,234") + line("2.50")))
    assert str(commas[0].amount) == str(points[0].amount) == "1234.00"


@pytest.mark.parametrize(
    "written",
    ["20240110120000[-3:BRT]", "20240110000000[-03:EST]", " 20240110 ", "2024-01-10", "10/01/2024", "20240110:014"],
)
def test_a_date_is_the_day_as_printed(written: str) -> None:
    assert [str(found.on) for found in lines_of(document(line(on=written)))] == ["2024-01-10"]


@pytest.mark.parametrize("written", ["00000000000000", "20241301", "20240230", "", "99999999"])
def test_a_date_that_is_none_is_quarantined(written: str) -> None:
    found = reading(document(line(on=written) + line()))
    assert (found.totals.lines, found.totals.quarantined) == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "Saldo Anterior",
        "SALDO DO DIA",
        "S A L D O",
        "Saldo",
        "SDO CTA/APL AUTOMATICAS",
        "SALDO APLIC AUT MAIS",
        "Saldo em 31/01/2024",
        "***SALDO FINAL***",
        "SALDO TOTAL DISPONÍVEL DIA",
        "Opening balance",
    ],
)
def test_a_balance_among_the_lines_is_parked(text: str) -> None:
    assert [found.parked for found in lines_of(document(line(text=text)))] == ["balance"]


@pytest.mark.parametrize(
    "text", ["SALDO DEVEDOR CONTRATO 3", "REND PAGO APLIC AUT MAIS", "PIX SALDO", "SALDOS E CIA LTDA"]
)
def test_a_movement_that_mentions_a_balance_is_a_movement(text: str) -> None:
    assert [found.parked for found in lines_of(document(line(text=text)))] == [""]


def test_future_and_zero_lines_are_parked_and_not_counted() -> None:
    found = reading(document(line("5.00") + line("0,00") + line(on="20240202")))
    assert [each.parked for each in found.accounts[0].lines] == ["", "zero", "future"]
    assert (found.totals.lines, str(found.totals.sum), found.totals.parked) == (1, "5.00", 2)


def test_lines_survive_every_missing_closing_tag() -> None:
    bare = "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20240110<TRNAMT>-1.00<FITID>1<MEMO>A"
    end = "<LEDGERBAL><BALAMT>-2<DTASOF>20240131"
    found = reading(document(bare + bare, tail=end).partition("</STMTRS>")[0])
    assert [str(each.amount) for each in found.accounts[0].lines] == ["-1.00", "-1.00"]
    assert str(found.accounts[0].closing) == "-2.00"


def test_encodings_are_found_by_evidence() -> None:
    text = document(line(text="Transferência à José"))
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"):
        assert lines_of(text, encoding)[0].text == "Transferência à José", encoding


def test_a_character_cut_in_half_does_not_spoil_the_others() -> None:
    whole = document(line(text="Ação é café à São João") + line(text="PAGTO JOS@")).encode()
    found = read(BytesIO(whole.replace(b"@", "é".encode()[:1])), today=TODAY)
    assert [each.text for each in found.accounts[0].lines] == ["Ação é café à São João", "PAGTO JOS�"]
    assert len(found.warnings) == 1


def test_texts_keep_what_is_no_markup() -> None:
    texts = ["JOSE & CIA", "A &amp; B &lt;3 &#233;", "2 < 3 > 1", "a\n   b"]
    found = lines_of(document("".join(line(text=text) for text in texts)))
    assert [each.text for each in found] == ["JOSE & CIA", "A & B <3 é", "2 < 3 > 1", "a b"]


def test_a_text_is_the_same_wherever_the_pieces_of_the_file_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    text = document("".join(line(text=f"a < b {number} & c", fitid=str(number)) for number in range(40)))
    whole = lines_of(text)
    for size in (7, 64, 257):
        monkeypatch.setattr("finance.formats.sources.CHUNK", size)
        again = read(BytesIO(text.encode()), as_format="ofx", today=TODAY)
        assert again.accounts[0].lines == whole


def test_xml_headers_namespaces_and_odd_layouts_are_read() -> None:
    xml = '<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="300"?>'
    text = document(line(more="<NAME>X</NAME><CHECKNUM/>"), header=xml).replace("<OFX>", '<OFX xmlns="urn:x">')
    assert [(each.payer, each.text) for each in lines_of(text)] == [("X", "PIX")]
    assert len(lines_of(document(line(), header=""))) == 1
    assert len(lines_of(document(line(), header="OFXHEADER:100DATA:OFXSGMLVERSION:102"))) == 1
    assert len(lines_of(document(line()).lower())) == 1
    assert len(lines_of(document(line()).replace("<", "\r\n  <"))) == 1


def test_real_is_real_whatever_the_bank_calls_it() -> None:
    assert reading(document(line(), currency="BRC")).accounts[0].currency == "BRL"


def test_two_statements_in_one_answer_are_two_parts() -> None:
    second = "</BANKTRANLIST></STMTRS><STMTRS><CURDEF>BRL<BANKACCTFROM><ACCTID>9</BANKACCTFROM><BANKTRANLIST>"
    parts = reading(document(line("1") + second + line("2"))).accounts
    assert [(part.id, [str(each.amount) for each in part.lines]) for part in parts] == [
        ("12345-6", ["1.00"]),
        ("9", ["2.00"]),
    ]


def test_an_error_for_one_account_is_told_and_the_others_are_read() -> None:
    error = (
        "<BANKMSGSRSV1><STMTTRNRS><STATUS><CODE>2003<SEVERITY>ERROR<MESSAGE>Conta nao encontrada</STATUS></STMTTRNRS>"
    )
    found = reading(document(line()).replace("<BANKMSGSRSV1>", error))
    assert found.totals.lines == 1
    assert "Conta nao encontrada" in str(found.warnings[0])


def test_repeated_fitids_of_banco_do_brasil_stay_and_a_second_import_knows_them_all() -> None:
    repeated = [line("-10.00", text="TARIFA"), line("-10.00", text="TARIFA"), line("-10.00", text="PIX"), line("7.00")]
    keys = [key_of("1", each) for each in lines_of(document("".join(repeated)))]
    shuffled = [key_of("1", each) for each in lines_of(document("".join(reversed(repeated))))]
    assert len(keys) == 4
    assert len(set(keys)) == 3
    assert sorted(numbered(keys)) == sorted(numbered(shuffled))
    third = [key_of("1", each) for each in lines_of(document("".join([*repeated, repeated[0]])))]
    assert len(set(numbered(third)) - set(numbered(keys))) == 1


def test_a_document_type_is_refused() -> None:
    with pytest.raises(Refusal, match="document type"):
        reading('<!DOCTYPE OFX [<!ENTITY a "aaaa">]>' + document(line(), header=""))


def test_lines_come_before_the_file_is_through() -> None:
    class Counting(BytesIO):
        served = 0

        def read1(self, size: int | None = -1) -> bytes:
            self.served += 1
            return super().read1(size)

    source = Counting(document(line() * 60_000).encode())
    events = stream(source, today=TODAY)
    next(found for found in events if isinstance(found, Line))
    first = source.served
    assert sum(isinstance(found, Line) for found in events) == 59_999
    assert first < source.served


def test_a_cheque_number_is_kept_whatever_its_tag() -> None:
    for tag in ("CHECKNUM", "CHKNUM"):
        found = reading(
            f"<OFX><STMTRS><STMTTRN><DTPOSTED>20240102<TRNAMT>-1.00<FITID>1<{tag}>1001</STMTTRN></STMTRS></OFX>"
        )
        assert found.accounts[0].lines[0].document == "1001"


def test_a_period_of_six_digits_begins_with_the_day() -> None:
    found = reading("<OFX><STMTRS><DTSTART>310124<STMTTRN><DTPOSTED>20240102<TRNAMT>-1.00</STMTTRN></STMTRS></OFX>")
    assert str(found.accounts[0].starts_on) == "2024-01-31"
