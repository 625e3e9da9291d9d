"""Django's migrate, carried out by the owner of the tables."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError
from django.core.management.commands.migrate import Command as DjangosMigrate
from django.db import NotSupportedError, connection

from documents.search_role import let_it_search
from zenvoices.lib.database_roles import as_owner, grant_to


class Command(DjangosMigrate):
    def execute(self, *arguments: Any, **options: Any) -> Any:
        try:
            connection.ensure_connection()
        except NotSupportedError as too_old:  # says itself which version it needs and which it found
            raise CommandError(str(too_old)) from too_old
        return super().execute(*arguments, **options)

    def handle(self, *arguments: Any, **options: Any) -> None:
        """The checks are about the role that serves, so they come first."""
        if not options["skip_checks"]:
            self.check(databases=[options["database"]])
        serving = connection.settings_dict["USER"]
        with as_owner():
            super().handle(*arguments, **options | {"skip_checks": True})
            if serving != connection.settings_dict["USER"]:
                grant_to(serving)
                let_it_search(serving)
