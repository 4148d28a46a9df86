"""`manage.py bench pages --orders N`: what pages cost the server with a large company's data, every layer included.

The scratch database is filled set-based with made-up orders over two years, with items, payments, reviews and
exceptions; the facts of the last ninety days are rolled up. A signed-in person asks for each page through the whole
stack.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import connection, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from backoffice.core.bench import Say, bench, percentile
from backoffice.core.lists import ListPage
from backoffice.core.lists.cursor import Ordering
from backoffice.core.models import Company, User
from backoffice.core.services.roles import give_role
from logistics.models import Order, OrderException
from logistics.services import exceptions

from .boards import BOARDS
from .services import facts, rollup

CHUNK = 100_000
PLAIN_FILES = "django.contrib.staticfiles.storage.StaticFilesStorage"
TABLES = (
    "core_party",
    "logistics_order",
    "logistics_orderitem",
    "logistics_orderevent",
    "logistics_review",
    "finance_payment",
)
PAGE = ListPage.page_size
FAR = 1_999  # cursors passed before the far page

_BASE = """
INSERT INTO core_party (id, kind, name, tax_id, email, phone, version)
SELECT g, 'person', (%(first)s::text[])[1 + g %% 20] || ' ' || (%(last)s::text[])[1 + (g / 20) %% 25] || ' ' || g,
    '', '', '', 1
FROM generate_series(1, 100000) g;
INSERT INTO logistics_productcategory (id, source, key, name_pt, name_en)
SELECT g, 'bench', 'c' || g, 'Categoria ' || g, 'Category ' || g FROM generate_series(1, 70) g;
INSERT INTO logistics_product (id, source, code, name, category_id, version)
SELECT g, 'bench', md5('p' || g), 'Produto ' || g, 1 + g %% 70, 1 FROM generate_series(1, 30000) g;
"""

# Orders in the order of time, as life writes them. Shares as in real shops: 97 % delivered, one in two hundred
# cancelled, one in three hundred paid wrongly.
_ORDERS = """
INSERT INTO logistics_order (id, source, number, status, source_status, customer_id, customer_key, customer_name,
    customer_city, customer_state, customer_postal, purchased_at, approved_at, handed_over_at, delivered_at,
    promised_at, promised_on, items_amount, freight_amount, paid_amount, item_count, payment_count, hand_set, version)
SELECT g, 'bench', md5('o' || g), status, status, 1 + (g * 13) %% 100000, '', name, city, state, '01310', bought,
    bought + interval '1 hour', CASE WHEN status IN ('shipped', 'delivered') THEN bought + interval '40 hours' END,
    CASE WHEN status = 'delivered' THEN bought + interval '1 day' * (3 + g %% 17) END, bought + interval '22 days',
    (bought + interval '22 days')::date, items, freight, items + freight + CASE WHEN g %% 331 = 0 THEN 5 ELSE 0 END,
    1, 1, '{}', 1
FROM (
    SELECT g, %(now)s::timestamptz - interval '730 days' * (1 - g::float8 / %(orders)s) AS bought,
        CASE WHEN g > %(orders)s * 0.98 THEN (ARRAY['received', 'paid', 'processing', 'shipped'])[1 + g %% 4]
             WHEN g %% 200 = 0 THEN 'cancelled' WHEN g %% 900 = 0 THEN 'shipped' ELSE 'delivered' END AS status,
        (10 + (g * 7919) %% 40000 / 100.0)::numeric(18, 2) AS items, (5 + g %% 3000 / 100.0)::numeric(18, 2) AS freight,
        p.name, (%(cities)s::text[])[1 + (g * 31) %% 12] AS city, (%(states)s::text[])[1 + (g * 31) %% 12] AS state
    FROM generate_series(%(low)s::bigint, %(high)s::bigint) g JOIN core_party p ON p.id = 1 + (g * 13) %% 100000
) drawn;
INSERT INTO logistics_orderitem (order_id, seq, product_id, seller_id, price, freight)
SELECT id, 1, 1 + (id * 17) %% 30000, 1 + id %% 3000, items_amount, freight_amount
FROM logistics_order WHERE id BETWEEN %(low)s AND %(high)s;
INSERT INTO finance_payment (source, order_key, seq, origin, method, instalments, amount, currency, ordered_at,
    version)
SELECT 'bench', number, 1, 'logistics.order:' || id,
    (ARRAY['credit_card', 'credit_card', 'pix', 'boleto'])[1 + id %% 4], 1 + id %% 6, paid_amount, 'BRL',
    purchased_at, 1
FROM logistics_order WHERE id BETWEEN %(low)s AND %(high)s;
INSERT INTO logistics_review (source, external_id, order_id, score, title, message, created_at, answered_at)
SELECT 'bench', md5('r' || id), id, 1 + (id * 3) %% 5, '', 'Chegou', delivered_at + interval '1 day',
    delivered_at + interval '3 days'
FROM logistics_order WHERE id BETWEEN %(low)s AND %(high)s AND delivered_at IS NOT NULL;
INSERT INTO logistics_orderevent (order_id, kind, from_status, to_status, data)
SELECT id, 'imported', '', status, '{}' FROM logistics_order WHERE id BETWEEN %(low)s AND %(high)s;
"""

_FIRST = [
    "Ana", "Bruno", "Carla", "Daniel", "Elisa", "Fábio", "Gabriela", "Hugo", "Irene", "João",
    "Karina", "Lucas", "Marina", "Nuno", "Olívia", "Paulo", "Rita", "Sérgio", "Tânia", "Vítor",
]  # fmt: skip
_LAST = [
    "Silva", "Souza", "Costa", "Lima", "Rocha", "Alves", "Dias", "Nunes", "Melo", "Castro", "Araújo", "Barros", "Cunha",
    "Duarte", "Freitas", "Gomes", "Leite", "Moraes", "Neves", "Pires", "Ramos", "Sales", "Teles", "Vaz", "Xavier",
]  # fmt: skip
_CITIES = [
    "São Paulo", "São Paulo", "São Paulo", "Rio de Janeiro", "Belo Horizonte", "Curitiba", "Porto Alegre", "Salvador",
    "Recife", "Fortaleza", "Goiânia", "Manaus",
]  # fmt: skip
_STATES = ["SP", "SP", "SP", "RJ", "MG", "PR", "RS", "BA", "PE", "CE", "GO", "AM"]


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--orders", type=int, default=1_000_000, metavar="N", help="how many orders (1,000,000)")
    parser.add_argument("--rounds", type=int, default=40, help="how often each page is asked for (40)")


@bench("pages", arguments=add_arguments)
def pages(options: dict[str, Any], say: Say) -> dict[str, Any]:
    """home, lists, details and dashboards over many orders"""
    orders = options["orders"]
    say(f"writing {orders} orders")
    began = time.perf_counter()
    _fill(orders)
    filled = time.perf_counter() - began
    say("rolling up the last ninety days")
    recent = timezone.now() - timedelta(days=90)
    facts.sync_orders(list(Order.objects.filter(purchased_at__gte=recent).values_list("pk", flat=True)))
    rollup.roll_up()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    client = _signed_in()
    measured = []
    storages = settings.STORAGES | {"staticfiles": {"BACKEND": PLAIN_FILES}}  # nothing need be collected to measure
    with override_settings(DEBUG=False, ALLOWED_HOSTS=["testserver"], STORAGES=storages):
        for name, url in _pages(orders).items():
            say(name)
            measured.append({"name": name} | _measure(client, url, options["rounds"]))
    return {"orders": orders, "fill_s": round(filled, 1), "pages": measured}


def _fill(orders: int) -> None:
    now = timezone.now()
    with connection.cursor() as cursor, _bare_tables():
        cursor.execute(_BASE, {"first": _FIRST, "last": _LAST})
        for low in range(1, orders + 1, CHUNK):
            high = min(low + CHUNK - 1, orders)
            values: dict[str, Any] = {"low": low, "high": high, "orders": orders, "now": now}
            values |= {"cities": _CITIES, "states": _STATES}
            cursor.execute(_ORDERS, values)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with transaction.atomic(), connection.cursor() as cursor:
        exceptions.detect(cursor, now=now)


@contextmanager
def _bare_tables() -> Iterator[None]:
    """Without foreign keys (the database is thrown away) and with the plain indexes made at the end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f'"
            " AND conrelid = ANY(%s::regclass[])",
            [list(TABLES)],
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        cursor.execute(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
            " WHERE NOT i.indisunique AND i.indrelid = ANY(%s::regclass[])",
            [list(TABLES)],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _name, definition in indexes:
            cursor.execute(definition)


def _signed_in() -> Client:
    Company.objects.get_or_create(pk=1, defaults={"name": "Bench"})
    user = User.objects.create_user("bench@retaguarda.example", name="Bench")
    for role in ("director", "logistics_manager"):
        give_role(user, role, by=None, given_as="bench")
    client = Client(headers={"accept-encoding": "gzip"})
    client.force_login(user)
    return client


def _pages(orders: int) -> dict[str, str]:
    listed = reverse("logistics:orders")
    newest = Order.objects.order_by("-purchased_at", "-pk")
    found = {"home": reverse("home"), "orders": listed}
    if orders > FAR * PAGE:
        edge = list(newest.values_list("pk", flat=True)[FAR * PAGE - 1 : FAR * PAGE + 1])
        ordering = Ordering(Order.objects.all(), ("purchased_at", "pk"), descending=True)
        found[f"orders, page {FAR + 1}"] = f"{listed}?after={ordering.page(newest.filter(pk__in=edge), 1).after}"
    middle = newest[orders // 2 + 3]  # a customer whose number has five digits: a text that is rare
    wrong = OrderException.objects.filter(closed_at=None).order_by("pk").first()
    found |= {
        "orders, text filter": f"{listed}?q=marina+souza",
        "orders, rare text": f"{listed}?q={middle.customer_name.split()[-1]}",
        "orders, frequent text": f"{listed}?q=sao+paulo",
        "orders, number": f"{listed}?q={middle.number[:12]}",
        "orders to ship": f"{listed}?group=to_ship",
        "order": reverse("logistics:order", args=[middle.pk]),
        "exceptions": reverse("logistics:exceptions"),
        "exceptions, open": f"{reverse('logistics:exceptions')}?state=open",
    }
    if wrong:
        found["exception"] = reverse("logistics:exception", args=[wrong.pk])
    found["payments"] = reverse("finance:payments")
    return found | {f"dashboard {key}": reverse("kpis:board", args=[key]) for key in BOARDS}


def _measure(client: Client, url: str, rounds: int) -> dict[str, Any]:
    times, queries, size = [], 0, 0
    for turn in range(rounds + 3):
        counted = 0

        def count(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal counted
            counted += 1
            return execute(*args)

        with connection.execute_wrapper(count):
            began = time.perf_counter()
            response = client.get(url, follow=True)
            took = time.perf_counter() - began
        if response.status_code != 200:
            raise RuntimeError(f"{url} answered {response.status_code}")
        if turn >= 3:
            times.append(took * 1000)
            queries, size = max(queries, counted), len(response.content)
    return {
        "p50_ms": round(percentile(times, 0.5), 1),
        "p95_ms": round(percentile(times, 0.95), 1),
        "queries": queries,
        "gz_bytes": size,
    }
