"""`manage.py bench reconcile --data DIR`: a bank statement against open titles, from the file to the posted match.

DIR holds partners.csv (partner_id, name), invoices.csv (invoice_id, number, partner_id, date, due_date, amount),
statement.ofx (FITID = line_id) and truth.csv (line_id, invoice_id), which is read when everything else is over.
"""

import csv
import itertools
import multiprocessing
import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection, connections, transaction

from backoffice.core.bench import Say, bench
from finance.models import Title
from finance.services import matching, periods, plan, statements, titles

from . import adversary

AT_ONCE = 200_000  # titles issued in one transaction

_PARTIES = "COPY core_party (id, kind, name, tax_id, email, phone, version) FROM STDIN"
_TITLES = """
COPY incoming_title (key, direction, kind, number, party_id, account_id, against_id, journal_id, issued_on) FROM STDIN
"""
_PARTS = "COPY incoming_instalment (title_key, seq, due_on, amount) FROM STDIN"

# What the database alone does with the same rows: one join on the number in the text and the equal amount.
_SQL_MATCH = """
INSERT INTO sql_match
SELECT l.id, i.id FROM finance_statementline l
JOIN finance_title t ON t.number = substring(l.text from 'INV/[0-9]{4}/[0-9]{6}')
JOIN finance_instalment i ON i.title_id = t.id AND i.balance = l.open_amount AND i.balance <> 0
WHERE l.open_amount <> 0
"""

# Line of the file → the invoices its match settled, and those that each suggestion would.
_POSTED = """
SELECT l.reference::bigint, array_agg(t.origin::bigint ORDER BY t.origin::bigint), m.stage
FROM finance_match m JOIN finance_posting b ON b.entry_id = m.entry_id AND b.role = 'transit'
JOIN finance_statementline l ON l.id = b.line_id
LEFT JOIN finance_posting p ON p.entry_id = m.entry_id AND p.instalment_id IS NOT NULL
LEFT JOIN finance_instalment i ON i.id = p.instalment_id LEFT JOIN finance_title t ON t.id = i.title_id
WHERE m.automatic GROUP BY l.id, m.id
"""
_SUGGESTED = """
SELECT l.reference::bigint, s.rank, array_agg(t.origin::bigint ORDER BY t.origin::bigint)
FROM finance_suggestion s JOIN finance_statementline l ON l.id = s.line_id
CROSS JOIN LATERAL jsonb_array_elements(s.items) e
JOIN finance_instalment i ON e->>'kind' = 'instalment' AND i.id = (e->>'id')::bigint
JOIN finance_title t ON t.id = i.title_id
GROUP BY l.id, s.id
"""


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="as written by gen_recon.py")
    parser.add_argument("--adversary", type=int, metavar="N", help="instead of DIR: N scenes made to mislead")
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="W",
        help="changes nothing: one worker posts, for the chain of a journal is one queue",
    )


@bench("reconcile", arguments=add_arguments)
def run(options: dict[str, Any], say: Say) -> dict[str, Any]:
    """statement file → matched → posted, with the truth told afterwards"""
    if options["adversary"]:
        return adversary.run(options["adversary"], say)
    data: Path | None = options["data"]
    if data is None or not (data / "statement.ofx").exists():
        raise CommandError("--data names a folder with statement.ofx, partners.csv, invoices.csv and truth.csv")
    say("issuing the titles")
    _elsewhere(_load, data)
    say("importing the statement")
    began = time.perf_counter()
    bank = plan.open_bank_account(name="Banco", number="1234567890")
    statements.import_file(data / "statement.ofx", bank_account=bank)
    import_s = time.perf_counter() - began
    sql_match_s = _sql_match()
    say("matching")
    began = time.perf_counter()
    made = matching.run()
    run_s = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say("comparing with the truth")
    lines = int(sum(1 for _row in _rows(data / "statement.csv")))
    answer = {
        "lines": lines,
        "titles": Title.objects.count(),
        "import_s": round(import_s, 3),
        "match_s": made.counts["match_s"],
        "post_s": made.counts["post_s"],
        "suggest_s": made.counts["suggest_s"],
        "lines_per_s": round(lines / (import_s + run_s)),
        "sql_match_s": round(sql_match_s, 3),
        "sql_ratio": round((import_s + run_s) / sql_match_s, 1),
        "peak_mb": round(peak),
    }
    answer |= _told(data)
    began = time.perf_counter()
    again = matching.run()
    answer |= {"again_s": round(time.perf_counter() - began, 3), "again_posted": again.counts["posted"]}
    return answer


def _told(data: Path) -> dict[str, Any]:
    """Counts of lines against truth.csv."""
    truth: dict[int, list[int]] = defaultdict(list)
    for row in _rows(data / "truth.csv"):
        truth[int(row["line_id"])].append(int(row["invoice_id"]))
    numbered = {int(row["line_id"]) for row in _rows(data / "statement.csv") if row["kind"] in ("ref", "two")}
    with connection.cursor() as cursor:
        cursor.execute(_POSTED)
        posted = {line: (found, stage) for line, found, stage in cursor.fetchall()}
        cursor.execute(_SUGGESTED)
        suggested: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for line, rank, found in cursor.fetchall():
            suggested[line].append((rank, found))
    right = {line for line, (found, _) in posted.items() if line in truth and found == sorted(truth[line])}
    wrong = {line for line in posted if line not in right}
    rest = [line for line in truth if line not in posted]
    hit = [line for line in rest if any(found == sorted(truth[line]) for _rank, found in suggested.get(line, []))]
    first = [line for line in hit if min(suggested[line])[1] == sorted(truth[line])]
    stages: dict[str, int] = defaultdict(int)
    for _found, stage in posted.values():
        stages[stage] += 1
    return {
        "automatic": len(posted),
        "automatic_right": len(right),
        "wrong": len(wrong),
        "suggested": len(hit),
        "suggested_first": len(first),
        "missed": len(rest) - len(hit),
        "numbered": len(numbered),
        "numbered_automatic": len(numbered & right),
        "numbered_share": round(len(numbered & right) / max(1, len(numbered)), 4),
        "stages": dict(sorted(stages.items())),
        "suggested_without_truth": sum(1 for line in suggested if line not in truth),
    }


def _sql_match() -> float:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE sql_match (line bigint, item bigint)")
        began = time.perf_counter()
        cursor.execute(_SQL_MATCH)
        taken = time.perf_counter() - began
        cursor.execute("DROP TABLE sql_match")
    return taken


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def _elsewhere(work: Any, *args: Any) -> None:
    """Run in a process of its own, so that its memory is not counted as ours."""
    connections.close_all()
    if getattr(connection, "pool", None):
        connection.close_pool()  # type: ignore[attr-defined]
    child = multiprocessing.get_context("fork").Process(target=work, args=args)
    child.start()
    child.join()
    if child.exitcode:
        raise CommandError(f"{work.__name__} failed")


def _load(data: Path) -> None:
    """The partners as parties, the invoices as receivables of one instalment each; origin: the invoice's id."""
    periods.ensure(date(2024, 12, 1), date(2026, 12, 1))
    accounts, journal = plan.accounts_for("receivable", "sales"), titles.journals()["sales"]
    with transaction.atomic(), connection.cursor() as cursor:
        with cursor.copy(_PARTIES) as copy:
            for row in _rows(data / "partners.csv"):
                copy.write_row((row["partner_id"], "organisation", row["name"], "", "", "", 1))
        cursor.execute("SELECT setval(pg_get_serial_sequence('core_party', 'id'), (SELECT max(id) FROM core_party))")
    rows = _rows(data / "invoices.csv")
    while chunk := list(itertools.islice(rows, AT_ONCE)):
        with transaction.atomic(), connection.cursor() as cursor:
            titles.begin_titles(cursor)
            with cursor.copy(_TITLES) as copy:
                for row in chunk:
                    copy.write_row(
                        (row["invoice_id"], "receivable", "invoice", row["number"], row["partner_id"],
                         accounts["receivable"], accounts["sales"], journal, row["date"])
                    )  # fmt: skip
            with cursor.copy(_PARTS) as copy:
                for row in chunk:
                    copy.write_row((row["invoice_id"], 1, row["due_date"], row["amount"]))
            cursor.execute("UPDATE incoming_title SET origin = key::text")
            titles.issue_set(cursor)
    with connection.cursor() as cursor:
        for table in ("finance_title", "finance_instalment", "finance_instalmentkey", "finance_posting", "core_party"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    connections.close_all()
