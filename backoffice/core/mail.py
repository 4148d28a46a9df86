"""Plain-text letters in the reader's language, sent by workers; links point at `SITE_URL`, not at a request's host."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation

from .models import User


def send(user: User, letter: str, **context: Any) -> None:
    """Send `templates/mail/<letter>.txt`: its first line is the subject, the rest the body."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        text = render_to_string(f"mail/{letter}.txt", {"person": user, "site_url": settings.SITE_URL, **context})
    subject, _, body = text.strip().partition("\n")
    EmailMessage(subject.strip(), body.strip() + "\n", to=[user.email]).send()


def address(path: str) -> str:
    """The whole address of a page of this installation."""
    return f"{settings.SITE_URL.rstrip('/')}{path}"
