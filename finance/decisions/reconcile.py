"""A second person decided on a match; a person matched, and perhaps a rule could have."""

from backoffice.core.events import handles
from backoffice.core.models import Approval, Event
from backoffice.core.services.approvals import on_decision
from finance.models import Match
from finance.services import reconcile, rules


@on_decision(reconcile.KIND)
def post_match(approval: Approval) -> None:
    reconcile.decided(approval)


@on_decision(rules.TRUST)
def trust_rule(approval: Approval) -> None:
    rules.trust_decided(approval)


@handles("finance.lines_matched")
def propose_rule(event: Event) -> None:
    """After two equal decisions by people a rule is proposed; met again, the same rule is there already."""
    made = Match.objects.filter(pk=event.data["match_id"], entry__reversed_by=None).first()
    if made:
        rules.propose_after(made)
