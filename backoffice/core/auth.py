"""Sign-in by e-mail, with the rights of `core/roles.py`."""

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest


class Backend(ModelBackend):
    """Django's own, kept apart so that rights are asked in one place."""


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up: people are invited."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
