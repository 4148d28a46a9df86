"""A statement came in: the engine looks at it."""

from backoffice.core.events import handles
from backoffice.core.models import Event
from finance.services import matching


@handles("finance.statement_imported")
def match_lines(_event: Event) -> None:
    matching.ask()
