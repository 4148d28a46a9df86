"""Who can approve or see pay signs in with a second factor where `MFA_REQUIRED` is on.

Until it is set up, no other door opens.
"""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import ResolverMatch

from .models import User

PROVEN = "second_factor"  # in the session: this person has one


def required(user: User) -> bool:
    return settings.MFA_REQUIRED and any(role.sensitive for role in user.roles)


def owes(request: HttpRequest, match: ResolverMatch) -> bool:
    """Whether this person must first set up a second factor before entering `match`."""
    user = request.user
    assert isinstance(user, User)
    if not settings.MFA_REQUIRED or request.session.get(PROVEN) or _on_the_way(match) or not required(user):
        return False
    if not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        return True
    request.session[PROVEN] = True
    return False


def _on_the_way(match: ResolverMatch) -> bool:
    """Doors that are needed to set it up, or to leave."""
    name = match.url_name or ""
    return name.startswith("mfa_") or name in {"account_logout", "account_reauthenticate", "language", "theme"}
