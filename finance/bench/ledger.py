"""`manage.py bench ledger --entries N`: post one by one and in sets, read the reports, prove the chain."""

import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser
from django.db import connection, transaction
from django.utils import timezone

from backoffice.core.bench import Say, bench, percentile
from backoffice.core.calendar import Period
from finance.models import Account, CostCentre, Payment
from finance.reports import dre, trial_balance
from finance.services import ledger, periods, proof
from finance.services.ledger import Line

FIRST, LAST = date(2025, 1, 1), date(2026, 12, 1)
SET = 50_000  # entries posted in one transaction
SINGLE = 400
ORIGIN = "logistics.order:1"  # an entry that moves no title and no bank line names what it comes from

# Entries of two postings over two years, twenty accounts and four cost centres, drawn the same way each time.
_ENTRIES = """
INSERT INTO incoming_entry (journal_id, "on", text, origin, key)
SELECT j.id, %(first)s::date + (g * 7919 %% 720)::int, 'Lançamento ' || g, %(origin)s, g
FROM generate_series(%(low)s::bigint, %(high)s::bigint) g
CROSS JOIN (SELECT id FROM finance_journal WHERE kind = 'general') j ORDER BY g
"""
_LINES = """
INSERT INTO incoming_posting (entry_id, seq, account_id, amount, cost_centre_id)
SELECT e.id, side, CASE side WHEN 1 THEN (%(debits)s::bigint[])[1 + e.key %% %(n_debits)s]
                             ELSE (%(credits)s::bigint[])[1 + e.key %% %(n_credits)s] END,
       (3 - 2 * side) * (100 + e.key * 37 %% 99900) / 100.0,
       CASE side WHEN 1 THEN (%(centres)s::bigint[])[1 + e.key %% 4] END
FROM incoming_entry e CROSS JOIN generate_series(1, 2) AS side
"""


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--entries", type=int, default=500_000, metavar="N", help="posted in sets (500,000)")


@bench("ledger", arguments=add_arguments)
def run(options: dict[str, Any], say: Say) -> dict[str, Any]:
    """posting one by one and in sets, trial balance, DRE, proof"""
    entries = options["entries"]
    periods.ensure(FIRST, LAST)
    places = _places()
    say(f"posting {SINGLE} entries, one a transaction")
    single = _timed(lambda: _one_by_one(SINGLE, places))
    say(f"posting {entries} entries in sets of {SET}")
    batch = _timed(lambda: _in_sets(entries, places))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE finance_posting")
        cursor.execute("VACUUM ANALYZE finance_journalentry")
    answer: dict[str, Any] = {
        "entries": entries + SINGLE,
        "postings": 2 * (entries + SINGLE),
        "single_per_s": round(SINGLE / single),
        "batch_per_s": round(entries / batch),
    }
    say("reports")
    answer |= _reports()
    say("proof")
    answer["verify_s"] = round(_timed(proof.verify), 2)
    return answer


def _places() -> dict[str, Any]:
    leaves = Account.objects.filter(is_group=False, is_control=False, is_active=True).order_by("code")
    debits = list(leaves.filter(kind="expense").values_list("pk", flat=True)[:20])
    credits = list(leaves.filter(kind="revenue").values_list("pk", flat=True)[:5])
    centres = CostCentre.objects.bulk_create([CostCentre(code=f"C{n}", name=f"Centro {n}") for n in range(4)])
    Payment.objects.create(
        source="bench", order_key="1", seq=1, origin=ORIGIN, method="pix", amount=0, ordered_at=timezone.now()
    )
    return {
        "origin": ORIGIN,
        "debits": debits,
        "credits": credits,
        "centres": [one.pk for one in centres],
        "n_debits": len(debits),
        "n_credits": len(credits),
    }


def _one_by_one(count: int, places: dict[str, Any]) -> None:
    for n in range(count):
        amount = Decimal(100 + n) / 100
        lines = [
            Line(places["debits"][n % places["n_debits"]], amount, cost_centre=places["centres"][n % 4]),
            Line(places["credits"][n % places["n_credits"]], -amount),
        ]
        with transaction.atomic(durable=True):
            ledger.post(journal="general", on=FIRST, text=f"Lançamento {n}", lines=lines, origin=ORIGIN)


def _in_sets(count: int, places: dict[str, Any]) -> None:
    for low in range(0, count, SET):
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            ledger.begin_set(cursor)
            values = {**places, "first": FIRST, "low": low, "high": min(low + SET, count) - 1}
            cursor.execute(_ENTRIES, values)
            cursor.execute(_LINES, values)
            ledger.post_set(cursor)


def _reports() -> dict[str, Any]:
    """Both reports over the last year, nothing closed: every posting is read."""
    year = Period(date(2026, 1, 1), date(2027, 1, 1))
    return {
        "trial_balance_ms": _ms(lambda: trial_balance.trial_balance(year.start, year.end)),
        "dre_ms": _ms(lambda: dre.dre([year])),
    }


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ms(work: Callable[[], object], rounds: int = 7) -> float:
    """The median of some rounds after a first one, in milliseconds."""
    return round(percentile([_timed(work) for _ in range(rounds + 1)][1:], 0.5) * 1000, 1)
