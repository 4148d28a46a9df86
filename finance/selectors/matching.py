"""What rules did and how well it stood, and rules in words."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from finance.models import Account, BankAccount, MatchRule, MatchRuleVersion
from finance.rules import CONTAINS, EXACT, STARTS, WORDS, Condition, Part, condition_of, template_of


@dataclass(frozen=True)
class RuleInWords:
    version: MatchRuleVersion
    condition: Condition
    template: list[Part]
    how: str
    bank_account: BankAccount | None
    parts: list[tuple[Account, Decimal]]  # with their share


_USED = """
SELECT count(*), count(r.id) FROM finance_matchruleversion v JOIN finance_match m ON m.rule_version_id = v.id
LEFT JOIN finance_journalentry r ON r.reverses_id = m.entry_id WHERE v.rule_id = %s
"""


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
