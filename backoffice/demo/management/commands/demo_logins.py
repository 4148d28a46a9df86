"""Name one demo login per role, for the terminal of a newcomer."""

from typing import Any

from django.core.management.base import BaseCommand

from backoffice.core.models import User
from backoffice.core.roles import ROLES
from backoffice.demo import people


class Command(BaseCommand):
    help = "List the demo logins, one per role, and their password."

    def handle(self, *args: Any, **options: Any) -> None:
        emails = set(User.objects.filter(is_demo=True, is_active=True).values_list("email", flat=True))
        if not emails:
            self.stdout.write("There are no demo logins in this database.")
            return
        self.stdout.write(f"Demo logins; each has the password “{people.PASSWORD}”:")
        for role in ROLES:
            if people.email_of(role.key) in emails:
                self.stdout.write(f"  {role.name!s:<20} {people.email_of(role.key)}")
