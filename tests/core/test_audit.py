"""The trail: appended, sealed, never changed; what was changed anyway is found and named."""

import hashlib
import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import IntegrityError

from backoffice.core.models import AuditEntry, AuditSeal, Event
from backoffice.core.services import audit, audit_chain, outbox
from tests.factories.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def write(n: int) -> list[AuditEntry]:
    return [audit.record("core.tested", f"core.test:{number}", by=None, number=number) for number in range(n)]


def past_the_triggers(sql: str) -> None:
    """As a superuser would, with the guards asleep."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)


def first_bad() -> Any:
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--json", stdout=out)
    answer = json.loads(out.getvalue().splitlines()[-1])
    assert answer["ok"] is False
    return answer["first_bad"]


def test_an_untouched_trail_proves_itself() -> None:
    write(5)

    out = io.StringIO()
    call_command("verify_audit", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"rows": AuditEntry.objects.count(), "ok": True, "first_bad": None}


def test_anybody_can_compute_a_seal_from_the_entry_and_the_seal_before() -> None:
    """The text never changes: with another one, every seal written until then would be false."""
    ana = person(name="Ana Souza")
    audit.record("core.tested", "core.test:1", by=None)
    with audit.acting(source="import", request_id="abc"):
        entry = audit.record("core.tested", ana, by=ana, paid="Çá | 3:x")

    seal = AuditSeal.objects.get(entry_id=entry.pk)
    parts = [
        AuditSeal.objects.get(seq=seal.seq - 1).hash,
        str(entry.pk),
        AuditEntry.objects.get(pk=entry.pk).at.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        str(ana.pk),
        "Ana Souza",
        "core.tested",
        f"core.user:{ana.pk}",
        '{"paid": "Çá | 3:x"}',
        "import",
        "abc",
    ]
    text = "|".join(f"{len(part)}:{part}" for part in parts)
    assert seal.hash == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("table", ["core_audit_entry", "core_audit_seal", "core_audit_anchor"])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses_every_change(table: str, change: str) -> None:
    write(1)
    sql = change.format(table).replace("SET id = id", "SET id = id" if table.endswith("entry") else "SET seq = seq")

    with pytest.raises(IntegrityError, match="never changed or removed"), transaction.atomic():
        connection.cursor().execute(sql)


def test_a_changed_entry_is_found_and_named() -> None:
    entries = write(5)

    past_the_triggers(f"UPDATE core_audit_entry SET data = '{{\"number\": 99}}' WHERE id = {entries[2].pk}")

    bad = first_bad()
    assert (bad["entry"], bad["problem"], bad["subject"]) == (entries[2].pk, "entry changed", "core.test:2")


def test_a_removed_entry_is_found_and_named() -> None:
    entries = write(5)

    past_the_triggers(f"DELETE FROM core_audit_entry WHERE id = {entries[3].pk}")

    assert (first_bad()["entry"], first_bad()["problem"]) == (entries[3].pk, "entry missing")


def test_a_removed_seal_is_found_at_the_one_after_it() -> None:
    entries = write(5)

    past_the_triggers(f"DELETE FROM core_audit_seal WHERE entry_id = {entries[1].pk}")

    assert (first_bad()["entry"], first_bad()["problem"]) == (entries[2].pk, "seal missing before it")


def test_an_entry_slipped_in_is_found() -> None:
    write(2)

    past_the_triggers(
        "INSERT INTO core_audit_entry (id, at, actor_name, action, subject, data, source, request_id)"
        " VALUES (900000, now(), '', 'core.forged', 'x:1', '{}', 'web', '')"
    )

    assert (first_bad()["entry"], first_bad()["problem"]) == (900000, "entry without a seal")


def test_a_chain_whose_end_was_cut_off_is_found_by_its_anchor() -> None:
    entries = write(5)
    head = audit_chain.anchor()
    outbox.deliver_waiting()
    Event.objects.update(at="2000-01-01T00:00Z")
    outbox.clean()  # events are forgotten after a month, anchors never

    past_the_triggers(
        f"DELETE FROM core_audit_seal WHERE entry_id >= {entries[3].pk};"
        f"DELETE FROM core_audit_entry WHERE id >= {entries[3].pk}"
    )

    assert head is not None
    assert first_bad()["seal"] == head.seq


def test_entries_of_one_transaction_are_sealed_at_its_end_in_order() -> None:
    with transaction.atomic():
        first, second = write(2)
        assert not AuditSeal.objects.filter(entry_id=first.pk).exists()

    seals = list(AuditSeal.objects.order_by("seq").values_list("entry_id", flat=True))
    assert seals[-2:] == [first.pk, second.pk]


def test_an_entry_says_who_from_where_and_what_changed() -> None:
    user = person(name="Ana Souza")

    with audit.acting(source="import", request_id="abc"):
        entry = audit.record("core.tested", user, by=user, changes={"name": ("Ana", "Ana\x00 Souza")}, lines=3)

    entry.refresh_from_db()
    assert (entry.actor_name, entry.source, entry.request_id) == ("Ana Souza", "import", "abc")
    assert entry.data == {"changes": {"name": ["Ana", "Ana Souza"]}, "lines": 3}


def test_a_transaction_that_fails_leaves_no_entry() -> None:
    before = AuditEntry.objects.count()

    with transaction.atomic():
        write(1)
        transaction.set_rollback(True)

    assert AuditEntry.objects.count() == before
