"""For any input: a result or a refusal; what was written is what is read; no line is lost and none invented."""

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finance.formats import Line, Quarantined, Refusal, read, stream
from finance.formats.keys import key_of, numbered
from finance.formats.values import amount, is_balance, priced

TODAY = date(2199, 12, 31)
CALM = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

cents = st.integers(-(10**14), 10**14).filter(bool)
days = st.dates(date(1950, 1, 1), date(2150, 12, 31))
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40).map(
    lambda text: " ".join(text.split())
)
PIECES = [
    *"<>/ \n\t&;,.\"'0123456789-+DC\0",
    "STMTTRN",
    "TRNAMT",
    "<MEMO>",
    "<STMTTRN>",
    "20240110",
    "<OFX>",
    ":61:",
    "Data;Valor\n",
]
SOUP = st.lists(st.sampled_from(PIECES), max_size=120).map("".join)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def money(value: int, *, comma: bool) -> str:
    text = f"{abs(value) // 100}.{abs(value) % 100:02}"
    return ("-" if value < 0 else "") + (text.replace(".", ",") if comma else text)


@CALM
@given(
    st.lists(st.tuples(days, cents, words), max_size=20),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "\n", "\r\n  "]),
)
def test_what_is_written_as_ofx_is_read(rows: list[tuple[date, int, str]], closed: bool, comma: bool, gap: str) -> None:
    def leaf(name: str, value: str) -> str:
        return f"<{name}>{value}</{name}>{gap}" if closed else f"<{name}>{value}{gap}"

    body = "".join(
        f"<STMTTRN>{gap}{leaf('DTPOSTED', f'{on:%Y%m%d}')}{leaf('TRNAMT', money(value, comma=comma))}"
        f"{leaf('FITID', str(number))}{leaf('MEMO', escaped(text))}</STMTTRN>{gap}"
        for number, (on, value, text) in enumerate(rows)
    )
    text = f"<OFX><STMTRS><BANKACCTFROM><ACCTID>1</BANKACCTFROM><BANKTRANLIST>{body}</BANKTRANLIST></STMTRS></OFX>"
    part = read(BytesIO(text.encode()), today=TODAY).accounts[0]
    assert [(line.on, line.amount, line.text) for line in part.lines] == [
        (on, Decimal(value).scaleb(-2), text) for on, value, text in rows
    ]


@CALM
@given(SOUP)
def test_any_soup_of_tags_ends_in_a_result_or_a_refusal(soup: str) -> None:
    for as_format in ("ofx", "csv", "qif", "mt940", "cnab240", "camt053", None):
        try:
            events = list(stream(BytesIO(soup.encode()), as_format=as_format, today=TODAY))
        except Refusal:
            continue
        for event in events:
            if isinstance(event, Line):
                assert event.amount == event.amount.quantize(Decimal("0.01"))
                assert "\0" not in event.text + event.reference


@CALM
@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_result_or_a_refusal(data: bytes) -> None:
    for prefix in (
        b"",
        b"<OFX><STMTTRN>",
        b"Data;Valor\n",
        b":20:A\n:25:1\n",
        b"!Type:Bank\n",
        b"PK\x03\x04",
        b"<?xml ",
        b"00100000",
    ):
        for as_format in (None, "xlsx", "zip") if prefix.startswith(b"PK") else (None,):
            with suppress(Refusal):
                read(BytesIO(prefix + data), as_format=as_format, today=TODAY)


@CALM
@given(
    st.lists(st.tuples(days, cents, words.filter(lambda text: text and not is_balance(text))), min_size=3, max_size=15),
    st.sampled_from(";\t"),
    st.booleans(),
)
def test_what_is_written_as_csv_is_read(rows: list[tuple[date, int, str]], mark: str, comma: bool) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    body = "".join(f"{on:%d/%m/%Y}{mark}{quoted(text)}{mark}{money(value, comma=comma)}\n" for on, value, text in rows)
    found = read(BytesIO(f"Data{mark}Histórico{mark}Valor\n{body}".encode()), as_format="csv", today=TODAY)
    lines = [line for part in found.accounts for line in part.lines]
    assert [(line.on, line.amount) for line in lines] == [(on, Decimal(value).scaleb(-2)) for on, value, _ in rows]
    assert not found.quarantined


@CALM
@given(st.lists(st.sampled_from(["1,00", "x", "", "-2,50", "0,00"]), min_size=1, max_size=30))
def test_no_row_with_a_date_is_lost(amounts: list[str]) -> None:
    start = date(2024, 1, 1)
    body = "".join(f"{start + timedelta(number):%d/%m/%Y};A{number};{cell}\n" for number, cell in enumerate(amounts))
    events = list(stream(BytesIO(f"Data;Histórico;Valor\n{body}".encode()), as_format="csv", today=TODAY))
    assert sum(isinstance(event, Line | Quarantined) for event in events) == len(amounts)


@CALM
@given(cents, st.booleans())
def test_grouped_amounts_are_read_as_written(value: int, comma: bool) -> None:
    text = f"{'-' if value < 0 else ''}{abs(value) // 100:,}.{abs(value) % 100:02}"
    if comma:
        text = text.translate(str.maketrans(",.", ".,"))
    assert amount(text) == priced(f"R$ {text}") == Decimal(value).scaleb(-2)


@CALM
@given(st.lists(st.sampled_from("ABC"), max_size=12), st.lists(st.sampled_from("ABC"), max_size=12), st.randoms())
def test_importing_overlapping_files_in_any_order_keeps_the_larger_count(
    first: list[str], second: list[str], chance: object
) -> None:
    def keys(texts: list[str]) -> set[tuple[bytes, int]]:
        shuffled = list(texts)
        chance.shuffle(shuffled)  # type: ignore[attr-defined]
        lines = [Line("", date(2024, 1, 1), None, Decimal("1.00"), text) for text in shuffled]
        return set(numbered(key_of("1", line) for line in lines))

    stored = keys(first) | keys(second) | keys(first)
    assert len(stored) == sum(max(first.count(text), second.count(text)) for text in "ABC")
