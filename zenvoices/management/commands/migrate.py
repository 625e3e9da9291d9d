"""Django's migrate, carried out by the owner of the tables."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management import CommandError
from django.core.management.commands.migrate import Command as DjangosMigrate
from django.db import connection

from documents.search_role import let_it_search
from zenvoices.doctor import database
from zenvoices.doctor.parts import Ill
from zenvoices.lib.database_roles import as_owner, grant_to

#: "migrates" as PostgreSQL's number of an advisory lock
MIGRATES: Final = int.from_bytes(b"migrates")
#: on SQLite, in DATA_DIR
LOCK: Final = ".migrate"


class Command(DjangosMigrate):
    def execute(self, *arguments: Any, **options: Any) -> Any:
        _answers("DATABASE_URL")
        return super().execute(*arguments, **options)

    def handle(self, *arguments: Any, **options: Any) -> None:
        """The checks were before this: they are about the role that serves."""
        serving = connection.settings_dict["USER"]
        with as_owner():
            _answers("MIGRATION_DATABASE_URL" if settings.DATABASE_OWNER else "DATABASE_URL")
            with _after_another():
                super().handle(*arguments, **options)
            if serving != connection.settings_dict["USER"]:
                grant_to(serving)
                let_it_search(serving)


def _answers(setting: str) -> None:
    """In a sentence what a server that is away, too old or somebody else's would say in a trace."""
    try:
        database.answers()
    except Ill as ill:
        raise CommandError(f"{setting}: {ill.text}. {ill.cure.replace('DATABASE_URL', setting)}") from ill


@contextmanager
def _after_another() -> Iterator[None]:
    """Of those that upgrade at the same moment the second waits, and finds nothing to do."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # held as long as the session
            cursor.execute("SET lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATES])
            cursor.execute("RESET lock_timeout")
        yield
        return
    with (Path(settings.DATA_DIR) / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
