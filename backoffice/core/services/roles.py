"""Roles of the table in `core/roles.py`: seeded into groups after each migration, given and withdrawn by people.

Nobody gives a role to themselves; the database says so too (migrations 0003 and 0004).
"""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from ..models import Right, RoleGrant, User
from ..roles import CONFLICTS, ROLES, Conflict, Role, grants, rights
from . import audit

ADMIN = "admin"
MANAGE = "core.person.edit"


class OwnRole(PermissionDenied):
    """Nobody gives a role to themselves, or takes one from themselves."""


def seed_after_migrate(app_config: AppConfig, **_signal: Any) -> None:
    """Run once per `migrate`: after the last app, when every permission of Django's own exists."""
    if app_config == [app for app in apps.get_app_configs() if app.models_module][-1]:
        seed()


@transaction.atomic
def seed() -> None:
    """Make groups and permissions equal to the table; the administrators' group also keeps the configuration tables."""
    kind = ContentType.objects.get_for_model(Right)
    held = set(Permission.objects.filter(content_type=kind).values_list("codename", flat=True))
    Permission.objects.bulk_create(
        Permission(content_type=kind, codename=right, name=right) for right in rights() if right not in held
    )
    Permission.objects.filter(content_type=kind).exclude(codename__in=rights()).delete()
    Group.objects.bulk_create((Group(name=role.key) for role in ROLES), ignore_conflicts=True)

    groups = {group.name: group for group in Group.objects.filter(name__in=[role.key for role in ROLES])}
    permissions = {row.codename: row.pk for row in Permission.objects.filter(content_type=kind)}
    wanted = {(groups[role].pk, permissions[right]) for role, held in grants().items() for right in held}
    wanted |= {(groups[ADMIN].pk, pk) for pk in _configuration_permissions()}

    through = Group.permissions.through
    rows = through.objects.filter(group__in=groups.values()).values_list("pk", "group_id", "permission_id")
    present = {(group, permission): pk for pk, group, permission in rows}
    through.objects.filter(pk__in=[pk for pair, pk in present.items() if pair not in wanted]).delete()
    through.objects.bulk_create(
        through(group_id=group, permission_id=permission) for group, permission in wanted - present.keys()
    )


def _configuration_permissions() -> list[int]:
    """Django's permissions on what the configuration shows; each page there still says what may be changed."""
    kinds = ContentType.objects.get_for_models(*admin.site._registry).values()
    return list(Permission.objects.filter(content_type__in=kinds).values_list("pk", flat=True))


@transaction.atomic
def give_role(user: User, role: str, *, by: User | None, given_as: str = "") -> None:
    """Give a role; giving it again changes nothing.

    by: an administrator other than `user`; None only for a command, which names itself in `given_as`.
    Raises OwnRole.
    """
    if by is not None and by.pk == user.pk:
        raise OwnRole
    if by is not None and not by.may(MANAGE):
        raise PermissionDenied(MANAGE)
    try:
        with transaction.atomic():
            RoleGrant.objects.create(
                user=user, group=Group.objects.get(name=role), given_by=by, given_as="" if by else given_as
            )
    except IntegrityError as problem:
        if "core_role_grant_once" not in str(problem):
            raise
        return
    if role == ADMIN:
        User.objects.filter(pk=user.pk).update(is_staff=True)
        user.is_staff = True
    user.forget_rights()
    audit.record("core.role_given", user, by=by, role=role)


@transaction.atomic
def withdraw_role(user: User, role: str, *, by: User) -> None:
    """Take a role back; the grant stays as history. Raises OwnRole."""
    if by.pk == user.pk:
        raise OwnRole
    if not by.may(MANAGE):
        raise PermissionDenied(MANAGE)
    live = RoleGrant.objects.filter(user=user, group__name=role, withdrawn_at=None)
    if not live.update(withdrawn_by=by, withdrawn_at=Now()):
        return
    if role == ADMIN:
        User.objects.filter(pk=user.pk).update(is_staff=False)
        user.is_staff = False
    user.forget_rights()
    audit.record("core.role_withdrawn", user, by=by, role=role)


def conflicts(held: set[str]) -> list[Conflict]:
    """Which pairs of duties these roles put into one hand."""
    mine = {right for role in held for right in grants().get(role, ())}
    return [conflict for conflict in CONFLICTS if conflict.meets(held, mine)]


def named(keys: set[str]) -> list[Role]:
    """Roles by key, in the order of the table."""
    return [role for role in ROLES if role.key in keys]
