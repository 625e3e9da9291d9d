"""The audit trail as tests read it, and empty it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.db.backends.sqlite3.base import DatabaseOperations

from administrations import audit
from administrations.audit_entry import AuditEntry
from administrations.models import Administration, Environment
from zenvoices.lib.scoping import every_administration


@contextmanager
def may_be_emptied() -> Iterator[None]:
    """`flush` empties SQLite by DELETE, which the trail refuses."""
    flush = DatabaseOperations.execute_sql_flush

    def empty(self: DatabaseOperations, statements: object) -> None:
        with audit.opened_for_erasing():
            flush(self, statements)

    with patch.object(DatabaseOperations, "execute_sql_flush", empty):
        yield


def entries(place: Administration | Environment | None = None) -> list[AuditEntry]:
    """Oldest first: of one administration, of an environment with all of its administrations, or everything."""
    with every_administration():
        rows = AuditEntry.objects.order_by("id")
        if isinstance(place, Administration):
            rows = rows.filter(administration_id=place.pk)
        elif place is not None:
            rows = rows.filter(environment_id=place.pk)
        return list(rows)


def told(place: Administration | Environment | None = None) -> list[tuple[str, str, str]]:
    """Who, what, and to what. Signing in of the tests themselves is left out."""
    return [
        (one.actor_name or one.actor, one.code, one.thing_name)
        for one in entries(place)
        if one.code != "sign_in.succeeded"
    ]
