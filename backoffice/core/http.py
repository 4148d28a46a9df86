"""What a view behind a door may take for granted."""

from django.http import HttpRequest

from .models import User


class PersonRequest(HttpRequest):
    """A request that passed `@entrance` or `@signed_in`: its person is known."""

    user: User
