"""Sales of a shop with their payments: booked, booked again, changed, called off, gone."""

from dataclasses import replace
from datetime import UTC, datetime

from django.db import connection, transaction

from finance.models import Payment, SaleBooking
from finance.services import sales
from finance.services.ledger import Line

from ..world import ZERO, Effect, Sale, World
from . import NOTHING, Act, act

METHODS = {"credit_card": "acquirer_cards", "pix": "acquirer_pix"}


@act(1)
def sell(world: World) -> Act:
    """One or two new sales, some of them called off from the start."""
    fresh = [
        Sale(
            world.number("sim.order:"),
            world.chance.choice(world.parties),
            world.day(),
            world.money(),
            world.chance.choice(list(METHODS)),
            called_off=world.chance.random() < 0.1,
        )
        for _ in range(world.chance.choice([1, 1, 2]))
    ]
    return _tell(world, [(None, sale) for sale in fresh], then=fresh)


@act(1)
def change_sale(world: World) -> Act | None:
    """The channel tells a sale again: as it was, with another amount, called off, or without its payments."""
    if not world.sales:
        return None
    before = world.chance.choice(world.sales[-60:])
    kind = world.chance.choice(["same", "amount", "called_off", "gone", "party"])
    after = replace(before)
    if kind == "amount":
        after.amount = world.money()
    elif kind == "called_off":
        after.called_off = not before.called_off
    elif kind == "gone":
        after.amount = ZERO
    elif kind == "party":
        after.party = world.chance.choice(world.parties)
    return _tell(world, [(before, after)], then=[])


def _tell(world: World, told: list[tuple[Sale | None, Sale]], *, then: list[Sale]) -> Act:
    effect, origins = Effect(), [sale.origin for _before, sale in told]
    for _before, sale in told:
        effect.add(_effect(world, sale))

    def do() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            Payment.objects.filter(origin__in=origins).delete()
            Payment.objects.bulk_create(
                Payment(
                    source="sim", order_key=sale.origin, seq=1, origin=sale.origin, method=sale.method,
                    amount=sale.amount, ordered_at=datetime.combine(sale.on, datetime.min.time(), UTC),
                )
                for _before, sale in told if sale.amount
            )  # fmt: skip
            sales.begin(cursor)
            cursor.executemany(
                "INSERT INTO incoming_sale VALUES (%s, %s, %s, %s, %s)",
                [(sale.origin, sale.origin, sale.party, sale.on, sale.called_off) for _before, sale in told],
            )
            sales.book(cursor, today=world.today)

    def keep() -> None:
        world.sales.extend(then)
        marks = dict(SaleBooking.objects.filter(origin__in=origins).values_list("origin", "fingerprint"))
        for before, sale in told:
            if before:
                vars(before).update(vars(sale))
            stood, mark = world.booked.pop(sale.origin, None), marks.get(sale.origin)
            if mark:  # what was left out stands as it was
                world.booked[sale.origin] = stood if stood and stood[0] == mark else (mark, replace(sale))

    return Act(do, effect if effect.entries else NOTHING, once=True, then=keep)


def _effect(world: World, sale: Sale) -> Effect:
    """What booking it does: nothing where it stands as told, or where other money moved its title since."""
    kept = SaleBooking.objects.filter(origin=sale.origin).select_related("title").first()
    effect = Effect()
    if kept:
        if world.booked[sale.origin][1] == sale:
            return effect
        assert kept.money_entry_id
        money = world.entries[kept.money_entry_id]
        if kept.title:
            (part,) = kept.title.instalments.values_list("pk", flat=True)
            own = world.entries[kept.sale_entry_id] if kept.sale_entry_id else None
            left = sum((line.amount for one in (own, money) if one and not one.reversed for line in one.lines
                        if line.instalment == part), ZERO)  # fmt: skip
            if world.parts[part].balance != left:
                return effect
        for key in (kept.sale_entry_id, kept.money_entry_id):
            if key and not world.entries[key].reversed:
                effect.add(Effect.of(world.entries[key].lines).mirrored())
    if sale.amount:
        acquirer, receivable = world.accounts[METHODS[sale.method]], world.accounts["receivable"]
        if sale.called_off:
            owed = world.accounts["refunds_payable"]
            effect.add(Effect.of([Line(acquirer, sale.amount), Line(owed, -sale.amount)]))
        else:
            revenue = [Line(receivable, sale.amount), Line(world.accounts["sales"], -sale.amount)]
            effect.add(Effect.of(revenue, parts=[ZERO]))
            effect.add(Effect.of([Line(acquirer, sale.amount), Line(receivable, -sale.amount)]))
    return effect
