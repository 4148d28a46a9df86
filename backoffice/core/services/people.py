"""Accounts: invited, closed and opened again by an administrator; passwords set by their owner through a link."""

from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from .. import events, sessions
from ..models import Invitation, User
from . import audit
from .roles import MANAGE, give_role

EMPLOYEE = "employee"


class AlreadyKnown(Exception):
    """There is an account with this e-mail."""


class OwnAccount(PermissionDenied):
    """Nobody closes their own account or removes their own second factor this way."""


@transaction.atomic
def invite(*, email: str, name: str, roles: list[str], language: str, by: User) -> User:
    """Make an account without a password and send its owner the link that sets one. Raises AlreadyKnown."""
    if not by.may("core.person.create"):
        raise PermissionDenied("core.person.create")
    try:
        with transaction.atomic():
            user = User.objects.create_user(email=email, name=name, language=language)
    except IntegrityError as problem:
        raise AlreadyKnown(email) from problem
    Invitation.objects.create(user=user, invited_by=by)
    audit.record("core.person_invited", user, by=by)
    for role in {EMPLOYEE, *roles}:
        give_role(user, role, by=by)
    events.record("core.person_invited", user_id=user.pk)
    return user


@transaction.atomic
def invite_again(user: User, *, by: User) -> None:
    """Send the link once more to a person who has not accepted."""
    Invitation.objects.filter(user=user, accepted_at=None).update(invited_by=by, sent_at=timezone.now())
    audit.record("core.person_invited", user, by=by)
    events.record("core.person_invited", user_id=user.pk)


@transaction.atomic
def deactivate(user: User, *, by: User) -> None:
    """Close the account: every session ends at once, history stays. Raises OwnAccount."""
    _check(user, by)
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False
    user.forget_rights()
    sessions.end_all(user)
    audit.record("core.person_deactivated", user, by=by)


@transaction.atomic
def reactivate(user: User, *, by: User) -> None:
    """Open a closed account again, with the roles it had. Raises OwnAccount."""
    _check(user, by)
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.is_active = True
    user.forget_rights()
    audit.record("core.person_reactivated", user, by=by)


@transaction.atomic
def remove_second_factor(user: User, *, by: User) -> None:
    """For a lost phone: the next sign-in sets a new one up. Raises OwnAccount."""
    _check(user, by)
    Authenticator.objects.filter(user=user).delete()
    sessions.end_all(user)
    audit.record("core.second_factor_removed", user, by=by)


@transaction.atomic
def ask_for_password_reset(email: str) -> None:
    """Have the link sent. A known and an unknown address cost the same work here; a worker finds out which it was."""
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    events.record("core.password_reset_asked", user_id=user.pk if user else None)


@transaction.atomic
def create_administrator(*, email: str, name: str, password: str) -> User:
    """The first administrator, from the command line only."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(email=email, name=name, password=password)
    except IntegrityError as problem:
        raise AlreadyKnown(email) from problem
    for role in ("admin", EMPLOYEE):
        give_role(user, role, by=None, given_as="create_administrator")
    audit.record("core.administrator_created", user, by=None)
    return user


def _check(user: User, by: User) -> None:
    if user.pk == by.pk:
        raise OwnAccount
    if not by.may(MANAGE):
        raise PermissionDenied(MANAGE)
