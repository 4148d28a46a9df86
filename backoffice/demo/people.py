"""The demo's people: one login per role, marked as demo, which production refuses to start with."""

from django.contrib.auth.hashers import make_password

from backoffice.core.models import User
from backoffice.core.roles import ROLES
from backoffice.core.services import roles

PASSWORD = "retaguarda demo 2026"  # noqa: S105 (shown on the terminal; production refuses these accounts)
NAMES = {
    "admin": "Álvaro Teles",
    "finance_clerk": "Bianca Moura",
    "finance_manager": "Otávio Prado",
    "logistics_clerk": "Jonas Ramos",
    "logistics_manager": "Luciana Braga",
    "hr_analyst": "Teresa Campos",
    "hr_manager": "Renato Salles",
    "marketing_analyst": "Marina Lopes",
    "director": "Dora Vilela",
    "auditor": "Aurélio Pinto",
    "employee": "Elisa Nunes",
}


def email_of(role: str) -> str:
    return f"{role.replace('_', '.')}@araucaria.example"


def create() -> dict[str, User]:
    """Role → its person."""
    people = {}
    hashed = make_password(PASSWORD)  # once: a good hash is slow on purpose
    for role in ROLES:
        user = User.objects.create(
            email=email_of(role.key),
            password=hashed,
            name=NAMES[role.key],
            is_demo=True,
        )
        roles.give_role(user, role.key, by=None, given_as="seed_demo")
        people[role.key] = user
    return people
