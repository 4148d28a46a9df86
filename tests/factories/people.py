"""People for tests: `person("finance_clerk")` has that role, as given by a command."""

import itertools

from backoffice.core.models import User
from backoffice.core.services.roles import give_role

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def person(*roles: str, password: str | None = None, **fields: object) -> User:
    number = next(_numbers)
    fields.setdefault("email", f"person{number}@retaguarda.example")
    fields.setdefault("name", f"Person {number}")
    user = User.objects.create_user(password=password, **fields)  # type: ignore[arg-type]
    for role in roles:
        give_role(user, role, by=None, given_as="test")
    return user
