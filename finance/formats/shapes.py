"""What every reader gives: facts as the file states them, and words for what it could not read.

A file is a stream of events. `Head` opens it (a zip has one for each member); then, for each account, `Begin`, its
lines and quarantined lines, `End`. `Notice` may stand anywhere. Whoever needs flat memory takes the events; `read`
collects them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

LONGEST_RAW = 2_000


def gettext_noop(text: str) -> str:
    """Marks an English sentence for translation by whoever shows it; `%(name)s` is filled from the data beside it."""
    return text


class Refusal(Exception):
    """The file cannot be taken, and why: a sentence for people. `text` is the msgid, `data` fills it."""

    def __init__(self, text: str, **data: Any) -> None:
        self.text, self.data = text, data
        super().__init__(text % data if data else text)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know before trusting the figures."""

    text: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text % self.data if self.data else self.text


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A line that could not be read: where it stands, why, and what stood there."""

    where: str
    reason: str  # msgid
    data: Mapping[str, Any] = field(default_factory=dict)
    raw: str = ""

    def __str__(self) -> str:
        return self.reason % self.data if self.data else self.reason


class Line(NamedTuple):  # a tuple, because files hold a million of them
    """One line of a statement. Money in is positive, in the account's currency, whole cents."""

    place: str  # `line 14`, `STMTTRN 3`
    on: date  # booking date
    valued_on: date | None
    amount: Decimal
    text: str
    payer: str = ""  # the other side, as the bank spells it
    payer_tax_id: str = ""  # digits (letters, in a new CNPJ), from a field of its own
    kind: str = ""  # the bank's word
    reference: str = ""  # FITID, end-to-end id, bank reference: a hint, never an identity
    parked: str = ""  # "" for a movement, else why it is none: balance, future, zero
    document: str = ""  # cheque or document number, where the file has a field for it beside the reference
    original_amount: Decimal | None = None  # what it was in another currency, signed as amount
    original_currency: str = ""


@dataclass(frozen=True, slots=True)
class AccountPart:
    """One account's part of a file."""

    id: str = ""  # as the file spells it
    bank: str = ""
    branch: str = ""
    kind: str = ""  # checking, savings, card, … or empty
    currency: str = ""
    label: str = ""  # the statement's own number or name
    opening: Decimal | None = None
    closing: Decimal | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    lines: list[Line] = field(default_factory=list)  # only `read` fills it
    opening_is_derived: bool = False  # closing minus the lines, because the file prints no opening
    balance_on: date | None = None  # the day of the closing balance


@dataclass(frozen=True, slots=True)
class Head:
    """The start of a file, or of a member of a zip."""

    format: str
    reader: str  # name and version of the reader, kept with the statement
    name: str = ""


@dataclass(frozen=True, slots=True)
class Begin:
    """An account's lines follow. What the file says only after them is still missing here."""

    part: AccountPart


@dataclass(frozen=True, slots=True)
class End:
    """An account's lines are through; `part` is complete but for the lines."""

    part: AccountPart
    found: int  # movements
    sum: Decimal  # of the movements
    parked: int
    quarantined: int


Event = Head | Begin | Line | Quarantined | Notice | End


@dataclass(frozen=True, slots=True)
class Totals:
    lines: int = 0  # movements, over all accounts
    sum: Decimal = Decimal("0.00")
    parked: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole file in memory: for previews and small files."""

    format: str
    reader: str
    accounts: list[AccountPart]
    quarantined: list[Quarantined]
    warnings: list[Notice]
    totals: Totals
