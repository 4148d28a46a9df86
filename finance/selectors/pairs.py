"""Bank lines on the left, what the books offer on the right: rows ready for the reconciliation page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import CharField, Exists, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from backoffice.core.models import Approval, User
from backoffice.core.templatetags.display import day
from finance import reasons
from finance.models import (
    BankAccount,
    IgnoredLine,
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

    @property
    def more(self) -> str:
        return " · ".join(word for word in (self.party, day(self.due_on) if self.due_on else "") if word)


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
    def key(self) -> str:
        return str(self.pk)

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
    waiting: int | None = None  # the approval that was asked for
    waiting_by: str = ""
    next: str = ""  # the key of the line after it on the page

    @cached_property
    def key(self) -> str:
        return str(self.line.pk)  # a number would be grouped as the reader writes it

    @property
    def name(self) -> str:
        """Who paid or was paid, as far as the bank says."""
        return self.line.payer or self.line.text or self.line.kind or "–"

    @cached_property
    def usable(self) -> list[Candidate]:
        return [candidate for candidate in self.candidates if not candidate.is_gone]

    @property
    def is_choice(self) -> bool:
        return len(self.usable) > 1

    @cached_property
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
    made = pairs(shown, reader=reader, now=now)
    for pair, following in pairwise(made):
        pair.next = following.key
    return made, mark


def _with_all(lines: QuerySet[StatementLine]) -> QuerySet[StatementLine]:
    best = Suggestion.objects.filter(rank__lte=CANDIDATES).order_by("rank", "pk")
    asked = Approval.objects.filter(
        kind="finance.match",
        state=Approval.State.WAITING,
        subject=Concat(Value("finance.statementline:"), Cast(OuterRef("pk"), CharField())),
    )
    lines = lines.annotate(asked_pk=asked.values("pk")[:1], asked_by=asked.values("asked_by__name")[:1])
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
    """Lines with what is offered for them; one query more, whatever their number."""
    offered = [suggestion for line in lines for suggestion in line.best]  # type: ignore[attr-defined]
    told = _told(item for suggestion in offered for item in suggestion.items)
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
                waiting=getattr(line, "asked_pk", None),
                waiting_by=getattr(line, "asked_by", None) or "",
            )
        )
    return made


@dataclass(frozen=True)
class _Thing:
    """What an item names: a title, an account, or another line. left: what is open of it."""

    label: str
    detail: str
    on: date | None
    left: Decimal
    whole: Decimal


_TOLD = """
SELECT 'instalment', i.id::text, CASE WHEN i.seq > 1 THEN t.number || '/' || i.seq ELSE t.number END, p.name, i.due_on,
       i.balance, i.amount
FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id JOIN core_party p ON p.id = i.party_id
WHERE i.id = ANY(%(instalment)s)
UNION ALL
SELECT 'line', l.id::text, b.name, l.text, l."on", l.open_amount, l.amount
FROM finance_statementline l JOIN finance_bankaccount b ON b.id = l.bank_account_id WHERE l.id = ANY(%(line)s)
UNION ALL
SELECT 'account', id::text, code || ' ' || name, purpose, NULL, 0, 0
FROM finance_account WHERE id = ANY(%(account)s) OR (purpose <> '' AND purpose = ANY(%(purpose)s))
"""

Told = dict[tuple[str, str], _Thing]


def _told(items: Iterable[dict[str, Any]]) -> Told:
    """Everything that items of suggestions name, in one query."""
    keys: dict[str, list[Any]] = {"instalment": [], "line": [], "purpose": [], "account": []}
    for item in items:
        if item["kind"] in ("instalment", "line"):
            keys[item["kind"]].append(item["id"])
        elif item.get("purpose"):
            keys["purpose"].append(item["purpose"])
        elif item.get("account"):
            keys["account"].append(item["account"])
    told: Told = {}
    if any(keys.values()):
        with connection.cursor() as cursor:
            cursor.execute(_TOLD, keys)
            for kind, key, *rest in cursor.fetchall():
                told[kind, key] = _Thing(*rest)
                if kind == "account" and told[kind, key].detail:
                    told[kind, told[kind, key].detail] = told[kind, key]
    return told


def _candidate(suggestion: Suggestion, told: Told) -> Candidate:
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
        reasons.band(suggestion.confidence),
        suggestion.confidence,
        suggestion.alternatives,
        suggestion.stage,
        gone,
    )


def _piece(item: dict[str, Any], told: Told) -> tuple[Piece, bool]:
    """One item in words, and whether it cannot be had any more."""
    amount, kind = Decimal(item["amount"]), item["kind"]
    if kind in ("instalment", "line"):
        thing = told.get((kind, str(item["id"])))
        if thing is None:
            return Piece("?", "", -amount), True
        if kind == "line":
            return Piece(thing.label, thing.detail, amount, thing.on, _("Transfer")), thing.left != thing.whole
        left = thing.left + amount
        gone = thing.left == 0 or left * thing.left < 0 or abs(left) > abs(thing.whole)
        return Piece(thing.label, "", -amount, thing.on, thing.detail), gone
    account = told.get(("account", str(item.get("account") or item.get("purpose"))))
    role = str(Posting.Role(item["role"]).label) if item.get("role") else ""
    label = account.label if account else ""
    if kind == "advance":
        role, label = _("Credit of the party"), ""
    return Piece(role or label, label, -amount, role=item.get("role", "") or kind), False


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
