"""Letters that follow from what happened to an account."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse

from . import mail
from .events import handles
from .models import Event, User
from .services.audit_chain import ANCHORED


@handles("core.person_invited")
def send_invitation(event: Event) -> None:
    if user := _active(event):
        mail.send(user, "invitation", link=_password_link(user), by=user.invitation.invited_by)


@handles("core.password_reset_asked")
def send_reset_link(event: Event) -> None:
    if user := _active(event):
        mail.send(user, "password_reset", link=_password_link(user))


@handles("core.password_changed")
def say_that_it_changed(event: Event) -> None:
    if user := _active(event):
        mail.send(user, "password_changed", link=mail.address(reverse("account_reset_password")))


@handles(ANCHORED)
def write_to_auditors(event: Event) -> None:
    """The daily head of the audit chain, kept outside the database by the people who check it."""
    for auditor in User.objects.filter(is_active=True, groups__name="auditor").order_by("pk"):
        mail.send(auditor, "audit_anchor", **event.data)


def _active(event: Event) -> User | None:
    """The person the event names; none where the address was unknown or the account has been closed since."""
    return (
        User.objects.select_related("invitation__invited_by")
        .filter(pk=event.data["user_id"] or 0, is_active=True)
        .first()
    )


def _password_link(user: User) -> str:
    """Where this person sets a password: once, and within `PASSWORD_RESET_TIMEOUT`."""
    path = reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)},
    )
    return mail.address(path)
