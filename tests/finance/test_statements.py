"""Statements: what comes in twice changes nothing, what comes in once is never lost, the books follow to the cent."""

import random
import threading
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from backoffice.core.imports import NotUndoable, Refusal, Waits, get
from backoffice.core.jobs import Quiet
from backoffice.core.models import Event, ImportBatch
from finance.models import (
    BankAccount,
    JournalEntry,
    LineToken,
    ParkedLine,
    Period,
    Posting,
    Statement,
    StatementLine,
)
from finance.services import bank_accounts, ledger, parking, proof, statement_columns, statement_undo, statements
from finance.services.ledger import Line
from tests.factories import books
from tests.factories.people import person
from tests.factories.statements import ROWS, bank, file_of, many, ofx

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept_files(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "kept"


def lines(account: BankAccount) -> list[tuple[date, Decimal, str, int]]:
    live = StatementLine.objects.filter(bank_account=account, is_void=False)
    return sorted(live.values_list("on", "amount", "reference", "occurrence"))


def balance(account_id: int) -> Decimal:
    return ledger.balance_of(account_id)


def state() -> tuple[int, ...]:
    """How many rows of everything that a statement brings."""
    nouns = (Statement, StatementLine, JournalEntry, Posting, LineToken, ParkedLine)
    return tuple(noun.objects.count() for noun in nouns)


def test_a_statement_is_in_the_books_when_it_is_in(tmp_path):
    account = bank()

    (statement,) = statements.import_file(file_of(tmp_path))

    assert (statement.found, statement.new, statement.known) == (5, 5, 0)
    assert statement.sum == statement.closing == Decimal("155.27")
    assert balance(account.account_id) == Decimal("155.27")
    assert balance(account.transit_id) == Decimal("-155.27")
    waiting = StatementLine.objects.filter(bank_account=account)
    assert waiting.aggregate(total=Sum("open_amount"))["total"] == Decimal("155.27")
    entries = JournalEntry.objects.filter(batch=statement.batch).order_by("on")
    assert [entry.on for entry in entries] == [date(2026, 5, 4), date(2026, 5, 5), date(2026, 6, 1)]
    assert LineToken.objects.filter(line__text__contains="INV", kind="doc", value="INV2026000001").exists()
    assert Event.objects.filter(name="finance.statement_imported", data__statement_ids=[statement.pk]).exists()


def test_the_same_file_again_changes_nothing(tmp_path):
    bank()
    path = file_of(tmp_path)
    (first,) = statements.import_file(path)
    before = state()

    (again,) = statements.import_file(path)

    assert again == first
    assert state() == before


def test_a_shuffled_file_changes_nothing(tmp_path):
    bank()
    rows = [*ROWS, ("20260505", "30.00", "A3", "TED JOSE")]
    statements.import_file(file_of(tmp_path, rows))
    before = state()

    random.Random(1).shuffle(rows)
    statements.import_file(file_of(tmp_path, rows, name="shuffled.ofx"))

    assert state() == before


def test_repeated_fitids_are_kept_and_a_third_equal_payment_is_one_more(tmp_path):
    account = bank()
    statements.import_file(file_of(tmp_path))
    assert [row for row in lines(account) if row[2] == "A3"] == [
        (date(2026, 5, 5), Decimal("30.00"), "A3", 1),
        (date(2026, 5, 5), Decimal("30.00"), "A3", 2),
    ]

    (later,) = statements.import_file(file_of(tmp_path, [ROWS[3]] * 3 + [ROWS[4]], name="later.ofx"))

    assert (later.found, later.new, later.known) == (4, 1, 3)
    assert [row[3] for row in lines(account) if row[2] == "A3"] == [1, 2, 3]


def test_overlapping_files_add_their_union(tmp_path):
    account = bank()
    statements.import_file(file_of(tmp_path, ROWS[:4]))

    (second,) = statements.import_file(file_of(tmp_path, ROWS[2:], name="second.ofx"))

    assert (second.new, second.known) == (1, 2)
    assert len(lines(account)) == len(ROWS)
    assert balance(account.account_id) == Decimal("155.27")


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.lists(st.sampled_from(ROWS), min_size=1, max_size=9), min_size=1, max_size=4))
def test_each_group_is_stored_as_often_as_the_fullest_file_has_it(files, tmp_path):
    account = bank(f"Bank {BankAccount.objects.count()}", number=str(777_000 + BankAccount.objects.count()))
    for rows in files:
        statements.import_file(file_of(tmp_path, rows, number=account.number))

    wanted = {row: max(rows.count(row) for rows in files) for row in {row for rows in files for row in rows}}
    stored = StatementLine.objects.filter(bank_account=account, is_void=False)
    found = {row: stored.filter(reference=row[2], amount=Decimal(row[1])).count() for row in wanted}
    assert found == wanted
    assert balance(account.account_id) == sum(Decimal(row[1]) * n for row, n in wanted.items())


def test_an_import_that_stopped_half_way_goes_on_to_the_same_end(tmp_path, monkeypatch):
    account, rows = bank(), many(900)
    monkeypatch.setattr(statements.books, "CHUNK", 50)
    real, calls = statements.books.take_days, []

    def dies(*args, **kwargs):
        if len(calls) == 4:
            raise KeyboardInterrupt
        calls.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(statements.books, "take_days", dies)
    with pytest.raises(KeyboardInterrupt):
        statements.import_file(file_of(tmp_path, rows))
    assert 0 < len(lines(account)) < 900
    monkeypatch.setattr(statements.books, "take_days", real)
    batch = ImportBatch.objects.get()

    (statement,) = statements.take(batch)

    assert (statement.new, len(lines(account))) == (900, 900)
    assert balance(account.account_id) == statement.sum
    days = {row[0] for row in rows}
    assert JournalEntry.objects.filter(batch=batch).count() == len(days)


@pytest.mark.django_db(transaction=True)
def test_two_connections_take_what_one_would(tmp_path, monkeypatch):
    account, rows = bank(), many(900)
    monkeypatch.setattr(statements.books, "CHUNK", 50)
    monkeypatch.setattr(statements.books, "SHARED_FROM", 100)

    (statement,) = statements.import_file(file_of(tmp_path, rows + rows[:100]))
    (again,) = statements.import_file(file_of(tmp_path, rows + rows[:100], name="again.ofx"))

    assert (statement.new, statement.known, again.pk) == (1_000, 0, statement.pk)
    assert JournalEntry.objects.filter(batch=statement.batch).count() == len({row[0] for row in rows})
    assert balance(account.account_id) == statement.sum
    assert balance(account.transit_id) == -statement.sum
    assert proof.verify().first_bad is None


@pytest.mark.django_db(transaction=True)
def test_a_parked_line_is_not_taken_while_its_account_is_written(tmp_path):
    account = bank()
    rows = [("20260504", "10.00", "F1", "PIX"), ("20260504", "70.00", "F2", "SALDO EM CONTA")]
    statements.import_file(file_of(tmp_path, rows))
    parked, by = ParkedLine.objects.get(), person()

    def writes() -> None:
        with statements.books.alone([account.pk], Quiet()):
            gate.wait()
            gate.wait()
        connection.close()

    gate = threading.Barrier(2, timeout=10)
    other = threading.Thread(target=writes)
    other.start()
    gate.wait()
    with pytest.raises(parking.NotTakable, match="being written"):
        parking.take_in(parked_id=parked.pk, on=date(2026, 5, 4), by=by)
    gate.wait()
    other.join()
    parking.take_in(parked_id=parked.pk, on=date(2026, 5, 4), by=by)

    assert len(lines(account)) == 2


def test_a_day_with_more_lines_than_an_entry_holds_is_posted_in_several(tmp_path, monkeypatch):
    account = bank()
    monkeypatch.setattr(statements.books, "ENTRY_LINES", 10)
    rows = [("20260504", f"{n}.00", f"F{n}", "PIX") for n in range(1, 26)]

    (statement,) = statements.import_file(file_of(tmp_path, rows))

    entries = JournalEntry.objects.filter(batch=statement.batch)
    assert sorted(entry.postings.count() for entry in entries) == [10, 20, 20]
    assert balance(account.account_id) == Decimal("325.00")


def test_a_closed_month_makes_the_whole_statement_wait_and_says_which(tmp_path):
    account = bank()
    books.year(2026)
    for period in Period.objects.filter(starts_on__lt=date(2026, 6, 1)).order_by("starts_on"):
        period.state = "closed"
        period.save()

    with pytest.raises(Waits, match="05/2026"):
        statements.import_file(file_of(tmp_path))

    batch = ImportBatch.objects.get()
    assert (batch.state, batch.counts["create"]) == ("checked", 5)
    assert "05/2026" in batch.reason
    assert lines(account) == []


def test_known_lines_of_a_closed_month_do_not_hold_a_statement_up(tmp_path):
    account = bank()
    books.year(2026)
    statements.import_file(file_of(tmp_path, ROWS[:4]))
    for period in Period.objects.filter(starts_on__lt=date(2026, 6, 1)).order_by("starts_on"):
        period.state = "closed"
        period.save()

    (statement,) = statements.import_file(file_of(tmp_path, ROWS, name="all.ofx"))

    assert (statement.new, statement.known) == (1, 4)
    assert len(lines(account)) == 5


def test_an_account_in_another_currency_is_read_and_not_posted(tmp_path):
    account = bank(currency="USD")

    assert statements.import_file(file_of(tmp_path, currency="USD")) == []

    assert lines(account) == []
    assert ImportBatch.objects.get().files.count() == 1


def test_a_file_in_another_currency_than_its_account_is_not_posted(tmp_path):
    account = bank()

    assert statements.import_file(file_of(tmp_path, currency="USD")) == []

    assert lines(account) == []


def test_an_unknown_account_is_asked_and_the_answer_is_remembered(tmp_path):
    account = bank(number="")
    path = file_of(tmp_path, number="98765-4")
    with pytest.raises(statements.Unrecognised, match="98765-4"):
        statements.import_file(path)

    statements.import_file(path, bank_account=account)
    (again,) = statements.import_file(file_of(tmp_path, ROWS[:1], name="b.ofx", number="0098765-4"))

    assert again.bank_account == account
    assert len(lines(account)) == len(ROWS)


@pytest.mark.parametrize(
    ("ours", "theirs", "is_ours"),
    [
        ({"bank_code": "341", "number": "12345-6"}, ("0341", "", "0000123456"), True),
        ({"bank_code": "341", "number": "12345-6"}, ("341", "", "12345"), True),
        ({"bank_code": "341", "number": "12345"}, ("341", "", "12345-6"), True),
        ({"bank_code": "001", "branch": "1234-5", "number": "9876-X"}, ("1", "1234", "9876X"), True),
        ({"bank_code": "237", "branch": "0123", "number": "45678-9"}, ("237", "", "0123/45678-9"), True),
        ({"bank_code": "341", "number": "12345-6"}, ("237", "", "12345-6"), False),
        ({"bank_code": "341", "branch": "0001", "number": "12345-6"}, ("341", "0002", "12345-6"), False),
        ({"bank_code": "341", "number": "12345-6"}, ("341", "", ""), False),
        ({"bank_code": "341", "number": "12345-6"}, ("341", "", "1234"), False),
    ],
)
def test_an_account_is_recognised_however_a_file_spells_it(ours, theirs, is_ours):
    account = BankAccount(pk=1, name="A", **ours)
    named, branch, number = theirs

    found = bank_accounts.recognised([account], bank=named, branch=branch, number=number)

    assert (found == account) is is_ours


def test_two_accounts_that_fit_are_asked_about():
    twins = [
        BankAccount(pk=n, name=str(n), bank_code="341", number=number) for n, number in ((1, "12345-6"), (2, "12345-7"))
    ]

    assert bank_accounts.recognised(twins, bank="341", branch="", number="12345") is None
    assert bank_accounts.recognised(twins, bank="341", branch="", number="12345-7") == twins[1]


def test_undo_reverses_and_voids_and_the_file_can_come_again(tmp_path):
    account = bank()
    path = file_of(tmp_path)
    (statement,) = statements.import_file(path)

    assert statement_undo.take_back(statement.batch, by=None) == 5

    assert (balance(account.account_id), balance(account.transit_id)) == (0, 0)
    assert lines(account) == []
    (again,) = statements.import_file(path)
    assert (again.new, again.pk == statement.pk) == (5, False)
    assert balance(account.account_id) == Decimal("155.27")


def test_an_import_with_a_matched_line_is_not_undone(tmp_path):
    account = bank()
    (statement,) = statements.import_file(file_of(tmp_path))
    line = StatementLine.objects.get(amount=Decimal("-12.50"))
    fees, _sales = books.accounts()
    transit = Line(account.transit_id, Decimal("-5.00"), line=line.pk, role="transit")
    ledger.post(journal="matching", on=line.on, text="Fee", lines=[transit, Line(fees, Decimal("5.00"))])

    with pytest.raises(NotUndoable, match="1 line"):
        statement_undo.take_back(statement.batch, by=None)

    assert len(lines(account)) == 5


def test_undo_of_a_month_that_closed_since_is_posted_today(tmp_path):
    account = bank()
    books.year(2026)
    (statement,) = statements.import_file(file_of(tmp_path, ROWS[:4]))
    for period in Period.objects.filter(starts_on__lt=date(2026, 6, 1)).order_by("starts_on"):
        period.state = "closed"
        period.save()

    statement_undo.take_back(statement.batch, by=None)

    reversals = JournalEntry.objects.filter(kind="reversal")
    assert {entry.on for entry in reversals} == {date.today()}  # noqa: DTZ011
    assert balance(account.account_id) == 0


def future(on: str = "20990101") -> list[tuple[str, str, str, str]]:
    return [
        *ROWS[:1],
        ("20260504", "155.27", "S1", "SALDO DO DIA"),
        (on, "50.00", "F1", "AGENDADO"),
        ("20260505", "0.00", "Z", "AVISO"),
    ]


def test_balances_future_lines_and_zeros_are_set_aside_once(tmp_path):
    account = bank()
    path = file_of(tmp_path, future())

    (statement,) = statements.import_file(path)
    statements.import_file(file_of(tmp_path, [*future(), ROWS[4]], name="more.ofx"))

    assert sorted(ParkedLine.objects.values_list("reason", flat=True)) == ["balance", "future", "zero"]
    assert (statement.found, statement.new, statement.parked) == (1, 1, 3)
    assert len(lines(account)) == 2


def test_a_parked_line_that_was_a_movement_is_taken_in(tmp_path):
    account, clerk = bank(), person("finance_clerk")
    (statement,) = statements.import_file(file_of(tmp_path, future()))
    parked = ParkedLine.objects.get(reason="balance")

    line = parking.take_in(parked_id=parked.pk, on=date(2026, 5, 4), by=clerk)

    assert balance(account.account_id) == Decimal("255.27")
    assert line.open_amount == 0 or StatementLine.objects.get(pk=line.pk).open_amount == Decimal("155.27")
    with pytest.raises(parking.NotTakable):
        parking.take_in(parked_id=parked.pk, on=date(2026, 5, 4), by=clerk)
    statement_undo.take_back(statement.batch, by=clerk)
    assert balance(account.account_id) == 0


def test_a_line_taken_in_on_another_day_than_its_key_is_known_to_a_later_file(tmp_path, monkeypatch):
    account, clerk = bank(), person("finance_clerk")
    come = ("20260525", "50.00", "F1", "AGENDADO")
    monkeypatch.setattr(statements.timezone, "localdate", lambda: date(2026, 5, 20))
    statements.import_file(file_of(tmp_path, [*ROWS[:1], come]))
    monkeypatch.setattr(statements.timezone, "localdate", lambda: date(2026, 6, 2))
    parking.take_in(parked_id=ParkedLine.objects.get().pk, on=date(2026, 5, 20), by=clerk)

    path = file_of(tmp_path, [come, come, ("20260530", "5.00", "F2", "TARIFA")], name="later.ofx")
    (later,) = statements.import_file(path)

    assert (later.found, later.new, later.known) == (3, 2, 1)
    assert [row[0::3] for row in lines(account) if row[2] == "F1"] == [(date(2026, 5, 20), 1), (date(2026, 5, 25), 2)]
    assert balance(account.account_id) == Decimal("205.00")


def test_a_line_announced_for_a_later_day_is_not_taken_in_before(client, tmp_path, monkeypatch):
    account, clerk = bank(), person("finance_clerk")
    statements.import_file(file_of(tmp_path, future()))
    announced = ParkedLine.objects.get(reason="future")

    with pytest.raises(parking.NotTakable, match="announces this line for"):
        parking.take_in(parked_id=announced.pk, on=date(2026, 5, 6), by=clerk)
    client.force_login(clerk)
    page = client.get(reverse("finance:parked_line", args=[announced.pk])).content.decode()

    assert "Until that day nothing has moved" in page
    assert "Take this line in" not in page
    assert len(lines(account)) == 1


def test_a_future_line_that_comes_true_is_known_as_the_parked_one(tmp_path, monkeypatch):
    bank()
    monkeypatch.setattr(statements.timezone, "localdate", lambda: date(2026, 5, 6))
    statements.import_file(file_of(tmp_path, [*ROWS[:1], ("20260507", "50.00", "F1", "AGENDADO")]))
    monkeypatch.setattr(statements.timezone, "localdate", lambda: date(2026, 5, 8))

    statements.import_file(file_of(tmp_path, [("20260507", "50.00", "F1", "AGENDADO")], name="later.ofx"))

    parked = ParkedLine.objects.get()
    assert parked.line is not None
    assert parked.line.amount == Decimal("50.00")


def test_a_bad_line_is_kept_with_its_reason_and_the_rest_goes_in(tmp_path):
    account = bank()
    path = file_of(tmp_path, [*ROWS, ("20260602", "12,3x", "B1", "RUIM")], closing="155.27")

    (statement,) = statements.import_file(path)

    assert len(lines(account)) == 5
    parked = ParkedLine.objects.get(reason="unreadable")
    assert parked.statement == statement
    assert "12,3x" in parked.text


def test_what_is_no_statement_is_refused_in_words(tmp_path):
    bank()
    path = tmp_path / "picture.ofx"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))

    with pytest.raises(Refusal, match=r"picture\.ofx"):
        statements.import_file(path)

    assert ImportBatch.objects.get().state == "refused"


def test_two_accounts_in_one_file_go_each_to_its_own(tmp_path):
    first, second = bank(), bank("Bradesco", bank_code="237", number="555-1")
    body = ofx(ROWS[:2]).replace("</STMTTRNRS></BANKMSGSRSV1></OFX>\n", "</STMTTRNRS><STMTTRNRS><TRNUID>2")
    body += ofx(ROWS[2:], number="555-1", bank="237").partition("<TRNUID>1")[2]
    path = tmp_path / "two.ofx"
    path.write_text(body)

    found = statements.import_file(path)

    assert [statement.bank_account for statement in found] == [first, second]
    assert (len(lines(first)), len(lines(second))) == (2, 3)


def test_texts_with_tabs_backslashes_and_nuls_survive_the_stage(tmp_path):
    bank()
    path = tmp_path / "odd.ofx"
    path.write_bytes(ofx([("20260504", "1.00", "A", "A\\B\\N x")]).encode().replace(b" x", b" \tx\x00"))

    statements.import_file(path)

    assert StatementLine.objects.get().text.startswith("A\\B\\N")


def test_a_table_nobody_understands_is_asked_about_once(tmp_path):
    account, clerk = bank(), person("finance_clerk")
    path = tmp_path / "odd.csv"
    path.write_text("quando;quanto;que\n04/05/2026;10,00;PIX ANA\n05/05/2026;-2,50;TARIFA\n")
    with pytest.raises(statement_columns.ColumnsNeeded) as asked:
        statements.import_file(path, bank_account=account, as_format="csv")
    assert asked.value.preview["headings"] == ["quando", "quanto", "que"]

    statement_columns.remember(
        get(statements.SOURCE), asked.value.preview["headings"], {"date": 1, "amount": 2, "text": 3}, clerk
    )
    (statement,) = statements.import_file(path, bank_account=account, as_format="csv")

    assert (statement.new, statement.sum) == (2, Decimal("7.50"))


def test_the_same_days_in_another_format_wait_for_a_person(tmp_path):
    account = bank()
    statements.import_file(file_of(tmp_path))
    before = state()
    path = tmp_path / "statement.csv"
    path.write_text("Data;Histórico;Valor\n04/05/2026;Pix ANA;100,00\n05/05/2026;Ted;30,00\n05/05/2026;Ted;30,00\n")

    with pytest.raises(Waits, match="3 of 3 new lines"):
        statements.import_file(path, bank_account=account)

    assert state() == before
    batch = ImportBatch.objects.latest("pk")
    assert (batch.state, batch.counts["confirm"], batch.counts["create"]) == ("checked", 3, 3)


def test_what_is_new_beside_known_lines_is_no_second_time(tmp_path):
    """Overlaps of one format, references that tell equal amounts apart, and less than half of the new lines."""
    account = bank()
    statements.import_file(file_of(tmp_path))
    more = [*ROWS, ("20260504", "100.00", "A9", "PIX RECEBIDO EVA")]
    statements.import_file(file_of(tmp_path, more, name="overlap.ofx"))
    statements.import_file(file_of(tmp_path, [("20260504", "100.00", "A8", "PIX RECEBIDO LIA")], name="hour.ofx"))
    path = tmp_path / "half.csv"
    path.write_text("Data;Histórico;Valor\n04/05/2026;Pix ANA;100,00\n05/05/2026;Luz;-8,00\n")
    statements.import_file(path, bank_account=account)

    assert len(lines(account)) == len(ROWS) + 4


def test_words_that_come_again_under_another_reference_wait_for_a_person(tmp_path):
    bank()
    statements.import_file(file_of(tmp_path))
    anew = [(on, amount, f"{place}", memo) for place, (on, amount, _fitid, memo) in enumerate(ROWS)]

    with pytest.raises(Waits, match="5 of 5 new lines"):
        statements.import_file(file_of(tmp_path, anew, name="anew.ofx"))


def test_both_formats_in_one_import_wait_for_a_person(tmp_path):
    account = bank()
    path = tmp_path / "half.csv"
    path.write_text("Data;Histórico;Valor\n04/05/2026;Pix ANA;100,00\n")
    both = tmp_path / "both.zip"
    with zipfile.ZipFile(both, "w") as archive:
        archive.write(file_of(tmp_path), "statement.ofx")
        archive.write(path, "z.csv")

    with pytest.raises(Waits, match="The new line"):
        statements.import_file(both, bank_account=account)
