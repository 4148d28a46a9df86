"""Bank accounts and statements on the screen: a file from the door to the books, and who may do what."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.core.models import ImportBatch
from backoffice.core.services import running
from finance.models import BankAccount, ParkedLine, Statement, StatementLine
from finance.services import statements
from tests.factories.people import person
from tests.factories.statements import ROWS, bank, file_of, ofx

pytestmark = pytest.mark.django_db

WITH_ASIDE = [*ROWS, ("20260506", "155.27", "S1", "SALDO DO DIA"), ("20260602", "12,3x", "B1", "RUIM")]


@pytest.fixture(autouse=True)
def kept_files(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "kept"


def signed_in(client, role):
    user = person(role)
    client.force_login(user)
    return user


def send(client, text):
    url = reverse("import_send", args=[statements.SOURCE])
    answer = client.post(url, {"uploads": SimpleUploadedFile("extrato.ofx", text.encode())})
    running.run_queued()
    return answer


def test_a_file_of_a_known_account_is_looked_at_written_and_undone(client, django_assert_max_num_queries):
    account = bank()
    signed_in(client, "finance_clerk")

    answer = send(client, ofx(WITH_ASIDE, closing="155.27"))

    batch = ImportBatch.objects.get()
    assert (answer.status_code, batch.state) == (302, "checked")
    assert not StatementLine.objects.exists()
    with django_assert_max_num_queries(24):
        page = client.get(reverse("import", args=[batch.pk])).content.decode()
    assert "Take 5 lines in" in page
    assert "SALDO DO DIA" in page
    assert "12,3x" in page
    client.post(reverse("import_act", args=[batch.pk, "write"]))
    running.run_queued()
    assert StatementLine.objects.filter(bank_account=account).count() == 5
    failures = client.get(reverse("import_failures", args=[batch.pk]))
    assert b"RUIM" in b"".join(failures) if failures.streaming else b"RUIM" in failures.content
    assert "5 lines leave" in client.get(reverse("import_undo", args=[batch.pk])).content.decode()
    client.post(reverse("import_undo", args=[batch.pk]))
    running.run_queued()
    batch.refresh_from_db()
    assert batch.state == "undone"
    assert not StatementLine.objects.filter(is_void=False).exists()


def test_an_unknown_account_is_asked_and_a_manager_may_open_it_there(client):
    signed_in(client, "finance_manager")
    send(client, ofx(number="98765-4", bank="001"))
    batch = ImportBatch.objects.get()
    assert batch.state == "mapping"
    assert "98765-4" in client.get(reverse("import", args=[batch.pk])).content.decode()

    wrong = client.post(reverse("import_columns", args=[batch.pk]), {"account_0": "new", "name_0": ""})
    client.post(reverse("import_columns", args=[batch.pk]), {"account_0": "new", "name_0": "Banco do Brasil"})
    running.run_queued()

    assert wrong.status_code == 422
    batch.refresh_from_db()
    account = BankAccount.objects.get()
    assert (batch.state, account.name, account.number, account.bank_code) == (
        "checked",
        "Banco do Brasil",
        "98765-4",
        "001",
    )
    assert batch.counts["create"] == 5


def test_a_part_that_is_left_out_is_not_taken(client):
    bank("Other", number="1")
    signed_in(client, "finance_clerk")
    send(client, ofx(number="98765-4"))
    batch = ImportBatch.objects.get()

    client.post(reverse("import_columns", args=[batch.pk]), {"account_0": "0"})
    running.run_queued()

    batch.refresh_from_db()
    assert (batch.state, batch.counts["create"]) == ("checked", 0)
    assert "Left out" in client.get(reverse("import", args=[batch.pk])).content.decode()


def test_a_statement_that_does_not_add_up_says_so(client, tmp_path):
    bank()
    (statement,) = statements.import_file(file_of(tmp_path))
    Statement.objects.filter(pk=statement.pk).update(opening=Decimal("1.00"))
    signed_in(client, "auditor")

    page = client.get(reverse("finance:statement", args=[statement.pk])).content.decode()

    assert "Does not add up" in page


@pytest.mark.parametrize("name", ["bank_accounts", "statements", "statement_lines", "parked_lines"])
def test_lists_ask_ten_questions_at_most(client, tmp_path, name, django_assert_max_num_queries):
    for n in range(4):
        bank(f"Bank {n}", number=f"{n}2345-6")
        statements.import_file(file_of(tmp_path, WITH_ASIDE, number=f"{n}2345-6", closing="155.27"))
    signed_in(client, "finance_clerk")

    with django_assert_max_num_queries(16):  # three of them are the session's and the person's
        answer = client.get(reverse(f"finance:{name}"))

    assert answer.status_code == 200


def test_lines_are_found_by_what_they_name_and_by_amount(client, tmp_path):
    bank()
    statements.import_file(file_of(tmp_path))
    signed_in(client, "finance_clerk")
    url = reverse("finance:statement_lines")

    assert "ANA INV" in client.get(url, {"q": "INV/2026/000001"}).content.decode()
    by_amount = client.get(url, {"q": "12,50"}).content.decode()

    assert "TARIFA PACOTE" in by_amount
    assert "ANA INV" not in by_amount


def test_a_parked_line_is_taken_in_on_its_page(client, tmp_path):
    account = bank()
    statements.import_file(file_of(tmp_path, WITH_ASIDE, closing="155.27"))
    parked = ParkedLine.objects.get(reason="balance")
    url = reverse("finance:parked_line", args=[parked.pk])
    signed_in(client, "finance_clerk")

    future = client.post(url, {"on": "2099-01-01"})
    taken = client.post(url, {"on": "2026-05-06"})

    assert (future.status_code, taken.status_code) == (422, 302)
    assert StatementLine.objects.filter(bank_account=account).count() == 6


def test_an_account_is_opened_and_changed_by_a_manager_only(client):
    facts = {"name": "Itaú", "kind": "checking", "bank_code": "341", "branch": "", "number": "123-4", "currency": "brl"}
    signed_in(client, "finance_clerk")
    assert client.post(reverse("finance:bank_account_create"), facts).status_code == 403
    signed_in(client, "finance_manager")

    client.post(reverse("finance:bank_account_create"), facts)

    account = BankAccount.objects.get()
    assert (account.name, account.currency, account.transit.name) == ("Itaú", "BRL", "Itaú, a conciliar")
    twin = client.post(reverse("finance:bank_account_create"), facts | {"name": "Again", "number": "1234"})
    assert twin.status_code == 422
    url = reverse("finance:bank_account_edit", args=[account.pk])
    client.post(url, facts | {"name": "Itaú PJ", "version": account.version, "is_active": "on"})
    stale = client.post(url, facts | {"name": "Late", "version": account.version, "is_active": "on"})
    account.refresh_from_db()
    assert (account.name, stale.status_code) == ("Itaú PJ", 409)
    assert client.get(reverse("finance:bank_account", args=[account.pk])).status_code == 200


CSV = "Data;Histórico;Valor\n04/05/2026;Pix ANA;100,00\n04/05/2026;Tarifa;-12,50\n05/05/2026;Ted;30,00\n"


def test_the_same_days_in_another_format_are_taken_only_when_a_person_confirms(client, tmp_path):
    account = bank()
    statements.import_file(file_of(tmp_path))
    user = signed_in(client, "finance_clerk")
    url = reverse("import_send", args=[statements.SOURCE])
    upload = SimpleUploadedFile("extrato.csv", CSV.encode())
    client.post(url, {"uploads": upload, "bank_account": account.pk})
    running.run_queued()
    batch = ImportBatch.objects.latest("pk")
    page = client.get(reverse("import", args=[batch.pk])).content.decode()

    client.post(reverse("import_act", args=[batch.pk, "write"]))
    running.run_queued()
    batch.refresh_from_db()
    held_back = batch.state, StatementLine.objects.count()
    client.post(reverse("import_act", args=[batch.pk, "write"]), {"confirmed": "on"})
    running.run_queued()

    assert "3 of 3 new lines have the day and amount" in page
    assert 'name="confirmed" required' in page
    assert held_back == ("checked", 5)
    batch.refresh_from_db()
    assert (batch.state, StatementLine.objects.count()) == ("committed", 8)
    assert batch.mapping["confirmed"] == {"by": user.pk, "doubts": 3}
    assert "confirmed that 3 lines" in client.get(reverse("import", args=[batch.pk])).content.decode()


def test_a_file_that_was_checked_before_its_twin_was_written_asks_again(client, tmp_path):
    account = bank()
    signed_in(client, "finance_clerk")
    url = reverse("import_send", args=[statements.SOURCE])
    client.post(url, {"uploads": SimpleUploadedFile("extrato.csv", CSV.encode()), "bank_account": account.pk})
    running.run_queued()
    batch = ImportBatch.objects.get()
    assert batch.counts["confirm"] == 0
    statements.import_file(file_of(tmp_path))

    client.post(reverse("import_act", args=[batch.pk, "write"]))
    running.run_queued()

    batch.refresh_from_db()
    assert (batch.state, batch.counts["confirm"], StatementLine.objects.count()) == ("checked", 3, 5)
    assert 'name="confirmed" required' in client.get(reverse("import", args=[batch.pk])).content.decode()


def test_a_file_that_closes_where_the_books_stand_is_told_of(client, tmp_path):
    bank()
    statements.import_file(file_of(tmp_path))
    signed_in(client, "finance_clerk")

    send(client, ofx([("20260602", "5.00", "B1", "NOVA")], closing="155.27"))

    batch = ImportBatch.objects.latest("pk")
    assert batch.counts["confirm"] == 0
    assert "The books stand at R$155.27" in client.get(reverse("import", args=[batch.pk])).content.decode()
