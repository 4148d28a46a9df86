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


@handles("finance.statement_imported")
@handles("finance.statement_undone")
def sync_statements(event: Event) -> None:
    facts.sync_statements(event.data["statement_ids"])


@handles("finance.lines_matched")
@handles("finance.match_undone")
def sync_match(event: Event) -> None:
    facts.sync_matches([event.data["match_id"]])
    facts.sync_new_costs()


@handles("finance.matched")
def sync_run(event: Event) -> None:
    """A run of the engine names itself."""
    facts.sync_match_run(event.data["run_id"])
    facts.sync_new_costs()


@handles("finance.entry_posted")
@handles("finance.invoice_issued")
def sync_costs(event: Event) -> None:
    facts.sync_new_costs()


@handles("marketing.leads_changed")
def sync_leads(event: Event) -> None:
    facts.sync_leads()
