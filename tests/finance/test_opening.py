"""A trial balance of another program becomes the opening of ours, once."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from backoffice.core.imports import engine, get, mapping
from backoffice.core.models import ImportFailure, User
from finance.models import Account, JournalEntry, Period
from finance.services import ledger, plan
from finance.sources.trial_balance import KEY
from tests.factories.books import year
from tests.factories.people import person

pytestmark = pytest.mark.django_db

FILE = """Conta;Nome da conta;Débito;Crédito;Data
1;Ativo;12.000,00;0,00;31/12/2025
1.1;Ativo circulante;12.000,00;0,00;31/12/2025
1.1.01.001;Caixa geral;1.500,50;0,00;31/12/2025
1.1.08.001;Mercadorias;4.499,50;0,00;31/12/2025
1.1.04.001;Clientes;6.000,00;0,00;31/12/2025
1.2.01.010;Máquinas;0,00;0,00;31/12/2025
2.1.04.099;Taxa municipal;0,00;200,00;31/12/2025
3.1.01.001;Capital;0,00;11.000,00;31/12/2025
"""


@pytest.fixture(autouse=True)
def months() -> None:
    year(2025)
    year(2026)


def bring(tmp_path: Path, text: str, by: User | None = None, name: str = "balancete.csv") -> engine.Result:
    """The columns named as the page proposes them."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    batch = engine.receive_paths(get(KEY), [path], by)
    [sheet] = engine.open_batch(batch)
    batch.mapping = {
        one.column.name: one.heading for one in mapping.guess(get(KEY).tables[0], sheet.headings) if one.heading
    }
    batch.save()
    return engine.run(KEY, batch, by)


def held(code: str) -> Decimal:
    return ledger.balance_of(Account.objects.get(code=code).pk)


def test_a_trial_balance_opens_the_books(tmp_path: Path) -> None:
    clerk = person("finance_clerk")

    result = bring(tmp_path, FILE, clerk)

    assert (result.created, result.unchanged, result.failed) == (5, 3, 0)
    assert (held("1.1.01.001"), held("1.1.08.001")) == (Decimal("1500.50"), Decimal("4499.50"))
    assert (held("1.1.04.001"), held("1.1.04.002")) == (Decimal("0.00"), Decimal("6000.00"))
    added = Account.objects.get(code="2.1.04.099")
    assert (added.name, added.parent.code, added.kind, held("2.1.04.099")) == (  # type: ignore[union-attr]
        "Taxa municipal", "2.1.04", "liability", Decimal("-200.00"),
    )  # fmt: skip
    assert ledger.balance_of(plan.account_for("opening").pk) == Decimal("-800.00")
    entry = JournalEntry.objects.get()
    assert (entry.kind, str(entry.on), entry.made_by, entry.journal.kind) == (
        "opening", "2025-12-31", clerk, "opening",
    )  # fmt: skip


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    bring(tmp_path, FILE)

    again = bring(tmp_path, FILE)

    assert (again.created, again.updated, again.unchanged) == (0, 0, 8)
    assert JournalEntry.objects.count() == 1


def test_a_corrected_file_posts_the_difference(tmp_path: Path) -> None:
    bring(tmp_path, FILE)

    result = bring(tmp_path, FILE.replace("1.500,50", "1.600,00"))

    assert (result.created, result.updated) == (0, 1)
    assert held("1.1.01.001") == Decimal("1600.00")
    assert JournalEntry.objects.count() == 2


def test_undoing_the_import_empties_the_books(tmp_path: Path) -> None:
    batch = bring(tmp_path, FILE).batch

    with connection.cursor() as cursor:
        assert get(KEY).obstacles(cursor, batch) == []
        get(KEY).undone(cursor, batch)

    assert {held(code) for code in ("1.1.01.001", "1.1.04.002", "2.1.04.099")} == {Decimal("0.00")}
    assert JournalEntry.objects.filter(kind="reversal").count() == 1
    again = bring(tmp_path, FILE)
    assert again.created == 5


def test_an_undo_with_every_month_closed_is_refused(tmp_path: Path) -> None:
    batch = bring(tmp_path, FILE).batch
    for period in Period.objects.order_by("starts_on"):
        Period.objects.filter(pk=period.pk).update(state="closed")

    with connection.cursor() as cursor:
        assert len(get(KEY).obstacles(cursor, batch)) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2.1.02.001;Adiantamentos;0,00;10,00;31/12/2025", "only with titles"),
        ("1.1.01.001;Caixa;1,00;1,00;31/12/2025", "a debit and a credit"),
        ("9.1.01;Fora;1,00;;31/12/2025", "No account begins"),
        ("1.1.01.001;Caixa;-1,00;;31/12/2025", "below zero"),
        ("1.1.01.001;Caixa;;;31/12/2025", "neither debit"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(tmp_path: Path, row: str, said: str) -> None:
    result = bring(tmp_path, "Conta;Nome da conta;Débito;Crédito;Data\n" + row + "\n1.1.08.001;M;2,00;;31/12/2025\n")

    assert (result.created, result.failed) == (1, 1)
    assert said in _failures(result)


def test_a_balance_with_its_side_needs_no_two_columns(tmp_path: Path) -> None:
    bring(tmp_path, "Conta;Saldo;D/C;Data\n1.1.01.001;10,00;D;31/12/2025\n3.1.01.001;10,00;C;31/12/2025\n")

    assert (held("1.1.01.001"), held("3.1.01.001")) == (Decimal("10.00"), Decimal("-10.00"))
    assert ledger.balance_of(plan.account_for("opening").pk) == 0


def test_a_transit_account_and_a_closed_month_are_refused(tmp_path: Path) -> None:
    bank = plan.open_bank_account(name="Banco")
    Period.objects.filter(starts_on="2025-01-01").update(state="closed")

    result = bring(
        tmp_path,
        f"Conta;Débito;Data\n{bank.transit.code};5,00;31/12/2025\n{bank.account.code};7,00;31/12/2025\n"
        "1.1.01.001;1,00;10/01/2025\n",
    )

    assert (result.created, result.failed) == (1, 2)
    assert held(bank.account.code) == Decimal("7.00")


def _failures(result: engine.Result) -> str:
    return " ".join(ImportFailure.objects.filter(batch=result.batch).values_list("reason", flat=True))
