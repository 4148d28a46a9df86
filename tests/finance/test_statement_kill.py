"""A real worker dies in the middle of a statement: what it wrote stands, the next one writes the rest, and once."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Sum

from backoffice.core.models import ImportBatch, Job
from backoffice.core.services import imports as service
from backoffice.core.services import running
from finance.models import JournalEntry, Posting, Statement, StatementLine
from finance.services import ledger, statements
from tests.core.test_bell import kill, start, until
from tests.factories.people import person
from tests.factories.statements import bank, many, ofx

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["start"]  # a fixture: real workers


@pytest.fixture
def slowly(monkeypatch):
    """Workers that are started take small chunks and rest before each."""
    monkeypatch.setenv("SLOW_STATEMENTS", "1")


@pytest.mark.usefixtures("slowly")
def test_a_killed_worker_leaves_whole_days_and_the_next_one_ends_the_same(start):
    worker = start()
    account, user, rows = bank(), person("finance_clerk"), many(8_000)
    batch = statements.receive(files=[SimpleUploadedFile("big.ofx", ofx(rows).encode())], by=user)
    until(lambda: ImportBatch.objects.get().state == "checked", 60)
    assert ImportBatch.objects.get().counts["create"] == 8_000
    service.write(batch_id=batch.pk, by=user)
    until(lambda: StatementLine.objects.count() >= 1_000, 30)

    kill(worker)
    part = StatementLine.objects.count()
    assert 1_000 <= part < 8_000
    assert Posting.objects.count() == 2 * part
    assert ledger.balance_of(account.account_id) == StatementLine.objects.aggregate(n=Sum("amount"))["n"]
    Job.objects.filter(state="running").update(lease_until="2000-01-01T00:00Z")  # as twenty seconds later
    running.sweep()
    start()
    until(lambda: ImportBatch.objects.get().state == "committed", 60)

    statement = Statement.objects.get()
    assert (statement.found, statement.new, statement.known) == (8_000, 8_000, 0)
    assert StatementLine.objects.count() == 8_000
    assert Posting.objects.count() == 16_000
    assert JournalEntry.objects.count() == len({row[0] for row in rows})
    assert ledger.balance_of(account.account_id) == statement.sum == statement.closing
