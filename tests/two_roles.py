"""Tests on PostgreSQL are served by the role that owns nothing; its owner makes, empties and removes the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

from zenvoices.lib.database_roles import as_owner

#: of a table that is not one's own only its owner gathers statistics (until PostgreSQL 17's MAINTAIN)
_ANALYSE = "CREATE FUNCTION analyse_tables() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN ANALYZE; END $$"


def share_the_tests_database() -> None:
    if connection.vendor != "postgresql":
        return
    creation, operations = connection.creation, connection.ops
    for of, name in (
        (creation, "_create_test_db"),
        (creation, "_destroy_test_db"),
        (operations, "execute_sql_flush"),
    ):
        setattr(of, name, _owned(getattr(of, name)))
    creation.create_test_db = _and_analyse(creation.create_test_db)


def _owned(step: Callable[..., Any]) -> Callable[..., Any]:
    def by_owner(*arguments: Any, **options: Any) -> Any:
        with as_owner():
            return step(*arguments, **options)

    return by_owner


def _and_analyse(step: Callable[..., Any]) -> Callable[..., Any]:
    def made(*arguments: Any, **options: Any) -> Any:
        name = step(*arguments, **options)
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(_ANALYSE)
        return name

    return made
