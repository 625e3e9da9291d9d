"""What `migrate` makes of an empty SQLite: made once for all processes of a run, which take copies of it."""

from __future__ import annotations

import fcntl
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection

from tests.environment import SHARED
from tests.portal import Portal


def migrate(portal: Portal) -> None:
    """On PostgreSQL, which has a database of its own for each, by the command."""
    if portal.database_url:
        assert portal.run("migrate", "-v", "0").code == 0
    else:
        copy_to(portal.folder / _database().name)


def copy_to(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_database(), file)


def begin_the_tests_database_with_it() -> None:
    """Django's own `migrate` of it then finds nothing to do."""
    if connection.vendor != "sqlite":
        return
    create = connection.creation._create_test_db

    def made(*arguments: Any, **options: Any) -> str:
        name = str(create(*arguments, **options))
        copy_to(Path(name))
        return name

    connection.creation._create_test_db = made


@cache
def _database() -> Path:
    shared = Path(os.environ[SHARED])
    made = shared / "migrated"
    with (shared / "migrated.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not made.exists():
            half = Portal(shared / "half", "")
            answer = half.run("migrate", "-v", "0")
            assert answer.code == 0, answer.log
            half.folder.rename(made)
    (database,) = made.glob("*.sqlite3*")  # closed: nothing of it is in a file beside it
    return database
