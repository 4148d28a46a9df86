"""Around the page, by SQL as the application's role: what waits, opening balances, the undoing of what two did."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.utils import timezone
from psycopg.errors import CheckViolation, InsufficientPrivilege

from backoffice.core.models import User
from backoffice.core.services import approvals
from finance.models import BooksSetup, DraftEntry, JournalEntry
from finance.services import entries, ledger, plan, setup
from finance.services.ledger import Line
from tests.conftest import Application
from tests.factories.books import MAY, accounts, approval, receivable, year
from tests.factories.people import person
from tests.finance.test_side_doors import put

pytestmark = pytest.mark.django_db

D = Decimal
REFUSED = (InsufficientPrivilege, psycopg.IntegrityError)


@pytest.fixture(autouse=True)
def months() -> None:
    year()


@pytest.fixture
def clerk() -> User:
    return person("finance_clerk")


@pytest.fixture
def manager() -> User:
    return person("finance_manager")


# Drafts ---------------------------------------------------------------------------------------------------------------


def draft(by: User) -> DraftEntry:
    fees, sales = accounts()
    lines = [Line(fees, D(10)), Line(sales, D(-10))]
    return entries.save(draft_id=None, version=0, on=MAY, text="Rent", lines=lines, by=by)


LINE = """
INSERT INTO finance_draftline (draft_id, seq, account_id, amount, text)
SELECT {draft}, 9, min(id), 1, '' FROM finance_account
"""


@pytest.mark.parametrize("state", ["waiting", "posted", "discarded"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE finance_draftline SET amount = amount * 2",
        "UPDATE finance_draftline SET account_id = (SELECT max(id) FROM finance_account)",
        "UPDATE finance_draftline SET draft_id = {other}",
        "UPDATE finance_draftline SET draft_id = {draft}, seq = seq + 10 WHERE draft_id = {other}",
        "DELETE FROM finance_draftline",
        LINE,
        'UPDATE finance_draftentry SET "on" = "on" + 1',
        "UPDATE finance_draftentry SET text = 'Other'",
        "UPDATE finance_draftentry SET kind = 'opening'",
        "UPDATE finance_draftentry SET made_by_id = {manager}",
        "UPDATE finance_draftentry SET state = 'draft', entry_id = NULL",  # without a new version
        "UPDATE finance_draftentry SET state = 'draft', entry_id = NULL, version = 1",
    ],
)
def test_what_waits_or_was_decided_stays_as_it_is(
    application: Application, clerk: User, manager: User, state: str, statement: str
) -> None:
    made = draft(clerk)
    entries.discard(draft_id=made.pk, by=clerk) if state == "discarded" else entries.submit(draft_id=made.pk, by=clerk)
    if state == "posted":
        approvals.decide(entries.question(made).pk, yes=True, by=manager)  # type: ignore[union-attr]
    other = draft(clerk)
    if not statement.endswith("{other}") and "finance_draftline" in statement and "WHERE" not in statement:
        other.lines.all().delete()

    with pytest.raises(CheckViolation, match="no draft any more"):
        application.execute(statement.format(draft=made.pk, other=other.pk, manager=manager.pk))


def test_a_draft_is_written_until_it_waits_and_again_when_it_came_back(
    application: Application, clerk: User, manager: User
) -> None:
    made = draft(clerk)
    application.execute("UPDATE finance_draftline SET amount = amount * 2")
    application.execute(LINE.format(draft=made.pk))
    application.execute("DELETE FROM finance_draftline WHERE seq = 9")
    asked = entries.submit(draft_id=made.pk, by=clerk)

    approvals.decide(asked.pk, yes=False, by=manager, answer="Wrong month")
    application.execute("UPDATE finance_draftline SET amount = amount / 2")
    entries.submit(draft_id=made.pk, by=clerk)

    assert entries.question(made)


def test_an_answer_to_an_earlier_version_posts_nothing(application: Application, clerk: User, manager: User) -> None:
    """Given back and changed by SQL, the draft is another version than the one that is asked about."""
    made = draft(clerk)
    asked = entries.submit(draft_id=made.pk, by=clerk)
    application.execute("UPDATE finance_draftentry SET state = 'draft', version = version + 1")
    application.execute("UPDATE finance_draftline SET amount = amount * 2")
    application.execute("UPDATE finance_draftentry SET state = 'waiting', version = version + 1")

    with pytest.raises(CheckViolation, match="no draft any more"):
        application.execute("UPDATE finance_draftentry SET version = %s", [asked.data["version"]])
    approvals.decide(asked.pk, yes=True, by=manager)

    made.refresh_from_db()
    assert (made.state, made.entry) == ("waiting", None)


# Opening balances -----------------------------------------------------------------------------------------------------


def set_up() -> None:
    BooksSetup.objects.create(pk=1, finished_at=timezone.now())


def opening(application: Application, **more: Any) -> int:
    return put(application, kind="opening", **more)


def test_opening_balances_of_books_that_are_set_up_name_who_approved_them(
    application: Application, clerk: User, manager: User
) -> None:
    opening(application, by=clerk.pk)  # one person sets up alone
    set_up()

    with pytest.raises(CheckViolation, match="set up"):
        opening(application, by=clerk.pk)
    with pytest.raises(CheckViolation, match="did not approve"):
        opening(application, by=clerk.pk, approved_by=manager.pk)
    approval(setup.SETUP, by=clerk, decided_by=manager)
    opening(application, by=clerk.pk, approved_by=manager.pk)


def test_opening_balances_of_books_that_are_set_up_go_by_two_people(
    application: Application, clerk: User, manager: User
) -> None:
    cash = plan.account_for("cash").ref
    setup.say_balances(on=MAY, amounts={cash: D(10)}, text="x", by=clerk)
    set_up_again = "UPDATE finance_bookssetup SET finished_at = now()"
    application.execute(set_up_again)
    standing = JournalEntry.objects.get(kind="opening")

    with pytest.raises(ledger.Refused, match="another person"):
        ledger.reverse(entry=standing.pk, on=MAY, by=clerk)
    asked: Any = setup.say_balances(on=MAY, amounts={cash: D(20)}, text="x", by=clerk)
    approvals.decide(asked.pk, yes=True, by=manager)

    assert ledger.balance_of(plan.account_for("cash").pk) == 20


def test_an_opening_title_moves_a_title(application: Application) -> None:
    set_up()

    receivable()


@pytest.mark.parametrize(
    "statement", ["UPDATE finance_bookssetup SET finished_at = NULL", "DELETE FROM finance_bookssetup"]
)
def test_books_that_are_set_up_stay_so(application: Application, statement: str) -> None:
    set_up()

    with pytest.raises(REFUSED):
        application.execute(statement)


def test_only_the_two_of_an_import_stand_for_what_it_opened(
    application: Application, clerk: User, manager: User
) -> None:
    batch = application.execute(
        "INSERT INTO core_importbatch (source, state, mapping, counts, preview, reason, received_by_id)"
        " VALUES ('finance.trial_balance', 'committing', '{}', '{}', '[]', '', %s) RETURNING id",
        [clerk.pk],
    ).fetchone()
    assert batch

    with pytest.raises(CheckViolation, match="did not approve"):
        opening(application, by=clerk.pk, approved_by=manager.pk, batch=batch[0])


# Reversals ------------------------------------------------------------------------------------------------------------


def test_what_two_people_entered_one_does_not_reverse(application: Application, clerk: User, manager: User) -> None:
    made = draft(clerk)
    approvals.decide(entries.submit(draft_id=made.pk, by=clerk).pk, yes=True, by=manager)
    made.refresh_from_db()
    entry = made.entry_id or 0

    with pytest.raises(ledger.Refused, match="second person"):
        ledger.reverse(entry=entry, on=MAY, by=clerk)
    with pytest.raises(ledger.Refused, match="second person"):
        ledger.reverse(entry=entry, on=MAY)
    asked = entries.ask_reversal(entry_id=entry, on=MAY, reason="Twice", by=clerk)
    approvals.decide(asked.pk, yes=True, by=manager)

    assert JournalEntry.objects.get(reverses=entry).approved_by == manager
