"""What finance does when others decide or something happened: imported here, found by the name of this file."""

from .decisions import books, matching, reconcile, titles  # noqa: F401
