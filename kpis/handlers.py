"""What the numbers do when business rows change: bring their facts in line, nothing else."""

from backoffice.core.events import handles
from backoffice.core.models import Event

from .services import facts


@handles("logistics.orders_changed")
def sync_orders(event: Event) -> None:
    """An import names its batch; anything else names the orders it touched."""
    if "order_ids" in event.data:
        facts.sync_orders(event.data["order_ids"])
    elif event.data.get("batch_id"):
        facts.sync_order_batch(event.data["batch_id"])
    else:
        facts.sync_orders()


@handles("marketing.leads_changed")
def sync_leads(event: Event) -> None:
    facts.sync_leads()
