"""Roles: the table in code is what the database holds; given by others, never to oneself."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from backoffice.core.models import AuditEntry, RoleGrant, User
from backoffice.core.roles import MATRIX, ROLES, grants, rights, roles_with
from backoffice.core.services import people, roles
from tests.factories.people import person

pytestmark = pytest.mark.django_db


def test_the_groups_hold_exactly_the_table() -> None:
    held = {
        group.name: set(group.permissions.filter(content_type__model="right").values_list("codename", flat=True))
        for group in Group.objects.prefetch_related("permissions")
    }

    assert held == {role: set(granted) for role, granted in grants().items()}


def test_seeding_again_changes_nothing_and_mends_what_was_tampered_with() -> None:
    clerk = Group.objects.get(name="finance_clerk")
    clerk.permissions.add(Permission.objects.get(codename="core.person.edit"))
    before = set(Group.permissions.through.objects.values_list("group__name", "permission__codename"))

    roles.seed()
    after = set(Group.permissions.through.objects.values_list("group__name", "permission__codename"))
    roles.seed()

    assert before - after == {("finance_clerk", "core.person.edit")}
    assert after == set(Group.permissions.through.objects.values_list("group__name", "permission__codename"))


def test_the_administrator_holds_no_business_data() -> None:
    assert not [right for right in grants()["admin"] if not right.startswith("core.")]
    assert "core.party.read" not in grants()["admin"]


def test_the_auditor_writes_nothing() -> None:
    assert {right.rpartition(".")[2] for right in grants()["auditor"]} <= {"read", "export"}


def test_every_row_of_the_table_has_a_cell_for_each_role_and_every_right_somebody() -> None:
    assert {len(row.split()) for row in MATRIX.values()} == {len(ROLES)}
    assert all(roles_with(right) for right in rights())


def test_a_role_comes_and_goes_at_once_and_both_are_in_the_trail() -> None:
    admin, user = person("admin"), person()

    roles.give_role(user, "finance_clerk", by=admin)
    assert user.may("finance.payment.read")
    roles.give_role(user, "finance_clerk", by=admin)
    roles.withdraw_role(user, "finance_clerk", by=admin)

    assert not user.may("finance.payment.read")
    grant = RoleGrant.objects.get(user=user)
    assert (grant.given_by, grant.withdrawn_by) == (admin, admin)
    assert list(
        AuditEntry.objects.filter(subject=user.ref, actor=admin).order_by("pk").values_list("action", flat=True)
    ) == ["core.role_given", "core.role_withdrawn"]


def test_nobody_gives_a_role_to_themselves() -> None:
    admin = person("admin")

    with pytest.raises(roles.OwnRole):
        roles.give_role(admin, "director", by=admin)
    with pytest.raises(IntegrityError, match="core_role_giver_is_not_receiver"), transaction.atomic():
        RoleGrant.objects.create(user=admin, group=Group.objects.get(name="director"), given_by=admin)


def test_who_may_not_manage_people_gives_no_role() -> None:
    manager, user = person("finance_manager"), person()

    with pytest.raises(PermissionDenied):
        roles.give_role(user, "finance_clerk", by=manager)
    with pytest.raises(IntegrityError, match="may not give roles"), transaction.atomic():
        RoleGrant.objects.create(user=user, group=Group.objects.get(name="director"), given_by=manager)


SIDE_DOORS: dict[str, Callable[[User, Group], Any]] = {
    "the group": lambda user, director: user.groups.add(director),
    "a personal right": lambda user, director: user.user_permissions.add(Permission.objects.first()),
    "the table between": lambda user, director: User.groups.through.objects.create(user=user, group=director),
    "moving a membership": lambda user, director: User.groups.through.objects.update(group=director),
    "moving a grant": lambda user, director: RoleGrant.objects.filter(user=user).update(group=director),
    "withdrawing for oneself": lambda user, director: RoleGrant.objects.filter(user=user).update(
        withdrawn_at="2026-01-01T00:00Z", withdrawn_by=user
    ),
    "removing a grant": lambda user, director: RoleGrant.objects.filter(user=user).delete(),
}


@pytest.mark.parametrize("door", SIDE_DOORS)
def test_no_side_door_leads_to_a_role(door: str) -> None:
    user, director = person("finance_clerk"), Group.objects.get(name="director")

    with pytest.raises(IntegrityError), transaction.atomic():
        SIDE_DOORS[door](user, director)


def test_a_withdrawn_grant_does_not_come_back() -> None:
    user = person("finance_clerk")
    roles.withdraw_role(user, "finance_clerk", by=person("admin"))

    with pytest.raises(IntegrityError, match="only be withdrawn"), transaction.atomic():
        RoleGrant.objects.filter(user=user).update(withdrawn_at=None, withdrawn_by=None)


def test_a_closed_account_has_no_rights() -> None:
    user = person("director")

    people.deactivate(user, by=person("admin"))

    assert user.rights == frozenset()
    assert not User.objects.get(pk=user.pk).may("logistics.order.read")


@pytest.mark.parametrize(
    ("held", "n"),
    [
        ({"finance_clerk"}, 0),
        ({"finance_clerk", "finance_manager"}, 1),
        ({"admin", "logistics_manager"}, 1),
        ({"auditor", "director"}, 1),
        ({"auditor", "employee"}, 1),
        ({"logistics_manager", "employee"}, 0),
    ],
)
def test_two_duties_in_one_hand_are_named(held: set[str], n: int) -> None:
    assert len(roles.conflicts(held)) == n


# the pages


def test_an_invitation_with_conflicting_roles_is_asked_about_first(client: Client) -> None:
    client.force_login(person("admin"))
    form = {
        "email": "ana@example.com",
        "name": "Ana",
        "language": "en",
        "roles": ["logistics_clerk", "logistics_manager"],
    }

    first = client.post(reverse("person_invite"), form)
    assert first.status_code == 422
    assert "in one hand" in first.content.decode()
    assert not User.objects.filter(email="ana@example.com").exists()

    client.post(reverse("person_invite"), {**form, "confirmed": "on"})
    assert User.objects.get(email="ana@example.com").may("logistics.exception.approve")


def test_giving_a_conflicting_role_is_asked_about_first(client: Client) -> None:
    client.force_login(person("admin"))
    user = person("logistics_clerk")
    address = reverse("person_role", args=[user.pk])

    assert client.post(address, {"role": "logistics_manager"}).status_code == 422
    assert client.post(address, {"role": "logistics_manager", "confirmed": "on"}).status_code == 302

    assert {role.key for role in User.objects.get(pk=user.pk).roles} == {"logistics_clerk", "logistics_manager"}


@pytest.mark.parametrize("page", ["person_role", "person_close", "person_reopen", "person_second_factor"])
def test_an_administrator_changes_nothing_about_their_own_account(client: Client, page: str) -> None:
    admin = person("admin")
    client.force_login(admin)

    answer = client.post(reverse(page, args=[admin.pk]), {"role": "director"})

    assert answer.status_code == 403
    assert {role.key for role in User.objects.get(pk=admin.pk).roles} == {"admin"}


def test_fields_that_a_form_does_not_have_change_nothing(client: Client) -> None:
    client.force_login(person("admin"))

    client.post(
        reverse("person_invite"),
        {"email": "ana@example.com", "name": "Ana", "language": "en", "is_staff": "on", "is_superuser": "on",
         "is_active": "", "password": "x", "groups": "1", "is_demo": "on", "roles": []},
    )  # fmt: skip

    user = User.objects.get(email="ana@example.com")
    assert (user.is_staff, user.is_superuser, user.is_active, user.is_demo) == (False, False, True, False)
    assert not user.has_usable_password()


def test_pages_about_people_ask_ten_questions_at_most(client: Client, django_assert_max_num_queries: Any) -> None:
    client.force_login(person("admin"))
    for _ in range(20):
        person("finance_clerk")

    addresses = [reverse("people"), reverse("audit"), reverse("person", args=[person("director").pk])]

    for address in addresses:
        with django_assert_max_num_queries(10):
            assert client.get(address).status_code == 200


def test_the_configuration_is_audited_field_by_field(client: Client) -> None:
    from backoffice.core.models import Company

    Company.objects.update_or_create(pk=1, defaults={"name": "Casa Verde Ltda"})
    admin = person("admin")
    client.force_login(admin)

    answer = client.post(
        reverse("admin:core_company_change", args=[1]),
        {"name": "Casa Azul Ltda", "trade_name": "", "cnpj": "", "city": "", "state": "", "waive_limit": "100"},
    )

    assert answer.status_code == 302
    entry = AuditEntry.objects.get(action="core.company_changed")
    assert (entry.actor, entry.source) == (admin, "admin")
    assert entry.data["changes"] == {"name": ["Casa Verde Ltda", "Casa Azul Ltda"]}
