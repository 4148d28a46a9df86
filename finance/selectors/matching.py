"""What the engine did and how well it stood: rules in words, runs, and the share undone by confidence."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from finance.models import Account, BankAccount, MatchRule, MatchRuleVersion
from finance.reasons import HIGH, MEDIUM
from finance.rules import CONTAINS, EXACT, STARTS, WORDS, Condition, Part, condition_of, template_of


@dataclass(frozen=True)
class RuleInWords:
    version: MatchRuleVersion
    condition: Condition
    template: list[Part]
    how: str
    bank_account: BankAccount | None
    parts: list[tuple[Account, Decimal]]  # with their share


@dataclass(frozen=True)
class Band:
    """One row of the calibration table. undone: matches whose entry was reversed since."""

    band: str  # high, medium, low, manual
    automatic: bool
    matches: int
    undone: int

    @property
    def share(self) -> Decimal | None:
        return Decimal(self.undone) / self.matches if self.matches else None


_CALIBRATION = """
SELECT CASE WHEN m.confidence IS NULL THEN 'manual' WHEN m.confidence >= %(high)s THEN 'high'
            WHEN m.confidence >= %(medium)s THEN 'medium' ELSE 'low' END AS band,
       m.automatic, count(*), count(r.id)
FROM finance_match m LEFT JOIN finance_journalentry r ON r.reverses_id = m.entry_id
WHERE (%(since)s::date IS NULL OR m.at >= %(since)s) AND (%(until)s::date IS NULL OR m.at < %(until)s)
GROUP BY 1, 2 ORDER BY 1, 2
"""

_USED = """
SELECT count(*), count(r.id) FROM finance_matchruleversion v JOIN finance_match m ON m.rule_version_id = v.id
LEFT JOIN finance_journalentry r ON r.reverses_id = m.entry_id WHERE v.rule_id = %s
"""


def calibration(*, since: date | None = None, until: date | None = None) -> list[Band]:
    """How often what was matched with each confidence was undone later. until: half-open."""
    with connection.cursor() as cursor:
        cursor.execute(_CALIBRATION, {"high": HIGH, "medium": MEDIUM, "since": since, "until": until})
        return [Band(*row) for row in cursor.fetchall()]


def used(rule: MatchRule) -> tuple[int, int]:
    """Matches that the rule's versions made, and how many of them were undone."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, [rule.pk])
        made, undone = cursor.fetchone()
    return made, undone


def rule_in_words(version: MatchRuleVersion) -> RuleInWords:
    """A version with its accounts, in two queries at most."""
    condition, template = condition_of(version.condition), template_of(version.template)
    accounts = Account.objects.in_bulk([part.account for part in template])
    how = {
        WORDS: _("has all these words"),
        CONTAINS: _("contains"),
        STARTS: _("starts with"),
        EXACT: _("is exactly"),
    }[condition.how]
    bank = BankAccount.objects.filter(pk=condition.bank_account).first() if condition.bank_account else None
    parts = [(accounts[part.account], part.share) for part in template if part.account in accounts]
    return RuleInWords(version, condition, template, how, bank, parts)
