"""What of finance can be measured: `manage.py bench NAME`."""

from . import ledger  # noqa: F401
