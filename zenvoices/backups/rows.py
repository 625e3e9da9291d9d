"""Every row of the database at one moment, into files and back. The portal may run on while they are read.

PostgreSQL: COPY, in one transaction that sees one moment, as the portal's own role: pg_dump would need one that walks
past row-level security. SQLite: its own online backup.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from zenvoices.backups.manifest import BackupProblem
from zenvoices.lib.database_roles import as_owner
from zenvoices.lib.scoping import every_administration

_FILE: Final = "portal.sqlite3"
#: what the rows name in the storage: administration, SHA-256 and, of a deleted document, since when
NAMES: Final = "names.txt"
_SEQUENCES: Final = "sequences.json"
#: Applying the migrations of the code writes this table.
_MIGRATIONS: Final = "django_migrations"
NAMED: Final = (
    "SELECT administration_id, sha256, deleted_at FROM documents_document"
    " UNION ALL SELECT administration_id, raw_sha256, NULL FROM documents_email"
)


def dump(folder: Path) -> dict[str, int]:
    """Writes the rows, and a line for each content that they name. Returns the number of rows of each table."""
    if connection.vendor == "sqlite":
        database = settings.DATABASES["default"]["NAME"]
        with _told(f"copied into {folder}"), _opened(database) as live, _opened(folder / _FILE) as copy:
            live.backup(copy)
            tables = [name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            _note_named(copy.execute(NAMED), folder)
            return {name: _count(copy, name) for name in tables if not name.startswith("sqlite_")}
    with every_administration(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        counts = _copy_out(cursor, folder)
        cursor.execute(NAMED)
        _note_named(cursor, folder)
        return counts


def _opened(file: Path) -> AbstractContextManager[sqlite3.Connection]:
    return closing(sqlite3.connect(file, timeout=20))


@contextmanager
def _told(what: str) -> Iterator[None]:
    """SQLite's own errors: a full disk, a file that it may not write, a damaged one."""
    try:
        yield
    except sqlite3.Error as problem:
        text = f"The database could not be {what}: {problem}. Look for room there, and whether this user may write."
        raise BackupProblem("database_failed", text) from problem


def _count(copy: sqlite3.Connection, table: str) -> int:
    question = f'SELECT count(*) FROM "{table}"'  # noqa: S608 -- a table of ours # nosec
    return int(copy.execute(question).fetchone()[0])


def _note_named(named: Iterable[tuple[Any, str, Any]], folder: Path) -> None:
    with (folder / NAMES).open("w") as file:
        file.writelines(f"{UUID(str(owner))} {sha256} {deleted or ''}\n" for owner, sha256, deleted in named)


def _tables(cursor: CursorWrapper) -> list[str]:
    cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace")
    return sorted(name for (name,) in cursor.fetchall() if name != _MIGRATIONS)


def _columns(cursor: CursorWrapper, table: str) -> list[str]:
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attname",
        [table],
    )
    return [name for (name,) in cursor.fetchall()]


def _copy(what: str, table: str, columns: list[str]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) " + what).format(sql.Identifier(table), names)


def _copy_out(cursor: CursorWrapper, folder: Path) -> dict[str, int]:
    counts = {}
    for table in _tables(cursor):
        columns = _columns(cursor, table)
        (folder / f"{table}.json").write_text(json.dumps(columns))
        with (folder / f"{table}.copy").open("wb") as file, cursor.copy(_copy("TO STDOUT", table, columns)) as rows:
            for piece in rows:
                file.write(piece)
        counts[table] = cursor.rowcount
    cursor.execute("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()")
    (folder / _SEQUENCES).write_text(json.dumps(dict(cursor.fetchall())))
    return counts


def put_back(folder: Path) -> None:
    """In the place of every row that there is: all of them or, after an error, none. The tables are there already."""
    if connection.vendor == "sqlite":
        connection.close()
        database = settings.DATABASES["default"]["NAME"]
        with _told(f"put back into {database}"), _opened(folder / _FILE) as copy, _opened(database) as live:
            copy.backup(live)
        return
    with as_owner(), every_administration(), transaction.atomic(), connection.cursor() as cursor:
        tables = _tables(cursor)
        guarded = _guarded(cursor)
        cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))
        for table in guarded:  # COPY FROM knows no row-level security; nobody sees this before the commit
            cursor.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.Identifier(table)))
        for table in tables:
            _copy_in(cursor, folder, table)
        for name, value in json.loads((folder / _SEQUENCES).read_text()).items():
            cursor.execute("SELECT setval(%s::regclass, %s, %s)", [name, value or 1, value is not None])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in guarded:
            cursor.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(sql.Identifier(table)))


def _guarded(cursor: CursorWrapper) -> list[str]:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relforcerowsecurity AND relnamespace = current_schema()::regnamespace"
    )
    return [name for (name,) in cursor.fetchall()]


def _copy_in(cursor: CursorWrapper, folder: Path, table: str) -> None:
    columns = json.loads((folder / f"{table}.json").read_text())
    with (folder / f"{table}.copy").open("rb") as file, cursor.copy(_copy("FROM STDIN", table, columns)) as rows:
        while piece := file.read(1 << 20):
            rows.write(piece)
    # Without statistics PostgreSQL sorts a logbook of years for each page.
    cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
