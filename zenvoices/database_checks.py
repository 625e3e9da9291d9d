"""What `migrate` and `check --database default` say of the database before anything is served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection

from zenvoices.lib import database_roles, pooling


@register(Tags.database)
def sessions_are_our_own(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if not databases or not pooling.shares_sessions():
        return []
    said = "Something between the portal and PostgreSQL pools by transaction: administrations would not stay apart."
    hint = "Pool by session (PgBouncer: pool_mode = session), or let DATABASE_URL lead to PostgreSQL itself."
    return [Error(said, hint=hint, id="zenvoices.E010")]


@register(Tags.database)
def serving_role_owns_nothing(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if not databases or connection.vendor != "postgresql" or not database_roles.may_change_tables():
        return []
    said = "The role of DATABASE_URL may change tables, and so take row-level security off."
    hint = "Give MIGRATION_DATABASE_URL to migrate alone: docs/operations.md, Two roles."
    return [Warning(said, hint=hint, id="zenvoices.W010")]
