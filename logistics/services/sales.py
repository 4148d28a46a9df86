"""Orders in the books: a job that hands finance the sales of some orders, a chunk at a time."""

from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.core.jobs import Work, job
from backoffice.core.models import ImportBatch
from finance.services import sales

from ..models import Order

BOOK = "logistics.book_sales"
CHUNK = 10_000  # orders a transaction

# Orders whose money goes back: nothing was sold.
CALLED_OFF = (Order.Status.CANCELLED, Order.Status.UNAVAILABLE)

_SALES = """
INSERT INTO incoming_sale (origin, number, party_id, "on", is_called_off)
SELECT 'logistics.order:' || id, left(number, 60), customer_id, (purchased_at AT TIME ZONE %(zone)s)::date,
       status = ANY(%(called_off)s)
FROM logistics_order WHERE {which}
"""
_SOME = "id = ANY(%(ids)s)"
_RANGE = "id BETWEEN %(first)s AND %(last)s"


@job(BOOK, title=_("Book orders"), left=_("What was booked stays; the rest follows with the next run."))
def book(work: Work, *, order_ids: list[int] | None = None, batch_id: int | None = None) -> dict[str, Any]:
    """Bring the books in line with these orders; with those of an import; with all, when neither is told."""
    ids = order_ids
    if batch_id and ImportBatch.objects.filter(pk=batch_id, state=ImportBatch.State.COMMITTED).exists():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT order_id FROM logistics_orderevent WHERE batch_id = %s ORDER BY 1", [batch_id]
            )
            ids = [row[0] for row in cursor.fetchall()]
    if ids is None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT min(id), max(id) FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / %s AS part"
                " FROM logistics_order) o GROUP BY part ORDER BY 1",
                [CHUNK],
            )
            scopes = [(_RANGE, {"first": low, "last": high}) for low, high in cursor.fetchall()]
    else:
        scopes = [(_SOME, {"ids": ids[at : at + CHUNK]}) for at in range(0, len(ids), CHUNK)]
    booked = taken_back = left_out = 0
    for done, (which, values) in enumerate(scopes):
        work.check()
        work.progress(done, len(scopes), str(_("Booking")))
        with work.writing(), connection.cursor() as cursor:
            sales.begin(cursor)
            cursor.execute(
                _SALES.format(which=which),
                values | {"zone": settings.TIME_ZONE, "called_off": [str(state) for state in CALLED_OFF]},
            )
            found = sales.book(cursor, today=timezone.localdate())
        booked, taken_back = booked + found.booked, taken_back + found.reversed
        left_out += found.left_out
    while not order_ids:
        work.check()
        with work.writing():
            gone = sales.take_back_gone(today=timezone.localdate())
        taken_back += gone.reversed
        if not gone.reversed:
            break
    return {"booked": booked, "taken_back": taken_back, "left_out": left_out}
