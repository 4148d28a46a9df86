"""Rules of matching: tried on past lines before they are saved, proposed after equal decisions, trusted by managers.

Every change is a new version; a match keeps the version that made it. A rule that posts by itself is a second person
for everything it will ever book: another than its author trusts it, that version, one way, up to its highest amount.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Max, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice.core.models import Approval, User
from backoffice.core.services import approvals, audit
from finance.matching import speaks_of_reversal
from finance.models import Account, Match, MatchRule, MatchRuleVersion, Posting, StatementLine
from finance.rules import WORDS, Condition, Part, condition_of, proposed_pattern, template_of
from finance.services import second_person

FOLDED = "' ' || btrim(regexp_replace(core_plain(l.text || ' ' || l.payer), '[^a-z0-9]+', ' ', 'g')) || ' '"
SHOWN = 20  # lines of a trial
LATEST = 20_000  # lines that a trial looks at
FRESH = 1  # the version of a rule that nobody switched or changed
EQUAL = 2  # equal decisions by people after which a rule is proposed
TRUST = "finance.trust_rule"
LOOK_BACK = timedelta(days=400)


class RuleRefused(Exception):
    """The rule cannot be kept; `args[0]` says why, for a person."""


@dataclass(frozen=True)
class Trial:
    """What a rule would have met. against: lines that people or the engine settled otherwise."""

    hits: int
    open: int
    alike: int
    against: int
    lines: list[StatementLine]


def where(condition: Condition, *, folded: str = f"({FOLDED})") -> tuple[str, list[Any]]:
    """The condition on `l`, a statement line, as SQL with its values; the same answer as Condition.fits."""
    parts, values = ["NOT l.is_void"], list[Any]()
    if condition.bank_account:
        parts.append("l.bank_account_id = %s")
        values.append(condition.bank_account)
    if condition.sign:
        parts.append("l.amount > 0" if condition.sign == "in" else "l.amount < 0")
    if condition.least is not None:
        parts.append("abs(l.amount) >= %s")
        values.append(condition.least)
    if condition.most is not None:
        parts.append("abs(l.amount) <= %s")
        values.append(condition.most)
    likes = condition.likes()
    parts.append(f"{folded} LIKE ALL (%s)")
    values.append(likes)
    return " AND ".join(parts), values


def current() -> list[MatchRuleVersion]:
    """The version in force of every active rule, by id."""
    last = MatchRuleVersion.objects.values("rule").annotate(last=Max("number")).values("last", "rule")
    wanted = {row["rule"]: row["last"] for row in last}
    versions = MatchRuleVersion.objects.filter(rule__is_active=True).select_related("rule").order_by("pk")
    return [version for version in versions if wanted[version.rule_id] == version.number]


def fit(cursor: CursorWrapper) -> int:
    """Fill TEMP m_rule with the rules that fit the lines of m_line; how many fits."""
    cursor.execute("CREATE TEMP TABLE m_rule (line bigint, version bigint, trusted boolean, of_reversals boolean)")
    versions = current()
    if versions:
        cursor.execute(
            f"CREATE TEMP TABLE m_folded AS SELECT l.id, l.bank_account_id, l.amount, l.is_void, {FOLDED} AS folded"  # noqa: S608
            " FROM m_line m JOIN finance_statementline l ON l.id = m.line"
        )
    for version in versions:
        condition, values = where(condition_of(version.condition), folded="l.folded")
        cursor.execute(
            f"INSERT INTO m_rule SELECT l.id, %s, %s, %s FROM m_folded l WHERE {condition}",  # noqa: S608 (by `where`)
            [version.pk, version.rule.is_trusted, speaks_of_reversal(version.condition["pattern"]), *values],
        )
    cursor.execute("DROP TABLE IF EXISTS m_folded; CREATE INDEX ON m_rule (line); ANALYZE m_rule")
    cursor.execute("SELECT count(*) FROM m_rule")
    return int(cursor.fetchone()[0])


def try_out(condition: Condition, template: Sequence[Part]) -> Trial:
    """What the rule would have met among the newest lines (LATEST of them); nothing is written."""
    clause, values = where(condition)
    accounts = sorted({part.account for part in template})
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH hit AS (
                SELECT l.id, l.open_amount <> 0 AS open
                FROM (SELECT * FROM finance_statementline ORDER BY id DESC LIMIT {LATEST}) l WHERE {clause}
            ), done AS (
                SELECT h.id, array_agg(DISTINCT o.account_id ORDER BY o.account_id) AS accounts
                FROM hit h JOIN finance_posting p ON p.line_id = h.id AND p.role = 'transit'
                JOIN finance_match m ON m.entry_id = p.entry_id
                JOIN finance_posting o ON o.entry_id = m.entry_id AND o.line_id IS NULL
                WHERE NOT EXISTS (SELECT 1 FROM finance_journalentry r WHERE r.reverses_id = m.entry_id)
                GROUP BY h.id
            )
            SELECT count(*), count(*) FILTER (WHERE h.open), count(*) FILTER (WHERE d.accounts = %s::bigint[]),
                   count(*) FILTER (WHERE d.accounts <> %s::bigint[]), (array_agg(h.id ORDER BY h.id DESC))[:{SHOWN}]
            FROM hit h LEFT JOIN done d ON d.id = h.id
            """,  # noqa: S608 (built by `where`)
            [*values, accounts, accounts],
        )
        hits, still, alike, against, shown = cursor.fetchone()
    lines = list(StatementLine.objects.filter(pk__in=shown or []).select_related("bank_account").order_by("-on", "-pk"))
    return Trial(hits, still, alike, against, lines)


@transaction.atomic
def save(
    *, name: str, condition: Condition, template: Sequence[Part], by: User | None, rule: MatchRule | None = None
) -> MatchRule:
    """Keep a rule as a new version; a changed rule is trusted again only by a manager. Raises RuleRefused."""
    _refuse_wrong(template)
    if rule is None:
        rule = MatchRule.objects.create(name=name)
    else:
        rule = MatchRule.objects.select_for_update().get(pk=rule.pk)
        MatchRule.objects.filter(pk=rule.pk).update(name=name, is_trusted=False, version=F("version") + 1)
    last = rule.versions.aggregate(last=Max("number"))["last"] or 0
    MatchRuleVersion.objects.create(
        rule=rule,
        number=last + 1,
        condition=condition.as_json(),
        template=[part.as_json() for part in template],
        made_by=by,
    )
    audit.record("finance.rule_saved", rule, by=by, number=last + 1)
    rule.refresh_from_db()
    return rule


@transaction.atomic
def switch(rule: MatchRule, *, by: User, active: bool | None = None, distrust: bool = False) -> MatchRule:
    """Put a rule in or out of force, or let it only suggest; `ask_trust` is the way to let it post."""
    rule = MatchRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    wanted = {"is_active": active, "is_trusted": False if distrust else None}
    changes = {
        field: [getattr(rule, field), value]
        for field, value in wanted.items()
        if value is not None and getattr(rule, field) != value
    }
    if changes:
        for field, (_old, value) in changes.items():
            setattr(rule, field, value)
        rule.version += 1
        rule.save(update_fields=["is_active", "is_trusted", "version"])
        audit.record("finance.rule_switched", rule, by=by, changes=changes)
    return rule


def why_not_trusted(version: MatchRuleVersion) -> str:
    """What a rule lacks before it may post by itself, or nothing."""
    condition = condition_of(version.condition)
    if not condition.sign or condition.most is None:
        return str(
            _(
                "It has no direction or no highest amount, so it could post anything. Change it: say money in or money"
                " out, and “Amount to”."
            )
        )
    return ""


@transaction.atomic
def ask_trust(rule: MatchRule, *, by: User) -> Approval:
    """Ask another person to let the rule post by itself; above the limit of the policy, a director.

    Raises RuleRefused, second_person.Waiting.
    """
    rule = MatchRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    version = rule.versions.latest("number")
    if rule.is_trusted:
        raise RuleRefused(_("It posts by itself already."))
    if why := why_not_trusted(version):
        raise RuleRefused(why)
    condition = condition_of(version.condition)
    assert condition.most is not None
    return second_person.ask(
        TRUST,
        rule,
        object_="finance.match_rule",
        amount=condition.most,
        by=by,
        title=gettext_noop("Let the rule %(name)s post by itself, up to %(most)s a line"),
        name=rule.name,
        most=str(condition.most),
        number=version.number,
    )


def trust_decided(approval: Approval) -> None:
    """On yes: the rule posts by itself, if it is still as it was asked. Who wrote it is no second person."""
    if approval.state != Approval.State.APPROVED or approval.decided_by is None:
        return
    rule = MatchRule.objects.select_for_update(of=("self",)).get(pk=second_person.pk_of(approval))
    version = rule.versions.latest("number")
    if version.made_by_id == approval.decided_by_id:
        raise approvals.NotTheirs
    if version.number != approval.data["number"] or why_not_trusted(version):
        second_person.left_undone(
            approval,
            second_person.Outdated(_("It changed since it was asked: what was approved is no longer what stands.")),
        )
        return
    MatchRule.objects.filter(pk=rule.pk).update(
        is_trusted=True, trusted_by=approval.decided_by, trusted_version=version.number, version=F("version") + 1
    )
    audit.record("finance.rule_trusted", rule, by=approval.decided_by, number=version.number)


def is_proposal(rule: MatchRule) -> bool:
    """Whether the program proposed it and nobody looked at it yet."""
    return not rule.is_active and rule.version == FRESH


def proposals() -> QuerySet[MatchRule]:
    """Rules that wait for somebody to look at them, the newest first."""
    return MatchRule.objects.filter(is_active=False, version=FRESH).order_by("-pk")


def propose_after(match: Match) -> MatchRule | None:
    """After two equal decisions by people, a rule that would have made them: inactive, for somebody to look at.

    Equal: one line each, of one account and sign, against the same accounts and no title. None: nothing to propose.
    """
    if match.automatic or match.stage not in (Match.Stage.MANUAL, Match.Stage.RULE):
        return None
    own = _booked(match)
    if own is None:
        return None
    line, parts = own
    since = line.on - LOOK_BACK
    earlier = (
        Match.objects.filter(automatic=False, stage=Match.Stage.MANUAL, pk__lt=match.pk, entry__reversed_by=None)
        .filter(entry__on__gte=since, entry__postings__account__in=[part.account for part in parts])
        .order_by("-pk")
        .distinct()[:50]
    )
    for other in earlier:
        theirs = _booked(other)
        if theirs is None or theirs[1] != parts or (theirs[0].amount > 0) != (line.amount > 0):
            continue
        if theirs[0].bank_account_id != line.bank_account_id:
            continue
        pattern = proposed_pattern(line.text or line.payer, theirs[0].text or theirs[0].payer)
        if pattern:
            return _propose(pattern, [line, theirs[0]], parts, by=match.by)
    return None


def _propose(pattern: str, alike: list[StatementLine], parts: list[Part], *, by: User | None) -> MatchRule | None:
    """No wider than what was decided: that account and sign, and amounts between those of the lines."""
    amounts = sorted(abs(line.amount) for line in alike)
    condition = Condition(
        how=WORDS,
        pattern=pattern,
        sign="in" if alike[0].amount > 0 else "out",
        least=amounts[0],
        most=amounts[-1],
        bank_account=alike[0].bank_account_id,
    )
    known = MatchRuleVersion.objects.filter(condition=condition.as_json())
    name = pattern[:120]
    if known.exists() or MatchRule.objects.filter(name=name).exists():
        return None
    rule = save(name=name, condition=condition, template=parts, by=by)
    MatchRule.objects.filter(pk=rule.pk).update(is_active=False)
    rule.refresh_from_db()
    return rule


def _booked(match: Match) -> tuple[StatementLine, list[Part]] | None:
    """The one line and the accounts of a match that names no title, as shares; None for any other match."""
    postings = list(Posting.objects.filter(entry_id=match.entry_id).select_related("line").order_by("seq"))
    lines = [posting for posting in postings if posting.line_id]
    rest = [posting for posting in postings if not posting.line_id]
    if len(lines) != 1 or not rest or any(posting.instalment_id for posting in rest) or lines[0].line is None:
        return None
    if len(rest) > 1:  # shares of one decision are no rule yet
        return None
    part = rest[0]
    return lines[0].line, [Part(part.account_id, Decimal(1), part.role, part.cost_centre_id, part.party_id)]


def _refuse_wrong(template: Sequence[Part]) -> None:
    wanted = {part.account for part in template}
    usable = usable_accounts().filter(pk__in=wanted)
    if usable.count() != len(wanted):
        raise RuleRefused(
            _("A rule posts to an account that takes postings: no group, no account of titles, no bank or transit.")
        )


def usable_accounts() -> Any:
    """Accounts that a rule may post to."""
    return Account.objects.filter(
        is_group=False, is_active=True, is_control=False, bank_account=None, transit_of=None
    ).order_by("code")


def parts_of(version: MatchRuleVersion) -> list[Part]:
    return template_of(version.template)
