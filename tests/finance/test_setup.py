import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.core import queue
from backoffice.core.models import Approval, AuditEntry, Company, User
from backoffice.core.services import approvals
from finance.models import BankAccount, BooksSetup, JournalEntry
from finance.services import ledger, plan, setup
from tests.factories.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return person("finance_manager")


@pytest.fixture
def browser(client: Client, manager: User) -> Client:
    client.force_login(manager)
    return client


def labels(user: User) -> list[str]:
    return [line.key for line in queue.lines_for(user) if line.count]


def opened(name: str) -> Decimal:
    return ledger.balance_of(BankAccount.objects.get(name=name).account_id)


def test_a_person_without_an_accountant_gets_from_nothing_to_books(browser: Client, manager: User) -> None:
    assert "finance.setup" in labels(manager)
    answer = browser.get(reverse("finance:setup"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("finance:setup_company")

    company = {"name": "Padaria Aurora Ltda.", "cnpj": "11.222.333/0001-81", "state": "PR", "tax_regime": "simples"}
    answer = browser.post(reverse("finance:setup_company"), company, follow=True)
    browser.post(reverse("finance:setup_banks"), {"name": "Itaú", "kind": "checking", "bank_code": "341"}, follow=True)
    browser.post(reverse("finance:setup_banks"), {"go": "on"})
    balances = {"on": "2026-10-31", "purse_0": "-1,234.56", "purse_1": "80.00"}
    answer = browser.post(reverse("finance:setup_balances"), balances, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("finance:setup_statement")
    answer = browser.post(reverse("finance:setup_statement"), follow=True)

    assert "Padaria Aurora" in answer.content.decode()
    assert Company.objects.get().cnpj == "11222333000181"
    assert opened("Itaú") == Decimal("-1234.56")
    assert ledger.balance_of(plan.account_for("cash").pk) == Decimal("80.00")
    assert ledger.balance_of(plan.account_for("opening").pk) == Decimal("1154.56")
    assert BooksSetup.objects.get().finished_by == manager
    assert "finance.setup" not in labels(manager)
    assert AuditEntry.objects.filter(action="finance.set_up").count() == 1


def test_balances_said_twice_are_posted_once_and_corrected_by_reversal(manager: User) -> None:
    bank = plan.open_bank_account(name="Banco")
    say: dict[str, Any] = {"on": date(2026, 10, 31), "text": "Opening balance", "by": manager}

    setup.open_balances(amounts={bank.ref: Decimal("100.00")}, **say)
    assert setup.open_balances(amounts={bank.ref: Decimal("100.00")}, **say) == []
    setup.open_balances(amounts={bank.ref: Decimal("70.00")}, **say)

    assert opened("Banco") == Decimal("70.00")
    assert [purse.balance for purse in setup.purses()] == [Decimal("70.00"), None]
    assert list(JournalEntry.objects.order_by("pk").values_list("kind", flat=True)) == [
        "opening",
        "reversal",
        "opening",
    ]


def test_balances_of_books_that_are_set_up_change_by_two_people(browser: Client, manager: User) -> None:
    bank = plan.open_bank_account(name="Banco")
    setup.say_balances(on=date(2026, 10, 31), amounts={bank.ref: Decimal(100)}, text="Opening balance", by=manager)
    setup.finish(by=manager)

    with pytest.raises(setup.NeedsSecond):
        setup.open_balances(on=date(2026, 10, 31), amounts={bank.ref: Decimal(70)}, text="x", by=manager)
    asked = setup.say_balances(on=date(2026, 10, 31), amounts={bank.ref: Decimal(70)}, text="x", by=manager)

    assert isinstance(asked, Approval)
    assert (asked.amount, asked.right, opened("Banco")) == (Decimal(30), "finance.entry.approve", Decimal(100))
    other = person("finance_manager")
    approvals.decide(asked.pk, yes=True, by=other)
    assert opened("Banco") == Decimal(70)
    assert JournalEntry.objects.latest("pk").approved_by == other


def test_what_is_left_empty_stays_open(browser: Client) -> None:
    plan.open_bank_account(name="Banco")

    browser.post(reverse("finance:setup_balances"), {"on": "2026-10-31", "purse_0": "", "purse_1": ""})

    assert not JournalEntry.objects.exists()
    assert setup.current().done == ["balances"]


@pytest.mark.parametrize(
    ("step", "sent", "words"),
    [
        ("company", {"name": ""}, "required"),
        ("company", {"name": "A", "cnpj": "529.982.247-25"}, "This is a CPF"),
        ("balances", {"on": "2199-01-01"}, "has not come yet"),
        ("balances", {"on": "2026-10-31", "purse_0": "ten"}, "is not an amount"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field(browser: Client, step: str, sent: dict[str, str], words: str) -> None:
    answer = browser.post(reverse(f"finance:setup_{step}"), sent)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert setup.current().done == []


def test_a_clerk_is_not_asked_to_set_up(client: Client) -> None:
    clerk = person("finance_clerk")
    client.force_login(clerk)

    assert "finance.setup" not in labels(clerk)
    assert client.get(reverse("finance:setup")).status_code == 403


def test_the_door_to_the_first_statement_opens(browser: Client) -> None:
    page = browser.get(reverse("finance:setup_statement")).content.decode()

    (door,) = re.findall(r'href="(/imports/new/[^"]+)"', page)
    assert browser.get(door).status_code == 200


def test_who_approves_a_trial_balance_is_told_who_sends_it(browser: Client) -> None:
    page = browser.get(reverse("finance:setup_balances")).content.decode()

    assert "/imports/new/" not in page
    assert "A finance clerk sends it" in page


def test_who_may_both_set_up_and_enter_finds_the_door_to_the_trial_balance(client: Client) -> None:
    client.force_login(person("finance_manager", "finance_clerk"))
    page = client.get(reverse("finance:setup_balances")).content.decode()

    (door,) = re.findall(r'href="(/imports/new/[^"]+)"', page)
    assert client.get(door).status_code == 200


def test_the_end_of_the_set_up_leads_on(browser: Client) -> None:
    browser.post(reverse("finance:setup_statement"), {})

    page = browser.get(reverse("finance:setup")).content.decode()

    assert re.search(r'class="button primary" href="/imports/new/', page)
