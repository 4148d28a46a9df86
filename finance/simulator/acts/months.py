"""Months: soft-closed, excepted, closed, opened again; and out of turn, which is refused."""

from datetime import UTC, datetime

from finance.models import Period, PeriodException

from ..world import Month, World
from . import NOTHING, Act, act

KEPT_OPEN = 3  # of the last months


def _turn(month: Month, state: str, allowed: bool) -> Act:
    def do() -> None:
        Period.objects.filter(pk=month.id).update(state=state)

    def then() -> None:
        month.state = state

    return Act(do, NOTHING, allowed, then=then)


@act(1.2)
def soften(world: World) -> Act | None:
    months = [month for month in world.months[:-KEPT_OPEN] if month.state == "open"]
    return _turn(world.chance.choice(months), "soft", allowed=True) if months else None


@act(1.2)
def harden(world: World) -> Act | None:
    """Close the first month that is not closed, or try a later one."""
    left = [month for month in world.months[:-KEPT_OPEN] if month.state != "closed"]
    if not left:
        return None
    place = 0 if world.chance.random() < 0.7 else world.chance.randrange(len(left))
    return _turn(left[place], "closed", allowed=place == 0)


@act(1.6)
def reopen(world: World) -> Act | None:
    """Open the last closed month, or a soft one, or try one before it."""
    shut = [month for month in world.months if month.state != "open"]
    if not shut:
        return None
    month = world.chance.choice(shut)
    later = any(other.state == "closed" and other.starts_on > month.starts_on for other in world.months)
    return _turn(month, "open", allowed=not later)


@act(0.8)
def excuse(world: World) -> Act | None:
    """Leave for one person to post into a soft-closed month, by another; by oneself it is refused."""
    months = [month for month in world.months if month.state == "soft"]
    if not months:
        return None
    month, (person, giver) = world.chance.choice(months), world.two_people()
    own = world.chance.random() < 0.3

    def do() -> None:
        PeriodException.objects.create(
            period_id=month.id, person=person, given_by=person if own else giver, reason="Late invoice",
            expires_at=datetime(2999, 1, 1, tzinfo=UTC),
        )  # fmt: skip

    return Act(do, NOTHING, allowed=not own, then=lambda: month.excepted.add(person.pk))
