"""How passwords are kept."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 46 MiB on one thread: above the floor of OWASP, and several people sign in at once.

    Django's own setting takes 100 MiB and eight threads for each sign-in, wrong guesses included.
    """

    time_cost = 2
    memory_cost = 47_104
    parallelism = 1
