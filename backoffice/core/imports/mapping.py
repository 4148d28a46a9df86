"""Which heading means which column: guessed by likeness, decided by a person, remembered per source and headings."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ..models import ImportBatch, ImportMapping, User
from .files import Sheet
from .registry import Column, Source, Table, normal

LEAST = 0.6  # below this likeness nothing is proposed


@dataclass(frozen=True)
class Guess:
    """A proposed heading for a column, with how sure we are (0 to 1)."""

    column: Column
    heading: str
    confidence: float

    @property
    def percent(self) -> int:
        return round(self.confidence * 100)


def known(source: Source, sheet: Sheet, batch: ImportBatch) -> dict[str, str] | None:
    """The mapping that a person chose for this batch, or once for files with these headings."""
    if batch.mapping:
        return dict(batch.mapping)
    row = ImportMapping.objects.filter(source=source.key, headings=fingerprint(sheet.headings)).first()
    return dict(row.mapping) if row else None


def remember(source: Source, headings: Sequence[str], mapping: dict[str, str], by: User | None) -> None:
    ImportMapping.objects.update_or_create(
        source=source.key, headings=fingerprint(headings), defaults={"mapping": mapping, "saved_by": by}
    )


def fingerprint(headings: Sequence[str]) -> str:
    """The same for files with the same headings, whatever their case and accents."""
    return hashlib.sha256("\n".join(normal(heading) for heading in headings).encode()).hexdigest()


def guess(table: Table, headings: Sequence[str]) -> list[Guess]:
    """One guess per column; each heading is proposed once, to the column it resembles most."""
    likeness = sorted(
        (
            (_likeness(column, heading), c, h)
            for c, column in enumerate(table.columns)
            for h, heading in enumerate(headings)
        ),
        key=lambda scored: (-scored[0], scored[1], scored[2]),
    )
    chosen: dict[int, tuple[float, int]] = {}
    for score, c, h in likeness:
        if score >= LEAST and c not in chosen and h not in {taken for _score, taken in chosen.values()}:
            chosen[c] = (score, h)
    return [
        Guess(column, headings[chosen[c][1]], chosen[c][0]) if c in chosen else Guess(column, "", 0.0)
        for c, column in enumerate(table.columns)
    ]


def _likeness(column: Column, heading: str) -> float:
    """1 for a known heading; else how alike the closest known heading is, by letters and by words."""
    found = normal(heading)
    if not found:
        return 0.0
    best = 0.0
    for name in column.headings():
        if name == found:
            return 1.0
        ours, theirs = set(name.split()), set(found.split())
        words = len(ours & theirs) / len(ours | theirs)
        if ours <= theirs:  # `preco unitario` for `preco`
            words = 0.7 + 0.2 * words
        best = max(best, words, SequenceMatcher(None, name, found).ratio() * 0.95)
    return min(best, 0.95)
