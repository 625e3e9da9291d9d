"""Which index PostgreSQL may take; that it takes it is tests/channels/test_two_years.py's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection, models

pytestmark = pytest.mark.thorough

OURS = {"administrations", "channels", "documents", "leaving", "notifications"}
#: PostgreSQL has it in the index that search looks in (documents.search), SQLite asks by the document alone
WITHOUT_ONE = {"documents_searchtext.administration_id"} if connection.vendor == "sqlite" else set()


def foreign_keys() -> Iterator[tuple[str, str, bool]]:
    """Table, column, and whether it may be null, of each that is not unique."""
    for model in apps.get_models():
        if model._meta.app_label in OURS:
            for field in model._meta.concrete_fields:
                if isinstance(field, models.ForeignKey) and not field.unique:
                    yield model._meta.db_table, field.column, field.null


def indexes_of(table: str) -> dict[str, list[str]]:
    """The columns of each, those with a condition left out."""
    conditional = {
        each.name
        for model in apps.get_models()
        if model._meta.db_table == table
        for each in [*model._meta.indexes, *model._meta.constraints]
        if getattr(each, "condition", None)
    }
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return {
        name: each["columns"]
        for name, each in found.items()
        if name not in conditional and (each["index"] or each["unique"])
    }


def test_no_foreign_key_has_an_index_of_its_own_beside_one_that_begins_with_it(db: None) -> None:
    """Two that begin alike compete: where PostgreSQL expects few rows, it takes the smaller one and sorts."""
    superfluous = [
        f"{table}.{column}"
        for table, column, _ in foreign_keys()
        if [column] in (indexes := list(indexes_of(table).values()))
        and sum(columns[:1] == [column] for columns in indexes) > 1
    ]
    assert superfluous == []


def test_every_foreign_key_begins_an_index(db: None) -> None:
    """What it points at is deleted by asking for it. One that may be null has an index of those that are not."""
    without = {
        f"{table}.{column}"
        for table, column, may_be_null in foreign_keys()
        if not may_be_null and not any(columns[:1] == [column] for columns in indexes_of(table).values())
    }
    assert without == WITHOUT_ONE
