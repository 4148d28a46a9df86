"""Many suggestions in one act: all locks first, then entry by entry; what somebody else took meanwhile is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.core.models import User
from finance.models import Instalment, Match, StatementLine, Suggestion
from finance.services import ledger
from finance.services.second_person import hold_words

from .errors import Changed, NeedsSecond, Taken
from .items import Item, from_json
from .posting import accept, hold_months, reasons_of, second_person
from .weight import parties_of, weigh

WEIGHED = ("account", "advance")


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
    hold_months(lines, today=timezone.localdate())
    for model, keys in ((StatementLine, lines), (Instalment, titles)):
        list(model.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk").values_list("pk"))
    said = [item for found in items.values() if any(i.kind in WEIGHED for i in found) for item in found]
    met = Instalment.objects.in_bulk([item.id for item in said if item.kind == "instalment"])
    hold_words(parties_of(said, met), by=by if said else None)
    done = Accepted()
    for suggestion in wanted:
        try:
            with transaction.atomic():
                done.matches.append(accept(suggestion_id=suggestion.pk, by=by))
        except (Taken, Changed, NeedsSecond, ledger.Refused) as problem:
            done.refused[suggestion.line_id] = str(problem)
    return done


def cannot_accept(line_ids: Sequence[int], *, by: User) -> dict[int, str]:
    """Why the best proposals of these lines cannot be accepted together, by line; what is not named can.

    Two lines that want one title are counted in order: the second is refused.
    """
    best = {one.line_id: one for one in Suggestion.objects.filter(line__in=line_ids, rank__lte=2).order_by("-rank")}
    second = {one.line_id: one for one in Suggestion.objects.filter(line__in=line_ids, rank=2)}
    lines = {line.pk: line for line in StatementLine.objects.filter(pk__in=line_ids).select_related("ignored")}
    wanted = {pk: from_json(one.items) for pk, one in best.items() if one.rank == 1}
    titles = Instalment.objects.select_related("title").in_bulk(
        [item.id for items in wanted.values() for item in items if item.kind == "instalment"]
    )
    left = {pk: part.balance for pk, part in titles.items()}
    refused: dict[int, str] = {}
    for pk in sorted(line_ids):
        line, items = lines.get(pk), wanted.get(pk)
        if line is None or not line.open_amount:
            refused[pk] = _("It is matched already.")
        elif hasattr(line, "ignored"):
            refused[pk] = _("It is set aside.")
        elif items is None:
            refused[pk] = _("Nothing is proposed for it.")
        elif pk in second and second[pk].confidence == best[pk].confidence:
            refused[pk] = _("Several proposals explain it equally well.")
        elif -sum(item.amount for item in items) != line.open_amount:
            refused[pk] = _("The proposal changed meanwhile. Look at the line again.")
        elif why := _why_not_alone(line, items, best[pk], titles, by=by):
            refused[pk] = why
        else:
            parts = [item for item in items if item.kind == "instalment"]
            if all(_fits(left.get(item.id), item.amount) for item in parts):
                for item in parts:
                    left[item.id] += item.amount
            else:
                refused[pk] = _("What is proposed is settled, or wanted by another line.")
    return refused


def _why_not_alone(
    line: StatementLine, items: list[Item], best: Suggestion, titles: dict[int, Instalment], *, by: User
) -> str:
    reasons, met = reasons_of(best), {item.id: titles[item.id] for item in items if item.id in titles}
    weight = weigh({line.pk: line.open_amount}, items, reasons, met, by=by)
    return second_person(by, items, reasons, weight)


def _fits(balance: Decimal | None, amount: Decimal) -> bool:
    return balance is not None and balance != 0 and balance * amount < 0 and abs(amount) <= abs(balance)
