"""Months: soft-closed, excepted, closed, opened again; and out of turn, which is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction

from backoffice.core.services import approvals
from finance.models import Period, PeriodException
from finance.services import close, periods

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
    if world.waits(periods.REOPEN, f"finance.period:{month.id}"):
        return None

    def do() -> None:
        with transaction.atomic():
            asked = approvals.ask(
                periods.REOPEN, f"finance.period:{month.id}", right=periods.RIGHT, by=world.people[0], title="Open it"
            )
            approvals.decide(asked.pk, yes=True, by=world.director)
            Period.objects.filter(pk=month.id).update(state="open")

    return replace(_turn(month, "open", allowed=not later), do=do)


@act(1)
def turn(world: World) -> Act:
    """The same as people do it on the page of the months: soft-closed, closed, a director asked to open it again."""
    place = world.chance.randrange(len(world.months))
    month, by, how = world.months[place], world.person(), world.chance.choice(["soften", "open", "close", "ask"])
    if how in ("soften", "close"):
        place = min(place, len(world.months) - KEPT_OPEN - 1)
        month = world.months[place]
    if how == "close" and world.chance.random() < 0.5:
        place = next((n for n, one in enumerate(world.months[:-KEPT_OPEN]) if one.state != "closed"), place)
        month = world.months[place]
    before = all(one.state == "closed" for one in world.months[:place])
    later = any(one.state == "closed" for one in world.months[place + 1 :])
    if how == "soften":
        return _seen(world, lambda: periods.soft_close(period_id=month.id, by=by), allowed=month.state == "open")
    if how == "close":
        allowed = before and month.state != "closed"
        return _seen(world, lambda: periods.close(period_id=month.id, by=by, reason="Done"), allowed=allowed)
    allowed = month.state != "open" and not later and not world.waits(periods.REOPEN, f"finance.period:{month.id}")
    return Act(
        lambda: periods.ask_reopening(period_id=month.id, reason="Late bill", by=by),
        NOTHING,
        allowed,
        once=allowed,
        then=lambda: world.asked(periods.REOPEN, lambda _other: NOTHING, world.read_months),
    )


def _seen(world: World, do: Callable[[], None], *, allowed: bool) -> Act:
    return Act(do, NOTHING, allowed, once=allowed, then=world.read_months)


@act(0.2)
def close_by_list(world: World) -> Act | None:
    """Close the next month by its checklist, which says whether it may."""
    month = next((one for one in world.months[:-KEPT_OPEN] if one.state != "closed"), None)
    if month is None:
        return None
    by = world.person()
    return Act(
        lambda: close.close(period_id=month.id, by=by, reason="Known"), None, most=0, once=True, then=world.read_months
    )


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
