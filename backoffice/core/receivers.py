"""What sign-in tells us, kept in the audit trail."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from structlog import get_logger

from . import events, sessions
from .models import Invitation, User
from .services import audit

log = get_logger(__name__)


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    sessions.begin(request)
    audit.record("core.person_signed_in", user, by=user)


@receiver(user_logged_out)
def signed_out(user: User | None, **_: Any) -> None:
    if user:
        audit.record("core.person_signed_out", user, by=user)


@receiver(user_login_failed)
def failed(**_: Any) -> None:
    log.warning("core.sign_in_failed")


@receiver(account.password_changed)
def password_changed(user: User, **_: Any) -> None:
    audit.record("core.password_changed", user, by=user)
    events.record("core.password_changed", user_id=user.pk)


@receiver(account.password_reset)
def password_reset(user: User, **_: Any) -> None:
    """The link of an invitation and of a reset is the same; whoever uses it has accepted."""
    Invitation.objects.filter(user=user, accepted_at=None).update(accepted_at=timezone.now())
    audit.record("core.password_reset", user, by=user)
    events.record("core.password_changed", user_id=user.pk)


@receiver(mfa.authenticator_added)
def second_factor_added(user: User, authenticator: Any, **_: Any) -> None:
    audit.record("core.second_factor_added", user, by=user, kind=str(authenticator.type))


@receiver(mfa.authenticator_removed)
def second_factor_removed(user: User, authenticator: Any, **_: Any) -> None:
    audit.record("core.second_factor_removed", user, by=user, kind=str(authenticator.type))


@receiver(mfa.authenticator_reset)
def recovery_codes_renewed(user: User, **_: Any) -> None:
    audit.record("core.recovery_codes_renewed", user, by=user)


@receiver(mfa.authentication_failed)
def code_refused(user: User, **_: Any) -> None:
    log.warning("core.second_factor_refused", person=user.pk)
