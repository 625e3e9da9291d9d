"""What the function that searches may, on PostgreSQL of two roles (zenvoices.lib.database_roles).

It runs as the owner, who reads every row of this one table by a policy of its own, and gives what the session
announced. Where one role does both there is no such policy: it would open the table to whoever serves.
"""

from __future__ import annotations

from django.db import connection

_FUNCTION = "documents_saying(text[], integer)"
_TABLE = "documents_searchtext"
_POLICY = "read_by_its_function"


def let_it_search(role: str) -> None:
    """Asked by the owner, after each migration."""
    from psycopg import sql  # noqa: PLC0415 (6 MB and 70 ms in each process, of no use on SQLite)

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure(%s) IS NOT NULL", [_FUNCTION])
        if not cursor.fetchone()[0]:  # an older version of the tables
            return
        cursor.execute(sql.SQL(f"GRANT EXECUTE ON FUNCTION {_FUNCTION} TO {{}}").format(sql.Identifier(role)))
        cursor.execute(f"DROP POLICY IF EXISTS {_POLICY} ON {_TABLE}")
        cursor.execute(f"CREATE POLICY {_POLICY} ON {_TABLE} FOR SELECT TO CURRENT_USER USING (true)")
