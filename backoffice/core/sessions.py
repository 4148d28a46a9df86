"""How long a sign-in lasts, and how it ends: idle, absolute, by hand, or because the account was closed."""

import time
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from .models import User

BEGAN, SEEN = "began", "seen"
MINUTE = 60


class SessionMiddleware:
    """End a session after its idle or absolute time; keep what a signed-in person sees out of every cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            self.watch(request)
        personal = request.user.is_authenticated
        response = self.get_response(request)
        if personal and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        if personal and not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def watch(self, request: HttpRequest) -> None:
        """Compare the clock with the session's two marks; write at most once a minute."""
        now, session = time.time(), request.session
        began, seen = session.get(BEGAN, now), session.get(SEEN, now)
        if now - seen > settings.SESSION_IDLE_MINUTES * MINUTE or now - began > settings.SESSION_COOKIE_AGE:
            logout(request)
            messages.info(request, _("You were signed out after a while without activity. Sign in to go on."))
            return
        if BEGAN not in session:
            begin(request)
        elif now - seen >= MINUTE:
            session[SEEN] = int(now)
            UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())


def begin(request: HttpRequest) -> None:
    """Mark when this sign-in began."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())


def began_within(request: HttpRequest, seconds: int) -> bool:
    """Whether this sign-in is younger than that."""
    began: int = request.session.get(BEGAN, 0)
    return time.time() - began < seconds


@transaction.atomic
def end_all(user: User) -> None:
    """End every session of this person, on every device, now."""
    held = UserSession.objects.filter(user=user)
    Session.objects.filter(session_key__in=held.values("session_key")).delete()
    held.delete()
