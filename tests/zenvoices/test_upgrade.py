"""While an upgrade is carried out, workers of the code before it go on: every migration leaves them what they know.

They insert rows without the columns that are new, and read and write those that they know. So a migration adds; what
is taken away goes one release later, when nobody uses it any more.
"""

from __future__ import annotations

import fcntl
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from django.apps import apps as today
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.backends.postgresql.features import DatabaseFeatures
from django.db.migrations.loader import MigrationLoader

from channels.links import providers
from tests.cast import Cast
from tests.channels.provider import SaidProvider
from tests.leaving.everything import furnish
from tests.portal import ROOT, Portal
from tests.servers.postgresql import postgresql
from tests.waiting import wait_until
from zenvoices.lib.scoping import every_administration
from zenvoices.management.commands.migrate import LOCK, MIGRATES

OURS = ("administrations", "channels", "documents", "leaving", "notifications")
#: From here on every migration adds. The next release may set these to what it had.
ADDS_SINCE = {
    "administrations": "0002_invitation_withdrawn",
    "channels": "0011_defects_of_parts",
    "documents": "0005_pdfs_and_accounts",
    "notifications": "0005_outgoing_mail_and_subject",
}
#: What workers of version 0.1.0 meet: they are to be stopped before `migrate` (docs/operations.md).
VERSION_0_1_0 = {
    "administrations": "0002_invitation_withdrawn",
    "channels": "0006_expiry",
    "documents": "0003_einvoice",
    "notifications": "0003_open_by_subject",
}


@cache
def models_of(*migrations: tuple[str, str]) -> dict[str, type[models.Model]]:
    """Our models as they were after these, with as much of other apps as they need."""
    state = MigrationLoader(None).project_state(list(migrations)).apps
    return {model._meta.label: model for model in state.get_models() if model._meta.app_label in OURS}


def what_is_taken_away(since: dict[str, str]) -> Iterator[str]:
    """Of whoever knows the tables as they were then."""
    now = {model._meta.label: model for model in today.get_models()}
    for label, model in models_of(*since.items()).items():
        if label not in now or now[label]._meta.db_table != model._meta.db_table:
            yield f"{label} is gone"
            continue
        before, after = columns(model), columns(now[label])
        yield from (f"{label}.{name} is gone" for name in before.keys() - after.keys())
        yield from (f"{label}.{name} wants a value" for name in after.keys() - before.keys() if wants(after[name]))
        for name in before.keys() & after.keys():
            if before[name].null and wants(after[name]):
                yield f"{label}.{name} wants a value"
            if before[name].db_type(connection) != after[name].db_type(connection):
                yield f"{label}.{name} is of another type"


def columns(model: type[models.Model]) -> dict[str, Any]:
    return {field.column: field for field in model._meta.local_concrete_fields}


def wants(field: Any) -> bool:
    return not field.null and not field.has_db_default()


def test_migrations_take_nothing_away_from_workers_of_the_code_before() -> None:
    """A new column is null or has a db_default; nothing is removed, renamed, of another type or no longer null."""
    assert sorted(what_is_taken_away(ADDS_SINCE)) == []


def test_what_was_taken_away_from_version_0_1_0_is_seen() -> None:
    found = set(what_is_taken_away(VERSION_0_1_0))
    assert {"channels.PendingLink is gone", "channels.ReceivedMail.standing wants a value"} <= found


def test_row_of_a_worker_of_the_code_before_is_taken(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    """A row of each table of an administration that has everything: again, without the columns that are new."""
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(providers, "method_of", lambda channel: SaidProvider())
    furnish(cast.bakery, cast.bert, "bakkerij")
    taken = []
    with every_administration():
        for label, model in models_of(*ADDS_SINCE.items()).items():
            row = model._default_manager.first()
            if row is None:
                continue
            model._default_manager.filter(pk=row.pk)._raw_delete(connection.alias)  # what points at it stays
            row.save(force_insert=True)
            taken.append(label)
        connection.check_constraints()
    assert {"channels.FetchRun", "channels.ReceivedMail", "channels.ReceivedPart", "documents.Document",
            "documents.Email", "notifications.Notification"} <= set(taken)  # fmt: skip


def test_database_that_is_too_old_is_named_in_a_sentence(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    with monkeypatch.context() as old:
        old.setattr(connection.features, "minimum_database_version", (99,))
        old.setattr("django.db.backends.base.base.RAN_DB_VERSION_CHECK", set())  # it is looked at once in a process
        with pytest.raises(CommandError, match="99 or later is required"):
            call_command("migrate", verbosity=0)
    connection.close()


@pytest.mark.postgres
@pytest.mark.slow
def test_second_migrate_waits_for_the_first(tmp_path: Path) -> None:
    with postgresql() as server, psycopg.connect(server.owner_url, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", [MIGRATES])
        second = Portal(tmp_path, ca_file="", database_url=server.url).start(
            "manage", "migrate", "contenttypes", log="log"
        )
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_until(
            lambda: first.execute(waits).fetchone(), told=(tmp_path / "log").read_text, goes_on=second.is_running
        )
        assert first.execute("SELECT to_regclass('django_content_type')").fetchone() == (None,)
        first.execute("SELECT pg_advisory_unlock(%s)", [MIGRATES])
        second.wait(120)
        assert first.execute("SELECT to_regclass('django_content_type')").fetchone() != (None,)


@pytest.mark.slow
def test_second_migrate_on_sqlite_waits_for_the_first(tmp_path: Path) -> None:
    with (tmp_path / LOCK).open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = Portal(tmp_path, ca_file="").start("manage", "migrate", "contenttypes", log="log")
        waits = re.compile(rf"-> FLOCK .* {second.pid} ")
        wait_until(
            lambda: waits.search(Path("/proc/locks").read_text()),
            told=(tmp_path / "log").read_text, goes_on=second.is_running,
        )  # fmt: skip
        assert tables_of(tmp_path) == set()
    second.wait(120)
    assert "django_content_type" in tables_of(tmp_path)


def tables_of(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "portal.sqlite3")) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_lowest_postgresql_is_stated_and_tried() -> None:
    [lowest] = DatabaseFeatures.minimum_database_version
    tried = json.loads((ROOT / "tests/servers/databases/package.json").read_text())["dependencies"]
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["db"]["image"]
    assert set(tried) == {f"postgresql-{lowest}", f"postgresql-{composed.split(':')[1].split('.')[0]}"}
    assert f"PostgreSQL {lowest} or newer" in (ROOT / "docs/operations.md").read_text()
