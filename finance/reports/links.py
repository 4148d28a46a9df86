"""From a figure to exactly its postings."""

from collections.abc import Sequence
from datetime import date

from backoffice.core import lists
from backoffice.core.calendar import DAY, Period

from .balances import NONE


def postings(
    *,
    start: date | None = None,
    end: date | None = None,
    account: int | None = None,
    section: Sequence[str] = (),
    centre: int | None = None,
    **more: str | int | Sequence[str] | None,
) -> str:
    """The list of postings on or after `start`, before `end`; account: one, or a group with all below it.

    more: other filters of the list, as its address names them.
    """
    return lists.url_for(
        "finance.postings",
        exact=True,
        on_from=start,
        on_to=end - DAY if end else None,
        account=account,
        section=[part or "none" for part in section] or None,
        centre=of_centre(centre),
        **more,
    )


def of_centre(pk: int | None) -> str | int | None:
    """A cost centre as addresses name it; None for all."""
    return "none" if pk == NONE else pk


def within(period: Period, **more: str | int | Sequence[str] | None) -> str:
    """The postings of a period."""
    return postings(start=period.start, end=period.end, **more)  # type: ignore[arg-type]
