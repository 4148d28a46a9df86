"""What the palette finds in finance: titles and journal entries, by number, words or amount; each from an index."""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.translation import get_language

from backoffice.core.folding import plain
from backoffice.core.money import format_money
from backoffice.core.search import Hit, Query
from backoffice.core.templatetags.display import day
from finance.models import Instalment, JournalEntry, Title
from finance.models.ledger import WORDS


def entries_with(entries: QuerySet[Any], text: str) -> QuerySet[Any]:
    """By number where the text is one (`GER 2026/15`, `2026/15`), else by words of the text."""
    *journal, last = text.split() or [""]
    year, slash, number = last.partition("/")
    if slash and year.isdecimal() and number.isdecimal() and len(year) == 4 and len(number) < 18:
        entries = entries.filter(year=int(year), number=int(number))
        return entries.filter(journal__code=journal[0].upper()) if journal else entries
    words = re.findall(r"[a-z0-9]+", plain(text))[:8]
    if not words:
        return entries
    wanted = SearchQuery(" & ".join(f"{word}:*" for word in words), search_type="raw", config="simple")
    found: QuerySet[Any] = entries.annotate(words=WORDS).filter(words=wanted)
    return found


def find_entries(query: Query, limit: int) -> Iterable[Hit]:
    rows = entries_with(JournalEntry.objects.select_related("journal"), query.written).order_by("-on", "-pk")[:limit]
    return [Hit(str(row), reverse("finance:entry", args=[row.pk]), f"{day(row.on)} · {row.text[:60]}") for row in rows]


def find_titles(query: Query, limit: int) -> Iterable[Hit]:
    """By a piece of the number; by what is open where an amount was typed."""
    found: Any = Title.objects.select_related("party").order_by("-issued_on", "-pk")
    if query.amount is not None:
        owed = Instalment.objects.filter(Q(balance=query.amount) | Q(balance=-query.amount)).order_by("due_on", "pk")
        found = found.filter(pk__in=[part.title_id for part in owed.exclude(balance=0).only("title_id")[:limit]])
    elif len(query.text) >= 3:
        found = found.filter(Q(number__contains=query.written) | Q(number__contains=query.written.upper()))
    else:
        return []
    return [_title(row) for row in found.annotate(who=F("party__name"))[:limit]]


def _title(row: Any) -> Hit:
    amount = format_money(abs(row.amount), get_language() or "en")
    words = f"{row.get_direction_display()} · {row.who} · {amount}"
    return Hit(row.number, reverse("finance:title", args=[row.pk]), words)
