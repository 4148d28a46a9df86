"""Files of other projects, beside this repository: each ends in a result or a refusal, with the figures asserted."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from finance.formats import Reading, Refusal, read

SAMPLES = Path(settings.BASE_DIR).parent / "shared" / "samples"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the sample files are not here: {SAMPLES}")

# file: lines, sum, closing balances, quarantined
OFX = {
    "annacruz__bb": (81, "6592.75", ["6529.19"], 0),
    "annacruz__bradesco": (6, "-2166.81", ["0.00"], 0),
    "annacruz__cef_malformed_decimal": (0, "0.00", ["0.00"], 1),
    "annacruz__creditcard": (3, "-20.16", ["-1111.01"], 0),
    "annacruz__invalid_version": (36, "-3896.56", ["598.44"], 0),
    "annacruz__sample": (36, "-3896.56", ["598.44"], 0),
    "annacruz__santander": (4, "0.00", ["348.29"], 0),
    "annacruz__v211": (3, "247.00", ["2156.56", "-562.00"], 0),
    "asgrim__ofx-multiple-accounts-xml": (3, "514.72", ["43.01", "3000.25", "11728.56"], 0),
    "asgrim__ofxdata-bb": (1, "239.55", ["239.35"], 0),
    "asgrim__ofxdata-bpbfc": (6, "-53.49", ["10000.00"], 0),
    "asgrim__ofxdata-credit-card": (1, "-100.00", ["-500.00"], 0),
    "asgrim__ofxdata-emptyDateTime": (2, "487.50", [None], 0),
    "asgrim__ofxdata-memoWithQuotes": (16, "393.82", ["-734.05"], 0),
    "asgrim__ofxdata-oneline": (8, "-1977.10", ["100.00"], 0),
    "asgrim__ofxdata-xml": (3, "250.00", ["5250.00"], 0),
    "asgrim__ofxdata": (3, "250.00", ["5250.00"], 0),
    "fabiopf02__example": (20, "962.50", ["635.50", "-562.00"], 0),
    "fabiopf02__example2": (18, "635.50", ["635.50"], 0),
    "fabiopf02__example3": (1, "-11.79", ["-1.44"], 0),
    "fabiopf02__inline": (1, "-11.79", ["-1.44"], 0),
    "oca__test_ofx": (4, "-360.00", ["2156.56", "-562.00"], 0),
    "oca__test_ofx_iban": (4, "-360.00", ["2156.56", "-562.00"], 0),
    "ofxparse__account_listing_aggregation": (0, "0.00", [None] * 4, 0),
    "ofxparse__anzcc": (1, "-5.50", ["-123.45"], 0),
    "ofxparse__bank_medium": (3, "-345.27", ["382.34"], 0),
    "ofxparse__checking": (3, "-59.50", ["100.99"], 0),
    "ofxparse__decimal_error": (0, "0.00", ["0.00"], 1),
    "ofxparse__multiple_accounts2": (0, "0.00", ["111.00", "222.00"], 0),
    "ofxparse__ofx-v102-empty-tags": (1, "12.34", [None], 0),
    "ofxtools__stmtrs": (2, "-500.00", ["200.29"], 0),
}
OFX_REFUSED = {
    "annacruz__error": "unable to process your request. Please try again later. (code 2000)",
    "asgrim__ofxdata-google": "investment",
    "ofxparse__bank_small": "no statement",
    "ofxparse__error_message": "General Server Error (code 2000)",
    "ofxparse__signon_fail": "code 15500",
}


def sample(path: str) -> Reading:
    return read(SAMPLES / path)


def closings(reading: Reading) -> list[str | None]:
    return [None if part.closing is None else str(part.closing) for part in reading.accounts]


@pytest.mark.parametrize("name", OFX)
def test_an_ofx_file_yields_its_lines_sum_and_balances(name: str) -> None:
    reading = sample(f"ofx/{name}.ofx")
    lines, total, balances, bad = OFX[name]
    assert (reading.totals.lines, reading.totals.sum) == (lines, Decimal(total))
    assert closings(reading) == balances
    assert len(reading.quarantined) == bad


@pytest.mark.parametrize("name", OFX_REFUSED)
def test_an_ofx_file_without_a_statement_is_refused_in_words(name: str) -> None:
    with pytest.raises(Refusal, match=OFX_REFUSED[name].replace("(", r"\(").replace(")", r"\)")):
        sample(f"ofx/{name}.ofx")


def test_every_ofx_sample_is_asserted() -> None:
    names = {path.stem for path in (SAMPLES / "ofx").glob("*.ofx")}
    assert names == OFX.keys() | OFX_REFUSED.keys()


def test_details_that_the_sources_of_the_ofx_files_assert() -> None:
    part = sample("ofx/annacruz__sample.ofx").accounts[0]
    assert (part.bank, part.id, part.currency) == ("0356", "03227113109", "BRL")
    assert (str(part.starts_on), str(part.ends_on), str(part.balance_on)) == ("2009-10-09", "2009-11-03", "2009-11-01")
    first, second, third = part.lines[:3]
    assert (str(first.amount), first.reference, first.document) == ("-35.34", "200910091", "0001223")
    assert first.text == "COMPRA VISA ELECTRON"
    assert (str(second.amount), second.reference) == ("60.39", "200910162")
    assert (third.payer, third.document) == ("Pagto conta telefone", "000000101901 101.901")

    bb = sample("ofx/annacruz__bb.ofx").accounts[0].lines
    assert [bb[place].kind for place in (0, 9, 18, 45)] == ["CHECK", "DEP", "XFER", "CASH"]

    spec = sample("ofx/annacruz__v211.ofx").accounts
    lines = [line for part in spec for line in part.lines]
    assert [(str(line.amount), line.reference) for line in lines] == [
        ("-80.00", "219378"),
        ("-23.00", "219867"),
        ("350.00", "219868"),
    ]
    assert lines[0].text == "FrogKick Scuba Gear"

    oca = sample("ofx/oca__test_ofx.ofx").accounts[0]
    assert (oca.id, str(oca.opening), str(oca.closing)) == ("123456", "2516.56", "2156.56")
    assert any(line.text == "Agrolait" and str(line.on) == "2013-08-24" for line in oca.lines)

    listing = sample("ofx/ofxparse__account_listing_aggregation.ofx")
    assert [part.id for part in listing.accounts] == ["0000000001", "0000000002", "00000000000003", "4111111111111111"]
    assert {part.bank for part in listing.accounts[:3]} == {"314074269"}

    medium = sample("ofx/ofxparse__bank_medium.ofx").accounts[0]
    assert (medium.id, medium.bank, medium.branch) == ("12300 000012345678", "160000100", "00")
    multiple = sample("ofx/ofxparse__multiple_accounts2.ofx").accounts
    assert [(part.id, part.kind) for part in multiple] == [("9100", "checking"), ("9200", "savings")]


@pytest.mark.parametrize(
    ("name", "lines", "total"),
    [
        ("camt053/genkgo__camt053.v2.all-balance-types.xml", 1, "8.85"),
        ("camt053/genkgo__camt053.v2.minimal.ultimate.xml", 1, "8.85"),
        ("camt053/genkgo__camt053.v2.minimal.xml", 1, "8.85"),
        ("camt053/genkgo__camt053.v2.with-account-name.xml", 1, "8.85"),
        ("camt053/genkgo__camt053.v2.with-party-ids.xml", 1, "8.85"),
        ("camt053/genkgo__camt053.v3.xml", 1, "8.85"),
        ("camt053/genkgo__camt053.v4.xml", 1, "8.85"),
        ("camt053/oca__test-camt053-no-ntry.xml", 0, "0.00"),
        ("camt053/oca__test-camt053.xml", 4, "-12.99"),
        ("camt053/oca__test-camt053.zip", 6, "114.02"),
        ("camt054/genkgo__camt054.v2.xml", 1, "-200000.00"),
        ("camt054/genkgo__camt054.v4.xml", 1, "-200000.00"),
        ("camt054/oca__test-camt054.xml", 1, "5.00"),
        ("mt940/oca__test-rabo.swi", 2, "365.39"),
        ("mt940/oca__test-ing.940", 8, "-97.88"),
        ("mt940/oca__test-ing-old.940", 8, "-97.88"),
        ("qif/oca__test_qif.qif", 5, "-1896.09"),
        ("qif/oca__test_qif_dmy.qif", 5, "-1896.09"),
        ("csv/oca__sample_statement_en.csv", 2, "1491.50"),
        ("csv/oca__original_currency.csv", 1, "1525.00"),
        ("csv/oca__original_currency_empty.csv", 1, "1525.00"),
        ("csv/oca__balance.csv", 2, "1500.00"),
        ("csv/oca__debit_credit.csv", 2, "1500.00"),
        ("acquirer/oca_paypal__statement_en.csv", 26, "280.30"),
    ],
)
def test_another_format_yields_its_lines_and_sum(name: str, lines: int, total: str) -> None:
    reading = sample(name)
    assert (reading.totals.lines, reading.totals.sum) == (lines, Decimal(total))
    assert not reading.quarantined


def test_a_camt_batch_is_split_and_balances_that_do_not_add_up_are_reported() -> None:
    reading = sample("camt053/oca__test-camt053.xml")
    part = reading.accounts[0]
    assert (str(part.opening), str(part.closing)) == ("15568.27", "15121.12")
    assert [str(line.amount) for line in part.lines] == ["-754.25", "-564.05", "-100.00", "1405.31"]
    assert {str(line.on) for line in part.lines} == {"2014-01-05"}
    assert [line.reference for line in part.lines] == [
        "435005714488-ABNO33052620",
        "TESTBANK/NL/20141229/01206408",
        "TESTBANK/NL/20141229/01206407",
        "115",
    ]
    assert "-434.16" in str(reading.warnings[0])


def test_the_right_two_of_ten_balances_are_taken() -> None:
    part = sample("camt053/genkgo__camt053.v2.all-balance-types.xml").accounts[0]
    assert (str(part.opening), str(part.closing)) == ("1.01", "4.04")
    line = sample("camt053/genkgo__camt053.v2.minimal.xml").accounts[0].lines[0]
    assert (str(line.on), str(line.valued_on), line.reference) == ("2014-12-31", "2015-01-02", "4654654654654654")


def test_dutch_mt940_statements_keep_their_balances_and_dates() -> None:
    rabo = sample("mt940/oca__test-rabo.swi").accounts
    assert [len(part.lines) for part in rabo] == [1, 0, 1, 0]
    for name in ("oca__test-ing.940", "oca__test-ing-old.940"):
        reading = sample(f"mt940/{name}")
        assert {str(line.on) for line in reading.accounts[0].lines} == {"2014-02-20"}
        assert not reading.warnings  # the balances add up


def test_both_orders_of_the_qif_dates_give_the_same_days() -> None:
    american, european = (sample(f"qif/oca__test_qif{tail}.qif").accounts[0].lines for tail in ("", "_dmy"))
    assert [line.on for line in american] == [line.on for line in european]
    assert str(american[0].on) == "2013-08-12"


def test_tables_with_balances_currencies_and_signs() -> None:
    for name in ("balance", "debit_credit"):
        part = sample(f"csv/oca__{name}.csv").accounts[0]
        assert (str(part.opening), str(part.closing)) == ("10.00", "1510.00")
    line = sample("csv/oca__original_currency.csv").accounts[0].lines[0]
    assert (str(line.amount), str(line.original_amount), line.original_currency) == ("1525.00", "1000.00", "EUR")
    filtered = read(SAMPLES / "csv/oca__multi_currency.csv", mapping={"only_currency": "USD"})
    assert [str(line.amount) for line in filtered.accounts[0].lines] == ["-33.50"]
    card = SAMPLES / "csv/oca__sample_statement_credit_card_inverse_sign_en.csv"
    inverted = read(card, mapping={"inverted": True})
    assert [str(line.amount) for line in inverted.accounts[0].lines] == ["-33.50", "1525.00"]
    by_currency = {part.currency: len(part.lines) for part in sample("acquirer/oca_paypal__activity_en.csv").accounts}
    assert by_currency["USD"] == 71
    statement = {part.currency: len(part.lines) for part in sample("acquirer/oca_paypal__statement_en.csv").accounts}
    assert statement == {"EUR": 8, "USD": 18}


REFUSED = {
    "cnab240/*": "collection return",
    "cnab400/*": "collection return",
    "remessa/*": "outgoing",
    "nfe/nfelib__[0-9N]*": "NF-e",
    "nfe/oca*": "NF-e",
    "nfe/*notnfe*": "event or query",
    "nfse/*": "NFS-e",
    "mt940/oca__test-wrong-file.940": "no field of MT940",
    "csv/oca__empty_statement_en.csv": "no lines",
    "camt053/*.wrong.xml": "no statement",
    "acquirer/oca_adyen*": "settlement",
    "acquirer/*empty*": "no lines",
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_is_no_statement_is_named_and_refused(pattern: str) -> None:
    files = sorted(path for path in SAMPLES.glob(pattern) if path.is_file())
    assert files
    for path in files:
        with pytest.raises(Refusal, match=REFUSED[pattern]):
            read(path)
