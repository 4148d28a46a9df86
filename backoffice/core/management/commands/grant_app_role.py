"""Give the application's database role what it needs and no more: it reads and writes rows, and owns nothing.

Run by the role that owns the tables, after each `migrate` (which does so by itself when DATABASE_OWNER_URL is set).
"""

from typing import Any, LiteralString

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict


class Command(BaseCommand):
    help = "Grant the application's database role its rights on every table; it may never change what is kept for good."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", help="name of the role")
        parser.add_argument(
            "--application-url", help="or the application's DATABASE_URL, whose user is the role", default=""
        )

    def handle(self, *args: Any, **options: Any) -> None:
        url = options["application_url"]
        role = options["role"] or (conninfo_to_dict(url).get("user") if url else "")
        if not role:
            raise CommandError("Name the application's role: --role NAME or --application-url URL.")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_database(), current_schema()")
            owner, database, schema = cursor.fetchone()
            if role == owner:
                raise CommandError(f"{role} owns the tables; the application needs a role of its own.")
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if cursor.fetchone() is None:
                create(str(role), conninfo_to_dict(url).get("password") if url else None)
            names = {
                "app": sql.Identifier(str(role)),
                "schema": sql.Identifier(schema),
                "database": sql.Identifier(database),
                "append_only": _tables("append_only"),
                "sealed": _tables("sealed"),
                "limited": sql.SQL(", ").join(map(sql.Identifier, _limited())),
            }
            # MAINTAIN (from 17) lets the application analyse what it has just loaded.
            keep = sql.SQL(", MAINTAIN" if connection.pg_version >= 170000 else "")  # type: ignore[attr-defined]
            for statement in (
                "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
                "GRANT USAGE ON SCHEMA {schema} TO {app}",
                "GRANT SELECT, INSERT, UPDATE, DELETE{keep} ON ALL TABLES IN SCHEMA {schema} TO {app}",
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {app}",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}"
                " GRANT SELECT, INSERT, UPDATE, DELETE{keep} ON TABLES TO {app}",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {app}",
                "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
                "REVOKE ALL ON {append_only}, {sealed}, {limited} FROM {app}",
                "GRANT SELECT, INSERT{keep} ON {append_only} TO {app}",
                "GRANT SELECT{keep} ON {sealed} TO {app}",
            ):
                cursor.execute(sql.SQL(statement).format(**names, keep=keep))
            for table, rights in _limited().items():
                statement = f"GRANT {rights}{{keep}} ON {{table}} TO {{app}}"
                cursor.execute(sql.SQL(statement).format(**names, keep=keep, table=sql.Identifier(table)))
        self.stdout.write(f"{role} may read and write rows in {database}, and only add to what is kept for good.")


def _tables(mark: str) -> sql.Composable:
    """The tables that apps mark in their AppConfig: `append_only` may be added to; `sealed` are written only by their
    triggers, which act as the owner."""
    names = [name for config in apps.get_app_configs() for name in getattr(config, mark, ())]
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _limited() -> dict[str, LiteralString]:
    """Table → what may be done with it, where apps say it by the column."""
    return {
        table: rights for config in apps.get_app_configs() for table, rights in getattr(config, "limited", {}).items()
    }


def create(role: str, password: object) -> None:
    """Make the role, able to sign in; only the password's hash travels."""
    secret: sql.Composable = sql.SQL("")
    if password:
        pgconn = connection.connection.pgconn
        hashed = pgconn.encrypt_password(str(password).encode(), role.encode(), b"scram-sha-256").decode()
        secret = sql.SQL(" PASSWORD {}").format(sql.Literal(hashed))
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            raise CommandError(
                f"There is no database role {role}. As a superuser: CREATE ROLE {role} LOGIN PASSWORD '…'"
            )
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)) + secret)
