"""What the palette finds on the floor: parties by name or tax id, people by name or e-mail."""

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from .documents import mask_tax_id
from .models import Party, User
from .search import Hit, Query


def parties(query: Query, limit: int) -> Iterable[Hit]:
    """By the whole tax id, else by every word of the name."""
    rows = Party.objects.only("name", "tax_id", "email")
    if query.tax_id:
        rows = rows.filter(tax_id=query.tax_id)
    elif max(map(len, query.words), default=0) < 3:
        rows = rows.filter(search__startswith=query.text)  # two letters fit no trigram
    else:
        for word in query.words:
            rows = rows.filter(search__contains=word)
    return [Hit(row.name, reverse("party", args=[row.pk]), mask_tax_id(row.tax_id)) for row in rows[:limit]]


def people(query: Query, limit: int) -> Iterable[Hit]:
    """The house has few people: no index is needed."""
    fits = Q()
    for word in query.words:
        fits &= Q(name__plain__contains=word) | Q(email__startswith=word)
    rows = User.objects.filter(fits, is_active=True).order_by("name", "pk")
    return [Hit(row.name, reverse("person", args=[row.pk]), row.email) for row in rows[:limit]]
