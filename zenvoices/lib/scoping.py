"""The tenant guard: every row of an administration is reached inside exactly one scope.

`administration_scope(id)` opens the books of one administration; `every_administration()` is for
the schedule, operator commands and the office-wide overview. Outside both, the managers raise.

On PostgreSQL row-level security is the second wall (see `enable_row_level_security`): the scope is
announced to the session as `zenvoices.administration`, so even raw SQL sees one tenant only.
PostgreSQL rolls such a setting back with its transaction, so well-nested scopes and `atomic` blocks
never disagree; a new connection inside a scope is told by `announce_to_new_connection`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import connection, migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from zenvoices.lib.rows import insert

EVERY = "*"
_ANNOUNCE: Final = "SELECT set_config('zenvoices.administration', %s, false)"
_scope: ContextVar[UUID | str | None] = ContextVar("administration", default=None)

M = TypeVar("M", bound=models.Model)


class ScopeError(RuntimeError):
    """A tenant's row was asked for outside any scope: a mistake in our code, never in the user's."""


def current_scope() -> UUID | str | None:
    """The id of the administration, EVERY, or None outside a scope."""
    return _scope.get()


@contextmanager
def administration_scope(administration_id: UUID) -> Iterator[None]:
    with _entered(administration_id):
        yield


@contextmanager
def every_administration() -> Iterator[None]:
    with _entered(EVERY):
        yield


@contextmanager
def administration_scope_at_need(administration_id: UUID) -> Iterator[None]:
    """The same, announced with the first statement: who asks nothing of the database tells it nothing."""
    token, is_told, is_kept = _scope.set(administration_id), False, False

    def announced_before(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal is_told, is_kept
        is_told = True
        if sql == _ANNOUNCE:
            is_kept = not connection.in_atomic_block  # else a rollback may take it back: it is said again
        elif not is_kept:
            _announce(connection)
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(announced_before):
            yield
    finally:
        _scope.reset(token)
        if is_told:
            _announce(connection)


@contextmanager
def _entered(value: UUID | str) -> Iterator[None]:
    token = _scope.set(value)
    try:
        _announce(connection)
        yield
    finally:
        _scope.reset(token)
        _announce(connection)


def _announce(to: BaseDatabaseWrapper) -> None:
    if to.vendor != "postgresql" or (to.in_atomic_block and to.needs_rollback):
        return  # the rollback that follows restores the setting
    if to.connection is None and _scope.get() is None:
        return
    if to.connection is not None and to.connection.info.transaction_status.name == "INERROR":
        return  # so does this one
    with to.cursor() as cursor:
        cursor.execute(_ANNOUNCE, [str(_scope.get() or "")])


def announce_to_new_connection(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Tells a fresh (or pooled) connection the scope it was opened in."""
    if connection.vendor == "postgresql":
        _announce(connection)


connection_created.connect(announce_to_new_connection, dispatch_uid="zenvoices.scoping")


class ScopedManager(models.Manager[M]):
    """Raises outside a scope, sees one administration inside it."""

    def get_queryset(self) -> models.QuerySet[M]:
        scope = _scope.get()
        if scope is None:
            raise ScopeError(f"{self.model.__name__} asked for outside an administration's scope")
        rows = super().get_queryset()
        return rows if scope == EVERY else rows.filter(administration_id=scope)

    def insert(self, new: Sequence[M]) -> None:
        """zenvoices.lib.rows.insert(), of the scope's own administration."""
        self.get_queryset()  # raises outside a scope
        scope = _scope.get()
        if scope != EVERY and any(one.administration_id != scope for one in new):  # type: ignore[attr-defined]
            raise ScopeError(f"{self.model.__name__} of another administration than the scope's")
        insert(new)


#: Of any condition PostgreSQL takes IS NOT NULL to leave nearly all rows, and so does this one: what asks names its
#: administration too, or announced all of them. Comparing alone is taken to leave one row in 200, and with statistics
#: the square of the administration's share; then all of a list is read and sorted where an index has it in order.
_IS_SEEN = (
    "CASE WHEN current_setting('zenvoices.administration', true) IN ('*', administration_id::text) THEN true END"
    " IS NOT NULL"
)


class enable_row_level_security(migrations.RunPython):  # noqa: N801 (reads as an operation in migrations)
    """Migration operation: PostgreSQL itself refuses rows of another administration. Nothing on SQLite."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables
        super().__init__(self._enable, self._disable, elidable=False)

    def _enable(self, apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        for table in self.tables:
            schema_editor.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
            schema_editor.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
            schema_editor.execute(f'CREATE POLICY own_administration ON "{table}" USING ({_IS_SEEN})')

    def _disable(self, apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        for table in self.tables:
            schema_editor.execute(f'DROP POLICY own_administration ON "{table}"')
            schema_editor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
            schema_editor.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, list(self.tables), {})


class renew_policies(migrations.RunPython):  # noqa: N801 (reads as an operation in migrations)
    """Migration operation: policies of an earlier version become what they are made as now. Nothing on SQLite."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables
        super().__init__(self._renew, migrations.RunPython.noop, elidable=False)

    def _renew(self, apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for table in self.tables:
                schema_editor.execute(f'ALTER POLICY own_administration ON "{table}" USING ({_IS_SEEN})')

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, list(self.tables), {})
