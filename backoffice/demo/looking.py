"""Look at pages in a real browser: axe-core's findings, sideways scroll, errors on the console, foreign hosts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from .tour import Page

THEMES = ("light", "dark")
WIDTHS = (360, 1440)
LANGUAGES = ("en", "pt-br")


@dataclass(frozen=True)
class Look:
    """One page seen by one role, in one theme, width and language."""

    address: str
    role: str
    theme: str
    width: int
    language: str
    status: int = 200

    def __str__(self) -> str:
        return f"{self.address} as {self.role}, {self.theme}, {self.width} px, {self.language}"


def every(pages: list[Page]) -> Iterator[Look]:
    """The full matrix."""
    for page in pages:
        for role, theme, width, language in product(page.roles, THEMES, WIDTHS, LANGUAGES):
            yield Look(page.address, role, theme, width, language, page.status)


def pairwise(pages: list[Page]) -> list[Look]:
    """Each page once, and every pair of role, theme, width and language at least once.

    Greedy: each page takes, of its possible looks, the one with most pairs not seen yet; pages come again at the end
    until no pair is left that any page could show.
    """
    seen: set[tuple[str, str]] = set()

    def pairs(look: Look) -> set[tuple[str, str]]:
        parts = [f"role {look.role}", look.theme, str(look.width), look.language]
        return {(a, b) for place, a in enumerate(parts) for b in parts[place + 1 :]}

    def best(page: Page) -> tuple[int, Look]:
        looks = [Look(page.address, *rest, page.status) for rest in product(page.roles, THEMES, WIDTHS, LANGUAGES)]
        return max(((len(pairs(look) - seen), look) for look in looks), key=lambda rated: rated[0])

    chosen: list[Look] = []
    for page in pages:
        chosen.append(best(page)[1])
        seen |= pairs(chosen[-1])
    while True:
        gain, look = max((best(page) for page in pages), key=lambda rated: rated[0])
        if not gain:
            return chosen
        chosen.append(look)
        seen |= pairs(look)


def audit(
    browser: Any, base: str, looks: list[Look], sign_in: Callable[[Any, str], None], done: Callable[[Look], None]
) -> list[str]:
    """What is wrong, one line each. Looks of one role, theme, width and language share one browser session."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import TimeoutError

    axe, problems = Axe(), list[str]()
    order = sorted(looks, key=lambda look: (look.role, look.theme, look.width, look.language, look.address))
    session, context, page = None, None, None
    noise: list[str] = []
    for look in order:
        if session != (look.role, look.theme, look.width, look.language):
            if context:
                context.close()
            session = (look.role, look.theme, look.width, look.language)
            context = browser.new_context(
                viewport={"width": look.width, "height": 900},
                color_scheme=look.theme,
                locale="pt-BR" if look.language == "pt-br" else "en-US",
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.on("console", lambda message: noise.append(message.text) if message.type == "error" else None)
            page.on("request", lambda sent: _foreign(base, sent.url, noise))
            if look.role != "nobody":
                sign_in(context, look.role)
        noise.clear()
        assert page
        try:
            answer = page.goto(base + look.address)
            page.wait_for_load_state("networkidle")
        except TimeoutError as late:
            problems.append(f"{look}: {str(late).splitlines()[0]}")
            continue
        if answer is None or answer.status != look.status:
            problems.append(f"{look}: answered {answer and answer.status}")
            continue
        heard = [text for text in noise if look.status == 200]  # before axe-core, which sets styles of its own
        for violation in axe.run(page).response["violations"]:
            where = "; ".join(str(node["target"][0]) for node in violation["nodes"][:3])
            problems.append(f"{look}: {violation['id']} ({violation['help']}) at {where}")
        sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if sideways > 0:
            problems.append(f"{look}: scrolls sideways by {sideways} px")
        if page.locator("h1").count() != 1:
            problems.append(f"{look}: {page.locator('h1').count()} h1")
        problems += [f"{look}: {text[:200]}" for text in heard]
        done(look)
    if context:
        context.close()
    return problems


def _foreign(base: str, url: str, noise: list[str]) -> None:
    if urlsplit(url).scheme.startswith("http") and urlsplit(url).netloc != urlsplit(base).netloc:
        noise.append(f"asked a foreign host: {url}")
