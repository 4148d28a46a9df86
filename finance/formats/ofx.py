"""OFX 1.x (SGML) and 2.x (XML) as banks write them, in one pass and constant memory.

One expression cuts the text into tags and what follows them; a closing tag of a leaf means nothing. A transaction ends
where anything begins that cannot be part of it, so missing closing tags lose nothing.
"""

import re
from collections import deque
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from . import values
from .shapes import LONGEST_RAW, AccountPart, Begin, End, Event, Head, Line, Notice, Quarantined, Refusal, gettext_noop
from .sources import Source

NAME, READER = "ofx", "ofx 1"
LONGEST_VALUE = 2 << 20
SAMPLE = 1 << 20
LONGEST_WORDS = 1_000
LONGEST_TAG = 4_096  # with its attributes
MOST_NAMES = 1_000  # tags remembered; a file with more has them looked up again

_TAG = r"/?[A-Za-z][A-Za-z0-9_.:\-]*(?:[ \t\r\n][^<>]*)?/?>"
_PLAIN = re.compile(r"<(/?[A-Za-z][A-Za-z0-9_.:\-]*)>([^<]*)")
_TOLERANT = re.compile(  # attributes, empty tags, and a < in a text that begins no tag
    r"<(/?[A-Za-z][A-Za-z0-9_.:\-]*)(?:[ \t\r\n][^<>]*)?/?>([^<]*(?:<(?!" + _TAG + r")[^<]*)*)"
)
_START = re.compile("<" + _TAG)
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
_FORBIDDEN = re.compile(r"<!\s*(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST)", re.IGNORECASE)
_AMOUNTS = re.compile(r"<TRNAMT>\s*[+-]?[0-9.,' ]*?([.,])[0-9]{1,2}\s*[<\r\n]", re.IGNORECASE)

_ACCOUNT = frozenset({"BANKACCTFROM", "CCACCTFROM", "ACCTFROM"})
_STATEMENT = frozenset({"STMTRS", "CCSTMTRS"})
_AGGREGATES = (
    _ACCOUNT
    | _STATEMENT
    | {"BANKTRANLIST", "LEDGERBAL", "AVAILBAL", "STATUS", "SONRS", "FI", "ACCTINFO", "BANKACCTINFO", "CCACCTINFO"}
    | {"STMTTRNRS", "CCSTMTTRNRS", "BANKMSGSRSV1", "CREDITCARDMSGSRSV1", "SIGNONMSGSRSV1", "SIGNUPMSGSRSV1", "OFX"}
    | {"INVSTMTMSGSRSV1", "INVSTMTTRNRS", "INVSTMTRS", "INVTRANLIST", "INVACCTFROM", "BALLIST", "BAL", "STMTTRN"}
    | {"BANKTRANLISTP", "STMTTRNP", "CCSTMTENDRS", "STMTENDRS", "ACCTINFORS", "ACCTINFOTRNRS", "SECLISTMSGSRSV1"}
)
_KINDS = {
    "CHECKING": "checking",
    "SAVINGS": "savings",
    "CREDITLINE": "credit line",
    "MONEYMRKT": "money market",
    "CD": "deposit",
    "POUPANCA": "savings",
    "CORRENTE": "checking",
}
_CURRENCIES = {"BRC": "BRL", "R$": "BRL", "REAL": "BRL", "REAIS": "BRL", "BR": "BRL", "986": "BRL"}
_ZERO = Decimal("0.00")
_is_plain, _may_be_balance = values.PLAIN.fullmatch, values.MAY_BE_BALANCE.match  # asked of every line

NO_DATE = gettext_noop("The date “%(value)s” cannot be read.")
NO_AMOUNT = gettext_noop("The amount “%(value)s” cannot be read.")
NO_ACCOUNT = gettext_noop("The statement does not name its account.")
NO_CURRENCY = gettext_noop("The statement does not name its currency.")
OUTSIDE = gettext_noop("Lines lie outside the period the file names, %(first)s to %(last)s.")
BANK_ERROR = gettext_noop("The bank answered with an error: %(message)s (code %(code)s).")
ONLY_LIST = gettext_noop("The file lists accounts and holds no statement.")
UNDATED = gettext_noop("The balance in the file has no date.")
INVESTMENT = gettext_noop("This is an investment statement; only bank and card statements can be read.")
INVESTMENT_LEFT = gettext_noop("The investment part of the file was left out.")
NOTHING = gettext_noop("The file holds no statement.")
DTD = gettext_noop("The file defines a document type or entities, which a statement never needs.")
ENDLESS = gettext_noop("The file holds %(most)s characters without a tag.")


def looks_like(head: str) -> bool:
    return bool(re.search(r"<OFX\b|OFXHEADER\s*[:=]", head, re.IGNORECASE)) or bool(
        re.search(r"<(?:BANKTRANLIST|STMTTRN|STMTRS|CCSTMTRS)>", head, re.IGNORECASE)
    )


def _pieces(source: Source) -> Iterator[str]:
    """The text in pieces that end where a tag begins."""
    rest = ""
    for chunk in source.text():
        text = rest + chunk
        if "<!" in text and _FORBIDDEN.search(text):
            raise Refusal(DTD)
        known = max(len(rest) - LONGEST_TAG, 0)  # before this no tag begins but the one at the start
        cut = text.rfind("<", known)
        while cut > 0 and not _START.match(text, cut):
            cut = text.rfind("<", known, cut)
        cut = max(cut, 0)
        rest = text[cut:]
        if len(rest) > LONGEST_VALUE:
            raise Refusal(ENDLESS, most=LONGEST_VALUE)
        if cut:
            yield text[:cut]
    if rest:
        yield rest


def _tokens(piece: str) -> list[tuple[str, str]]:
    """Tags, closing ones with their slash, and what follows them. The plain expression is right if it used every <."""
    tokens = _PLAIN.findall(piece)
    return tokens if len(tokens) == piece.count("<") else _TOLERANT.findall(piece)


def _words(value: str) -> str:
    """A leaf's text: entities resolved once, a raw & left alone, single spaces."""
    if "<" in value:
        value = value.replace("<![CDATA[", " ").replace("]]>", " ")
        if "<!--" in value:
            value = re.sub(r"<!--.*?-->", " ", value, flags=re.DOTALL)
    if "&" in value:
        value = _ENTITY.sub(_entity, value)
    return " ".join(value.split())


def _entity(found: re.Match[str]) -> str:
    name = found[1]
    if not name.startswith("#"):
        return _ENTITIES[name]
    code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    return chr(code) if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else " "


class _Statement:
    """What one STMTRS said so far."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.ledger: dict[str, str] = {}
        self.is_card = self.is_begun = self.is_listing = False
        self.found = self.parked = self.quarantined = 0
        self.sum = _ZERO
        self.first = date.max
        self.last = date.min

    def is_empty(self) -> bool:
        return not (self.facts.get("ACCTID") or self.is_begun or self.ledger)

    def part(self, decimal: str) -> AccountPart:
        facts = self.facts
        kind = "card" if self.is_card else _KINDS.get(facts.get("ACCTTYPE", "").upper(), "")
        currency = facts.get("CURDEF", "").upper()
        closing = _amount(self.ledger.get("BALAMT", ""), decimal)
        dated = values.stamp(self.ledger.get("DTASOF", ""))
        derived = closing is not None and dated is not None and not self.quarantined
        return AccountPart(
            id=facts.get("ACCTID", ""),
            bank=facts.get("BANKID", ""),
            branch=facts.get("BRANCHID", ""),
            kind=kind,
            currency=_CURRENCIES.get(currency, currency),
            label=facts.get("DESC", ""),
            opening=closing - self.sum if derived and closing is not None else None,
            closing=closing,
            starts_on=_limit(facts.get("DTSTART", "")),
            ends_on=_limit(facts.get("DTEND", "")),
            opening_is_derived=derived,
            balance_on=dated,
        )

    def end(self, decimal: str) -> Iterator[Event]:
        part = self.part(decimal)
        if not self.is_begun:
            yield Begin(part)
        yield from self._warnings(part)
        yield End(part, self.found, self.sum, self.parked, self.quarantined)

    def _warnings(self, part: AccountPart) -> Iterator[Notice]:
        if self.is_listing:
            return
        if not part.id:
            yield Notice(NO_ACCOUNT)
        if not part.currency:
            yield Notice(NO_CURRENCY)
        if part.closing is not None and part.balance_on is None:
            yield Notice(UNDATED)
        starts, ends = part.starts_on, part.ends_on
        if self.found and starts and ends and starts <= ends and (self.first < starts or self.last > ends):
            yield Notice(OUTSIDE, {"first": starts.isoformat(), "last": ends.isoformat()})


class _Reader:
    """The walk over the tokens. `events` is filled by the steps and emptied by `run`."""

    def __init__(self, source: Source, today: date) -> None:
        self.source, self.today = source, today
        self.decimal = _decimal_mark(source)
        self.statement = _Statement()
        self.events: deque[Event] = deque()
        self.leaves: dict[str, str] = {}  # tag as it stands to the name of its leaf
        self.context = ""
        self.in_investment = False
        self.saw_investment = self.saw_listing = False
        self.transactions = self.accounts = 0
        self.status: dict[str, str] = {}
        self.error: dict[str, str] = {}

    def run(self) -> Iterator[Event]:
        yield Head(NAME, READER, self.source.name)
        events, leaves = self.events, self.leaves
        fields: dict[str, str] | None = None
        for piece in _pieces(self.source):
            for tag, value in _tokens(piece):
                leaf = leaves.get(tag)
                if leaf is None and (leaf := self.learn(tag)) is None:  # an aggregate
                    name = tag.upper()
                    if fields is not None:
                        self.transaction(fields)
                        fields = None
                    if name == "STMTTRN":
                        fields = {}
                    elif name != "/STMTTRN":
                        self.aggregate(name)
                elif fields is not None:
                    if leaf and value and leaf not in fields:
                        fields[leaf] = value
                elif leaf and value and (text := _words(value)):
                    self.leaf(leaf, text)
            while events:
                yield events.popleft()
        if fields is not None:
            self.transaction(fields)
        self.close()
        yield from events
        yield from self.finish()

    def learn(self, tag: str) -> str | None:
        """The name of a leaf, nothing for its closing tag, None for an aggregate."""
        name = tag.upper()
        if name.removeprefix("/") in _AGGREGATES:
            return None
        leaf = "" if name.startswith("/") else name
        if len(self.leaves) < MOST_NAMES:
            self.leaves[tag] = leaf
        return leaf

    def aggregate(self, name: str) -> None:
        if not name.startswith("/"):
            self.leave()
            self.enter(name)
            return
        if name[1:] == self.context:
            self.leave()
            self.context = ""
        if name[1:] in _STATEMENT:
            self.close()
        elif name == "/INVSTMTMSGSRSV1":
            self.in_investment = False

    def enter(self, name: str) -> None:
        self.context = name
        if name in _ACCOUNT and self.statement.facts.get("ACCTID"):
            self.close()  # a second account without a statement of its own around it
        if name in _STATEMENT:
            self.close()
            self.statement.is_card = name == "CCSTMTRS"
        elif name == "ACCTINFO":
            self.close()
            self.statement.is_listing = self.saw_listing = True
        elif name == "CCACCTFROM":
            self.statement.is_card = True
        elif name == "STATUS":
            self.status = {}
        elif name.startswith("INVSTMT"):
            self.in_investment = self.saw_investment = True

    def leave(self) -> None:
        if self.context == "STATUS" and self.status.get("SEVERITY", "").upper() == "ERROR" and not self.error:
            self.error = self.status

    def leaf(self, name: str, text: str) -> None:
        if self.context == "STATUS":
            self.status.setdefault(name, text)
        elif self.context == "LEDGERBAL" and name in ("BALAMT", "DTASOF"):
            self.statement.ledger.setdefault(name, text)
        elif name in ("CURDEF", "DTSTART", "DTEND", "DESC") or (
            self.context in _ACCOUNT and name in ("BANKID", "BRANCHID", "ACCTID", "ACCTTYPE")
        ):
            self.statement.facts.setdefault(name, text)

    def transaction(self, fields: dict[str, str]) -> None:
        """One STMTTRN is complete."""
        if self.in_investment:
            return
        self.transactions += 1
        statement, place = self.statement, f"STMTTRN {self.transactions}"
        if not statement.is_begun:
            statement.is_begun = True
            self.events.append(Begin(statement.part(self.decimal)))
        stated, posted = fields.get("TRNAMT", "").strip(), fields.get("DTPOSTED", "").strip()
        amount = Decimal(stated) if _is_plain(stated) else _amount(stated, self.decimal)
        on = values.stamp(posted[:8] if posted[:8].isdigit() else posted) or values.stamp(fields.get("DTUSER", ""))
        if amount is None or on is None:
            statement.quarantined += 1
            reason, value = (NO_AMOUNT, stated) if amount is None else (NO_DATE, posted)
            raw = " ".join(f"<{name}>{text.strip()}" for name, text in fields.items())[:LONGEST_RAW]
            self.events.append(Quarantined(place, reason, {"value": value[:80]}, raw))
            return
        payer = _words(fields.get("NAME") or fields.get("PAYEE") or "")
        text = ((_words(fields["MEMO"]) if "MEMO" in fields else "") or payer)[:LONGEST_WORDS]
        reference = fields["FITID"].strip() if "FITID" in fields else ""
        document = _documents(fields) if "CHECKNUM" in fields or "REFNUM" in fields or "CHKNUM" in fields else ""
        parked = ""
        if (_may_be_balance(text) or _may_be_balance(payer)) and (values.is_balance(text) or values.is_balance(payer)):
            parked = "balance"
        elif not amount:
            parked = "zero"
        elif on > self.today:
            parked = "future"
        if parked:
            statement.parked += 1
        else:
            statement.found += 1
            statement.sum += amount
            if on < statement.first:
                statement.first = on
            if on > statement.last:
                statement.last = on
        valued = values.stamp(fields["DTAVAIL"]) if "DTAVAIL" in fields else None
        kind = fields.get("TRNTYPE", "").strip().upper()
        self.events.append(
            Line(place, on, valued, amount, text, payer, "", kind, _entities(reference), parked, document)
        )

    def close(self) -> None:
        """The statement is through; another may follow."""
        if not self.statement.is_empty():
            self.accounts += 1
            self.events.extend(self.statement.end(self.decimal))
        self.statement = _Statement()

    def finish(self) -> Iterator[Event]:
        self.leave()
        if not self.accounts:
            if self.error:
                code = self.error.get("CODE", "?")
                raise Refusal(BANK_ERROR, message=self.error.get("MESSAGE") or "ERROR", code=code)
            raise Refusal(INVESTMENT if self.saw_investment else NOTHING)
        if self.error:
            yield Notice(
                BANK_ERROR, {"message": self.error.get("MESSAGE") or "ERROR", "code": self.error.get("CODE", "?")}
            )
        if self.saw_investment:
            yield Notice(INVESTMENT_LEFT)
        if self.saw_listing and not self.transactions:
            yield Notice(ONLY_LIST)
        yield from self.source.notices


def _amount(stated: str, decimal: str) -> Decimal | None:
    """An amount by the standard's rules, and with the R$ and the C or D that some Brazilian banks add."""
    amount = values.amount(stated, decimal)
    if amount is None and (stated[:3].strip("+- ").startswith("R$") or stated[-1:] in ("C", "D")):
        return values.priced(stated, decimal)
    return amount


def _limit(text: str) -> date | None:
    """A limit of the period; a Brazilian bank writes DDMMYY."""
    return values.stamp(f"{text[:2]}/{text[2:4]}/20{text[4:]}" if len(text) == 6 and text.isdigit() else text)


def _documents(fields: dict[str, str]) -> str:
    """Cheque and reference numbers beside the FITID."""
    numbers = [_entities(fields[name].strip()) for name in ("CHECKNUM", "CHKNUM", "REFNUM") if name in fields]
    return " ".join(dict.fromkeys(number for number in numbers if number.strip("0")))


def _entities(text: str) -> str:
    return _words(text) if "&" in text or "<" in text or "\n" in text else text


def _decimal_mark(source: Source) -> str:
    """The mark before cents that the first amounts use, if they agree."""
    sample = source.head(SAMPLE).decode("cp1252", "replace").replace("\0", "")
    seen = _AMOUNTS.findall(sample)
    points, commas = seen.count("."), seen.count(",")
    return "." if points > commas * 10 else "," if commas > points * 10 else ""


def read(source: Source, *, today: date) -> Iterator[Event]:
    yield from _Reader(source, today).run()
