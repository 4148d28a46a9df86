"""Which titles add up to this: what is found does, what exists is found, and the time is bounded."""

import time
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finance.subset import WHOLE, find

AMOUNTS = st.lists(st.integers(-2000, 5000), max_size=12)


@given(AMOUNTS, st.integers(-5000, 12000))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_it_finds_the_smallest_set_wherever_there_is_one(amounts: list[int], target: int) -> None:
    places = [place for place, amount in enumerate(amounts) if amount]
    sizes = [
        n for n in range(1, len(places) + 1) for c in combinations(places, n) if sum(amounts[p] for p in c) == target
    ]

    found = find(amounts, target)

    assert bool(found.sets) == bool(sizes and target)
    assert all(sum(amounts[place] for place in places) == target for places in found.sets)
    assert not found.sets or len(found.sets[0]) == sizes[0]
    if target:
        assert (len(sizes) <= 3) == found.is_complete


@given(st.lists(st.integers(1, 10**9), min_size=WHOLE + 1, max_size=60), st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_among_many_it_finds_sets_of_four(amounts: list[int], data: st.DataObject) -> None:
    places = data.draw(st.sets(st.integers(0, len(amounts) - 1), min_size=1, max_size=4))
    target = sum(amounts[place] for place in places)

    found = find(amounts, target)

    assert found.sets
    assert not found.is_complete
    assert all(sum(amounts[place] for place in one) == target for one in found.sets)


def test_equal_amounts_and_many_titles_stay_quick() -> None:
    began = time.perf_counter()

    alike = find([100] * WHOLE, 1600)
    many = find(list(range(1, 5000)), 9999)

    assert time.perf_counter() - began < 2
    assert (len(alike.sets[0]), alike.is_complete) == (16, False)
    assert sum(place + 1 for place in many.sets[0]) == 9999 if many.sets else True
