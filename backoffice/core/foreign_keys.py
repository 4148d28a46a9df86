"""Foreign keys that are checked once a statement, for tables that take rows by the ten thousand.

PostgreSQL's own foreign key queues one check a row and a column, empty ones too: on the books that was a quarter of the
time of a batch. A field of such a table says `db_constraint=False`, and a migration names it to `by_statement`, which
promises the same: a row names a parent that is there and held (FOR KEY SHARE) until the transaction ends, no parent
goes while a row names it, and its key never changes. It is checked at once, not at the end of the transaction. The
child's columns are written once: its table refuses updates of them by a trigger of its own.

That holds at READ COMMITTED, in which this application writes: an older snapshot would not see a child that came
meanwhile. TRUNCATE is no right of the application's role and is not looked at.
"""

from collections.abc import Mapping

from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.special import RunSQL

_CHILD = """
CREATE FUNCTION {table}_refers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
DECLARE
    named record;
    bad bigint;
BEGIN
    SELECT {counts} INTO named FROM fresh;
{checks}    RETURN NULL;
END $$
"""
_CHECK = """    IF named.{column} > 0 THEN
        WITH named AS (
            SELECT DISTINCT {column} AS id FROM fresh WHERE {column} IS NOT NULL
        ), held AS (
            SELECT id FROM {parent} WHERE id IN (SELECT id FROM named) ORDER BY id FOR KEY SHARE
        )
        SELECT n.id INTO bad FROM named n LEFT JOIN held h ON h.id = n.id WHERE h.id IS NULL LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION '{table} names {column} %, which is not in {parent}', bad
                USING ERRCODE = 'foreign_key_violation', CONSTRAINT = '{table}_{column}_there';
        END IF;
    END IF;
"""
_TRIGGER = """
CREATE TRIGGER {table}_refers AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_refers()
"""
# A child that came meanwhile held its parent, and this statement waited for it: the question comes after, and sees it.
_STAYS = """
CREATE FUNCTION {table}_stays_named() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
DECLARE
    bad bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        bad := OLD.id;
    ELSE
        EXECUTE format('SELECT g.id FROM gone g WHERE EXISTS (SELECT 1 FROM {table} c WHERE c.%I = g.id) LIMIT 1',
                       TG_ARGV[0]) INTO bad;
    END IF;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION '% % stays: rows of {table} name it by %', TG_TABLE_NAME, bad, TG_ARGV[0]
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = '{table}_' || TG_ARGV[0] || '_there';
    END IF;
    RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW END;
END $$
"""
_GOES = """
CREATE TRIGGER {table}_{column}_goes AFTER DELETE ON {parent} REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_stays_named('{column}')
"""
_KEY = """
CREATE TRIGGER {table}_{column}_key BEFORE UPDATE OF id ON {parent}
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION {table}_stays_named('{column}')
"""


def by_statement(table: str, parents: Mapping[str, str]) -> list[Operation]:
    """A migration's steps: each column of `table` names a row of its parent's table, by `id`.

    parents: column → table. Refusals are foreign key violations of the constraint `{table}_{column}_there`. The
    functions, `{table}_refers` and `{table}_stays_named`, want to be pinned as all others (`search_path.pin`).
    """
    counts = ", ".join(f"count({column}) AS {column}" for column in parents)
    checks = "".join(_CHECK.format(table=table, column=column, parent=parent) for column, parent in parents.items())
    steps = [
        RunSQL(_CHILD.format(table=table, counts=counts, checks=checks), f"DROP FUNCTION {table}_refers()"),
        RunSQL(_TRIGGER.format(table=table), f"DROP TRIGGER {table}_refers ON {table}"),
        RunSQL(_STAYS.format(table=table), f"DROP FUNCTION {table}_stays_named()"),
    ]
    for column, parent in parents.items():
        names = {"table": table, "column": column, "parent": parent}
        steps += [
            RunSQL(_GOES.format(**names), "DROP TRIGGER {table}_{column}_goes ON {parent}".format(**names)),
            RunSQL(_KEY.format(**names), "DROP TRIGGER {table}_{column}_key ON {parent}".format(**names)),
        ]
    return [*steps]
