"""Statements whose SQL is made once in a process.

Django makes the SQL of a queryset anew each time, which takes longer than the database needs to answer it. What an
empty fetch asks is the same each time but for its values:

    @select_once
    def secrets_of(channel_id: UUID) -> QuerySet[ChannelSecret]:
        return ChannelSecret.objects.filter(channel_id=channel_id)

The function is called once, with stand-ins for the values: it builds a queryset from them and looks at nothing else.
Values are given by position, have the same types each time, and are not None.

The tenant guard holds: the administration is one of the values, taken from the scope at each call, and outside a scope
there is no statement. The rows, their types and what the statement says are Django's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar, TypeVarTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators
from django.db.models.sql import DeleteQuery, UpdateQuery

from zenvoices.lib.scoping import ScopeError, current_scope, standing_in

#: the position of the administration: behind the values of a call
_ADMINISTRATION: Final = -1

Values = TypeVarTuple("Values")
M = TypeVar("M", bound=models.Model)

_FIELDS: Final[dict[type, models.Field[Any, Any]]] = {
    bool: models.BooleanField(),
    int: models.BigIntegerField(),
    str: models.TextField(),
    UUID: models.UUIDField(),
    datetime: models.DateTimeField(),
    timedelta: models.DurationField(),
}


class _Later(Expression):
    """Stands for the value that comes with each call, at this position."""

    def __init__(self, position: int, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.position, self.column = position, output_field

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


@dataclass(slots=True)
class _Statement:
    sql: str
    params: Sequence[Any]
    #: of a SELECT: makes a model of a row
    model_of: Callable[[Sequence[Any], Any], Any] = field(default=lambda row, db: row)

    def rows(self, values: Sequence[Any]) -> list[Any]:
        db = connections[DEFAULT_DB_ALIAS]
        with db.cursor() as cursor:
            cursor.execute(self.sql, self._bound(values, db))
            return [self.model_of(row, db) for row in cursor.fetchall()]

    def change(self, values: Sequence[Any]) -> int:
        db = connections[DEFAULT_DB_ALIAS]
        with db.cursor() as cursor:
            cursor.execute(self.sql, self._bound(values, db))
            return cursor.rowcount

    def _bound(self, values: Sequence[Any], db: Any) -> list[Any]:
        values = [*values, current_scope()]
        return [
            param.column.get_db_prep_save(values[param.position], db) if type(param) is _Later else param
            for param in self.params
        ]


def select_once(build: Callable[[*Values], models.QuerySet[M]]) -> Callable[[*Values], list[M]]:
    """The rows. Annotations, select_related() and only() are kept; prefetch_related() and values() are not."""
    made = _once(lambda later: _select(_with(later, build)))
    return lambda *values: made(values).rows(values)


def update_once(
    build: Callable[[*Values], tuple[models.QuerySet[M], dict[str, Any]]],
) -> Callable[[*Values], int]:
    """The function returns the rows and what to set in them. Gives how many were changed."""
    made = _once(lambda later: _update(*_with(later, build)))
    return lambda *values: made(values).change(values)


def delete_once(build: Callable[[*Values], models.QuerySet[M]]) -> Callable[[*Values], int]:
    """Only for rows that no other row points at: nothing is cascaded. Gives how many were deleted."""
    made = _once(lambda later: _delete(_with(later, build)))
    return lambda *values: made(values).change(values)


def save_once(row: models.Model, names: Sequence[str]) -> None:
    """row.save(update_fields=names), without signals: there are few sets of names."""
    saving = _saving(type(row), tuple(names))
    values = [row.pk, *(getattr(row, each.attname) for each in _fields(type(row), names))]
    if not saving(values).change(values):
        raise DatabaseError("the row to save is gone")


@cache
def _saving(model: type[models.Model], names: tuple[str, ...]) -> Callable[[Sequence[Any]], _Statement]:
    def build(later: Sequence[_Later]) -> _Statement:
        stand_ins = {each.name: _Later(at, each) for at, each in enumerate(_fields(model, names), 1)}
        return _update(model._default_manager.filter(pk=later[0]), stand_ins)

    return _once(build, typed=1)


def _fields(model: type[models.Model], names: Sequence[str]) -> list[models.Field[Any, Any]]:
    return [model._meta.get_field(name) for name in names]  # type: ignore[misc]


def _with(later: Sequence[_Later], build: Callable[..., Any]) -> Any:
    return build(*later)


def _once(
    build: Callable[[Sequence[_Later]], _Statement], typed: int | None = None
) -> Callable[[Sequence[Any]], _Statement]:
    """One for the scope of an administration, whichever; one for every administration; one outside.

    `typed`: so many of the values get a stand-in by their type.
    """
    made: dict[object, _Statement] = {}

    def statement(values: Sequence[Any]) -> _Statement:
        scope = current_scope()
        kind = UUID if isinstance(scope, UUID) else scope
        if kind not in made:
            connections[DEFAULT_DB_ALIAS].ensure_connection()  # it is told the scope, which must not be a stand-in
            later = [_Later(at, _FIELDS[type(value)]) for at, value in enumerate(values[:typed])]
            with standing_in(_Later(_ADMINISTRATION, _FIELDS[UUID]) if kind is UUID else scope):
                fresh = build(later)
            _check(fresh, {*range(len(values)), *((_ADMINISTRATION,) if kind is UUID else ())})
            made[kind] = fresh
        return made[kind]

    return statement


def _check(statement: _Statement, wanted: set[int]) -> None:
    """A value that is not asked for anew would be that of the first call: another mailbox's, or another office's."""
    missing = wanted - {param.position for param in statement.params if isinstance(param, _Later)}
    if missing:
        raise ScopeError(f"the statement takes no value at {sorted(missing)}: {statement.sql}")


def _update(rows: models.QuerySet[Any], values: dict[str, Any]) -> _Statement:
    query = rows.query.chain(UpdateQuery)
    query.add_update_values(values)  # type: ignore[attr-defined]
    query.clear_ordering(force=True)
    return _Statement(*query.get_compiler(DEFAULT_DB_ALIAS).as_sql())


def _delete(rows: models.QuerySet[Any]) -> _Statement:
    query = rows.query.chain(DeleteQuery)
    query.clear_ordering(force=True)
    return _Statement(*query.get_compiler(DEFAULT_DB_ALIAS).as_sql())


def _select(rows: models.QuerySet[Any]) -> _Statement:
    compiler: Any = rows.query.get_compiler(DEFAULT_DB_ALIAS)
    sql, params = compiler.as_sql()
    return _Statement(sql, params, _model_maker(compiler))


def _model_maker(compiler: Any) -> Callable[[Sequence[Any], Any], Any]:
    """What django.db.models.query.ModelIterable does with a row."""
    known, select, annotations = compiler.klass_info, compiler.select, compiler.annotation_col_map or {}
    converters = [
        (column, converter, expression)
        for column, (some, expression) in compiler.get_converters([each[0] for each in select]).items()
        for converter in some
    ]
    model, columns = known["model"], slice(known["select_fields"][0], known["select_fields"][-1] + 1)
    names = [each[0].target.attname for each in select[columns]]
    populators: Any = get_related_populators
    related = populators(known, select, DEFAULT_DB_ALIAS)

    def model_of(row: Sequence[Any], db: Any) -> Any:
        values = list(row)
        for column, converter, expression in converters:
            values[column] = converter(values[column], expression, db)
        made = model.from_db(DEFAULT_DB_ALIAS, names, values[columns])
        for each in related:
            each.populate(values, made)
        for name, column in annotations.items():
            setattr(made, name, values[column])
        return made

    return model_of
