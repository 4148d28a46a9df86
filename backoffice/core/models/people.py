"""Who works here: one account per person, known by e-mail."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from ..roles import ROLES, Role, grants
from .base import Referable


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(Referable, AbstractBaseUser, PermissionsMixin):
    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=8, blank=True)
    theme = models.CharField(_("theme"), max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    shortcuts = models.BooleanField(_("keyboard shortcuts"), default=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may open the configuration"), default=False)
    is_demo = models.BooleanField(_("demo login"), default=False, editable=False)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(Lower("email"), name="core_user_email_once"),
            models.CheckConstraint(name="core_user_email_lower", condition=models.Q(email=Lower("email"))),
            # Nobody stands above the roles: what a superuser may do, no table says.
            models.CheckConstraint(name="core_user_no_superuser", condition=models.Q(is_superuser=False)),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @cached_property
    def roles(self) -> list[Role]:
        """The roles this person holds, in the order of the table: one query, once."""
        held = set(self.groups.values_list("name", flat=True)) if self.is_active else set()
        return [role for role in ROLES if role.key in held]

    @cached_property
    def rights(self) -> frozenset[str]:
        """Every right those roles grant."""
        return frozenset().union(*(grants()[role.key] for role in self.roles))

    def may(self, right: str) -> bool:
        """Whether this person's roles grant `right`, for example `logistics.order.read` (table: `core/roles.py`)."""
        return self.is_active and right in self.rights

    def forget_rights(self) -> None:
        """Ask anew at the next question, after a role was given or withdrawn."""
        for name in ("roles", "rights"):
            self.__dict__.pop(name, None)

    def clean(self) -> None:
        self.email = self.email.strip().lower()


class RoleGrant(models.Model):
    """Who gave which role to whom. Membership in the group follows from it by trigger, and from nothing else.

    A grant that is withdrawn stays as history.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_grants")
    group = models.ForeignKey("auth.Group", on_delete=models.PROTECT, related_name="+")
    given_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    given_as = models.CharField(max_length=60, blank=True)  # which command gave it, when no person did
    given_at = models.DateTimeField(db_default=Now())
    withdrawn_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "group"], condition=models.Q(withdrawn_at=None), name="core_role_grant_once"
            ),
            models.CheckConstraint(
                name="core_role_giver_is_not_receiver",
                condition=models.Q(given_by__isnull=False) & ~models.Q(given_by=models.F("user"))
                | models.Q(given_by=None) & ~models.Q(given_as=""),
                violation_error_message=_("Nobody gives a role to themselves. Another administrator gives it."),
            ),
            models.CheckConstraint(
                name="core_role_withdrawn_by_another",
                condition=models.Q(withdrawn_at=None, withdrawn_by=None)
                | models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False)
                & ~models.Q(withdrawn_by=models.F("user")),
            ),
        ]


class Invitation(models.Model):
    """An account waiting for its person: the link that sets the first password was sent."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="invitation")
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations_sent")
    sent_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True, blank=True)
