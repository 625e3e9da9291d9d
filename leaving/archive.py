"""The ZIP with everything of an administration: files as people know them, and each row as JSON for programs.

Memory holds a chunk of a file, 500 rows, and zipfile's list of entries. No secret is in it: channels without their
passwords and tokens, people without their sign-in.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils import timezone

from administrations.access import people_with_access, role_in
from administrations.audit_entry import AuditEntry
from administrations.models import Administration
from channels.models import Channel, ChannelRule, FetchRun, ReceivedMail, ReceivedPart
from documents import storage
from documents.models import Document, EInvoice, Email, Finding, Forward, Move, Note, Question
from zenvoices.lib.csv_files import safe_cell
from zenvoices.lib.filenames import safe_name

_CHUNK: Final = 1 << 20
_ROWS: Final = 500
Alive = Callable[[], None]


def write(administration: Administration, target: Path, alive: Alive) -> None:
    """To be called in the scope of the administration. `alive` is called again and again; what it raises ends it."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        missing = [*_documents(archive, administration.pk, alive), *_mails(archive, administration.pk, alive)]
        _table(archive, "people.csv", ("email", "name", "role"), _people(administration))
        for name, rows in _facts():
            _json_lines(archive, f"facts/{name}.jsonl", rows, alive)
        archive.writestr("index.json", json.dumps(_index(administration, missing), ensure_ascii=False, indent=2))


def _kept() -> QuerySet[Document]:
    return Document.objects.filter(deleted_at=None)


def _facts() -> Iterator[tuple[str, QuerySet[Any]]]:
    yield "documents", _kept()
    yield "einvoices", EInvoice.objects.filter(document__deleted_at=None)
    yield "findings", Finding.objects.filter(document__deleted_at=None)
    yield "moves", Move.objects.filter(document__deleted_at=None)
    yield "forwards", Forward.objects.filter(document__deleted_at=None)
    yield "notes", Note.objects.filter(document__deleted_at=None)
    yield "questions", Question.objects.all()
    yield "emails", Email.objects.all()
    yield "channels", Channel.objects.all()
    yield "rules", ChannelRule.objects.all()
    yield "logbook", FetchRun.objects.all()
    yield "ledger", ReceivedMail.objects.all()
    yield "parts", ReceivedPart.objects.all()
    yield "activity", AuditEntry.objects.all()


def _index(administration: Administration, missing: list[str]) -> dict[str, Any]:
    counts = {name: rows.count() for name, rows in _facts()}
    return {
        "administration": administration.name,
        "environment": administration.environment.name,
        "made_at": timezone.now().isoformat(),
        "rows": counts,
        "missing_files": missing,
    }


def _documents(archive: zipfile.ZipFile, administration_id: UUID, alive: Alive) -> Iterator[str]:
    for one in _kept().order_by("received_at", "pk").iterator(chunk_size=_ROWS):
        path = f"documents/{one.received_at:%Y-%m}/{one.pk.hex[:8]} {one.filename}"
        if not _file(archive, path, administration_id, one.sha256, one.received_at, alive):
            yield path


def _mails(archive: zipfile.ZipFile, administration_id: UUID, alive: Alive) -> Iterator[str]:
    for one in Email.objects.defer("text").order_by("received_at", "pk").iterator(chunk_size=_ROWS):
        name = safe_name(f"{one.subject or 'e-mail'}.eml", "message/rfc822")
        path = f"emails/{one.received_at:%Y-%m}/{one.pk.hex[:8]} {name}"
        if not _file(archive, path, administration_id, one.raw_sha256, one.received_at, alive):
            yield path


def _file(
    archive: zipfile.ZipFile, path: str, administration_id: UUID, sha256: str, moment: datetime, alive: Alive
) -> bool:
    """False when the storage has it no more, or does not give it: the index says so, and the rest goes on."""
    alive()
    try:
        blob = storage.open_blob(administration_id, sha256)
    except storage.BlobMissing:
        return False
    except storage.StorageProblem:
        storage.look()  # raises when it is the storage that fails, and not this file
        return False
    entry = zipfile.ZipInfo(path, timezone.localtime(moment).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    with blob, archive.open(entry, "w", force_zip64=True) as target:
        while chunk := blob.read(_CHUNK):
            target.write(chunk)
            alive()
    return True


def _people(administration: Administration) -> Iterator[tuple[str, ...]]:
    for person in people_with_access(administration).order_by("email"):
        yield person.email, person.name, str(role_in(person, administration))


def _table(archive: zipfile.ZipFile, name: str, heading: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with archive.open(name, "w") as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(heading)
        writer.writerows(map(safe_cell, row) for row in rows)


def _json_lines(archive: zipfile.ZipFile, name: str, rows: QuerySet[Any], alive: Alive) -> None:
    with archive.open(name, "w", force_zip64=True) as target:
        for row in rows.order_by("pk").iterator(chunk_size=_ROWS):
            target.write(json.dumps(_columns(row), ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n")
            alive()


def _columns(row: Model) -> dict[str, Any]:
    found = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}
