"""Open titles for a bank line: by amount, number, name or tax id, and those that together make an amount."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from backoffice.core.documents import NotATaxId, parse_tax_id
from backoffice.core.folding import plain
from backoffice.core.models import Party
from backoffice.core.money import NotMoney, parse_money
from finance import subset
from finance.models import Instalment, PayerName, StatementLine, Suggestion
from finance.services.reconcile.learning import folded

SHOWN = 12


@dataclass(frozen=True)
class Sums:
    """sets: titles that together make the amount, smallest sets first.   is_complete: there is no other set."""

    party: Party | None
    sets: list[list[Instalment]]
    is_complete: bool


def open_instalments() -> QuerySet[Instalment]:
    return Instalment.objects.exclude(balance=0).select_related("title", "party")


def likely_party(line: StatementLine) -> Party | None:
    """Who paid, or was paid: as proposed, as people confirmed this name before, or by the tax id the bank gave."""
    for item in _best(line):
        if item["kind"] == "instalment":
            part = Instalment.objects.select_related("party").filter(pk=item["id"]).first()
            if part:
                return part.party
    if line.payer_tax_id and (party := Party.objects.filter(tax_id=line.payer_tax_id).first()):
        return party
    if line.payer:
        known = PayerName.objects.select_related("party").filter(text=folded(line.payer), times__gt=0)
        names = list(known.order_by("-times", "pk")[:2])
        if names and (len(names) == 1 or names[0].times > names[1].times):
            return names[0].party
    return None


def proposed(line: StatementLine) -> list[int]:
    """The instalments of the best proposal."""
    return [int(item["id"]) for item in _best(line) if item["kind"] == "instalment"]


def _best(line: StatementLine) -> list[dict[str, Any]]:
    """The items of the best proposal; asked once for each line in hand."""
    if "best_items" not in line.__dict__:
        best = Suggestion.objects.filter(line=line, rank=1).first()
        line.__dict__["best_items"] = best.items if best else []
    found: list[dict[str, Any]] = line.__dict__["best_items"]
    return found


def search(text: str, *, line: StatementLine, language: str) -> list[Instalment]:
    """Open titles that the words name; those that fit the line's sign and amount first."""
    text = text.replace("\x00", "").strip()[:100]
    found: dict[int, Instalment] = {}
    for rows in _searches(text, language):
        found |= {part.pk: part for part in rows[: SHOWN * 2]}
        if len(found) >= SHOWN * 2:
            break
    return _nearest(found.values(), line)


def likely(line: StatementLine) -> list[Instalment]:
    """What to look at before anything was asked: the likely party's open titles, else those of the same amount."""
    party = likely_party(line)
    if party:
        return _nearest(open_instalments().filter(party=party).order_by("due_on", "pk")[:200], line)
    return _nearest(open_instalments().filter(balance=line.open_amount).order_by("due_on", "pk")[:SHOWN], line)


def _searches(text: str, language: str) -> Iterable[QuerySet[Instalment]]:
    rows = open_instalments()
    try:
        amount = parse_money(text, language)
        yield rows.filter(Q(balance=amount) | Q(balance=-amount)).order_by("due_on", "pk")
    except NotMoney:
        pass
    try:
        yield rows.filter(party__in=list(Party.objects.filter(tax_id=parse_tax_id(text)).values_list("pk", flat=True)))
        return
    except NotATaxId:
        pass
    if len(text) >= 3:
        yield rows.filter(Q(title__number__contains=text) | Q(title__number__contains=text.upper()))
        parties = Party.objects.all()
        for word in plain(text).split()[:6]:
            parties = parties.filter(search__contains=word)
        yield rows.filter(party__in=list(parties.values_list("pk", flat=True)[:50])).order_by("due_on", "pk")


def _nearest(parts: Iterable[Instalment], line: StatementLine) -> list[Instalment]:
    """Same sign first, then equal amount, then the due day nearest to the booking."""
    wanted = line.open_amount

    def rank(part: Instalment) -> tuple[bool, bool, int, int]:
        return part.balance * wanted < 0, part.balance != wanted, abs((part.due_on - line.on).days), part.pk

    return sorted(parts, key=rank)[:SHOWN]


def picked(ids: Sequence[int]) -> list[Instalment]:
    parts = open_instalments().filter(pk__in=ids[:200])
    return sorted(parts, key=lambda part: ids.index(part.pk))


def sums(line: StatementLine, *, party: Party | None) -> Sums:
    """Which open titles of the party make what is open of the line."""
    party = party or likely_party(line)
    if party is None:
        return Sums(None, [], True)
    sign = 1 if line.open_amount > 0 else -1
    parts = list(open_instalments().filter(party=party).order_by("due_on", "pk")[: subset.PAIRED])
    found = subset.find([_cents(sign * part.balance) for part in parts], _cents(sign * line.open_amount))
    return Sums(party, [[parts[place] for place in places] for places in found.sets], found.is_complete)


def _cents(amount: Decimal) -> int:
    return int(amount * 100)
