from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from backoffice.core import jobs
from backoffice.core.imports import engine, get, mapping, work
from backoffice.core.jobs import Quiet
from backoffice.core.models import ImportBatch, ImportFailure, Party, User
from backoffice.core.services import imports
from finance.models import Account, BooksSetup, InstalmentKey, JournalEntry, Title
from finance.services import ledger, plan, settlement
from tests.factories.books import MAY, year
from tests.factories.people import person
from tests.finance.test_titles import balance, books_agree, cash, part

pytestmark = pytest.mark.django_db
D = Decimal

HEAD = "Tipo;Documento;Cliente;CNPJ;Emissão;Vencimento;Valor;Parcelas;Multa;Juros;Nosso número\n"
FILE = (
    HEAD
    + """Receber;NF 1001;Padaria São Bento;11.222.333/0001-81;05/03/2026;05/06/2026;1.000,01;3;2;1;
A pagar;2002;Imobiliária Horizonte;;01/04/2026;10/06/2026;500,00;;;;
receber;1003;Padaria São Bento;11222333000181;05/03/2026;20/06/2026;70,00;1;;;00012345-6
"""
)


@pytest.fixture(autouse=True)
def months() -> None:
    year()


def send(folder: Path, text: str) -> engine.Result:
    path = folder / "titles.csv"
    path.write_text(text)
    clerk, source = person("finance_clerk"), get("open_titles")
    batch = engine.receive_paths(source, [path], clerk)
    headings = engine.open_batch(batch)[0].headings
    batch.mapping = {g.column.name: g.heading for g in mapping.guess(source.tables[0], headings) if g.confidence == 1}
    batch.save(update_fields=["mapping"])
    return engine.run("open_titles", batch, clerk)


def test_open_titles_come_in_against_the_account_of_opening_balances(tmp_path: Path) -> None:
    send(tmp_path, FILE)

    first = Title.objects.get(number="NF 1001")
    assert (first.kind, first.amount, first.party.tax_id, first.issued_on) == (
        "opening", D("1000.01"), "11222333000181", date(2026, 3, 5),
    )  # fmt: skip
    assert (first.fine_rate, first.interest_rate) == (D("0.02"), D("0.01"))
    assert [(p.due_on, p.balance) for p in first.instalments.order_by("seq")] == [
        (date(2026, 6, 5), D("333.34")), (date(2026, 7, 5), D("333.34")), (date(2026, 8, 5), D("333.33")),
    ]  # fmt: skip
    assert Title.objects.get(number="2002").amount == D("-500.00")
    assert Title.objects.get(number="1003").party == first.party
    assert InstalmentKey.objects.get(kind="nosso").value == "123456"
    assert (balance("receivable"), balance("payable"), balance("opening")) == (D("1070.01"), D(-500), D("-570.01"))
    assert set(JournalEntry.objects.values_list("kind", "journal__kind")) == {("opening", "opening")}
    assert Party.objects.count() == 2
    books_agree()


def test_open_titles_detail_the_sum_that_a_trial_balance_left(tmp_path: Path) -> None:
    beside = Account.objects.get(name="Clientes, saldo inicial a detalhar").pk
    opening = plan.account_for("opening").pk
    lines = [ledger.Line(beside, D("1070.01")), ledger.Line(opening, D("-1070.01"))]
    ledger.post(journal="opening", kind="opening", on=MAY, text="Opening", lines=lines)

    send(tmp_path, FILE)

    assert (balance("receivable"), ledger.balance_of(beside)) == (D("1070.01"), D(0))
    assert (balance("payable"), balance("opening")) == (D(-500), D("-570.01"))
    assert set(JournalEntry.objects.filter(kind="opening").values_list("on", flat=True)) == {MAY}


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    send(tmp_path, FILE)

    again = send(tmp_path, FILE)

    assert (again.counts["create"], again.counts["skip"]) == (0, 3)
    assert Title.objects.count() == 3


def test_rows_that_do_not_fit_are_told_and_the_rest_goes_in(tmp_path: Path) -> None:
    Party.objects.create(name="Ana")
    Party.objects.create(name="ANA")
    send(
        tmp_path,
        HEAD
        + """Doar;1;Bia;;;05/06/2026;10,00;;;;
Receber;2;Bia;;;05/06/2026;-10,00;;;;
Receber;3;Bia;;;05/06/2026;10,00;0;;;
Receber;4;;;;05/06/2026;10,00;;;;
Receber;5;Ana;;;05/06/2026;10,00;;;;
Receber;6;Bia;123;;05/06/2026;10,00;;;;
Receber;7;Bia;;;05/06/2026;10,00;;;;
Receber;7;Bia;;;05/06/2026;10,00;;;;
Receber;8;Bia;;06/06/2026;05/06/2026;10,00;;;;
""",
    )

    assert list(Title.objects.values_list("number", flat=True)) == ["7"]
    assert set(ImportFailure.objects.values_list("line", flat=True)) == {2, 3, 4, 5, 6, 7, 9, 10}


def test_a_known_title_with_another_amount_is_refused(tmp_path: Path) -> None:
    send(tmp_path, FILE)

    again = send(tmp_path, FILE.replace("500,00", "600,00"))

    assert (again.counts["skip"], again.counts["error"]) == (2, 1)


def test_an_import_is_undone_by_reversals_while_nothing_is_settled(tmp_path: Path) -> None:
    result = send(tmp_path, FILE)

    undo(result)

    assert (balance("receivable"), balance("payable"), balance("opening")) == (D(0), D(0), D(0))
    assert Title.objects.count() == 3
    books_agree()
    assert send(tmp_path, FILE).counts["create"] == 3


def test_an_import_of_which_something_was_settled_is_not_undone(tmp_path: Path) -> None:
    result = send(tmp_path, FILE)
    settlement.settle(
        instalment_id=part(Title.objects.get(number="1003")).pk, paid=D(1), on=MAY, account=cash(), by=None
    )

    undo(result)

    batch = ImportBatch.objects.get(pk=result.batch.pk)
    assert batch.state == "committed"
    assert "settled" in batch.reason


def undo(result: engine.Result) -> None:
    imports.undo(batch_id=result.batch.pk, by=person("finance_clerk"))
    work.undo(Quiet(), batch_id=result.batch.pk)


def checked(folder: Path, text: str, by: User) -> ImportBatch:
    """A file that was sent and looked at."""
    path = folder / "titles.csv"
    path.write_text(text)
    source = get("open_titles")
    batch = engine.receive_paths(source, [path], by)
    headings = engine.open_batch(batch)[0].headings
    batch.mapping = {g.column.name: g.heading for g in mapping.guess(source.tables[0], headings) if g.confidence == 1}
    batch.save(update_fields=["mapping"])
    engine.run("open_titles", batch, by, commit=False)
    ImportBatch.objects.filter(pk=batch.pk).update(state="checked")
    return ImportBatch.objects.get(pk=batch.pk)


def written(batch: ImportBatch, by: User) -> ImportBatch:
    imports.write(batch_id=batch.pk, by=by)
    doing = Quiet()
    batch.refresh_from_db()
    assert batch.job
    doing.job = batch.job
    work.write(doing, batch_id=batch.pk)
    return ImportBatch.objects.get(pk=batch.pk)


def test_who_sent_titles_neither_writes_nor_undoes_them(tmp_path: Path) -> None:
    sender, other = person("finance_clerk"), person("finance_clerk")
    batch = checked(tmp_path, FILE, sender)

    with pytest.raises(imports.NotTheirs, match="Who sent it neither writes nor undoes it"):
        imports.write(batch_id=batch.pk, by=sender)
    job = jobs.ask("imports.check", by=sender, batch_id=batch.pk)
    with pytest.raises(IntegrityError, match="neither writes nor undoes"), transaction.atomic():
        ImportBatch.objects.filter(pk=batch.pk).update(job=job, state="committed")
    done = written(batch, other)

    assert done.state == "committed"
    entry = Title.objects.get(number="NF 1001").entry
    assert (entry.made_by, entry.approved_by) == (sender, other)
    with pytest.raises(imports.NotTheirs):
        imports.undo(batch_id=batch.pk, by=sender)


def test_a_first_person_writes_the_titles_of_a_start_alone(tmp_path: Path) -> None:
    alone = person("finance_clerk")

    assert written(checked(tmp_path, FILE, alone), alone).state == "committed"


def test_what_a_file_says_we_owe_is_written_by_who_may_approve_a_bill(tmp_path: Path) -> None:
    clerk, manager, director = person("finance_clerk"), person("finance_manager"), person("director")
    BooksSetup.objects.create(pk=1, finished_at=timezone.now())
    batch = checked(tmp_path, HEAD + "A pagar;9;Amigo;;01/04/2026;10/06/2026;90.000,00;;;;\n", person("finance_clerk"))

    states = []
    for by in (clerk, manager):
        done = written(batch, by)
        states.append((done.state, "R$90,000.00 is owed" in done.reason))
    assert states == [("checked", True)] * 2

    assert written(batch, director).state == "committed"
    assert balance("payable") == D(-90000)
