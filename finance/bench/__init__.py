"""What of finance can be measured: `manage.py bench NAME`."""

from . import books, ledger, reconcile  # noqa: F401
