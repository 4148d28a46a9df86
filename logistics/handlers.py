"""What logistics does when others decide."""

from backoffice.core.models import Approval
from backoffice.core.services.approvals import on_decision

from .services import exceptions


@on_decision(exceptions.WAIVE)
def waive(approval: Approval) -> None:
    exceptions.decided(approval)
