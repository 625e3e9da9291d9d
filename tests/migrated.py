"""What `migrate` makes of an empty database: made once for all processes of a run, which take copies of it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg import sql

from tests.environment import SHARED
from tests.portal import Portal, asked_of_the_owner, beside_ours

#: on PostgreSQL
TEMPLATE = "portal_migrated"


def main() -> None:
    """`python -m tests.migrated`, beside tests that begin: else all of them wait for the one that makes it."""
    _database()


def migrate(portal: Portal) -> None:
    """By the command only on a server of its own."""
    name = portal.database_url.rpartition("/")[2]
    if not name:
        copy_to(portal.folder / _database().name)
    elif portal.database_url == beside_ours(name):
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(_template()))
        asked_of_the_owner(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)), copy)
    else:
        assert portal.run("migrate", "-v", "0").code == 0


def copy_to(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_database(), file)


def begin_the_tests_database_with_it() -> None:
    """Django's own `migrate` of it then finds nothing to do."""
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = _template()
        return
    # No power goes in a test: what a process has written is there, also when it is killed.
    options = connection.settings_dict["OPTIONS"]
    options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    create = connection.creation._create_test_db

    def made(*arguments: Any, **options: Any) -> str:
        name = str(create(*arguments, **options))
        copy_to(Path(name))
        return name

    connection.creation._create_test_db = made


@cache
def _database() -> Path:
    (database,) = _once("migrated", _migrated).glob("*.sqlite3*")  # closed: nothing of it is in a file beside it
    return database


@cache
def _template() -> str:
    _once("migrated-postgresql", _migrated_on_postgresql)
    return TEMPLATE


def _migrated(folder: Path) -> None:
    answer = Portal(folder, "").run("migrate", "-v", "0")
    assert answer.code == 0, answer.log


def _migrated_on_postgresql(folder: Path) -> None:
    asked_of_the_owner(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    answer = Portal(folder, "", beside_ours(TEMPLATE)).run("migrate", "-v", "0")
    assert answer.code == 0, answer.log


def _once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name, made by the first process that asks."""
    shared = Path(os.environ[SHARED])
    made = shared / name
    with (shared / f"{name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not made.exists():
            half = shared / f"half-{name}"
            half.mkdir()
            make(half)
            half.rename(made)
    return made


if __name__ == "__main__":
    main()
