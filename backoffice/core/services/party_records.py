"""One party at a time, by a person: a new one, a change of what is known about it."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from ..documents import mask_tax_id
from ..models import Party, PartyAddress, PartyRole, User
from . import audit

FIELDS = ("kind", "name", "tax_id", "email", "phone", "is_intermediary")
ADDRESS_FIELDS = ("label", "street", "district", "city", "state", "postal_code")


class Changed(Exception):
    """Somebody changed the party since it was read. `party`: as it stands now."""

    def __init__(self, party: Party) -> None:
        super().__init__(str(party))
        self.party = party


@transaction.atomic
def create(
    *, values: dict[str, Any], roles: Sequence[str], addresses: Sequence[dict[str, str]], by: User | None
) -> Party:
    """Keep a new party. The tax id is bare and checked; two parties never share one (IntegrityError)."""
    party = Party.objects.create(**{name: values[name] for name in FIELDS})
    _write_roles(party, roles)
    _write_addresses(party, addresses)
    audit.record("core.party_created", party, by=by, roles=sorted(roles))
    return party


@transaction.atomic
def change(
    *,
    party_id: int,
    version: int,
    values: dict[str, Any],
    roles: Sequence[str],
    addresses: Sequence[dict[str, str]],
    by: User,
) -> Party:
    """Write over the version the person read. Raises Changed, Party.DoesNotExist; IntegrityError for a taken tax id."""
    party = Party.objects.select_for_update().get(pk=party_id)
    if party.version != version:
        raise Changed(party)
    changes = {
        name: (_told(name, getattr(party, name)), _told(name, values[name]))
        for name in FIELDS
        if getattr(party, name) != values[name]
    }
    old_roles = sorted(party.roles.values_list("role", flat=True))
    if old_roles != sorted(roles):
        changes["roles"] = (", ".join(old_roles), ", ".join(sorted(roles)))
        _write_roles(party, roles)
    old_addresses = [_line(row) for row in party.addresses.order_by("pk").values(*ADDRESS_FIELDS)]
    new_addresses = [_line(row) for row in addresses]
    if sorted(old_addresses) != sorted(new_addresses):
        changes["addresses"] = ("; ".join(old_addresses), "; ".join(new_addresses))
        _write_addresses(party, addresses)
    if changes:
        Party.objects.filter(pk=party.pk).update(**{name: values[name] for name in FIELDS}, version=F("version") + 1)
        audit.record("core.party_changed", party, by=by, changes=changes)
    party.refresh_from_db()
    return party


def show_tax_id(*, party: Party, by: User) -> str:
    """The whole tax id; that somebody looked at it is kept."""
    audit.record("core.tax_id_shown", party, by=by)
    return party.tax_id


def _write_roles(party: Party, roles: Sequence[str]) -> None:
    PartyRole.objects.filter(party=party).exclude(role__in=roles).delete()
    PartyRole.objects.bulk_create([PartyRole(party=party, role=role) for role in roles], ignore_conflicts=True)


def _write_addresses(party: Party, addresses: Sequence[dict[str, str]]) -> None:
    PartyAddress.objects.filter(party=party).delete()
    PartyAddress.objects.bulk_create(
        [PartyAddress(party=party, **{name: row.get(name, "") for name in ADDRESS_FIELDS}) for row in addresses],
        ignore_conflicts=True,
    )


def _told(name: str, value: Any) -> str:
    """How the trail tells a value: a CPF masked."""
    return mask_tax_id(value) if name == "tax_id" else str(value)


def _line(row: dict[str, Any]) -> str:
    return ", ".join(str(row[name]) for name in ADDRESS_FIELDS if row.get(name))
