"""Every Celery task and every kind of job, run once, twice in a row and twice at once: the same database each time.

A new task or job without a scene here fails the last test. A scene prepares a database and returns how to run the work;
a job is run by a late holder beside the one that took it over, which is how work is doubled here in earnest.
"""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from backoffice.core import events, imports, jobs
from backoffice.core.models import Delivery, Event, ImportBatch, Job, Submission, User
from backoffice.core.services import imports as import_service
from backoffice.core.services import outbox, running
from finance.models import Invoice, RecurringBill
from finance.services import invoices, plan, recurring, statements
from finance.services.ledger import Line
from logistics.models import OrderException
from tests.factories import banking, books, papers, world
from tests.factories.facts import fact
from tests.factories.imports import TABLE, Things
from tests.factories.people import person
from tests.factories.shop import order
from tests.factories.statements import bank, file_of, ofx
from tests.factories.worker_side import LEDGER

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[[], Any]
# What differs from run to run without meaning anything, beside the log of match runs: keys, instants, who held the
# work, hashes of these. Work that was taken back leaves gaps in the keys.
VOLATILE = [
    "id", "key", "hash", "fingerprint", "previous", "request_id", "password", "worker", "fence", "attempts", "result",
    "version", "done", "size", "path",
]  # fmt: skip
KEYS_IN_TEXT = r"""[0-9a-f]{64}|([:/#]|"+[a-z_]*(id|seq|pk)"+: |[-·] )[0-9]+"""


def state() -> dict[str, list[str]]:
    """Every row of every table as text, without keys and instants."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.table_name, string_agg(format('%%I', c.column_name), ', ' ORDER BY c.ordinal_position)
            FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND c.data_type NOT LIKE 'timestamp%%'
                AND c.column_name <> ALL(%s) AND c.column_name NOT LIKE '%%\\_id'
                AND table_name NOT IN ('django_migrations', 'core_audit_seal', 'finance_matchrun')
            GROUP BY 1 ORDER BY 1
            """,
            [VOLATILE],
        )
        for table, columns in cursor.fetchall():
            rows = f'SELECT ROW({columns})::text AS r FROM "{table}"'
            cursor.execute(f"SELECT regexp_replace(r, %s, '#', 'g') FROM ({rows}) AS rows ORDER BY 1", [KEYS_IN_TEXT])
            found[table] = [row for (row,) in cursor.fetchall()]
    return found


def clean() -> None:
    """Empty what business writes; rights and content types stay. Triggers that refuse TRUNCATE are set aside for it."""
    kept = ("django_", "auth_", "core_right")
    tables = [name for name in connection.introspection.table_names() if not name.startswith(kept)]
    with connection.cursor() as cursor:
        cursor.execute(f"{LEDGER}; {TABLE}")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
        cursor.execute("SET session_replication_role = DEFAULT")
    imports.register(Things())


@pytest.fixture(autouse=True)
def room(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.STATEMENT_FOLDER = ""  # a scene names one; the fixture takes it back
    yield
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS test_ledger, test_thing CASCADE")


# --- scenes -------------------------------------------------------------------------------------------------------


def anybody(*role: str) -> User:
    return person(*role, email="twice@retaguarda.example", name="Twice", password=None)


def task(name: str) -> Run:
    return lambda: current_app.tasks[name].run()


def queued_jobs() -> Run:
    for n in range(3):
        jobs.ask("tests.note", by=None, n=n)
    return task("core.run_jobs")


def dead_jobs() -> Run:
    for n in range(3):
        jobs.ask("tests.note", by=None, n=n)
        running.claim()
    Job.objects.update(lease_until="2000-01-01T00:00Z")
    return task("core.sweep_jobs")


def waiting_events() -> Run:
    for n in range(3):
        events.record("core.test_noted", n=n)
    return task("core.deliver_events")


def old_events() -> Run:
    waiting_events()
    outbox.deliver_waiting()
    Event.objects.update(at="2000-01-01T00:00Z")
    events.record("core.test_noted", n=9)
    return task("core.clean_events")


def old_forms() -> Run:
    for n in range(3):
        Submission.objects.create(key=str(n), user=anybody() if not n else User.objects.get(), fingerprint="f")
    Submission.objects.exclude(key="2").update(at="2000-01-01T00:00Z")
    return task("core.clean_forms")


def audited() -> Run:
    anybody("finance_clerk")  # giving a role is audited
    return doubled("core.anchor_audit", None)


def night_to_ask() -> Run:
    return lambda: current_app.tasks["core.ask_daily"].run("kpis.prove")


def facts() -> None:
    for n in range(6):
        fact(at=f"2018-03-1{n}T12:00:00-03:00", entity=f"logistics.order:{n}")


def dirty_numbers() -> Run:
    facts()
    return task("kpis.roll_up")


def numbers_to_prove() -> Run:
    facts()
    task("kpis.roll_up")()
    return doubled("kpis.prove", None)


def numbers_to_judge() -> Run:
    facts()
    task("kpis.roll_up")()
    return task("kpis.judge")


def late_orders() -> Run:
    for n in range(3):
        order(number=f"L{n}", promised_on=timezone.localdate() - timedelta(days=3), status="shipped")
    return task("logistics.detect_late")


def doubled(kind: str, by: User | None, **args: Any) -> Run:
    """A job held by two: the first holder came late, another one has taken over."""
    jobs.ask(kind, by=by, **args)
    return doubled_row()


def doubled_row() -> Run:
    Job.objects.update(asked_at="2000-01-01T00:00Z")  # long ago, so that the end is told in each run
    held: list[Job] = []
    for _holder in range(2):
        row = running.claim()
        assert row is not None
        held.append(row)
        Job.objects.filter(pk=row.pk).update(lease_until="2000-01-01T00:00Z")
        if not held[1:]:
            running.sweep()
    Job.objects.filter(pk=held[1].pk).update(lease_until=timezone.now() + timedelta(minutes=1))
    turn = iter([held[1], held[0]])
    return lambda: running.run(next(turn))


def received(text: str) -> ImportBatch:
    upload = SimpleUploadedFile("things.csv", text.encode())
    return import_service.receive(source=imports.get("things"), uploads=[upload], by=anybody("logistics_manager"))


def import_to_check() -> Run:
    received("code;amount\nA1;1,00\nB2;x\n")
    return doubled_row()


def import_to_write() -> Run:
    batch = received("code;amount\nA1;1,00\nB2;x\n")
    running.run_queued()
    import_service.write(batch_id=batch.pk, by=User.objects.get(name="Twice"))
    return doubled_row()


def import_to_undo() -> Run:
    batch = received("code;amount\nA1;1,00\n")
    running.run_queued()
    user = User.objects.get(name="Twice")
    import_service.write(batch_id=batch.pk, by=user)
    running.run_queued()
    import_service.undo(batch_id=batch.pk, by=user)
    return doubled_row()


def statement_to_take() -> Run:
    plan.install()
    bank()
    user = anybody("finance_clerk")
    upload = SimpleUploadedFile("statement.ofx", ofx().encode())
    batch = statements.receive(files=[upload], by=user)
    running.run_queued()
    import_service.write(batch_id=batch.pk, by=user)
    return doubled_row()


def dropped_statement() -> Path:
    """A folder that holds one whole statement."""
    folder = Path(settings.MEDIA_ROOT) / "dropped"
    folder.mkdir(exist_ok=True)
    settings.STATEMENT_FOLDER = str(folder)
    os.utime(file_of(folder), (0, 0))
    return folder


def folder_to_watch() -> Run:
    dropped_statement()
    return task("finance.watch_statements")


def folder_to_take() -> Run:
    plan.install()
    bank()
    dropped_statement()
    return doubled("finance.take_from_folder", None)


def list_to_export() -> Run:
    late_orders()
    asked = {"query": "", "columns": ["number"], "file_kind": "csv", "style": "br", "total": 3, "language": "en"}
    return doubled("core.export_list", anybody("logistics_manager"), list_key="logistics.orders", **asked)


def list_to_act_on() -> Run:
    late_orders()
    task("logistics.detect_late")()
    user = anybody("logistics_manager")
    asked = {"query": "", "action": "assign", "picks": [], "answers": {"owner": [str(user.pk)]}}
    return doubled("core.act_on_list", user, list_key="logistics.exceptions", n=OrderException.objects.count(), **asked)


def dashboard_to_print() -> Run:
    facts()
    return doubled("kpis.board_pdf", anybody("director"), board="directors", query="", language="en")


def open_books() -> User:
    """The plan, this year's months, and a manager who asks."""
    plan.install()
    books.year(timezone.localdate().year)
    return anybody("finance_manager")


def books_to_prove() -> Run:
    user = open_books()
    books.post(on=timezone.localdate())
    return doubled("finance.verify_ledger", user)


def days_to_sum() -> Run:
    open_books()
    books.post(on=timezone.localdate())
    return task("finance.sum_days")


def entries_to_make() -> Run:
    open_books()
    today = timezone.localdate()
    fees, sales = books.accounts()
    values = {"text": "Rent", "day": today.day, "starts_on": today, "ends_on": None, "mode": "ask"}
    lines = [Line(fees, Decimal("10.00")), Line(sales, Decimal("-10.00"))]
    recurring.save(recurring_id=None, version=0, values=values, lines=lines, by=User.objects.get(name="Twice"))
    return doubled("finance.make_recurring", None)


def lines_to_match() -> Run:
    open_books()
    account = banking.bank_account("Twice")
    for n in range(3):
        world.title(f"NF/2026/00{n}71", f"1{n}0.00", who=books.party(f"Customer {n}"))
        world.line(f"PIX NF/2026/00{n}71", f"1{n}0.00", account=account)
    return doubled("finance.match", None, bank_account_id=account.pk)


def bills_to_draft() -> Run:
    user = open_books()
    RecurringBill.objects.create(
        party=books.party("Landlord"), text="Rent", account=plan.account_for("bank_fees"),
        amount=Decimal("30.00"), day=5, next_due_on=timezone.localdate(), days_before=10, made_by=user,
    )  # fmt: skip
    return doubled("finance.draft_bills", None)


def issued_invoice(user: User) -> Invoice:
    draft = papers.invoice("100.00", by=user)
    papers.decide(
        invoices.submit(invoice_id=draft.pk, by=user),
        by=person("finance_manager", email="second@retaguarda.example", name="Second"),
    )
    draft.refresh_from_db()
    return draft


def invoice_to_print() -> Run:
    user = open_books()
    return doubled("finance.invoice_pdf", user, invoice_id=issued_invoice(user).pk, language="en")


def invoice_to_send() -> Run:
    user = open_books()
    sent = {"invoice_id": issued_invoice(user).pk, "to": "ana@example.com", "language": "en"}
    return doubled("finance.send_invoice", user, **sent)


def reconciliation_to_print() -> Run:
    user = open_books()
    account = banking.bank_account("Twice")
    return doubled(
        "finance.reconciliation_pdf", user, account_id=account.pk, month=str(books.MAY.replace(day=1)), language="en"
    )


def report_to_print() -> Run:
    user = open_books()
    books.post()
    return doubled("finance.report_pdf", user, report="trial-balance", query="", language="en")


def long_report_to_write() -> Run:
    user = open_books()
    books.post()
    return doubled("finance.report_file", user, report="trial-balance", query="", language="en", file_kind="csv")


def orders_to_book() -> Run:
    open_books()
    order(
        number="T1",
        paid="10.00",
        purchased_at=timezone.now().replace(day=1, hour=15, minute=0, second=0, microsecond=0),
    )
    return doubled("logistics.book_sales", None)


SCENES: dict[str, Callable[[], Run]] = {
    "core.run_jobs": queued_jobs,
    "core.sweep_jobs": dead_jobs,
    "core.deliver_events": waiting_events,
    "core.clean_events": old_events,
    "core.clean_forms": old_forms,
    "core.anchor_audit": audited,
    "core.ask_daily": night_to_ask,
    "core.export_list": list_to_export,
    "core.act_on_list": list_to_act_on,
    "imports.check": import_to_check,
    "imports.write": import_to_write,
    "imports.take": statement_to_take,
    "finance.watch_statements": folder_to_watch,
    "finance.take_from_folder": folder_to_take,
    "finance.verify_ledger": books_to_prove,
    "finance.sum_days": days_to_sum,
    "finance.make_recurring": entries_to_make,
    "finance.match": lines_to_match,
    "finance.draft_bills": bills_to_draft,
    "finance.invoice_pdf": invoice_to_print,
    "finance.send_invoice": invoice_to_send,
    "finance.reconciliation_pdf": reconciliation_to_print,
    "finance.report_pdf": report_to_print,
    "finance.report_file": long_report_to_write,
    "logistics.book_sales": orders_to_book,
    "imports.undo": import_to_undo,
    "kpis.roll_up": dirty_numbers,
    "kpis.prove": numbers_to_prove,
    "kpis.judge": numbers_to_judge,
    "kpis.board_pdf": dashboard_to_print,
    "logistics.detect_late": late_orders,
}


def once(run: Run) -> None:
    run()


def in_a_row(run: Run) -> None:
    run()
    run()


def at_once(run: Run) -> None:
    def beside() -> None:
        gate.wait()
        try:
            run()
        finally:
            connection.close()

    gate = threading.Barrier(2)
    threads = [threading.Thread(target=beside) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("name", sorted(SCENES))
def test_work_that_is_done_twice_leaves_the_same_database(name):
    states = []
    for way in (once, in_a_row, at_once):
        clean()
        way(SCENES[name]())
        states.append(state())

    assert states[0] == states[1], "twice in a row is not once"
    assert states[0] == states[2], "twice at once is not once"


def test_no_delivery_is_parked_by_these_scenes_silently():
    clean()
    waiting_events()()

    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}


def test_every_task_and_job_has_its_scene():
    current_app.loader.import_default_modules()
    ours = {name for name in current_app.tasks if not name.startswith(("celery.", "tests."))}
    kinds = {name for name in jobs.kinds() if not name.startswith("test")}

    assert ours | kinds == set(SCENES)
