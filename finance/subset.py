"""Which open titles add up to this amount: the smallest sets that do, in bounded time.

Up to `WHOLE` amounts every set is considered (meet in the middle: two halves of 65,536 sums each); beyond that the sets
of at most four among the first `PAIRED`, by sums of pairs. Standard library only; amounts are whole cents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

WHOLE = 32
PAIRED = 300


@dataclass(frozen=True)
class Found:
    """sets: places in the given amounts, rising, smallest sets first.   is_complete: there is no other set."""

    sets: list[tuple[int, ...]]
    is_complete: bool


def find(amounts: Sequence[int], target: int, *, most: int = 3) -> Found:
    """At most `most` sets of amounts (cents, any sign, no zeros) that sum to `target`; the same ones each time."""
    places = [place for place, amount in enumerate(amounts) if amount]
    if not target or not places:
        return Found([], True)
    if len(places) <= WHOLE:
        sets = _all_sets([(place, amounts[place]) for place in places], target, most + 1)
        return Found(sets[:most], len(sets) <= most)
    sets = _small_sets([(place, amounts[place]) for place in places[:PAIRED]], target, most)
    return Found(sets, False)


Item = tuple[int, int]  # place, cents


def _all_sets(items: Sequence[Item], target: int, most: int) -> list[tuple[int, ...]]:
    half = len(items) // 2
    left, right = items[:half], items[half:]
    near, far = _by_sum(left, most), _by_sum(right, most)
    best: list[tuple[int, ...]] = []
    for total, masks in far.items():
        for other in near.get(target - total, ()):
            best += [_places(left, other) + _places(right, mask) for mask in masks]
        if len(best) > 50 * most:
            best = sorted(best, key=_smallest_first)[:most]
    return sorted(best, key=_smallest_first)[:most]


def _by_sum(items: Sequence[Item], most: int) -> dict[int, list[int]]:
    """Every sum with the smallest subsets that make it, at most `most` of them, as bit masks."""
    found: dict[int, list[int]] = {}
    for total, mask in _sums(items):
        masks = found.setdefault(total, [])
        masks.append(mask)
        if len(masks) > 4 * most:
            masks.sort(key=_size)
            del masks[most:]
    for masks in found.values():
        masks.sort(key=_size)
        del masks[most:]
    return found


def _size(mask: int) -> tuple[int, int]:
    return mask.bit_count(), mask


def _small_sets(items: Sequence[Item], target: int, most: int) -> list[tuple[int, ...]]:
    """Sets of one to four, by size; stops at the first size that fills the answer."""
    found: set[tuple[int, ...]] = {(place,) for place, cents in items if cents == target}
    by_cents: dict[int, list[int]] = {}
    for place, cents in items:
        by_cents.setdefault(cents, []).append(place)
    pairs: dict[int, list[tuple[int, int]]] = {}
    for (a, x), (b, y) in combinations(items, 2):
        if x + y == target:
            found.add((a, b))
        kept = pairs.setdefault(x + y, [])
        if len(kept) < 4:
            kept.append((a, b))
    if len(found) < most:
        for total, kept in pairs.items():
            for one in kept:
                found |= {_rising(*one, c) for c in by_cents.get(target - total, ())[:4] if c not in one}
            if len(found) > 200:
                break
    if len(found) < most:
        for total, kept in pairs.items():
            others = pairs.get(target - total, ())
            found |= {_rising(*one, *two) for one in kept for two in others if not set(one) & set(two)}
            if len(found) > 200:
                break
    return sorted(found, key=_smallest_first)[:most]


def _sums(items: Sequence[Item]) -> Iterator[tuple[int, int]]:
    """Every subset as its sum and its bit mask."""
    sums = [0]
    for _place, cents in items:
        sums += [total + cents for total in sums]
    return zip(sums, range(len(sums)), strict=True)


def _places(items: Sequence[Item], mask: int) -> tuple[int, ...]:
    return tuple(place for bit, (place, _cents) in enumerate(items) if mask >> bit & 1)


def _rising(*places: int) -> tuple[int, ...]:
    return tuple(sorted(places))


def _smallest_first(places: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    return len(places), places
