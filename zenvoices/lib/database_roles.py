"""Two roles on PostgreSQL: one owns the tables and migrates, the other serves and may only read and write rows.

Whoever owns a table can take its row-level security off; whoever gets into a process that serves cannot. The owner's
address (MIGRATION_DATABASE_URL) is known to `migrate` and `restore` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

_OF_THE_ROLE = ("USER", "PASSWORD", "HOST", "PORT")
_GRANTS = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
)


@contextmanager
def as_owner() -> Iterator[None]:
    """The connection is the owner's meanwhile; where one role does both, nothing changes."""
    owner = {name: settings.DATABASE_OWNER[name] for name in _OF_THE_ROLE if name in settings.DATABASE_OWNER}
    serving = {name: connection.settings_dict[name] for name in owner}
    if owner:
        connection.close()
    connection.settings_dict.update(owner)
    try:
        yield
    finally:
        if owner:
            connection.close()
        connection.settings_dict.update(serving)


def grant_to(role: str) -> None:
    """Asked by the owner, after each migration: a new table is its own alone until then."""
    from psycopg import sql  # noqa: PLC0415 (6 MB and 70 ms in each process, of no use on SQLite)

    with connection.cursor() as cursor:
        for grant in _GRANTS:
            cursor.execute(sql.SQL(grant).format(role=sql.Identifier(role)))


def may_change_tables() -> bool:
    """Whether the connection's role owns tables, may make some, is a member of their owner, or walks past policies."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(rolsuper OR rolbypassrls OR has_schema_privilege('public', 'CREATE')) OR EXISTS ("
            "SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND pg_has_role(relowner, 'MEMBER')) FROM pg_roles WHERE rolname = current_user"
        )
        return bool(cursor.fetchone()[0])
