"""Where our database functions look for tables: in our schema, and among a session's own TEMP tables last.

PostgreSQL looks among TEMP tables first unless told otherwise, and the application may make them: a forged
`core_user_groups` would be asked who may approve.
"""

from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.special import RunSQL

# Functions in SQL that only reckon with what they are given read no table: they are left alone, so that the planner can
# put them into the query itself and indexes may use them. Those that read tables are named by whoever pins them.
_OURS = """
DO $$
DECLARE
    ours record;
BEGIN
    FOR ours IN
        SELECT p.oid::regprocedure AS name, p.prosecdef AS as_owner
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind = 'f' AND starts_with(p.proname, '{prefix}')
              AND (l.lanname = 'plpgsql' OR p.prosecdef OR p.proname = ANY ('{{{reading}}}'))
    LOOP
        {statement}
    END LOOP;
END $$
"""
_PIN = "EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', ours.name, current_schema());"
_LET_GO = """EXECUTE format(CASE WHEN ours.as_owner THEN 'ALTER FUNCTION %s SET search_path FROM CURRENT'
                            ELSE 'ALTER FUNCTION %s RESET search_path' END, ours.name);"""


def pin(prefix: str, *reading: str) -> Operation:
    """A migration's step: every function there is whose name begins so, and is a trigger's or reads tables, is pinned.

    reading: those written in SQL that read tables.
    """
    names = ",".join(reading)
    return RunSQL(
        _OURS.format(prefix=prefix, reading=names, statement=_PIN),
        _OURS.format(prefix=prefix, reading=names, statement=_LET_GO),
    )
