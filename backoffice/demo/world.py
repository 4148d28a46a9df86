"""A year in the life of a fictional shop, as plain rows: seeded, so that the same day always yields the same year.

Everything is wall-clock of America/Sao_Paulo and Decimal reais; nothing here knows Django. The year holds on purpose:
orders in every state, payments that differ from their order, orders paid without items, cancelled with money, one
without payment, late ones (worse in the two months before today), a Black Friday, and steady growth.
"""

import datetime as dt
import random
from dataclasses import dataclass, field
from decimal import Decimal

from . import names

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Customer:
    key: str
    name: str
    tax_id: str
    email: str
    city: str
    state: str
    postal: str


@dataclass(frozen=True)
class Item:
    product: str
    seller: int
    price: Decimal
    freight: Decimal


@dataclass(frozen=True)
class Paid:
    method: str
    instalments: int
    amount: Decimal


@dataclass(frozen=True)
class Review:
    score: int
    text: str
    asked: dt.datetime
    answered: dt.datetime | None


@dataclass
class Sale:
    number: str
    customer: Customer
    status: str
    purchased: dt.datetime
    promised: dt.date
    approved: dt.datetime | None = None
    handed_over: dt.datetime | None = None
    delivered: dt.datetime | None = None
    items: list[Item] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    review: Review | None = None


@dataclass(frozen=True)
class Contact:
    key: str
    on: dt.date
    origin: str | None
    page: str
    won: dt.datetime | None
    segment: str
    revenue: Decimal


def _check_digits(base: str) -> str:
    """The two check digits of a CPF."""
    digits = [int(digit) for digit in base]
    for length in (9, 10):
        total = sum(digit * weight for digit, weight in zip(digits, range(length + 1, 1, -1), strict=True))
        digits.append((total * 10 % 11) % 10)
    return "".join(map(str, digits[9:]))


def customers(rng: random.Random, count: int) -> list[Customer]:
    """`count` people; their CPFs pass the check and begin with 000, a range given to nobody."""
    cities = rng.choices(names.CITIES, weights=[city[3] for city in names.CITIES], k=count)
    people = []
    for number, (city, state, postal, _share) in enumerate(cities, 1):
        first, last = rng.choice(names.FIRST), f"{rng.choice(names.LAST)} {rng.choice(names.LAST)}"
        base = f"000{number:06d}"
        people.append(
            Customer(
                key=f"C{number:05d}",
                name=f"{first} {last}",
                tax_id=base + _check_digits(base),
                email=f"cliente{number:05d}@correio.example",
                city=city,
                state=state,
                postal=postal,
            )
        )
    return people


def sales(rng: random.Random, people: list[Customer], *, now: dt.datetime, days: int = 400) -> list[Sale]:
    """Every order of the `days` before `now` (wall-clock), oldest first."""
    rows: list[Sale] = []
    start = now.date() - dt.timedelta(days=days)
    for offset in range(days + 1):
        day = start + dt.timedelta(days=offset)
        for _ in range(_orders_on(rng, day, offset / days)):
            minute = min(1439, int(rng.triangular(0, 1440, 1230)))
            purchased = dt.datetime.combine(day, dt.time(minute // 60, minute % 60, rng.randrange(60)))
            if purchased < now:
                rows.append(_sale(rng, f"{len(rows) + 10_001}", rng.choice(people), purchased, now))
    rows.sort(key=lambda sale: sale.purchased)
    _spoil(rng, rows)
    return rows


def _orders_on(rng: random.Random, day: dt.date, through: float) -> int:
    level = 7 + 8 * through
    level *= (1.15, 1.2, 1.15, 1.1, 1.0, 0.7, 0.75)[day.weekday()]
    if day.month == 11 and 23 <= day.day <= 29 and day.weekday() == 4:
        level *= 4
    return max(1, round(rng.gauss(level, level**0.5)))


def _sale(rng: random.Random, number: str, customer: Customer, purchased: dt.datetime, now: dt.datetime) -> Sale:
    far = customer.state not in ("SP", "RJ", "MG", "PR", "SC")
    promised = purchased.date() + dt.timedelta(days=rng.randint(9, 13) + (7 if far else 0))
    sale = Sale(number, customer, "received", purchased, promised)
    for _ in range(rng.choices((1, 2, 3, 4), weights=(72, 18, 7, 3))[0]):
        key, _pt, _en, goods = rng.choice(names.CATALOGUE)
        place = rng.randrange(len(goods))
        grams = goods[place][2]
        freight = (
            (Decimal(9) + Decimal(grams) / 450 + (Decimal(11) if far else 0)) * Decimal(rng.randint(90, 120)) / 100
        )
        price = Decimal(goods[place][1])
        sale.items.append(Item(f"{key}-{place + 1:02d}", hash_of(key, place), price, freight.quantize(CENT)))
    total = sum((item.price + item.freight for item in sale.items), Decimal(0))
    _pay(rng, sale, total)
    _walk(rng, sale, now, far)
    return sale


def hash_of(key: str, place: int) -> int:
    """Which seller brings a product: fixed, without Python's per-process hash."""
    return (sum(map(ord, key)) + place) % len(names.SELLERS)


def _pay(rng: random.Random, sale: Sale, total: Decimal) -> None:
    method = rng.choices(("credit_card", "pix", "boleto", "debit_card"), weights=(56, 29, 12, 3))[0]
    if rng.random() < 0.04:
        voucher = min(Decimal(50), (total / 4).quantize(CENT))
        sale.paid.append(Paid("voucher", 1, voucher))
        total -= voucher
    instalments = rng.choice((1, 1, 2, 3, 4, 6, 10)) if method == "credit_card" else 1
    sale.paid.append(Paid(method, instalments, total))


def _walk(rng: random.Random, sale: Sale, now: dt.datetime, far: bool) -> None:
    """Take the order through its states as far as `now` allows."""
    boleto = any(part.method == "boleto" for part in sale.paid)
    recent, old = (now - sale.purchased).days < 70, (now - sale.purchased).days > 45
    approved = sale.purchased + dt.timedelta(hours=rng.expovariate(1 / (30 if boleto else 1.2)) + 0.1)
    handed = approved + dt.timedelta(hours=6 + rng.gammavariate(2, 17 if recent else 13))
    slow = rng.random() < (0.08 if recent else 0.03)
    transit = rng.gammavariate(3.4, 1.2) + (4 if far else 0) + (rng.uniform(6, 16) if slow else 0)
    delivered = handed + dt.timedelta(days=transit)
    if rng.random() < 0.012:
        sale.status = "cancelled"
        sale.approved = approved if approved < now and rng.random() < 0.7 else None
        if rng.random() < 0.72 or not sale.approved:
            sale.paid.clear()
            sale.paid.append(Paid("not_defined", 1, Decimal(0)))
        return
    if approved >= now:
        return
    sale.approved, sale.status = approved, "paid"
    if rng.random() < 0.006:
        sale.status = "unavailable" if rng.random() < 0.6 else "on_hold"
        if old:  # long settled: called off, money given back
            sale.status, sale.paid = "cancelled", [Paid("not_defined", 1, Decimal(0))]
        return
    if handed >= now:
        waited = (now - approved).total_seconds() / max(1.0, (handed - approved).total_seconds())
        sale.status = "paid" if waited < 0.25 else "processing" if waited < 0.7 else "invoiced"
        return
    sale.handed_over, sale.status = handed, "shipped"
    if delivered >= now or (rng.random() < 0.02 and not old):
        return
    sale.delivered, sale.status = delivered, "delivered"
    late = delivered.date() > sale.promised
    if rng.random() < 0.008:
        sale.status = "returned"
    if rng.random() < 0.62:
        _review(rng, sale, late, now)


def _review(rng: random.Random, sale: Sale, late: bool, now: dt.datetime) -> None:
    assert sale.delivered
    asked = dt.datetime.combine(sale.delivered.date() + dt.timedelta(days=1), dt.time())
    if asked >= now:
        return
    score = rng.choices((1, 2, 3, 4, 5), weights=(34, 14, 19, 18, 15) if late else (3, 2, 7, 21, 67))[0]
    answered = asked + dt.timedelta(hours=rng.gammavariate(1.6, 24))
    text = rng.choice(names.PRAISE if score > 3 else names.BLAME) if rng.random() < 0.45 else ""
    sale.review = Review(score, text, asked, answered if answered < now else None)


def _spoil(rng: random.Random, rows: list[Sale]) -> None:
    """What goes wrong in any shop: a handful of orders whose money and goods disagree."""
    settled = [sale for sale in rows if sale.status in ("delivered", "shipped", "invoiced", "processing")]
    for sale in rng.sample(settled, 38):
        part = sale.paid[-1]
        sale.paid[-1] = Paid(
            part.method, part.instalments, max(CENT, part.amount + Decimal(rng.randint(-900, 2600)) / 100)
        )
    for sale in rng.sample([sale for sale in settled if len(sale.items) == 1][-900:], 7):
        sale.items.clear()
        sale.status, sale.handed_over, sale.delivered, sale.review = "on_hold", None, None, None
    settled[-40].paid.clear()


def contacts(rng: random.Random, *, now: dt.datetime, days: int = 365) -> list[Contact]:
    """Shops that asked to sell through us: when, from where, and which were won."""
    share = {"organic_search": 0.13, "paid_search": 0.14, "social": 0.06, "email": 0.05, "referral": 0.18,
             "direct_traffic": 0.12, "unknown": 0.16, None: 0.22}  # fmt: skip
    rows = []
    for number in range(1, 641):
        on = now.date() - dt.timedelta(days=round(days * (1 - (number / 640) ** 0.8)))
        origin = rng.choices((*names.ORIGINS, None), weights=(30, 22, 17, 7, 5, 9, 9, 1))[0]
        won = None
        if rng.random() < share[origin]:
            at = dt.datetime.combine(on, dt.time(9)) + dt.timedelta(
                days=rng.gammavariate(1.3, 17), hours=rng.randrange(9)
            )
            won = at if at < now else None
        rows.append(
            Contact(
                key=f"L{number:04d}",
                on=on,
                origin=origin,
                page=f"pagina-{rng.randint(1, 9)}",
                won=won,
                segment=rng.choice(names.SEGMENTS),
                revenue=Decimal(rng.choice((0, 0, 5000, 12000, 30000, 80000))),
            )
        )
    return rows
