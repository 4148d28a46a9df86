"""What every test stands on: the real PostgreSQL, whose append-only tables must still be emptied between tests."""

from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_guards() -> Any:
    """Let only the test flush empty tables whose triggers refuse TRUNCATE."""
    ordinary = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        ordinary(self, ["SET session_replication_role = replica", *sql_list, "SET session_replication_role = DEFAULT"])

    DatabaseOperations.execute_sql_flush = flush  # type: ignore[method-assign]
    yield
    DatabaseOperations.execute_sql_flush = ordinary  # type: ignore[method-assign]
