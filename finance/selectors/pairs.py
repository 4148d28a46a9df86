"""Bank lines on the left, what the books offer on the right: rows ready for the reconciliation page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from backoffice.core.models import Approval, User
from finance.selectors import interim_reasons as reasons
from finance.models import (
    Account,
    BankAccount,
    IgnoredLine,
    Instalment,
    Match,
    Posting,
    StatementLine,
    Suggestion,
)

PAGE = 50
CAP = 1000
CANDIDATES = 3
_WAITING = """
SELECT b.id, few.n, few.oldest FROM finance_bankaccount b
CROSS JOIN LATERAL (
    SELECT count(*) AS n, min("on") AS oldest
    FROM (SELECT l."on" FROM finance_statementline l WHERE l.bank_account_id = b.id AND l.open_amount <> 0
          ORDER BY l."on", l.id LIMIT %s) first
) few
WHERE b.is_active
"""
SHOWS = ("all", "suggested", "unexplained", "ignored")


@dataclass(frozen=True)
class Piece:
    """One thing that stands against the line. amount: BRL, as it counts towards the line."""

    label: str
    detail: str
    amount: Decimal
    due_on: date | None = None
    party: str = ""
    role: str = ""


@dataclass(frozen=True)
class Candidate:
    """A suggestion in words. band: high, medium or low."""

    pk: int
    rank: int
    pieces: list[Piece]
    sentence: str
    band: str
    confidence: Decimal
    alternatives: int
    stage: str
    is_gone: bool  # what it names was settled since

    @property
    def band_text(self) -> str:
        return {"high": _("High"), "medium": _("Medium"), "low": _("Low")}[self.band]


@dataclass
class Pair:
    """One line and what belongs to it."""

    line: StatementLine
    candidates: list[Candidate] = field(default_factory=list)
    match: Match | None = None
    ignored: IgnoredLine | None = None
    claimed_by: str = ""
    waiting: Approval | None = None  # a second person was asked

    @property
    def usable(self) -> list[Candidate]:
        return [candidate for candidate in self.candidates if not candidate.is_gone]

    @property
    def chosen(self) -> Candidate | None:
        """The one that Enter accepts; none when two explain the line equally well."""
        usable = self.usable
        if not usable or (len(usable) > 1 and usable[0].confidence == usable[1].confidence):
            return None
        return usable[0]

    @property
    def is_open(self) -> bool:
        return bool(self.line.open_amount) and self.ignored is None

    @property
    def is_partly(self) -> bool:
        return bool(self.line.open_amount) and self.line.open_amount != self.line.amount


def band(confidence: Decimal) -> str:
    return "high" if confidence >= Decimal("0.90") else "medium" if confidence >= Decimal("0.70") else "low"


def open_lines(account: BankAccount, show: str = "all") -> QuerySet[StatementLine]:
    """Lines with something open; show: all, suggested, unexplained, or ignored ones."""
    aside = Exists(IgnoredLine.objects.filter(line=OuterRef("pk")))
    lines = StatementLine.objects.filter(bank_account=account).exclude(open_amount=0)
    lines = lines.filter(aside) if show == "ignored" else lines.exclude(aside)
    suggested = Exists(Suggestion.objects.filter(line=OuterRef("pk"), rank=1))
    return {"suggested": lines.filter(suggested), "unexplained": lines.exclude(suggested)}.get(show, lines)


def page(
    account: BankAccount, *, reader: User, now: datetime, show: str = "all", after: str = ""
) -> tuple[list[Pair], str]:
    """Fifty pairs, oldest first, and the mark after which the next fifty begin (empty: none)."""
    lines = open_lines(account, show)
    if after:
        day, _sep, pk = after.partition(".")
        on = date.fromisoformat(day)
        lines = lines.filter(Q(on__gt=on) | Q(on=on, pk__gt=int(pk)), on__gte=on)
    found = list(_with_all(lines).order_by("on", "pk")[: PAGE + 1])
    shown = found[:PAGE]
    mark = f"{shown[-1].on}.{shown[-1].pk}" if len(found) > PAGE else ""
    return pairs(shown, reader=reader, now=now), mark


def _with_all(lines: QuerySet[StatementLine]) -> QuerySet[StatementLine]:
    best = Suggestion.objects.filter(rank__lte=CANDIDATES).order_by("rank", "pk")
    return lines.select_related("claim__person", "ignored__by").prefetch_related(
        Prefetch("suggestions", best, to_attr="best")
    )


def one(pk: int, *, reader: User, now: datetime) -> Pair | None:
    """A single pair, with its last match when nothing of it is open."""
    line = _with_all(StatementLine.objects.filter(pk=pk, is_void=False)).select_related("bank_account").first()
    if line is None:
        return None
    pair = pairs([line], reader=reader, now=now)[0]
    if line.open_amount != line.amount:
        pair.match = last_match(line)
    return pair


def last_match(line: StatementLine) -> Match | None:
    """The newest match of the line that was not undone."""
    live = Match.objects.filter(entry__postings__line=line, entry__reversed_by=None)
    return live.select_related("entry__journal", "by", "rule_version__rule").order_by("-pk").first()


def pairs(lines: Sequence[StatementLine], *, reader: User, now: datetime) -> list[Pair]:
    """Lines with what is offered for them; three queries, whatever their number."""
    offered = [suggestion for line in lines for suggestion in line.best]  # type: ignore[attr-defined]
    told = _told(item for suggestion in offered for item in suggestion.items)
    asked = {
        approval.subject: approval
        for approval in Approval.objects.filter(
            kind="finance.match", state=Approval.State.WAITING, subject__in=[line.ref for line in lines]
        ).select_related("asked_by")
    }
    made = []
    for line in lines:
        claim = getattr(line, "claim", None)
        here = claim is not None and claim.until > now and claim.person_id != reader.pk
        made.append(
            Pair(
                line,
                [_candidate(suggestion, told) for suggestion in line.best],  # type: ignore[attr-defined]
                ignored=getattr(line, "ignored", None),
                claimed_by=str(claim.person) if here and claim else "",
                waiting=asked.get(line.ref),
            )
        )
    return made


@dataclass(frozen=True)
class _Told:
    """What items of suggestions name."""

    instalments: dict[int, Instalment]
    accounts: dict[Any, Account]
    lines: dict[int, StatementLine]


def _told(items: Iterable[dict[str, Any]]) -> _Told:
    keys: dict[str, set[Any]] = {"instalment": set(), "line": set(), "purpose": set(), "account": set()}
    for item in items:
        if item["kind"] in ("instalment", "line"):
            keys[item["kind"]].add(item["id"])
        elif item.get("purpose"):
            keys["purpose"].add(item["purpose"])
        elif item.get("account"):
            keys["account"].add(item["account"])
    parts = Instalment.objects.select_related("title", "party").filter(pk__in=keys["instalment"])
    accounts: dict[Any, Account] = {}
    if keys["account"] or keys["purpose"]:
        for account in Account.objects.filter(Q(pk__in=keys["account"]) | Q(purpose__in=keys["purpose"])):
            accounts[account.pk] = accounts[account.purpose] = account
    others = StatementLine.objects.select_related("bank_account").filter(pk__in=keys["line"])
    return _Told(
        {part.pk: part for part in parts} if keys["instalment"] else {},
        accounts,
        {line.pk: line for line in others} if keys["line"] else {},
    )


def _candidate(suggestion: Suggestion, told: _Told) -> Candidate:
    pieces, gone = [], False
    for item in suggestion.items:
        piece, is_gone = _piece(item, told)
        pieces.append(piece)
        gone = gone or is_gone
    return Candidate(
        suggestion.pk,
        suggestion.rank,
        pieces,
        str(reasons.sentence(suggestion.evidence, suggestion.stage)),
        band(suggestion.confidence),
        suggestion.confidence,
        suggestion.alternatives,
        suggestion.stage,
        gone,
    )


def _piece(item: dict[str, Any], told: _Told) -> tuple[Piece, bool]:
    amount = Decimal(item["amount"])
    if item["kind"] == "instalment":
        part = told.instalments.get(item["id"])
        if part is None:
            return Piece("?", "", -amount), True
        left = part.balance + amount
        gone = part.balance == 0 or left * part.balance < 0 or abs(left) > abs(part.amount)
        return Piece(str(part.title.number), "", -amount, part.due_on, str(part.party)), gone
    if item["kind"] == "line":
        other = told.lines.get(item["id"])
        if other is None:
            return Piece("?", "", -amount), True
        return Piece(str(other.bank_account), other.text, -amount, other.on, _("Transfer")), not other.open_amount
    account = told.accounts.get(item.get("account") or item.get("purpose"))
    role = Posting.Role(item["role"]).label if item.get("role") else ""
    return Piece(str(role or account or ""), str(account or ""), -amount, role=item.get("role", "")), False


def account_of(line_id: int) -> int | None:
    """The bank account of a line that was not voided."""
    found = StatementLine.objects.filter(pk=line_id, is_void=False).values_list("bank_account_id", flat=True)
    return found.first()


@dataclass(frozen=True)
class AccountRow:
    """A bank account to choose: its open lines, at most CAP + 1 of them counted."""

    account: BankAccount
    waiting: int
    oldest_on: date | None


def accounts() -> list[AccountRow]:
    """Active bank accounts, those with most to do first."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [CAP + 1])
        found = {pk: (count, oldest) for pk, count, oldest in cursor.fetchall()}
    rows = [AccountRow(a, *found.get(a.pk, (0, None))) for a in BankAccount.objects.filter(is_active=True)]
    return sorted(rows, key=lambda row: (-row.waiting, row.account.name))
