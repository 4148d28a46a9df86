"""An import from file to rows and back: what is checked, written, refused, repeated, undone, and who may do it."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from backoffice.core import imports
from backoffice.core.imports import Refusal, engine, failures, mapping
from backoffice.core.imports import work as import_work
from backoffice.core.models import AuditEntry, ImportBatch, ImportMapping, Job, StoredFile
from backoffice.core.services import files, running
from backoffice.core.services import imports as service
from tests.factories.imports import rows, things, write
from tests.factories.people import person

pytestmark = pytest.mark.django_db

GOOD = "code;amount;day;note\nA1;1.234,50;31/12/2024;first\nB2;10,00;01/02/2024;\n"


@pytest.fixture(autouse=True)
def stage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    with things():
        yield


@pytest.fixture
def user():
    return person("logistics_manager")


@pytest.mark.django_db(transaction=True)
def test_a_large_import_leaves_statistics_for_the_next_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "TIDY_FROM", 2)
    monkeypatch.setattr(imports.get("things"), "fills", ["test_thing"])

    engine.run("things", [write(tmp_path / "things.csv", GOOD)], None)

    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'test_thing'::regclass")
        (counted,) = cursor.fetchone()
        cursor.execute("DROP TABLE test_thing")  # no transaction takes it back
    assert counted == 2


def work_off() -> None:
    """Do what a worker would do, here."""
    while (row := running.claim()) is not None:
        running.run(row)


def sent(user, content: str, source: str = "things", name: str = "things.csv") -> ImportBatch:
    upload = SimpleUploadedFile(name, content.encode())
    batch = service.receive(source=imports.get(source), uploads=[upload], by=user)
    work_off()
    batch.refresh_from_db()
    return batch


def written(user, content: str, **kwargs) -> ImportBatch:
    batch = sent(user, content, **kwargs)
    service.write(batch_id=batch.pk, by=user)
    work_off()
    batch.refresh_from_db()
    return batch


def test_the_check_shows_values_and_counts_and_writes_nothing(user):
    batch = sent(user, GOOD)

    assert batch.state == ImportBatch.State.CHECKED
    assert [batch.counts[key] for key in ("create", "update", "skip", "error")] == [2, 0, 0, 0]
    assert batch.preview[0]["sample"][0]["values"] == ["A1", "1234.50", "2024-12-31", "first"]
    assert rows() == []


def test_writing_does_what_the_check_said_and_is_audited(user):
    batch = written(user, GOOD)

    assert batch.state == ImportBatch.State.COMMITTED
    assert rows() == [("A1", "1234.50", "2024-12-31", "first"), ("B2", "10.00", "2024-02-01", None)]
    assert AuditEntry.objects.filter(action="core.import_committed", subject=batch.ref).count() == 1


def test_the_same_file_again_is_nothing_new_and_said_so(user, client: Client):
    first = written(user, GOOD)

    again = sent(user, GOOD)
    client.force_login(user)
    page = client.get(reverse("import", args=[again.pk])).content.decode()

    assert [again.counts[key] for key in ("create", "update", "skip")] == [0, 0, 2]
    assert f"import {first.pk}" in page
    assert reverse("import_act", args=[again.pk, "write"]) not in page
    assert len({file.path for file in StoredFile.objects.all()}) == 1


def test_a_cell_that_cannot_be_read_names_line_column_and_value(user):
    batch = sent(user, "code;amount\nA1;1,00\nB2;1.234,5O\n;3,00\nC3;-4,00\nD4;1;2\n")

    found = [(f.line, f.column, f.found, failures.sentence(f)) for f in batch.failures.order_by("line")]

    assert batch.counts["error"] == batch.counts["failures"] == 4
    assert found == [
        (3, "amount", "1.234,5O", "amount: “1.234,5O” is not an amount like 1.234,56."),
        (4, "code", "", "code: A value is missing."),
        (5, "amount", "-4,00", "amount: Below zero: -4,00"),
        (6, "", "3", "The row has 3 cells, not as many as the headings."),
    ]


def test_the_refused_rows_come_back_as_a_file_that_imports_exactly_them(user):
    lines = [f"C{n:04};{n},00;;ok" for n in range(2000)]
    for n in range(37):
        lines[n * 50] = f"C{n * 50:04};{n},x0;;=HYPERLINK(1)"
    batch = written(user, "\n".join(["code;amount;day;note", *lines]))
    assert len(rows()) == 1963

    name, content = failures.failures_file(batch)
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    corrected = content.decode("utf-8-sig").replace(",x0", ",00")
    again = written(user, corrected, name=name)

    assert (name, table[0], len(table)) == ("things-failed.csv", ["code", "amount", "day", "note", "Reason"], 38)
    assert all(row[3] == "'=HYPERLINK(1)" for row in table[1:])
    assert (again.counts["create"], again.counts["failures"]) == (37, 0)
    assert ("C0050", "1.00", None, "=HYPERLINK(1)") in rows()
    assert len(rows()) == 2000


def test_an_import_can_be_undone_to_the_very_rows_before(user):
    written(user, "code;amount;note\nA1;1,00;old\nZ9;9,00;kept\n")
    before = rows()
    batch = written(user, "code;amount;note\nA1;2,00;new\nB2;5,00;made\n")

    service.undo(batch_id=batch.pk, by=user)
    work_off()

    batch.refresh_from_db()
    assert (batch.state, rows()) == (ImportBatch.State.UNDONE, before)


def test_undo_is_refused_while_a_later_import_stands_on_it(user):
    first = written(user, "code;amount\nA1;1,00\n")
    later = written(user, "code;amount\nA1;2,00\n")

    service.undo(batch_id=first.pk, by=user)
    work_off()

    first.refresh_from_db()
    assert (first.state, rows()[0][1]) == (ImportBatch.State.COMMITTED, "2.00")
    assert f"Import {later.pk} changed 1" in first.reason


def test_a_row_that_others_point_at_stays_and_so_does_all_else(user):
    batch = written(user, "code;amount\nA1;1,00\nB2;2,00\n")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_use (thing bigint REFERENCES test_thing (id) DEFERRABLE INITIALLY DEFERRED)")
        cursor.execute("INSERT INTO test_use SELECT id FROM test_thing WHERE code = 'B2'")

    service.undo(batch_id=batch.pk, by=user)
    work_off()

    batch.refresh_from_db()
    assert (batch.state, len(rows())) == (ImportBatch.State.COMMITTED, 2)
    assert "depends on" in batch.reason


def test_a_mapped_source_asks_once_and_remembers(user):
    content = "Cód. produto;Preço unitário;Obs\nA1;1,00;x\n"
    batch = sent(user, content, source="things_mapped")
    assert batch.state == ImportBatch.State.MAPPING
    guesses = {
        guess.column.name: guess
        for guess in mapping.guess(imports.get("things_mapped").tables[0], batch.preview[0]["headings"])
    }
    assert guesses["amount"].heading == "Preço unitário"
    assert 0.5 < guesses["amount"].confidence < 1

    chosen = {"code": "Cód. produto", "amount": "Preço unitário", "note": "Obs"}
    service.name_columns(batch_id=batch.pk, chosen=chosen, by=user)
    work_off()
    batch.refresh_from_db()
    later = sent(user, content.replace("A1", "A2"), source="things_mapped")

    assert batch.state == later.state == ImportBatch.State.CHECKED
    assert later.counts["create"] == 1
    assert ImportMapping.objects.get().mapping == chosen


def test_a_file_with_foreign_headings_is_refused_with_both_lists(user):
    batch = sent(user, "x;y\n1;2\n")

    assert batch.state == ImportBatch.State.REFUSED
    assert "Found: x, y. Expected: code, amount." in batch.reason


def test_a_bad_file_is_refused_in_the_worker_and_the_page_only_keeps_it(user, client: Client):
    client.force_login(user)
    upload = SimpleUploadedFile("../../evil<script>.csv", b"code;amount\nA\x00;1\n")

    answer = client.post(reverse("import_send", args=["things"]), {"uploads": [upload]})
    batch = ImportBatch.objects.get()
    assert (answer.status_code, batch.state) == (302, ImportBatch.State.CHECKING)
    work_off()

    batch.refresh_from_db()
    stored = StoredFile.objects.get()
    assert "NUL" in batch.reason
    assert stored.path == f"{stored.sha256[:2]}/{stored.sha256}"
    assert "/" not in stored.name


def test_a_kept_file_is_given_back_as_a_harmless_download(user, client: Client):
    batch = sent(user, "<html><script>alert(1)</script>;amount\n1;2\n", name="page.html")
    client.force_login(user)

    answer = client.get(reverse("import_original", args=[batch.pk, 0]))

    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert (answer["X-Content-Type-Options"], answer["Content-Type"]) == ("nosniff", "application/octet-stream")


def test_a_command_imports_files_without_any_worker(tmp_path):
    result = engine.run(
        "things", [write(tmp_path / "a.csv", GOOD), write(tmp_path / "b.csv", "code;amount\nC3;1\n")], None
    )

    assert (result.created, result.updated, result.unchanged, result.failed) == (3, 0, 0, 0)
    assert len(rows()) == 3
    assert not Job.objects.exists()


def test_a_refused_file_leaves_the_command_with_a_sentence(tmp_path):
    with pytest.raises(Refusal, match="empty"):
        engine.run("things", [write(tmp_path / "a.csv", "")], None)


def test_an_import_that_was_written_is_not_written_twice(user):
    batch = written(user, GOOD)
    job = batch.job

    import_work.write(running.Running(job), batch_id=batch.pk)

    assert AuditEntry.objects.filter(action="core.import_committed").count() == 1


@pytest.mark.parametrize(
    ("role", "page", "send", "commit"),
    [("logistics_manager", 200, 200, 302), ("director", 200, 403, 403), ("marketing_analyst", 404, 403, 404)],
)
def test_rights_of_the_source_open_its_imports(user, client: Client, role, page, send, commit):
    batch = sent(user, GOOD)
    client.force_login(person(role))

    assert client.get(reverse("import", args=[batch.pk])).status_code == page
    assert client.get(reverse("import_send", args=["things"])).status_code == send
    assert client.post(reverse("import_act", args=[batch.pk, "write"])).status_code == commit


def test_every_step_has_its_page_within_ten_queries(user, client: Client, django_assert_max_num_queries):
    client.force_login(user)
    mapped = sent(user, "k;v\n1;2\n", source="things_mapped")
    checked = sent(user, GOOD)
    broken = sent(user, "code;amount\nA1;x\n")
    done = written(user, "code;amount\nQ1;1\n")

    for url in [
        reverse("imports"),
        reverse("import_new"),
        reverse("import_send", args=["things"]),
        *(reverse("import", args=[batch.pk]) for batch in (mapped, checked, broken, done)),
        reverse("import_undo", args=[done.pk]),
    ]:
        client.get(url)
        with django_assert_max_num_queries(12):
            assert client.get(url).status_code in (200, 302)
    assert files.path_of(StoredFile.objects.first()).is_file()


def test_refused_rows_of_a_workbook_come_back_as_a_workbook_without_formulas(user):
    book = Workbook()
    book.active.append(["code", "amount", "day", "note"])
    for row in (["A1", 1.5, None, "ok"], ["B2", "x", None, "@SUM(1)"], ["", -2, None, ""]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    upload = SimpleUploadedFile("things.xlsx", content.getvalue())
    batch = service.receive(source=imports.get("things"), uploads=[upload], by=user)
    work_off()
    batch.refresh_from_db()

    name, given = failures.failures_file(batch)
    sheet = load_workbook(io.BytesIO(given)).active

    assert (batch.counts["create"], batch.counts["failures"], name) == (1, 2, "things-failed.xlsx")
    assert [[cell.value for cell in row] for row in sheet.iter_rows(max_col=4)] == [
        ["code", "amount", "day", "note"],
        ["B2", "x", None, "'@SUM(1)"],
        [None, "-2", None, None],
    ]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}


def test_a_row_longer_than_its_headings_keeps_every_cell_in_the_refused_file(user):
    batch = sent(user, "code;amount\nA1;1;2;3\n")

    _name, content = failures.failures_file(batch)

    assert content.decode("utf-8-sig").splitlines()[1].startswith("A1;1 2 3;")


def test_colleagues_talk_about_an_import_on_its_page(user, client: Client):
    batch = written(user, GOOD)
    client.force_login(person("logistics_clerk"))

    answer = client.post(reverse("comment"), {"ref": batch.ref, "body": "Who sent these?"}, follow=True)

    page = answer.content.decode()
    assert answer.redirect_chain[0][0].startswith(reverse("import", args=[batch.pk]))
    assert "Who sent these?" in page
    assert "imported: 2 new" in page
