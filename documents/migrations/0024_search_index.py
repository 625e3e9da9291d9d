from django.db import migrations

_MAY = """
SELECT count(*) = 2 AND (has_database_privilege(current_database(), 'CREATE') OR bool_and(installed_version IS NOT NULL))
FROM pg_available_extensions WHERE name IN ('pg_trgm', 'btree_gin')
"""
_MAKE = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE EXTENSION IF NOT EXISTS btree_gin",
    "DROP INDEX CONCURRENTLY IF EXISTS search_by_trigrams",
    "CREATE INDEX CONCURRENTLY search_by_trigrams ON documents_searchtext"
    " USING gin (administration_id, text gin_trgm_ops)",
)


def _make(apps, schema_editor):
    """Without these extensions, which come with PostgreSQL and are trusted, everything is found too, more slowly."""
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_MAY)
        (may,) = cursor.fetchone()
    for statement in _MAKE if may else ():
        schema_editor.execute(statement)


def _drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS search_by_trigrams")


class Migration(migrations.Migration):
    """Concurrently: whoever takes documents in goes on meanwhile."""

    atomic = False
    dependencies = [("documents", "0023_search_text_kept")]

    operations = [migrations.RunPython(_make, _drop)]
