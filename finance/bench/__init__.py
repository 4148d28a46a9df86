"""What of finance can be measured: `manage.py bench NAME`."""

from . import ledger, reconcile  # noqa: F401
