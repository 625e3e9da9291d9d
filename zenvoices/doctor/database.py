"""The database: does it answer, does it keep administrations apart, is it up to date?"""

from __future__ import annotations

from django.apps import apps
from django.db import DatabaseError, InterfaceError, NotSupportedError, connection
from django.db.migrations.executor import MigrationExecutor

from administrations.tenant import TenantModel
from zenvoices.doctor.parts import Ill

_ROLE_CURE = (
    "Make a role as docker/database.sh does (NOSUPERUSER NOBYPASSRLS), own the tables with it, and name it in "
    "DATABASE_URL."
)


def answers() -> str:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as problem:
        said = str(problem).strip().splitlines()[0]
        cure = "Look at DATABASE_URL, and whether the server runs and lets this machine and role in."
        if connection.vendor == "sqlite":
            cure = "Look at DATABASE_URL, whether there is room beside the file, and whether this user may write there."
        if isinstance(problem, NotSupportedError):
            cure = "Upgrade the database server."
        raise Ill(f"The database does not answer: {said}", cure) from problem
    version = ".".join(map(str, connection.get_database_version()))
    return f"{connection.display_name} {version} answers."


def role() -> str:
    """A superuser, or who bypasses row-level security, walks past the second wall between administrations."""
    if connection.vendor != "postgresql":
        return "SQLite has no roles: one process of the portal's own user opens the file."
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        name, is_super, bypasses = cursor.fetchone()
    if is_super or bypasses:
        what = "a superuser" if is_super else "allowed to bypass row-level security"
        raise Ill(f"The role {name} is {what}: nothing but our own code keeps administrations apart.", _ROLE_CURE)
    if closed := _closed_tables():
        first = f"{', '.join(closed[:3])}{' …' if len(closed) > 3 else ''}"
        raise Ill(
            f"The role {name} may not read and write {len(closed)} tables: {first}",
            "Run: python manage.py migrate with MIGRATION_DATABASE_URL, which gives it what it needs.",
        )
    return f"The role {name} is bound by row-level security."


def _closed_tables() -> list[str]:
    """Of those that are there: what was not migrated yet has a line of its own."""
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace"
            " AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
            " AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) ORDER BY relname",
            [tables],
        )
        return [name for (name,) in cursor.fetchall()]


def policies() -> str:
    tables = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel))
    if connection.vendor != "postgresql":
        return "SQLite has no row-level security: the scope in the code keeps administrations apart."
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace"
            " AND relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy"
            " WHERE polrelid = pg_class.oid AND polname = 'own_administration')",
            [tables],
        )
        guarded = {name for (name,) in cursor.fetchall()}
    if open_tables := sorted(set(tables) - guarded):
        raise Ill(
            f"Row-level security is not in force on {', '.join(open_tables)}.",
            "Run: python manage.py migrate. If it stays so, put ENABLE and FORCE ROW LEVEL SECURITY and the policy"
            " own_administration of zenvoices/lib/scoping.py back on each.",
        )
    return f"Row-level security is in force on all {len(tables)} tables of administrations."


def migrations() -> str:
    executor = MigrationExecutor(connection)
    owed = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if owed:
        first = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in owed[:3])
        raise Ill(
            f"{len(owed)} migrations are not applied: {first}{' …' if len(owed) > 3 else ''}",
            "Run: python manage.py migrate",
        )
    return "Every migration is applied."
