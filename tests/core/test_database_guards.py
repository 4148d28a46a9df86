"""What the database itself holds against the application's role: its functions."""

import re

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

OURS = r"^(core|finance|kpis|logistics|marketing|hr)_"
FUNCTIONS = """
SELECT p.proname, l.lanname, p.prosecdef, coalesce(p.proconfig::text, ''),
       coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND p.proname ~ %s
"""


def test_no_function_of_ours_takes_a_temp_table_for_ours() -> None:
    """Whoever adds a trigger or a function that reads tables pins it: `backoffice.core.search_path.pin`."""
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS, [OURS])
        found = cursor.fetchall()

    loose = {
        name
        for name, language, as_owner, config, body in found
        if (language != "sql" or as_owner or reads_tables(body)) and "search_path=public, pg_temp" not in config
    }

    assert len(found) > 20
    assert loose == set()


def reads_tables(body: str) -> bool:
    """Whether SQL names a place that rows come from; `extract(epoch FROM …)` is none."""
    return bool(re.search(r"\b(from|join|update|into)\b", re.sub(r"extract\(\w+ from", "", body.lower())))
