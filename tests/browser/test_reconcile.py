"""Reconciling in a real browser: fifty lines by counted keys, the focus one line on each time, nothing found by axe."""

import re
from typing import Any

import pytest

from backoffice.core.models import User
from backoffice.demo.management.commands.audit_pages import enter, session_of
from finance.models import BankAccount, JournalEntry, Match, StatementLine
from tests.factories.banking import bank_account, line, statement, suggestion
from tests.factories.books import MAY, party, receivable, year
from tests.factories.people import person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOCUS = "document.activeElement.id"


class Desk:
    """A person at the reconciliation page, who counts the keys they press."""

    def __init__(self, page: Any, base: str, account: BankAccount, user: User) -> None:
        enter(page.context, base, session_of(user))
        self.page, self.presses, self.errors = page, 0, list[str]()
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda problem: self.errors.append(str(problem)))
        page.goto(f"{base}/finance/reconcile/{account.pk}/")
        self.until(f"{FOCUS}.startsWith('line-')")

    def until(self, claim: str) -> None:
        """Wait for a claim in JavaScript; asked from here, as the page's policy lets nothing be evaluated in it."""
        for _try in range(900):
            if self.page.evaluate(claim):
                return
            self.page.wait_for_timeout(100)
        pytest.fail(f"never true: {claim}")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.presses += 1

    @property
    def focus(self) -> str:
        found: str = self.page.evaluate(FOCUS)
        return found

    def settled(self, count: int) -> None:
        self.until(f"document.querySelectorAll('.pair.settled').length === {count}")


@pytest.fixture
def books(transactional_db: None) -> BankAccount:
    year()
    return bank_account("Banco Azul")


def proposed(account: BankAccount, count: int) -> list[StatementLine]:
    of = statement(account, closing=str(100 * count))
    who = party("Ana Souza")
    lines = []
    for n in range(count):
        one = line("100.00", of=of, payer="ANA SOUZA", text=f"PIX NF {n}")
        suggestion(one, receivable("100.00", number=f"NF{n}", who=who))
        lines.append(one)
    return lines


def test_fifty_lines_take_at_most_sixty_keys(live_server: Any, page: Any, books: BankAccount) -> None:
    lines = proposed(books, 50)
    desk = Desk(page, live_server.url, books, person("finance_clerk"))

    for n, one in enumerate(lines):
        assert desk.focus == f"line-{one.pk}"
        before = page.evaluate(
            f"document.getElementById('line-{one.pk}').nextElementSibling?.getBoundingClientRect().top"
        )
        desk.press("Enter")
        if n == 0:  # the row takes its new state where it stands: what is below does not move
            desk.settled(1)
            after = page.evaluate("document.activeElement.getBoundingClientRect().top")
            assert abs(after - before) < 1
    desk.settled(50)

    assert desk.presses <= 60
    assert desk.focus == "next-lines"
    assert not StatementLine.objects.exclude(open_amount=0).exists()
    assert page.inner_text("[data-difference]") == "R$0.00"
    assert "Reconciled" in page.inner_text("#proof")
    assert desk.errors == []


def test_undo_stays_at_hand_and_puts_the_line_back(live_server: Any, page: Any, books: BankAccount) -> None:
    first, second, _third = proposed(books, 3)
    desk = Desk(page, live_server.url, books, person("finance_clerk"))

    desk.press("Enter")
    desk.settled(1)
    desk.until("document.getElementById('live').textContent.includes('Matched.')")
    page.wait_for_timeout(3500)
    assert page.is_visible(f"#line-{first.pk} >> text=Undo")
    assert desk.focus == f"line-{second.pk}"
    desk.press("u")
    desk.settled(0)

    assert desk.focus == f"line-{first.pk}"
    assert Match.objects.get().entry.reversed_by
    assert JournalEntry.objects.filter(kind="reversal").count() == 1
    assert desk.errors == []


def test_a_split_shows_its_difference_and_waits_for_zero(live_server: Any, page: Any, books: BankAccount) -> None:
    title = receivable("100.00", number="NF1")
    paid = line("98.00", of=statement(books, closing="98.00"))
    desk = Desk(page, live_server.url, books, person("finance_manager"))

    desk.press("f")
    page.fill('.pair-panel input[name="q"]', "NF1")
    with page.expect_response(lambda answer: "q=NF1" in answer.url):
        page.keyboard.press("Enter")
    desk.until("document.querySelector('.pair-panel [data-rest]').textContent === '98.00'")
    page.check(f'.pair-panel input[name="pick"][value="{title.pk}"]')
    assert page.inner_text("[data-rest]") == "−2.00"
    assert page.is_disabled("[data-post]")
    page.select_option('[name="kind-0"]', "fee")
    page.fill('[name="extra-0"]', "2,00")
    assert page.is_disabled("[data-post]")
    page.fill('[name="extra-0"]', "2.00")
    assert page.inner_text("[data-rest]") == "0.00"
    page.click("[data-post]")
    desk.settled(1)

    paid.refresh_from_db()
    assert paid.open_amount == 0
    assert desk.errors == []


def test_the_loser_of_a_race_is_told_on_the_row(live_server: Any, page: Any, books: BankAccount) -> None:
    from finance.services import reconcile

    [paid] = proposed(books, 1)
    desk = Desk(page, live_server.url, books, person("finance_clerk"))
    reconcile.accept(suggestion_id=paid.suggestions.get().pk, by=person("finance_clerk", name="Rui Lima"))

    desk.press("Enter")
    desk.settled(1)

    assert "Rui Lima was faster" in page.inner_text(f"#line-{paid.pk}")


def test_keys_sleep_where_the_person_switched_them_off(live_server: Any, page: Any, books: BankAccount) -> None:
    proposed(books, 1)
    user = person("finance_clerk", shortcuts=False)
    enter(page.context, live_server.url, session_of(user))
    page.goto(f"{live_server.url}/finance/reconcile/{books.pk}/")

    page.locator(".pair").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)

    assert not Match.objects.exists()


def test_axe_finds_nothing_in_any_state(live_server: Any, browser: Any, books: BankAccount) -> None:
    from axe_playwright_python.sync_playwright import Axe

    lines = proposed(books, 4)
    line("-5.00", of=lines[0].statement, on=MAY, text="TARIFA")
    for theme, width, language in (("light", 1440, "en"), ("dark", 360, "pt-BR")):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, locale=language)
        page = context.new_page()
        desk = Desk(page, live_server.url, books, person("finance_manager"))
        desk.press("Enter")
        desk.settled(1)
        for key in "fnti":
            desk.press(key)
            page.wait_for_selector(".pair-panel:not(:empty)")
            page.wait_for_timeout(300)
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["target"]) for one in found] == []
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
            page.keyboard.press("Escape")
        assert [text for text in desk.errors if not re.search("inline style", text)] == []
        context.close()


def test_a_split_fits_a_narrow_screen(live_server: Any, page: Any, books: BankAccount) -> None:
    proposed(books, 1)
    page.set_viewport_size({"width": 360, "height": 800})
    desk = Desk(page, live_server.url, books, person("finance_clerk"))

    desk.press("s")
    desk.until("document.querySelector('.pair-panel table') !== null")

    too_wide = (
        "[...document.querySelectorAll('.pair-panel .scroller')].filter(e => e.scrollWidth > e.clientWidth).length"
    )
    assert page.evaluate(too_wide) == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 360
