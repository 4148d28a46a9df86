"""The frame in a real browser: by keyboard, by thumb, without script."""

from typing import Any

import pytest
from django.urls import reverse

from backoffice.core.models import User
from tests.factories.people import PASSWORD, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def clerk(transactional_db: None) -> User:
    return person("logistics_clerk", name="Ana Prado", password=PASSWORD)


def sign_in(page: Any, server: Any, user: User) -> None:
    page.goto(f"{server.url}{reverse('account_login')}")
    page.fill("[name=login]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.primary")
    page.wait_for_selector("h1")


def focused(page: Any, expression: str) -> Any:
    return page.evaluate(f"document.activeElement.{expression}")


def test_the_first_tab_skips_to_the_content(live_server, page, clerk):
    sign_in(page, live_server, clerk)
    page.goto(f"{live_server.url}/help/")

    page.keyboard.press("Tab")

    assert focused(page, "className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


def test_the_palette_opens_by_key_and_gives_the_focus_back(live_server, page, clerk):
    sign_in(page, live_server, clerk)
    page.goto(f"{live_server.url}/help/")
    page.focus("a.brand")

    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette[open] input:focus")
    page.keyboard.type("tasks")
    page.wait_for_selector("#palette [aria-selected=true]")

    assert page.get_attribute("#palette-input", "aria-activedescendant")
    page.keyboard.press("Escape")
    assert focused(page, "className") == "brand"


def test_rows_are_walked_and_chosen_by_single_keys(live_server, page, clerk):
    from backoffice.core.models import Party

    Party.objects.bulk_create(Party(name=f"Casa {n}") for n in range(3))
    sign_in(page, live_server, clerk)
    page.goto(f"{live_server.url}{reverse('parties')}")
    page.focus("[data-list] tbody tr:first-child th a")

    page.keyboard.press("j")

    assert page.locator("tbody tr.here").inner_text().startswith("Casa 1")
    page.keyboard.press("k")
    assert page.locator("tbody tr.here").inner_text().startswith("Casa 0")


def test_single_keys_do_nothing_once_turned_off(live_server, page, clerk):
    from backoffice.core.models import Party

    Party.objects.bulk_create(Party(name=f"Casa {n}") for n in range(2))
    User.objects.filter(pk=clerk.pk).update(shortcuts=False)
    sign_in(page, live_server, clerk)
    page.goto(f"{live_server.url}{reverse('parties')}")
    page.focus("[data-list] tbody tr:first-child th a")

    page.keyboard.press("j")

    assert focused(page, "innerText") == "Casa 0"


def test_the_menu_opens_on_a_small_screen_without_script(live_server, browser, clerk):
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, clerk)
    page.goto(f"{live_server.url}/help/")
    menu = page.locator("#menu")
    assert not menu.is_visible()

    page.click(".menu-button")

    assert menu.is_visible()
    context.close()


def test_a_form_with_errors_puts_the_focus_on_their_summary(live_server, page, transactional_db):
    page.goto(f"{live_server.url}{reverse('account_login')}")

    page.click("main button.primary")

    page.wait_for_selector(".error-summary:focus")
    assert page.title().startswith("Error:")
    page.click(".error-summary a >> nth=0")
    assert focused(page, "name") == "login"


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (1440, "light")])
def test_every_component_passes_axe_and_fits_its_width(live_server, page, settings, width, theme):
    from axe_playwright_python.sync_playwright import Axe

    settings.DEMO = True
    person("admin", email="look@retaguarda.example", password=PASSWORD, theme=theme)
    sign_in(page, live_server, User.objects.get(email="look@retaguarda.example"))
    page.set_viewport_size({"width": width, "height": 800})

    page.goto(f"{live_server.url}{reverse('design')}")

    found = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
