"""Files made to hurt: refused, or read in linear time and flat memory. Small here; the sizes scale without surprise."""

import time
import tracemalloc
from collections.abc import Iterable
from datetime import date
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from finance.formats import Line, Quarantined, Refusal, stream

TODAY = date(2024, 3, 1)
MEGABYTE = 1 << 20
OFX = b"<OFX><STMTRS><BANKACCTFROM><ACCTID>1</BANKACCTFROM><BANKTRANLIST>"
GOOD = b"<STMTTRN><DTPOSTED>20240110<TRNAMT>-1.00<FITID>1<MEMO>A</STMTTRN>"
CAMT = b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Id>1</Id>'
TABLE = "Data;Histórico;Valor\n".encode()


def count(data: bytes, kind: type = Line) -> int:
    return sum(isinstance(event, kind) for event in stream(BytesIO(data), today=TODAY))


@pytest.mark.parametrize(
    "data",
    [
        OFX + b"<STMTTRN><MEMO>" + b"A" * 4 * MEGABYTE,
        OFX + b"<" * 4 * MEGABYTE,
        OFX + b"<MEMO " * MEGABYTE,
        OFX + b"\0" * 4 * MEGABYTE,
        TABLE + b"01/01/2024;" + b"A" * MEGABYTE + b";1,00\n",
        CAMT + b"<a>" * 50_000,
        CAMT + b"<Acct><Nm>" + b"A" * 6 * MEGABYTE,
        CAMT + b'<Acct x="' + b"A" * 6 * MEGABYTE,
        CAMT + b"<Ntry>" + b"<a/>" * 30_000,
        b'<?xml version="1.0"?><!--' + b"-x" * 3 * MEGABYTE,
        b":20:A\n:25:1\n:61:2401020102C1,00NTRFX\n:86:" + b"A\n" * 5_000,
        b"00100000".ljust(142) + b"2".ljust(98) + b"1" * MEGABYTE,
        b"\xff\xfe" * MEGABYTE,
    ],
    ids=["value", "<", "tag", "NUL", "row", "deep", "text", "attribute", "wide", "comment", "field", "record", "bytes"],
)
def test_what_never_ends_is_refused_soon(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finance.formats.markup.LARGEST", 20_000)
    began = time.process_time()
    with pytest.raises(Refusal):
        count(data)
    assert time.process_time() - began < 5


BILLION = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">'
    + "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 9))
    + "]><Document>&b8;</Document>"
)


@pytest.mark.parametrize(
    "text",
    [
        BILLION,
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x"><Document/>',
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>',
        '<!-- --><!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]><Document/>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_are_refused_before_anything_is_expanded(text: str, encoding: str) -> None:
    with pytest.raises(Refusal, match="document type"):
        count(text.encode(encoding))


@pytest.mark.parametrize(
    ("data", "lines", "bad"),
    [
        (OFX + GOOD * 20_000, 20_000, 0),
        (OFX + b"<STMTTRN>" * 20_000, 0, 20_000),
        (OFX + b"".join(b"<A%d>" % number for number in range(20_000)) + GOOD, 1, 0),
        (OFX + (b"<STMTTRN><DTPOSTED>20240110<TRNAMT>1e999<MEMO>A" + GOOD) * 10_000, 10_000, 10_000),
        (OFX + b"<STMTTRN><DTPOSTED>20240110<TRNAMT>" + b"9" * MEGABYTE + b"</STMTTRN>" + GOOD, 1, 1),
        (OFX + b"<STMTTRN><DTPOSTED>20240110<TRNAMT>1.00<MEMO>" + b"a < b " * 20_000 + b"</STMTTRN>" + GOOD, 2, 0),
        (TABLE + b'01/01/2024;"a;1,00\n' * 5_000, 5_000, 0),
        (TABLE + b"01/01/2024;A;1,00;" + b";" * 50_000 + b"\n", 1, 0),
        (b"!Type:Bank\n" + b"D05/01/2024\nT-1.00\nPA\n" * 10_000, 10_000, 0),
    ],
    ids=["good", "unclosed", "names", "bad", "digits", "texts", "quotes", "cells", "qif"],
)
def test_what_is_merely_large_is_read_in_linear_time(data: bytes, lines: int, bad: int) -> None:
    began = time.process_time()
    events = list(stream(BytesIO(data), today=TODAY))
    seconds = time.process_time() - began
    assert sum(isinstance(event, Line) for event in events) == lines
    assert sum(isinstance(event, Quarantined) for event in events) == bad
    assert seconds < 0.5 + (lines + bad) * 30 / 100_000


def peak(pieces: Iterable[bytes]) -> int:
    data = BytesIO(b"".join(pieces))
    tracemalloc.start()
    for _ in stream(data, today=TODAY):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_memory_does_not_grow_with_the_file() -> None:
    entry = (
        b'<Ntry><Amt Ccy="BRL">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        b"<BookgDt><Dt>2024-01-10</Dt></BookgDt></Ntry>"
    )
    for small, large in (
        ([OFX, GOOD * 6_000], [OFX, GOOD * 18_000]),
        (
            [CAMT, entry * 1_000, b"</Stmt></BkToCstmrStmt></Document>"],
            [CAMT, entry * 3_000, b"</Stmt></BkToCstmrStmt></Document>"],
        ),
        ([TABLE, b"05/01/2024;A;1,00\n" * 5_000], [TABLE, b"05/01/2024;A;1,00\n" * 9_000]),
    ):
        assert peak(large) < peak(small) + 3 * MEGABYTE


def workbook(sheet: str) -> bytes:
    """A workbook with this one sheet, whose cells hold their text themselves."""
    spreadsheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{document}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{spreadsheet}" xmlns:r="{document}">'
        '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{document}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{spreadsheet}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    whole = BytesIO()
    with ZipFile(whole, "w", ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return whole.getvalue()


def test_rows_and_columns_that_a_workbook_only_claims_are_not_made_up() -> None:
    head = '<row r="1"><c t="inlineStr"><is><t>Data</t></is></c><c t="inlineStr"><is><t>Valor</t></is></c></row>'
    with pytest.raises(Refusal, match="rows"):
        count(workbook(f'{head}<row r="1000000000"><c r="A1000000000"><v>1</v></c></row>'))
    for column in ("ZZZZZZZZ", "XFE", "YAA"):
        with pytest.raises(Refusal, match="column"):
            count(workbook(f'<row r="1"><c r="{column}1"><v>1</v></c></row>'))
    with pytest.raises(Refusal, match="no lines"):
        count(workbook(head + '<row r="2"><c r="A2"><v>1</v></c><c r="XFD2"><v>1</v></c></row>'))


def test_a_cell_that_the_workbook_reader_cannot_read_refuses_the_file() -> None:
    head = '<row r="1"><c t="inlineStr"><is><t>Data</t></is></c><c t="inlineStr"><is><t>Valor</t></is></c></row>'
    with pytest.raises(Refusal, match="workbook cannot be read"):
        count(workbook(head + '<row r="2"><c r="A2"><v>x</v></c></row>'))


def test_many_columns_of_numbers_without_headings_are_not_tried_in_every_pair() -> None:
    rows = "\n".join(f"01/02/2024;{';'.join(f'{row * place % 97},00' for place in range(400))}" for row in range(200))
    assert count(rows.encode()) == 200


def test_what_is_no_statement_says_what_to_do() -> None:
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    open_document = BytesIO()
    with ZipFile(open_document, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    old = b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
    for content, told in (
        (locked, "password"),
        (open_document.getvalue(), "OpenDocument"),
        (old, "old Excel"),
        (b"<html><body><table><tr><td>Data</td></tr></table>", "save it as .xlsx or CSV"),
        (b"<!DOCTYPE html><html><body>Login</body>", "ask the bank"),
    ):
        with pytest.raises(Refusal, match=told):
            count(content)
