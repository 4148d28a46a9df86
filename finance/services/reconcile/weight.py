"""What a match gives up or books by one person's word, weighed with what came before it; slicing helps nobody.

Money that lines bring to titles weighs nothing, nor what a title's terms grant, nor what a rule that another person
trusted says. Everything else does, whatever the account: up to the limit of write-offs one person posts it alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Q, Sum
from django.utils import timezone

from backoffice.core.models import Approval, User
from finance.models import Account, Instalment, Posting, StatementLine
from finance.services import second_person, settlement
from finance.services.second_person import SPLIT_DAYS, write_off_limit

from .items import ZERO, Item
from .reasons import Reasons

KIND = "finance.match"

# Begins with the matches that people made these days, and looks into each one's postings: the books behind them may be
# of any size.
_EARLIER = """
WITH recent AS MATERIALIZED (
    SELECT entry_id, by_id FROM finance_match WHERE stage = 'M' AND at > %(since)s AND NOT automatic
    UNION ALL
    SELECT m.entry_id, m.by_id FROM finance_match m
    JOIN finance_matchruleversion v ON v.id = m.rule_version_id JOIN finance_matchrule r ON r.id = v.rule_id
    WHERE m.stage = 'S6' AND m.at > %(since)s AND NOT m.automatic AND NOT r.is_trusted
)
SELECT coalesce(sum(abs(p.amount)) FILTER (WHERE e.approved_by_id IS NULL), 0), coalesce(sum(abs(p.amount)), 0)
FROM recent w
CROSS JOIN LATERAL (
    SELECT *, bool_or(line_id = ANY(%(lines)s) OR party_id = ANY(%(parties)s::bigint[])) OVER () AS is_about
    FROM finance_posting WHERE entry_id = w.entry_id OFFSET 0
) p
JOIN finance_journalentry e ON e.id = w.entry_id
WHERE p.line_id IS NULL
      AND (p.is_about AND p.instalment_id IS NULL
           -- what suppliers were paid ahead, as credits
           OR p.party_id = ANY(%(parties)s::bigint[]) AND p.role = 'issue'
              AND (SELECT t.direction FROM finance_instalment i JOIN finance_title t ON t.id = i.title_id
                   WHERE i.id = p.instalment_id) = 'payable'
           OR p.party_id IS NULL AND p.instalment_id IS NULL
              AND w.by_id = %(by)s AND p.account_id = ANY(%(accounts)s::bigint[]))
      AND NOT EXISTS (SELECT 1 FROM finance_journalentry r WHERE r.reverses_id = w.entry_id)
"""


@dataclass(frozen=True)
class Weight:
    """BRL. own: of this match.   alone: with what one person posted these days.   whole: with all, asked and approved.

    parties: those it concerns.
    """

    own: Decimal = ZERO
    alone: Decimal = ZERO
    whole: Decimal = ZERO
    parties: tuple[int, ...] = ()

    @property
    def needs_second(self) -> bool:
        return bool(self.own) and self.alone > write_off_limit()

    @property
    def right(self) -> str:
        """Who may approve it."""
        if not self.needs_second:
            return "finance.match.approve"
        return second_person.right_for("finance.write_off", self.whole)


def weigh(
    parts: Mapping[int, Decimal],
    items: Sequence[Item],
    reasons: Reasons,
    met: Mapping[int, Instalment],
    *,
    by: User,
    to_say: bool = False,
) -> Weight:
    """What the match weighs. parts: line → its part. met: the instalments of the items, as they are before it.

    to_say: it is posted or asked in this transaction, so nobody else's word is weighed before that ends.
    """
    by_word = [item for item in items if item.kind == "account" and not _stands(reasons)]
    advances = [item for item in items if item.kind == "advance" and not _is_surplus(item, parts, items, met)]
    own = sum((abs(item.amount) for item in [*by_word, *advances]), ZERO)
    if not own:
        return Weight()
    if by_word:
        own -= _granted(by_word, items, met, on=_last_day(parts))
    named = tuple(sorted(parties_of(items, met)))
    if to_say:
        second_person.hold_words(named, by=None if named else by)
    earlier = _earlier(named, list(parts), by_word, by=by)
    return Weight(own, own + earlier[0], own + earlier[1], named)


def parties_of(items: Iterable[Item], met: Mapping[int, Instalment]) -> set[int]:
    """Those that a match concerns."""
    return {row.party_id for row in met.values() if row.party_id} | {item.party for item in items if item.party}


def _stands(reasons: Reasons) -> bool:
    """Whether somebody or something else answers for the accounts: the title's terms, or a rule that is trusted."""
    return reasons.is_by_terms or reasons.is_by_trusted_rule


def _is_surplus(item: Item, parts: Mapping[int, Decimal], items: Iterable[Item], met: Mapping[int, Instalment]) -> bool:
    """Whether money came in beyond titles of that party that are settled in full by it."""
    if any(part < 0 for part in parts.values()):
        return False
    settled: dict[int, Decimal] = {}
    for other in items:
        if other.kind == "instalment":
            settled[other.id] = settled.get(other.id, ZERO) + other.amount
    full = [row for row in met.values() if row.party_id == item.party and row.balance + settled[row.pk] == 0]
    return bool(full) and len(full) == len(met)


def _granted(by_word: Iterable[Item], items: Iterable[Item], met: Mapping[int, Instalment], *, on: date) -> Decimal:
    """What of the differences the terms of the titles ask or grant on that day."""
    terms = {Posting.Role.DISCOUNT: ZERO, Posting.Role.FINE: ZERO, Posting.Role.INTEREST: ZERO}
    settled = {item.id: item.amount for item in items if item.kind == "instalment"}
    full = [row for row in met.values() if row.balance + settled.get(row.pk, ZERO) == 0]
    for pk, due in settlement.dues(full, on).items():
        side = 1 if met[pk].balance > 0 else -1
        terms[Posting.Role.DISCOUNT] += side * due.discount
        terms[Posting.Role.FINE] -= side * due.fine
        terms[Posting.Role.INTEREST] -= side * due.interest
    granted = ZERO
    for role, own in terms.items():
        typed = sum((item.amount for item in by_word if item.role == role), ZERO)
        if typed * own > 0:
            granted += min(abs(typed), abs(own))
    return granted


def _last_day(parts: Iterable[int]) -> date:
    days = StatementLine.objects.filter(pk__in=list(parts)).values_list("on", flat=True)
    return max(days, default=timezone.localdate())


def _earlier(
    parties: Sequence[int], lines: Sequence[int], by_word: Sequence[Item], *, by: User
) -> tuple[Decimal, Decimal]:
    """The same by people in the last days: what nobody approved, and everything with what waits for an answer.

    The same: of the same parties or lines; where no party is named, of the same person on the same account. Fees of
    banks without a party are many and small: each stands for itself.
    """
    wanted = set() if parties else {item.id for item in by_word}
    wanted -= set(Account.objects.filter(pk__in=wanted, purpose="bank_fees").values_list("pk", flat=True))
    facts: dict[str, datetime | int | list[int]] = {
        "since": timezone.now() - timedelta(days=SPLIT_DAYS),
        "parties": list(parties),
        "lines": list(lines),
        "accounts": sorted(wanted),
        "by": by.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, facts)
        alone, whole = cursor.fetchone()
    return alone, whole + _waiting(parties)


def _waiting(parties: Iterable[int]) -> Decimal:
    """What is asked about the same parties and not answered yet."""
    about = Q()
    for pk in parties:
        about |= Q(data__parties__contains=[pk])
    if not about:
        return ZERO
    asked = Approval.objects.filter(about, kind=KIND, state=Approval.State.WAITING)
    waiting: Decimal = asked.aggregate(sum=Sum("amount", default=ZERO))["sum"]
    return waiting
