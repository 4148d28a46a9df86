"""Work of finance that workers know: imported here, found by the name of this file."""

from .jobs import (
    books,  # noqa: F401
    matching,  # noqa: F401
    papers,  # noqa: F401
    reconciliation,  # noqa: F401
    reports,  # noqa: F401
    statements,  # noqa: F401
)
