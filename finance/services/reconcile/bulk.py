"""Many suggestions in one act: all locks first, then entry by entry; what somebody else took meanwhile is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from backoffice.core.models import User
from finance.models import Instalment, Match, StatementLine, Suggestion
from finance.services import ledger

from .errors import Changed, NeedsSecond, Taken
from .items import from_json
from .posting import accept


@dataclass
class Accepted:
    """matches: what was made.   refused: line → why not, in words."""

    matches: list[Match] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


@transaction.atomic
def accept_many(suggestion_ids: Sequence[int], *, by: User) -> Accepted:
    """Accept each suggestion that still holds; the others are named with their reason."""
    wanted = list(Suggestion.objects.filter(pk__in=suggestion_ids).order_by("line_id", "rank"))
    items = {suggestion.pk: from_json(suggestion.items) for suggestion in wanted}
    lines = {suggestion.line_id for suggestion in wanted}
    lines |= {item.id for found in items.values() for item in found if item.kind == "line"}
    titles = {item.id for found in items.values() for item in found if item.kind == "instalment"}
    for model, keys in ((StatementLine, lines), (Instalment, titles)):
        list(model.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk").values_list("pk"))  # type: ignore[attr-defined]
    done = Accepted()
    for suggestion in wanted:
        try:
            with transaction.atomic():
                done.matches.append(accept(suggestion_id=suggestion.pk, by=by))
        except (Taken, Changed, NeedsSecond, ledger.Refused) as problem:
            done.refused[suggestion.line_id] = str(problem)
    return done
