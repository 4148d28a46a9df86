"""The acts: each draws what to do from the world and foretells what must come of it.

    @act(weight)
    def settle(world: World) -> Act | None: ...          # None: there is nothing to do it with

An act that must be refused foretells no effect. `once` says that doing it a second time, later or at the same moment,
must change nothing. What `resumes` works in several transactions: broken off, it is done again, and then it is whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from ..world import Effect, World


@dataclass(frozen=True)
class Act:
    do: Callable[[], object]
    effect: Effect | None  # None: the books decide; whatever comes of it must keep every promise
    allowed: bool = True  # else it must be refused
    most: int | None = None  # entries, where the effect is not foretold
    once: bool = False
    resumes: bool = False  # broken off it may be half done; done again it is whole
    then: Callable[[], None] | None = None  # tells the world what the books do not show, when it was done


@dataclass(frozen=True)
class Kind:
    name: str
    weight: float
    draw: Callable[[World], Act | None]


KINDS: list[Kind] = []


def act(weight: float) -> Callable[[Callable[[World], Act | None]], Callable[[World], Act | None]]:
    def keep(draw: Callable[[World], Act | None]) -> Callable[[World], Act | None]:
        KINDS.append(Kind(draw.__name__, weight, draw))
        return draw

    return keep


def load() -> None:
    """Have every family of acts register itself."""
    for family in ("books", "bank", "doors", "months", "people", "asked", "papers", "sales"):
        import_module(f"{__name__}.{family}")


NOTHING = Effect()


def foretell(allowed: bool, effect: Effect, do: Callable[[], object], *, once: bool = False) -> Act:
    """An act with this effect if it is allowed, else one that must be refused."""
    return Act(do, effect if allowed else NOTHING, allowed, once=once)
