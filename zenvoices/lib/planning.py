"""Operations of migrations by which PostgreSQL's planner gets to the right index, also in a database of long use."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


class drop_index_of(migrations.AlterField):  # noqa: N801 (reads as an operation in migrations)
    """A foreign key loses the index of its own, since another begins with it and serves it too.

    Two that begin alike compete: where few rows are expected PostgreSQL takes the smaller one and sorts. The migration
    is not atomic: others go on meanwhile, and it can be run again.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        columns, declared = [model._meta.get_field(self.name).column], {each.name for each in model._meta.indexes}
        meanwhile = "CONCURRENTLY" if schema_editor.connection.vendor == "postgresql" else ""
        found = schema_editor._constraint_names(
            model, columns, index=True, unique=False, type_=models.Index.suffix, exclude=declared
        )
        for name in found:
            schema_editor.execute(f'DROP INDEX {meanwhile} IF EXISTS "{name}"')

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class estimate_belonging(migrations.RunPython):  # noqa: N801 (reads as an operation in migrations)
    """PostgreSQL learns that each of these columns says the administration too: asked for both, as many rows are left.

    Else it multiplies their shares, and expects one row of a channel of thousands in an office of many clients. Nothing
    on SQLite.
    """

    def __init__(self, table: str, *columns: str) -> None:
        self.table, self.columns = table, columns
        super().__init__(self._make, self._drop, elidable=False)

    def _make(self, apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f'CREATE STATISTICS IF NOT EXISTS "{self.table}_belonging" (dependencies)'
                f' ON administration_id, {", ".join(self.columns)} FROM "{self.table}"'
            )
            schema_editor.execute(f'ANALYZE "{self.table}"')

    def _drop(self, apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f'DROP STATISTICS IF EXISTS "{self.table}_belonging"')

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.table, *self.columns], {})
