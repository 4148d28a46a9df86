"""The first administrator: the only account that comes from a command line."""

import getpass
import os
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from ...models import User
from ...services import people


class Command(BaseCommand):
    help = "Make the first administrator; the password is asked, or read from ADMINISTRATOR_PASSWORD."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default=os.environ.get("ADMINISTRATOR_EMAIL", ""))
        parser.add_argument("--name", default=os.environ.get("ADMINISTRATOR_NAME", ""))

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"] or self._ask("E-mail")
        name = options["name"] or self._ask("Name")
        password = os.environ.get("ADMINISTRATOR_PASSWORD") or self._ask_password()
        try:
            validate_email(email)
            validate_password(password, User(email=email, name=name))
            user = people.create_administrator(email=email, name=name, password=password)
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
        except people.AlreadyKnown as problem:
            raise CommandError(f"There is an account with the e-mail {email} already.") from problem
        self.stdout.write(f"{user.email} is administrator and can sign in.")

    def _ask(self, what: str) -> str:
        if not sys.stdin.isatty():
            raise CommandError(f"{what} is missing: --{what.lower().replace('-', '')}, or ask on a terminal.")
        return input(f"{what}: ").strip()

    def _ask_password(self) -> str:
        if not sys.stdin.isatty():
            raise CommandError("The password is missing: ADMINISTRATOR_PASSWORD, or ask on a terminal.")
        password = getpass.getpass("Password (12 characters or more): ")
        if password != getpass.getpass("Once more: "):
            raise CommandError("The two passwords differ.")
        return password
