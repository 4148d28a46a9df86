"""`manage.py audit_pages`: every page × role × theme × width × language of the running demo, in a real Chromium."""

import json
import shutil
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management.base import BaseCommand, CommandError

from backoffice.core.models import User
from backoffice.demo import looking, tour


class Command(BaseCommand):
    help = "Look at every page of the running demo with axe-core, in every role, theme, width and language."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base", default=settings.SITE_URL, help="address of the running product")
        parser.add_argument(
            "--sample", action="store_true", help="each page once and every pair, as the test suite does"
        )
        parser.add_argument("--under", default="", help="only pages whose address begins so, as /finance/")
        parser.add_argument("--json", action="store_true", help="end with one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not chromium:
            raise CommandError("No Chromium here; install the package chromium.")
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as problem:
            raise CommandError("Playwright is missing; `python3 manage.py test` installs it.") from problem
        if not User.objects.filter(is_demo=True).exists():
            raise CommandError("There is no demo here to look at; start it with `python3 manage.py up`.")
        pages = [page for page in tour.pages() if page.address.startswith(options["under"])]
        looks = looking.pairwise(pages) if options["sample"] else list(looking.every(pages))
        seen: list[looking.Look] = []
        sessions = {user.groups.get().name: session_of(user) for user in User.objects.filter(is_demo=True)}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            problems = looking.audit(
                browser,
                options["base"],
                looks,
                lambda context, role: enter(context, options["base"], sessions[role]),
                seen.append,
            )
        SessionStore.get_model_class().objects.filter(session_key__in=sessions.values()).delete()
        for line in problems:
            self.stdout.write(line)
        result = {"pages": len(pages), "looks": len(seen), "problems": len(problems)}
        self.stdout.write(json.dumps(result) if options["json"] else f"{len(problems)} problems in {len(seen)} looks.")
        if problems:
            raise CommandError("Not every page is in order.")


def session_of(user: User) -> str:
    """A session of this person, as if they had signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "backoffice.core.auth.Backend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key
    return session.session_key


def enter(context: Any, base: str, key: str) -> None:
    """Give the browser that session."""
    host = urlsplit(base).hostname
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "domain": host, "path": "/"}])
