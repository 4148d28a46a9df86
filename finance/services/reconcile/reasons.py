"""Where a match comes from, and who stands behind it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backoffice.core.models import User
from finance.models import Match, MatchRuleVersion


@dataclass(frozen=True)
class Reasons:
    """Where a match comes from: the stage and evidence of a suggestion, or by hand."""

    stage: str = Match.Stage.MANUAL
    confidence: Decimal | None = None
    evidence: dict[str, Any] | None = None
    rule_version: int | None = None

    @property
    def is_suggested(self) -> bool:
        return self.stage != Match.Stage.MANUAL

    @property
    def is_by_terms(self) -> bool:
        """Whether what is given up is what the title's own terms grant."""
        signals = (self.evidence or {}).get("signals", [])
        return self.is_suggested and any(signal.get("key") == "terms" for signal in signals)

    @property
    def is_by_trusted_rule(self) -> bool:
        """Whether the rule is trusted as it is now."""
        version = self._version()
        return version is not None and version.rule.is_trusted and not _is_old(version)

    def is_own_rule(self, by: User) -> bool:
        """Whether only `by` stands behind the rule: nobody trusted it, nobody else wrote it."""
        if self.stage != Match.Stage.RULE:
            return False
        version = self._version()
        return version is None or (version.made_by_id == by.pk and not self.is_by_trusted_rule)

    def _version(self) -> MatchRuleVersion | None:
        if self.stage != Match.Stage.RULE:
            return None
        return MatchRuleVersion.objects.select_related("rule").filter(pk=self.rule_version or 0).first()


def _is_old(version: MatchRuleVersion) -> bool:
    return version.rule.versions.filter(number__gt=version.number).exists()


BY_HAND = Reasons()
