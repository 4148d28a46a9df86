"""Small OFX files and bank accounts for the tests of statements."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from finance.models import BankAccount
from finance.services import plan

Row = tuple[str, str, str, str]  # day, amount, FITID, memo

HEAD = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1"
FEET = "</STMTTRNRS></BANKMSGSRSV1></OFX>\n"
ROWS: list[Row] = [
    ("20260504", "100.00", "A1", "PIX RECEBIDO ANA INV/2026/000001"),
    ("20260504", "-12.50", "A2", "TARIFA PACOTE"),
    ("20260505", "30.00", "A3", "TED JOSE"),
    ("20260505", "30.00", "A3", "TED JOSE"),
    ("20260601", "7.77", "A4", "PIX RECEBIDO CARLA"),
]


def ofx(
    rows: Sequence[Row] = ROWS, *, number: str = "12345-6", bank: str = "341", closing: str = "", currency: str = "BRL"
) -> str:
    """One account's statement; closing: its balance, else the sum of the rows."""
    closing = closing or str(sum((Decimal(row[1]) for row in rows), Decimal(0)))
    days = sorted(row[0] for row in rows) or ["20260504"]
    lines = "".join(
        f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{on}<TRNAMT>{amount}<FITID>{fitid}<MEMO>{memo}</STMTTRN>\n"
        for on, amount, fitid, memo in rows
    )
    return (
        f"{HEAD}<STMTRS><CURDEF>{currency}<BANKACCTFROM><BANKID>{bank}<ACCTID>{number}<ACCTTYPE>CHECKING</BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>{days[0]}<DTEND>{days[-1]}\n{lines}</BANKTRANLIST>"
        f"<LEDGERBAL><BALAMT>{closing}<DTASOF>{days[-1]}</LEDGERBAL></STMTRS>{FEET}"
    )


def file_of(folder: Path, rows: Sequence[Row] = ROWS, *, name: str = "statement.ofx", **more: str) -> Path:
    path = folder / name
    path.write_text(ofx(rows, **more))
    return path


def bank(name: str = "Itaú", **facts: object) -> BankAccount:
    return plan.open_bank_account(name=name, **({"bank_code": "341", "number": "12345-6"} | facts))


def many(count: int, *, first: date = date(2026, 1, 1)) -> list[Row]:
    """Rows over forty days of January and February 2026, some of them alike."""
    return [
        (
            f"2026{1 + place // 20 % 2:02}{1 + place % 28:02}",
            f"{1 + place % 97}.00",
            f"F{place % 700}",
            f"PIX {place % 50}",
        )
        for place in range(count)
    ]
