"""Making a backup whole, and putting a whole one back."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from administrations.models import Administration, User
from zenvoices.backups import bytes as contents
from zenvoices.backups import manifest, rows
from zenvoices.backups.manifest import BackupProblem, Manifest

log = structlog.get_logger(__name__)
_ROWS: Final = "database-"
_LOCK: Final = ".lock"
_KEYS: Final = "SECRET_KEY and CREDENTIAL_KEYS are not in a backup: keep them apart, in a safe place"


def backup(folder: Path) -> Manifest:
    """Rows first, bytes after: what a row names was written before it. Stopped, it goes on at the next; the backup that
    stood in the folder stays whole until this one is.
    """
    _refuse_what_is_no_backup(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder):
        _refuse_another(folder)
        into = folder / f"{_ROWS}{contents.moment()}"
        into.mkdir(mode=0o700)
        migrations = manifest.migrations()
        tables = rows.dump(into)
        copied = contents.copy_out(folder, into / rows.NAMES, into / contents.LIST)
        if migrations != manifest.migrations():
            raise BackupProblem("migrated_meanwhile", "Migrations were applied meanwhile: run backup again.")
        files = sorted(path for path in into.iterdir() if path.is_file())
        made = Manifest(
            format=manifest.FORMAT, made_at=timezone.now().isoformat(), vendor=connection.vendor, migrations=migrations,
            tables=tables, hashes={f"{into.name}/{file.name}": manifest.hash_of(file) for file in files},
            documents=copied.number, bytes=copied.bytes, lacking=copied.lacking,
        )  # fmt: skip
        os.sync()
        made.write(folder)
        for old in folder.glob(f"{_ROWS}*"):
            if old != into:
                shutil.rmtree(old)
        contents.remove_others(folder, into / contents.LIST)
    log.warning(_KEYS)
    return made


def _refuse_what_is_no_backup(folder: Path) -> None:
    """What no row names is forgotten: in the portal's own documents, or in somebody else's, that would lose them."""
    place, data = folder.resolve(), Path(settings.DATA_DIR)
    if place == data or place.is_relative_to(data / contents.FOLDER):
        raise BackupProblem("not_a_backup", f"{folder} is where the portal itself keeps its data. Name another folder.")
    if (folder / _LOCK).exists() or (folder / manifest.NAME).exists():
        return
    for path in (folder / contents.FOLDER, *folder.glob(f"{_ROWS}*")):
        if path.exists():
            text = f"{folder} is no backup, and {path.name} in it would be lost. Name an empty folder."
            raise BackupProblem("not_a_backup", text)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / _LOCK).open("a") as lock:
        _hold(lock, fcntl.LOCK_EX, folder)
        yield


@contextmanager
def _unchanged(folder: Path) -> Iterator[None]:
    """No backup writes into it meanwhile. It may be one that can only be read, or a copy without the lock."""
    try:
        lock = (folder / _LOCK).open()
    except OSError:
        yield
        return
    with lock:
        _hold(lock, fcntl.LOCK_SH, folder)
        yield


def _hold(lock: IO[str], kind: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BackupProblem("busy", f"Another backup or restore works in {folder}.") from None


def _refuse_another(folder: Path) -> None:
    """A backup forgets what no row names any more: one of a new portal, made before the restore, would forget all."""
    try:
        before = manifest.read(folder)
        listed = _list_in(folder, before)
        owners = contents.owners(listed) if listed.is_file() else set()
    except (BackupProblem, ValueError):  # no backup, or none that is whole
        return
    if owners:
        is_other = owners.isdisjoint(Administration.objects.values_list("pk", flat=True))
    else:
        is_other = bool(before.tables.get(User._meta.db_table)) and _is_empty()
    if is_other:
        raise BackupProblem(
            "other_portal",
            f"{folder} holds the backup of another portal, or of this one before it was emptied: this database has"
            " nothing of it. Restore it first, or back up into another folder. Remove it yourself when it may go.",
        )


def restore(folder: Path, *, replace: bool, lacking: bool) -> Manifest:
    """Looks at all of the backup before it changes anything; bytes first, then the rows in one transaction.

    `replace`: what the installation holds may go. `lacking`: so may what the backup itself could not have.
    """
    with _unchanged(folder):
        return _restore(folder, replace=replace, lacking=lacking)


def _restore(folder: Path, *, replace: bool, lacking: bool) -> Manifest:
    made = manifest.read(folder)
    _refuse_what_does_not_fit(made)
    listed = _refuse_damaged(folder, made)
    if made.lacking and not lacking:
        raise BackupProblem(
            "backup_lacks_documents",
            f"{len(made.lacking)} documents were nowhere to be had when this backup was made, as {made.lacking[0]}."
            " Take an older backup, or add --lacking to go on without them.",
        )
    if not replace and not _is_empty():
        raise BackupProblem("not_empty", "This installation holds data. Add --replace to lose it for the backup.")
    call_command("migrate", interactive=False, verbosity=0)
    contents.put_back(folder, listed)
    rows.put_back(listed.parent)
    log.warning(_KEYS)
    return made


def _refuse_what_does_not_fit(made: Manifest) -> None:
    if made.format != manifest.FORMAT:
        raise BackupProblem("other_version", f"This code does not know format {made.format} of a backup.")
    if made.vendor != connection.vendor:
        raise BackupProblem(
            "other_database", f"The backup is of {made.vendor}, DATABASE_URL names {connection.vendor}."
        )
    if other := set(made.migrations) ^ manifest.known_migrations():
        raise BackupProblem(
            "other_version",
            f"The backup was made by another version of the portal: they differ in {min(other)}."
            " Restore with the code that made it, then upgrade.",
        )


def _refuse_damaged(folder: Path, made: Manifest) -> Path:
    """Returns the list of documents."""
    wrong = [name for name, known in made.hashes.items() if not _is_whole(folder / name, known)]
    listed = _list_in(folder, made)
    wrong = wrong or contents.damaged(folder, listed)
    for name in wrong:
        log.error("not as it was when the backup was made", file=name)
    if wrong:
        named = ", ".join(wrong[:5])
        text = f"{len(wrong)} files of the backup are missing or were changed: {named}. Nothing was restored."
        raise BackupProblem("backup_damaged", text)
    return listed


def _list_in(folder: Path, made: Manifest) -> Path:
    listed = next((folder / name for name in made.hashes if name.endswith(f"/{contents.LIST}")), None)
    if listed is None:
        raise BackupProblem("backup_damaged", f"{manifest.NAME} names no {contents.LIST}.")
    return listed


def _is_whole(file: Path, known: str) -> bool:
    return file.is_file() and manifest.hash_of(file) == known


def _is_empty() -> bool:
    """Nobody and nothing is in it; a database that was never migrated is empty too."""
    there = set(connection.introspection.table_names())
    models = [model for model in (User, Administration) if model._meta.db_table in there]
    return not any(model.objects.exists() for model in models)
