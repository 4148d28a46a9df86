"""Every page once, and every pair of role, theme, width and language, in a real browser with axe-core."""

import os
from typing import Any

import pytest
from django.core.management import call_command

from backoffice.core.models import User
from backoffice.demo import looking, tour
from backoffice.demo.management.commands.audit_pages import enter, session_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def demo(transactional_db: None, settings: Any) -> dict[str, str]:
    """The demo company, and one session per role."""
    settings.DEMO = True
    call_command("seed_demo", stdout=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    return {user.groups.get().name: session_of(user) for user in User.objects.filter(is_demo=True)}


def test_nothing_is_wrong_with_any_page(live_server: Any, browser: Any, demo: dict[str, str]) -> None:
    pages = tour.pages(measures=2)
    seen: list[looking.Look] = []

    problems = looking.audit(
        browser,
        live_server.url,
        looking.pairwise(pages),
        lambda context, role: enter(context, live_server.url, demo[role]),
        seen.append,
    )

    assert "\n".join(problems) == ""
    assert {look.address for look in seen} == {page.address for page in pages}
    assert len(pages) > 50


def test_the_sample_holds_every_pair() -> None:
    pages = [tour.Page("/a/", ("director", "auditor")), tour.Page("/b/", ("admin",))]

    looks = looking.pairwise(pages)

    pairs = {(look.role, look.theme) for look in looks} | {(look.width, look.language) for look in looks}
    assert {(role, theme) for role in ("director", "auditor", "admin") for theme in looking.THEMES} <= pairs
    assert {(width, language) for width in looking.WIDTHS for language in looking.LANGUAGES} <= pairs
