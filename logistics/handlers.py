"""What logistics does when others decide."""

from backoffice.core import jobs
from backoffice.core.events import handles
from backoffice.core.models import Approval, Event
from backoffice.core.services.approvals import on_decision

from .services import exceptions, sales


@on_decision(exceptions.WAIVE)
def waive(approval: Approval) -> None:
    exceptions.decided(approval)


@handles("logistics.orders_changed")
def book_sales(event: Event) -> None:
    """The books follow in a job of their own: an import is long done when they are."""
    jobs.ask(sales.BOOK, by=None, order_ids=event.data.get("order_ids"), batch_id=event.data.get("batch_id"))
