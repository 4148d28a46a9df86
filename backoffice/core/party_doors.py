"""Doors from the page of a party to what other areas hold of it; each registers its own in `<app>/references.py`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from .models import Party, User


@dataclass(frozen=True)
class PartyDoor:
    """One line: what, how many, how much (BRL) and the list of exactly these."""

    label: str
    url: str
    count: int
    amount: Decimal | None = None


_DOORS: list[tuple[str, Callable[[Party], Iterable[PartyDoor]]]] = []


def register(right: str, doors: Callable[[Party], Iterable[PartyDoor]]) -> None:
    """Show these doors to whoever holds the right."""
    _DOORS.append((right, doors))


def doors(party: Party, user: User) -> list[PartyDoor]:
    return [door for right, found in _DOORS if user.may(right) for door in found(party)]
