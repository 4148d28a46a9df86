"""Put a generated year into the tables, in bulk, through the models that guard them."""

import datetime as dt
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg.types.json import Jsonb

from backoffice.core.models import Party, PartyAddress, PartyKey, PartyRole
from finance.models import Payment
from logistics.models import Order, OrderEvent, OrderItem, Product, ProductCategory, Review
from marketing.models import Deal, Lead

from . import names, world

SOURCE = "loja"
Row = TypeVar("Row", bound=models.Model)


def load_shop(people: list[world.Customer], sales: list[world.Sale]) -> list[int]:
    """Write catalogue, people and orders; the sums of orders are left to the caller. Returns the orders' keys."""
    products = _catalogue()
    sellers = _parties(
        [
            (f"S{n}", name, "", "", city, state, postal)
            for n, (name, city, state, postal) in enumerate(names.SELLERS, 1)
        ],
        kind=Party.Kind.ORGANISATION,
        role=PartyRole.Role.SELLER,
    )
    buyers = _parties(
        [(who.key, who.name, who.tax_id, who.email, who.city, who.state, who.postal) for who in people],
        kind=Party.Kind.PERSON,
        role=PartyRole.Role.CUSTOMER,
    )
    by_key = {who.key: party for who, party in zip(people, buyers, strict=True)}
    orders = _bulk(Order, (_order(sale, by_key[sale.customer.key]) for sale in sales))
    pairs = list(zip(orders, sales, strict=True))
    _bulk(OrderItem, (item for order, sale in pairs for item in _items(order, sale, products, sellers)))
    _bulk(Payment, (payment for order, sale in pairs for payment in _payments(order, sale)))
    _bulk(Review, (_review(order, sale) for order, sale in pairs if sale.review))
    _bulk(
        OrderEvent,
        (OrderEvent(order=order, kind=OrderEvent.Kind.IMPORTED, at=order.purchased_at, to_status=order.status)
         for order in orders),
    )  # fmt: skip
    return [order.pk for order in orders]


def load_leads(contacts: list[world.Contact]) -> None:
    """Write leads and the deals won."""
    leads = _bulk(
        Lead,
        (Lead(source=SOURCE, key=row.key, first_contact_on=row.on, landing_page=row.page, origin=row.origin)
         for row in contacts),
    )  # fmt: skip
    _bulk(
        Deal,
        (
            Deal(
                lead=lead,
                won_at=_instant(row.won),
                won_on=row.won.date(),
                seller_key=f"N{lead.pk:04d}",
                segment=row.segment,
                lead_type="online_medium",
                business_type="reseller",
                declared_revenue=row.revenue,
            )
            for lead, row in zip(leads, contacts, strict=True)
            if row.won
        ),
    )


def _bulk(model: type[Row], rows: Iterable[Row]) -> list[Row]:
    """COPY new rows and give them their keys: a tenth of what `bulk_create` costs."""
    made = list(rows)
    table = model._meta.db_table
    fields = [
        field
        for field in model._meta.concrete_fields
        if not field.generated and not (made and isinstance(getattr(made[0], field.attname), DatabaseDefault))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) FROM generate_series(1, %s)",  # noqa: S608
            [len(made)],
        )
        for row, (key,) in zip(made, cursor.fetchall(), strict=True):
            row.pk = key
        read = attrgetter(*(field.attname for field in fields))
        columns = ", ".join(f'"{field.column}"' for field in fields)
        with cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
            for row in made:
                copy.write_row([Jsonb(value) if isinstance(value, dict) else value for value in read(row)])
    return made


def _instant(wall: dt.datetime | None) -> Any:
    return wall and wall.replace(tzinfo=ZoneInfo(settings.TIME_ZONE))


def _catalogue() -> dict[str, Product]:
    categories = _bulk(
        ProductCategory,
        (ProductCategory(source=SOURCE, key=key, name_pt=pt, name_en=en) for key, pt, en, _ in names.CATALOGUE),
    )
    products = _bulk(
        Product,
        (
            Product(source=SOURCE, code=f"{key}-{n:02d}", name=name, category=category, weight_g=grams, photo_count=3)
            for category, (key, _pt, _en, goods) in zip(categories, names.CATALOGUE, strict=True)
            for n, (name, _price, grams) in enumerate(goods, 1)
        ),
    )
    return {product.code: product for product in products}


def _parties(
    rows: list[tuple[str, str, str, str, str, str, str]], *, kind: Party.Kind, role: PartyRole.Role
) -> list[Party]:
    parties = _bulk(Party, (Party(kind=kind, name=row[1], tax_id=row[2], email=row[3]) for row in rows))
    pairs = list(zip(parties, rows, strict=True))
    _bulk(PartyRole, (PartyRole(party=party, role=role) for party in parties))
    _bulk(PartyKey, (PartyKey(party=party, source=SOURCE, key=row[0]) for party, row in pairs))
    _bulk(
        PartyAddress,
        (PartyAddress(party=party, city=row[4], state=row[5], postal_code=row[6]) for party, row in pairs),
    )
    return parties


def _order(sale: world.Sale, customer: Party) -> Order:
    promised = dt.datetime.combine(sale.promised, dt.time())
    return Order(
        source=SOURCE,
        number=sale.number,
        status=sale.status,
        source_status=sale.status,
        customer=customer,
        customer_key=sale.customer.key,
        customer_name=sale.customer.name,
        customer_city=sale.customer.city,
        customer_state=sale.customer.state,
        customer_postal=sale.customer.postal,
        purchased_at=_instant(sale.purchased),
        approved_at=_instant(sale.approved),
        handed_over_at=_instant(sale.handed_over),
        delivered_at=_instant(sale.delivered),
        promised_at=_instant(promised),
        promised_on=sale.promised,
        purchased_wall=sale.purchased,
        approved_wall=sale.approved,
        handed_over_wall=sale.handed_over,
        delivered_wall=sale.delivered,
        promised_wall=promised,
    )


def _items(order: Order, sale: world.Sale, products: dict[str, Product], sellers: list[Party]) -> Iterable[OrderItem]:
    limit = (sale.approved or sale.purchased) + dt.timedelta(days=4)
    for seq, item in enumerate(sale.items, 1):
        yield OrderItem(
            order=order,
            seq=seq,
            product=products[item.product],
            seller=sellers[item.seller],
            shipping_limit_at=_instant(limit),
            shipping_limit_wall=limit,
            price=item.price,
            freight=item.freight,
        )


def _payments(order: Order, sale: world.Sale) -> Iterable[Payment]:
    for seq, part in enumerate(sale.paid, 1):
        yield Payment(
            source=SOURCE,
            order_key=order.number,
            seq=seq,
            origin=order.ref,
            method=part.method,
            instalments=part.instalments,
            amount=part.amount,
            ordered_at=order.purchased_at,
        )


def _review(order: Order, sale: world.Sale) -> Review:
    review = sale.review
    assert review
    return Review(
        source=SOURCE,
        external_id=f"R{order.number}",
        order=order,
        score=review.score,
        message=review.text,
        created_at=_instant(review.asked),
        answered_at=_instant(review.answered),
        created_wall=review.asked,
        answered_wall=review.answered,
    )
