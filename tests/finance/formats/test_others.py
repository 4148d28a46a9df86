"""CNAB 240 segment E, camt, MT940 and QIF, from files of our own."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from finance.formats import Reading, Refusal, read, sniff

FILES = Path(__file__).parent.parent / "files"
TODAY = date(2024, 3, 1)


def reading(text: str, name: str = "") -> Reading:
    return read(BytesIO(text.encode()), name=name, today=TODAY)


# CNAB 240 ------------------------------------------------------------------------------------------------------------


def put(*fields: tuple[int, str]) -> str:
    """A record of 240 characters from texts and their first positions, counted from 1."""
    record = [" "] * 240
    for position, text in fields:
        record[position - 1 : position - 1 + len(text)] = text
    return "".join(record)


ACCOUNT = ((53, "01234"), (59, "000000056789"), (71, "0"))
FILE = put((1, "34100000"), (18, "2"), (19, "12345678000195"), *ACCOUNT, (143, "2"))
LOT = put((1, "34100011E0440"), *ACCOUNT, (143, "01012024"), (151, "000000000000100000"), (169, "CFBRL00017"))
END = put((1, "34199999"), (18, "000001"), (24, "000007"))


def entry(number: int, amount: str, side: str, text: str, on: str = "02012024", category: str = "209") -> str:
    where = (1, f"3410001{3}{number:05}E")
    numbers = ((135, "03012024"), (143, on), (151, amount.rjust(18, "0")), (169, f"{side}{category}0123"))
    return put(where, *ACCOUNT, *numbers, (177, text), (202, f"DOC{number}"))


def trailer(closing: str, records: int, debits: str, credits: str) -> str:
    sums = (177, debits.rjust(18, "0") + credits.rjust(18, "0"))
    return put(
        (1, "34100015"), (143, "31012024"), (151, closing.rjust(18, "0")), (169, "CF"), (171, f"{records:06}"), sums
    )


ENTRIES = [
    entry(1, "50000", "C", "PIX RECEBIDO"),
    entry(2, "2550", "D", "TARIFA", category="105"),
    entry(3, "1000", "D", "SALDO BLOQUEADO"),
]
STATEMENT = [FILE, LOT, *ENTRIES, trailer("147450", 5, "2550", "50000"), END]


def test_a_cnab_statement_has_account_balances_lines_and_totals() -> None:
    found = reading("\r\n".join(STATEMENT))
    part = found.accounts[0]
    assert (found.format, part.bank, part.branch, part.id, part.label) == ("cnab240", "341", "1234", "56789-0", "17")
    assert (str(part.opening), str(part.closing), part.currency) == ("1000.00", "1474.50", "BRL")
    assert [(str(line.amount), line.parked) for line in part.lines] == [
        ("500.00", ""),
        ("-25.50", ""),
        ("-10.00", "balance"),
    ]
    first = part.lines[0]
    assert (str(first.on), str(first.valued_on)) == ("2024-01-02", "2024-01-03")
    assert (first.text, first.kind, first.reference) == ("PIX RECEBIDO", "209", "DOC1")
    assert not found.warnings


def test_the_statement_among_the_files_is_read() -> None:
    found = read(FILES / "extrato_segmento_e.ret", today=TODAY)
    assert (found.totals.lines, str(found.totals.sum)) == (4, "1154.40")
    assert (str(found.accounts[0].opening), str(found.accounts[0].closing)) == ("2500.00", "3654.40")
    assert not found.warnings


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(record.rstrip() for record in STATEMENT),
        "\ufeff" + "\n".join(STATEMENT),
        "\n".join(f"{record} " for record in STATEMENT),
        "".join(STATEMENT),
        "\r\n".join(STATEMENT) + "\r\n\x1a",
        "\n".join([LOT, *STATEMENT[2:]]),
    ],
    ids=["trimmed", "mark", "241", "no line ends", "end of file mark", "no file header"],
)
def test_records_that_are_not_quite_right_are_read(text: str) -> None:
    found = reading(text)
    assert (found.totals.lines, str(found.accounts[0].closing)) == (2, "1474.50")


def test_wrong_trailers_are_reported_and_nothing_is_refused() -> None:
    found = reading("\n".join([FILE, LOT, *ENTRIES, trailer("999999", 9, "1", "2"), END]))
    words = " ".join(map(str, found.warnings))
    assert found.totals.lines == 2
    for part in ("do not add up", "0.01 of debits", "0.02 of credits", "9 records"):
        assert part in words
    cut = reading("\n".join([FILE, LOT, *ENTRIES]))
    assert "without its trailer" in str(cut.warnings[0])


def test_bad_records_are_quarantined() -> None:
    bad = [entry(1, "X", "C", "A"), entry(2, "100", " ", "B", category="   "), entry(3, "100", "C", "C", on="99999999")]
    found = reading("\n".join([FILE, LOT, *bad, entry(4, "100", " ", "D", category="101")]))
    assert [bad.where for bad in found.quarantined] == ["line 3", "line 4"]
    assert [(str(line.amount), str(line.on)) for line in found.accounts[0].lines] == [
        ("1.00", "2024-01-03"),
        ("-1.00", "2024-01-02"),
    ]


@pytest.mark.parametrize(
    ("segment", "way", "words"),
    [("T", "2", "collection return"), ("A", "2", "payment return"), ("G", "2", "DDA"), ("P", "1", "outgoing")],
)
def test_other_cnab_files_are_named(segment: str, way: str, words: str) -> None:
    header = put((1, "34100000"), (18, "2"), (19, "12345678000195"), (143, way))
    with pytest.raises(Refusal, match=f"(?i){words}.*Itaú") as refusal:
        reading("\n".join([header, put((1, f"3410001300001{segment}"), (40, "X")), END]))
    assert refusal.value.data["bank"] == "Itaú (341)"


# camt ----------------------------------------------------------------------------------------------------------------


def camt(entries: str, *, version: str = "053.001.08", message: str = "BkToCstmrStmt", report: str = "Stmt") -> str:
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="BRL">{amount}</Amt>'
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2024-01-31</Dt></Dt></Bal>"
        for code, amount in (("PRCD", "100.00"), ("CLBD", "190.00"), ("CLAV", "500.00"))
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{version}">'
        f"<{message}><GrpHdr><MsgId>1</MsgId></GrpHdr><{report}><Id>ST1</Id><Acct><Id><Othr><Id>12345-6</Id></Othr></Id>"
        f"<Ccy>BRL</Ccy></Acct>{balances}{entries}</{report}></{message}></Document>"
    )


def ntry(amount: str, details: str = "", *, side: str = "CRDT", status: str = "<Sts><Cd>BOOK</Cd></Sts>") -> str:
    return (
        f'<Ntry><Amt Ccy="BRL">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{status}<BookgDt>'
        f"<DtTm>2024-01-10T23:30:00-03:00</DtTm></BookgDt><NtryDtls>{details}</NtryDtls><AddtlNtryInf>LOTE</AddtlNtryInf></Ntry>"
    )


def detail(amount: str, end_to_end: str, payer: str = "", charges: str = "") -> str:
    fee = f'<Chrgs><Rcrd><Amt Ccy="BRL">{charges}</Amt></Rcrd></Chrgs>' if charges else ""
    return (
        f'<TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs><Amt Ccy="BRL">{amount}</Amt>{fee}<RltdPties><Dbtr>'
        f"<Pty><Nm>{payer}</Nm><Id><OrgId><Othr><Id>12.345.678/0001-95</Id></Othr></OrgId></Id></Pty></Dbtr></RltdPties>"
        f"<RmtInf><Ustrd>INV 1</Ustrd></RmtInf></TxDtls>"
    )


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ("", "12345678000195"),
        ("<Nm>ANA</Nm>", "12345678000195"),
        ("<Nm>ANA LIMA</Nm>", ""),
        ("<Nm>ANA</Nm><Id><OrgId><Othr><Id>12345678000195</Id></Othr></OrgId></Id>", "12345678000195"),
        ("<Nm>RUI</Nm><Id><PrvtId><Othr><Id>111.444.777-35</Id></Othr></PrvtId></Id>", ""),
    ],
)
def test_who_pays_for_another_is_no_payer(behind: str, expected: str) -> None:
    behind = f"<UltmtDbtr><Pty>{behind}</Pty></UltmtDbtr>" if behind else ""
    entry = ntry("60.00", detail("60.00", "E1", "ANA").replace("</Dbtr>", f"</Dbtr>{behind}"))

    (line,) = reading(camt(entry)).accounts[0].lines

    assert (line.payer, line.payer_tax_id) == ("ANA", expected)


@pytest.mark.parametrize("version", ["053.001.02", "053.001.04", "053.001.08", "053.001.13"])
def test_a_batch_is_split_and_what_is_left_is_a_line(version: str) -> None:
    found = reading(camt(ntry("90.00", detail("60.00", "E1", "ANA") + detail("33.00", "E2")), version=version))
    part = found.accounts[0]
    assert [str(line.amount) for line in part.lines] == ["60.00", "33.00", "-3.00"]
    assert (part.lines[0].payer, part.lines[0].payer_tax_id, part.lines[0].reference) == ("ANA", "12345678000195", "E1")
    assert str(part.lines[0].on) == "2024-01-10"
    assert (str(part.opening), str(part.closing)) == ("100.00", "190.00")
    assert [notice.data.get("where") for notice in found.warnings] == ["Ntry 1"]


def test_a_single_detail_is_split_only_by_its_stated_charges() -> None:
    with_charges = reading(camt(ntry("90.00", detail("93.00", "E1", charges="3.00")))).accounts[0]
    assert [str(line.amount) for line in with_charges.lines] == ["93.00", "-3.00"]
    without = reading(camt(ntry("90.00", detail("93.00", "E1")))).accounts[0]
    assert [str(line.amount) for line in without.lines] == ["90.00"]


def test_a_reversal_keeps_the_direction_that_is_printed_and_pending_entries_are_parked() -> None:
    reversal = ntry("5.00", side="DBIT", status="<RvslInd>true</RvslInd><Sts>BOOK</Sts>")
    part = reading(camt(reversal + ntry("7.00", status="<Sts>PDNG</Sts>"))).accounts[0]
    assert [(str(line.amount), line.parked) for line in part.lines] == [("-5.00", ""), ("7.00", "future")]


def test_bad_entries_are_quarantined() -> None:
    bad = (
        ntry("1e5")
        + ntry("1.00", side="?")
        + ntry("1.00").replace("BRL", "USD")
        + ntry("1.00").replace("2024-01-10", "x")
    )
    found = reading(camt(bad.replace("<BookgDt>", "<BookgDt>")))
    assert [each.where for each in found.quarantined] == ["Ntry 1", "Ntry 2", "Ntry 3"]
    assert found.totals.lines == 1  # without a booking date the day of the balance holds


def test_notifications_are_read_and_intraday_reports_refused() -> None:
    names = {"message": "BkToCstmrDbtCdtNtfctn", "report": "Ntfctn"}
    assert reading(camt(ntry("1.00"), version="054.001.04", **names)).format == "camt054"
    with pytest.raises(Refusal, match="intraday"):
        reading(camt(ntry("1.00"), version="052.001.02", message="BkToCstmrAcctRpt", report="Rpt"))


# MT940, QIF ----------------------------------------------------------------------------------------------------------

MT940 = """:20:ST1
:25:001/12345-6
:28C:00001/001
:60F:C231231BRL1000,00
:61:2401020103D25,5NTRFREF1//B1
:86:TARIFA PACOTE
:61:240102RC10,NTRFNONREF
:86:ESTORNO
:61:2312310102C100,NMSC//B3
:86:?00PIX?20NF 123?21 PARTE 2?32FULANO
:61:24XX02C1,00NTRFX
:86:BAD
:62F:C240131BRL1064,50
-
"""


def test_mt940_signs_dates_and_details() -> None:
    found = reading(MT940)
    part = found.accounts[0]
    assert (part.bank, part.id, part.currency, str(part.opening), str(part.closing)) == (
        "001",
        "12345-6",
        "BRL",
        "1000.00",
        "1064.50",
    )
    assert [(str(line.amount), str(line.on)) for line in part.lines] == [
        ("-25.50", "2024-01-03"),
        ("-10.00", "2024-01-02"),
        ("100.00", "2024-01-02"),  # booked in the year after the value date
    ]
    assert (part.lines[2].text, part.lines[2].payer) == ("NF 123 PARTE 2", "FULANO")
    assert [bad.where for bad in found.quarantined] == ["line 11"]
    assert not found.warnings


def test_qif_accounts_signs_and_missing_ends() -> None:
    opening, fee = "D31/12'23\nT1.000,00\nPSaldo inicial\n^\n", "D02/01'24\nT-10,5\nPTARIFA\nMPACOTE\nN7\n"
    text = f"!Account\nNItaú\n^\n!Type:Bank\n{opening}{fee}D13/01'24\nTx\n^\n"
    found = reading(text)
    part = found.accounts[0]
    assert (part.id, str(part.opening), str(part.closing)) == ("Itaú", "1000.00", "None")
    assert [(str(line.amount), line.payer, line.text, line.parked) for line in part.lines] == [
        ("1000.00", "Saldo inicial", "Saldo inicial", "balance"),
        ("-10.50", "TARIFA", "PACOTE", ""),
    ]
    assert len(found.quarantined) == 1
    with pytest.raises(Refusal, match="INVST"):
        reading("!Type:Invst\nD1/1/24\nT1\n^\n")


def test_years_of_two_digits_in_front_are_seen() -> None:
    found = reading("!Type:Bank\n" + "".join(f"D24/1/{day}\nT1.00\nPA\n^\n" for day in range(2, 30, 3)))
    assert str(found.accounts[0].ends_on) == "2024-01-29"


# the door ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 50, "xls"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x89PNG\r\n", "picture"),
        (b"hello\nworld\n", "no format"),
        (b'<nfeProc xmlns="http://www.portalfiscal.inf.br/nfe"/>', "NF-e"),
        (b'<NFSe xmlns="http://www.sped.fazenda.gov.br/nfse"/>', "NFS-e"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"/>', "payment order"),
        (b"<a><b></a>", "no bank statement"),
        (b"02RETORNO01COBRANCA".ljust(76) + b"237BRADESCO", "CNAB 400.*Bradesco"),
    ],
)
def test_what_is_no_statement_is_named(data: bytes, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        sniff(BytesIO(data))


def test_a_format_can_be_asked_for_and_must_exist() -> None:
    with pytest.raises(Refusal, match="no format “pdf”"):
        read(BytesIO(b"x"), as_format="pdf")
    with pytest.raises(Refusal):
        read(BytesIO(b"Data;Valor\n"), as_format="ofx")
    with pytest.raises(Refusal, match="cannot be opened"):
        read("/nowhere/at/all.ofx")


# Dialects ------------------------------------------------------------------------------------------------------------

HEAD = ":20:X\n:25:{account}\n:28C:1/1\n:60F:C240101EUR10,00\n"
FOOT = ":62F:C240102EUR5,00\n-\n"


def one_mt940_line(lines: str, account: str = "123456789") -> Reading:
    found = reading(HEAD.format(account=account) + lines + FOOT)
    assert (found.totals.lines, str(found.totals.sum), found.warnings) == (1, "-5.00", [])
    return found


def test_mt940_purpose_codes_begin_with_any_of_three_signs() -> None:
    for sign in "?>~":
        details = f":86:020{sign}00Transfer{sign}20RENT{sign}21 JANUARY{sign}32ACME{sign}33 LTD\n"
        line = one_mt940_line(f":61:2401020102D5,00N000NONREF\n{details}").accounts[0].lines[0]
        assert (line.text, line.payer) == ("RENT JANUARY", "ACME LTD")


def test_mt940_details_may_come_in_field_ns_or_in_two_fields() -> None:
    hungarian = one_mt940_line(":61:2401020102DF5,00S   X\n:NS:01RENT\n15ACME Ltd\n").accounts[0].lines[0]
    assert hungarian.text == "RENT ACME Ltd"
    twice = one_mt940_line(":61:2401020102D5,00NMSCNONREF\n:86:RENT\n:86:ACME\n").accounts[0].lines[0]
    assert twice.text == "RENT ACME"


def test_mt940_account_may_end_with_its_currency_after_a_slash() -> None:
    found = one_mt940_line(":61:2401020102D5,00NMSCNONREF\n:86:x\n", "UBRTHUHB/123456789150/EUR")
    assert (found.accounts[0].bank, found.accounts[0].id) == ("UBRTHUHB", "123456789150")


def test_mt940_header_of_the_next_message_is_no_text_of_the_last() -> None:
    line = ":61:2401020102D5,00NMSCNONREF\n:86:RENT\n-\nABNANL2A\n940\nABNANL2A\n"
    found = reading(HEAD.format(account="1") + line + HEAD.format(account="1") + FOOT)
    assert found.accounts[0].lines[0].text == "RENT"


def test_mt942_names_its_currency_in_its_floor_limit() -> None:
    found = reading(":20:X\n:25:123\n:28C:1/1\n:34F:EURD0,00\n:61:2401020102D5,00NMSCNONREF\n:86:x\n")
    assert found.accounts[0].currency == "EUR"


def test_qif_may_begin_with_comments_and_lists() -> None:
    found = reading("### notes ###\n!Type:Cat\nNFood\nE\n^\n!Type:Bank\nD12/31/2023\nT-5.00\nPX\n^\n")
    assert (found.totals.lines, found.quarantined) == (1, [])


def test_qif_lines_belong_to_the_account_named_before_them() -> None:
    found = reading(
        "!Option:AutoSwitch\n!Account\nNChecking\nTBank\n^\nNVisa\nTCCard\n^\n!Clear:AutoSwitch\n"
        "!Account\nNChecking\nTBank\n^\n!Type:Bank\nD1/13/2020\nT10.00\nPA\n^\n"
        "!Account\nNVisa\nTCCard\n^\n!Type:CCard\nD1/14/2020\nT-20.00\nPB\n^\n"
    )
    assert [(part.id, part.kind) for part in found.accounts] == [("Checking", "checking"), ("Visa", "card")]


def test_qif_opening_line_names_its_account() -> None:
    found = reading("!Type:Bank\nD2/14/2020\nT50.00\nPOpening Balance\nL[Savings]\n^\nD2/15/2020\nT1.00\nPX\n^\n")
    part = found.accounts[0]
    assert (part.id, str(part.opening), str(part.closing)) == ("Savings", "50.00", "51.00")


def test_qif_years_after_an_apostrophe_follow_the_day() -> None:
    found = reading("!Type:Bank\nD1/ 5'01\nT1.00\nPX\n^\nD1/ 7'01\nT2.00\nPX\n^\n")
    assert [str(line.on) for line in found.accounts[0].lines] == ["2001-01-05", "2001-01-07"]


CAMT = (
    "<BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><IBAN>CH56</IBAN></Id><Ccy>CHF</Ccy></Acct>"
    "<Bal><Tp><CdOrPrtry><Prtry>OPBD</Prtry></CdOrPrtry></Tp><Amt Ccy='CHF'>1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>"
    "<Ntry><Amt Ccy='CHF'>2.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2024-01-02</Dt></BookgDt>"
    "</Ntry></Stmt></BkToCstmrStmt>"
)


@pytest.mark.parametrize(
    "wrapped",
    [
        f"<Document>{CAMT}</Document>",
        f"<BizMsgEnvlp xmlns='urn:x'><Hdr/><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>{CAMT}"
        "</Document></BizMsgEnvlp>",
        CAMT,
    ],
)
def test_camt_is_known_by_its_message_whatever_is_around_it(wrapped: str) -> None:
    found = reading(wrapped)
    assert (found.format, found.totals.lines, str(found.accounts[0].opening)) == ("camt053", 1, "1.00")
