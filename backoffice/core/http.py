"""What a view behind a door may take for granted."""

from django.http import HttpRequest

from .models import User


class PersonRequest(HttpRequest):
    """A request that passed `@entrance` or `@signed_in`: its person is known."""

    user: User
    stands_at: str  # set by a view whose page stands in another list of the menu than its address
