"""camt.053 statements and camt.054 notifications (ISO 20022), any version: by local names, entry by entry.

A batch entry becomes one line for each of its details; what they leave of the entry (charges, as a rule) is a line
too, so the lines always sum to the entry.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from . import values
from .markup import Walk, child, children, local, root_of, words
from .shapes import AccountPart, Begin, Event, Head, Notice, Refusal, gettext_noop
from .sources import Source
from .tally import Tally

READER = "camt 1"
_MESSAGES = {"BkToCstmrStmt": "camt053", "BkToCstmrDbtCdtNtfctn": "camt054"}
_REPORTS = {"Stmt", "Ntfctn"}
_CONTAINERS = frozenset({"BizMsgEnvlp", "Document", "BkToCstmrAcctRpt", *_MESSAGES, *_REPORTS})
_MESSAGE = re.compile(r"<(?:[\w.-]{1,30}:)?(BkToCstmrStmt|BkToCstmrDbtCdtNtfctn|BkToCstmrAcctRpt)[\s>]")
_NO_REFERENCE = {"NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOTAPPLICABLE"}

INTRADAY = gettext_noop("This is an intraday report (camt.052); import the statement (camt.053) of the day instead.")
NOT_CAMT = gettext_noop("The XML document “%(root)s” is no bank statement.")
NO_STATEMENT = gettext_noop("The file holds no statement.")
NO_AMOUNT = gettext_noop("The amount “%(value)s” cannot be read.")
NO_SIDE = gettext_noop("Neither debit nor credit is marked: “%(value)s”.")
NO_DATE = gettext_noop("The date “%(value)s” cannot be read.")
OTHER_CURRENCY = gettext_noop("The line is in %(found)s, the account in %(currency)s.")
OTHER_BALANCE = gettext_noop("The closing balance is in %(found)s, the account in %(currency)s.")
REMAINDER = gettext_noop(
    "The details of %(where)s sum to %(details)s, the entry is %(entry)s; the rest is a line of its own."
)


@dataclass(frozen=True, slots=True)
class _Money:
    amount: Decimal
    currency: str


def _money(holder: Element | None) -> _Money | None:
    """Amount and currency of an Amt element; signs are beside it."""
    if holder is None:
        return None
    amount = values.amount((holder.text or "").strip(), ".")
    return None if amount is None else _Money(amount, holder.get("Ccy", "").upper())


def _signed(element: Element) -> _Money | None:
    money, side = _money(child(element, "Amt")), words(element, "CdtDbtInd").upper()
    if money is None or side not in ("CRDT", "DBIT"):
        return None
    return money if side == "CRDT" else _Money(-money.amount, money.currency)


def _day(element: Element | None) -> date | None:
    """A choice of Dt and DtTm; the day as printed."""
    return values.stamp(
        words(element, "Dt") or words(element, "DtTm") or ((element.text or "") if element is not None else "")
    )


class _Statement:
    """One Stmt or Ntfctn."""

    def __init__(self, today: date) -> None:
        self.tally = Tally(today)
        self.facts: dict[str, str] = {}
        self.opening: _Money | None = None
        self.previous: _Money | None = None
        self.closing: _Money | None = None
        self.balance_on: date | None = None
        self.starts_on: date | None = None
        self.ends_on: date | None = None
        self.currency = ""
        self.entries = 0
        self.is_begun = False

    def take(self, element: Element) -> None:
        """What stands in the statement beside its entries."""
        name = local(element)
        if name in ("Id", "ElctrncSeqNb"):
            self.facts.setdefault(name, words(element))
        elif name == "FrToDt":
            self.starts_on = values.stamp(words(element, "FrDtTm") or words(element, "FrDt"))
            self.ends_on = values.stamp(words(element, "ToDtTm") or words(element, "ToDt"))
        elif name == "CreDtTm":
            self.facts.setdefault(name, words(element))
        elif name == "Acct":
            self.facts["account"] = words(element, "Id", "IBAN") or words(element, "Id", "Othr", "Id")
            self.facts["bank"] = self._bank(child(element, "Svcr", "FinInstnId"))
            self.facts["name"] = words(element, "Nm")
            self.currency = words(element, "Ccy").upper()
        elif name == "Bal":
            self.balance(element)

    @staticmethod
    def _bank(institution: Element | None) -> str:
        return (
            words(institution, "ClrSysMmbId", "MmbId")
            or words(institution, "BICFI")
            or words(institution, "BIC")
            or words(institution, "Othr", "Id")
        )

    def balance(self, element: Element) -> None:
        kind = child(element, "Tp", "CdOrPrtry")
        code, money = (words(kind, "Cd") or words(kind, "Prtry")).upper(), _signed(element)
        if money is None:
            return
        if code == "OPBD":
            self.opening = self.opening or money
        elif code == "PRCD":
            self.previous = self.previous or money
        elif code == "CLBD":
            self.closing, self.balance_on = money, _day(child(element, "Dt"))

    def _currency(self) -> str:
        balance = self.opening or self.previous or self.closing
        return self.currency or (balance.currency if balance else "")

    def part(self) -> AccountPart:
        opening = self.opening or self.previous
        return AccountPart(
            id=self.facts.get("account", ""),
            bank=self.facts.get("bank", ""),
            currency=self._currency(),
            label=self.facts.get("Id") or self.facts.get("ElctrncSeqNb", ""),
            opening=opening.amount if opening else None,
            closing=self.closing.amount if self.closing else None,
            starts_on=self.starts_on or self.tally.first,
            ends_on=self.ends_on or self.balance_on or self.tally.last,
            balance_on=self.balance_on,
        )

    def begin(self) -> Iterator[Event]:
        if not self.is_begun:
            self.is_begun = True
            yield Begin(self.part())

    def end(self) -> Iterator[Event]:
        yield from self.begin()
        part = self.part()
        if self.closing and part.currency and self.closing.currency != part.currency:
            yield Notice(OTHER_BALANCE, {"found": self.closing.currency, "currency": part.currency})
        else:
            yield from self.tally.checked(part.opening, part.closing)
        yield self.tally.end(part)

    def entry(self, entry: Element) -> Iterator[Event]:
        """The lines of one Ntry."""
        self.entries += 1
        where = f"Ntry {self.entries}"
        money = _signed(entry)
        if money and not self._currency():
            self.currency = money.currency
        yield from self.begin()
        currency = self._currency()
        on = _day(child(entry, "BookgDt")) or _day(child(entry, "ValDt")) or self.balance_on
        if money is None or on is None or (currency and money.currency and money.currency != currency):
            yield self.tally.quarantine(where, *self._problem(entry, money, on, currency), _raw(entry))
            return
        status = (words(entry, "Sts") or words(entry, "Sts", "Cd") or words(entry, "Sts", "Prtry") or "BOOK").upper()
        common: dict[str, Any] = {
            "valued_on": _day(child(entry, "ValDt")),
            "pending": status != "BOOK",
            "kind": _transaction_code(child(entry, "BkTxCd")),
        }
        details = [detail for group in children(entry, "NtryDtls") for detail in children(group, "TxDtls")]
        parts = _split(entry, details, money)
        if not parts:
            detail = details[0] if len(details) == 1 else None
            yield self.tally.line(where, on, money.amount, **common, **_said(entry, detail, money.amount))
            return
        for number, (detail, amount) in enumerate(parts, 1):
            yield self.tally.line(f"{where}.{number}", on, amount, **common, **_said(entry, detail, amount))
        total = sum((amount for _, amount in parts), Decimal("0.00"))
        if rest := money.amount - total:
            said = _said(entry, None, rest)
            said["text"] = values.tidy(f"{said['text']} CHRG")
            yield self.tally.line(f"{where}.{len(parts) + 1}", on, rest, **common, **said)
            yield Notice(REMAINDER, {"where": where, "details": str(total), "entry": str(money.amount)})

    @staticmethod
    def _problem(entry: Element, money: _Money | None, on: date | None, currency: str) -> tuple[str, dict[str, object]]:
        if money is None and _money(child(entry, "Amt")) is None:
            return NO_AMOUNT, {"value": words(entry, "Amt")}
        if money is None:
            return NO_SIDE, {"value": words(entry, "CdtDbtInd")}
        if on is None:
            return NO_DATE, {"value": words(entry, "BookgDt", "Dt") or words(entry, "BookgDt", "DtTm")}
        return OTHER_CURRENCY, {"found": money.currency, "currency": currency}


def _raw(entry: Element) -> str:
    return " ".join(f"{local(inner)}={text}" for inner in entry.iter() if (text := (inner.text or "").strip()))


def _split(entry: Element, details: list[Element], money: _Money) -> list[tuple[Element, Decimal]]:
    """Details with their amounts, if each has one in the entry's currency; [] if the entry is one line."""
    parts: list[tuple[Element, Decimal]] = []
    for detail in details:
        stated = _detail_amount(detail, money.currency)
        if stated is None:
            return []
        side = words(detail, "CdtDbtInd").upper()
        credit = side == "CRDT" if side in ("CRDT", "DBIT") else money.amount > 0
        parts.append((detail, stated if credit else -stated))
    if len(parts) == 1:
        gap = abs(money.amount) - abs(parts[0][1])
        return parts if gap and abs(gap) == _charges(entry, details[0], money.currency) else []
    return parts


def _detail_amount(detail: Element, currency: str) -> Decimal | None:
    places = [("Amt",), ("AmtDtls", "TxAmt", "Amt"), ("AmtDtls", "CntrValAmt", "Amt"), ("AmtDtls", "InstdAmt", "Amt")]
    for place in places:
        money = _money(child(detail, *place))
        if money and money.currency in (currency, ""):
            return money.amount
    return None


def _charges(entry: Element, detail: Element, currency: str) -> Decimal:
    total = Decimal("0.00")
    for holder in (*children(entry, "Chrgs"), *children(detail, "Chrgs")):
        for record in children(holder, "Rcrd") or [holder]:
            money = _money(child(record, "Amt"))
            if money and money.currency == currency:
                total += money.amount
    return total


def _said(entry: Element, detail: Element | None, amount: Decimal) -> dict[str, Any]:
    """Text, other side and references of a line."""
    remittance = child(detail, "RmtInf")
    structured = [
        found
        for part in children(remittance, "Strd")
        for found in (words(part, "CdtrRefInf", "Ref"), words(part, "AddtlRmtInf"))
        if found
    ]
    texts = [words(part) for part in children(remittance, "Ustrd")] + structured
    more = words(detail, "AddtlTxInf") or words(entry, "AddtlNtryInf")
    text = values.tidy(" ".join(texts))
    if more and more not in text:
        text = more if text in more else f"{text} {more}"
    references = child(detail, "Refs")
    names = ("EndToEndId", "TxId", "AcctSvcrRef", "InstrId", "ChqNb", "MsgId", "PmtInfId")
    known = [found for name in names if (found := words(references, name)) and found.upper() not in _NO_REFERENCE]
    own = words(entry, "AcctSvcrRef") or words(entry, "NtryRef")
    party, tax_id = _other_side(child(detail, "RltdPties"), amount)
    reference = (
        known[0] if known else next((words(p, "CdtrRefInf", "Ref") for p in children(remittance, "Strd")), "") or own
    )
    return {
        "text": text or party or reference,
        "payer": party,
        "payer_tax_id": tax_id,
        "reference": reference,
        "document": next((words(p, "CdtrRefInf", "Ref") for p in children(remittance, "Strd")), "") or own,
    }


def _other_side(parties: Element | None, amount: Decimal) -> tuple[str, str]:
    """Name and tax id. Where somebody else stands behind the other side, no id says who pays."""
    names = ("Dbtr", "UltmtDbtr") if amount > 0 else ("Cdtr", "UltmtCdtr")
    (name, tax_id), (last, behind) = (_party(child(parties, each)) for each in names)
    if behind:
        return name or last, behind if tax_id in ("", behind) else ""
    return name or last, tax_id if last in ("", name) else ""


def _party(party: Element | None) -> tuple[str, str]:
    party = child(party, "Pty") if child(party, "Pty") is not None else party
    ids = (words(party, "Id", "OrgId", "Othr", "Id"), words(party, "Id", "PrvtId", "Othr", "Id"))
    bare = ["".join(filter(str.isalnum, found)).upper() for found in ids if found]
    return words(party, "Nm"), next((found for found in bare if len(found) in (11, 14)), "")


def _transaction_code(code: Element | None) -> str:
    domain = child(code, "Domn")
    parts = [words(domain, "Cd"), words(domain, "Fmly", "Cd"), words(domain, "Fmly", "SubFmlyCd")]
    return "-".join(filter(None, parts)) or words(code, "Prtry", "Cd")


def kind_of(space: str, root: str, head: str) -> str:
    """`camt053` or `camt054`, by namespace or by the message inside, whatever is wrapped around it; else empty."""
    if "camt.05" in space:
        return "camt054" if "camt.054" in space else "camt053"
    messages = _MESSAGES | {"BkToCstmrAcctRpt": "camt053"}
    found = _MESSAGE.search(head)
    return messages.get(root) or (messages[found[1]] if found else "")


def read(source: Source, *, today: date) -> Iterator[Event]:
    _, root = root_of(source)
    statement: _Statement | None = None
    message, statements = "", 0
    for event, name, element in Walk(source, _CONTAINERS | {root}):
        if event == "start" and name == "BkToCstmrAcctRpt":
            raise Refusal(INTRADAY)
        if event == "start" and name in _MESSAGES and not message:
            message = _MESSAGES[name]
            yield Head(message, READER, source.name)
        elif event == "start" and name in _REPORTS and message:
            statement = _Statement(today)
            statements += 1
        elif event == "end" and name in _REPORTS and statement:
            yield from statement.end()
            statement = None
        elif event == "whole" and name == "Ntry" and statement:
            yield from statement.entry(element)
        elif event == "whole" and statement:
            statement.take(element)
    if not message:
        raise Refusal(NOT_CAMT, root=root)
    if not statements:
        raise Refusal(NO_STATEMENT)
    yield from source.notices
