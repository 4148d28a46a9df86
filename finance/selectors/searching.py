"""Who is meant by some words: parties, and how a list is narrowed to theirs."""

from django.db.models import QuerySet

from backoffice.core.folding import plain
from backoffice.core.models import Party

FEW = 200  # parties whose rows are looked up one by one


def parties(text: str) -> tuple[list[int] | None, QuerySet[Party]]:
    """Those in whose name every word stands: their keys if they are few (else None), and the question for them.

    The rows of few are found by key; of many, the first ones are met soon when the list is walked in its order.
    """
    known = Party.objects.order_by()
    for word in text.split()[:8]:
        known = known.filter(search__contains=plain(word))
    found = list(known.values_list("pk", flat=True)[: FEW + 1])
    return (found if len(found) <= FEW else None), known.values("pk")  # type: ignore[return-value]
