"""Sign-in by e-mail: what allauth asks of us. Nobody signs up, links point home, secrets are sealed with our key."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string
from django.utils.http import url_has_allowed_host_and_scheme

from . import second_factor, sessions
from .models import User

HALF_A_YEAR = 180 * 24 * 3600


class Backend(AuthenticationBackend):  # type: ignore[misc]
    """By e-mail and password, the same work for an unknown address; a deactivated person's session ends at once."""

    def user_can_authenticate(self, user: User) -> bool:
        """Asked at sign-in and at each request; a demo login is nobody in production."""
        return user.is_active and not (user.is_demo and settings.REFUSE_DEMO_LOGINS)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """A redirect stays on this host."""
        host = self.request.get_host()
        safe = url_has_allowed_host_and_scheme(url, {host}, require_https=self.request.is_secure())
        return safe and (url or "").startswith("/")

    def is_reauthentication_required(self, *, app: str, **options: Any) -> bool:
        """Ask for the password again before the second factor changes, unless it was given minutes ago."""
        if sessions.began_within(self.request, 5 * sessions.MINUTE):
            return False
        return bool(super().is_reauthentication_required(app=app, **options))

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        """Remember this browser for this person, so that guesses from elsewhere never lock them out."""
        response: HttpResponse = super().post_login(request, user, **options)
        known = signing.dumps([user.email, get_random_string(16)], salt=settings.KNOWN_BROWSER_COOKIE)
        response.set_cookie(
            settings.KNOWN_BROWSER_COOKIE,
            known,
            max_age=HALF_A_YEAR,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
        return response

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failures count per account; a browser in which this person has signed in before counts by itself."""
        email = str(credentials.get("email") or credentials.get("username") or "").lower()
        try:
            known = signing.loads(
                request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE, ""),
                salt=settings.KNOWN_BROWSER_COOKIE,
                max_age=HALF_A_YEAR,
            )
        except signing.BadSignature:
            return email
        return f"{email} {known[1]}" if known[0] == email else email


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors rest encrypted: the key is in the environment, never in the database."""

    def encrypt(self, text: str) -> str:
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _fernet().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """Who must have a second factor cannot give it up."""
        return not second_factor.required(authenticator.user)


def _fernet() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key))) for key in keys])


def _derived(key: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"retaguarda second factor").derive(key.encode())
