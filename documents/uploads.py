"""Files that people upload: bounded while they stream in, judged by content, taken in one by one."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.utils import timezone

from administrations.models import User
from documents import quota, storage
from documents.models import Document, Question
from documents.services import UPLOAD, add_document
from zenvoices.lib.filenames import DOCUMENTS, EXTENSIONS, safe_name
from zenvoices.lib.filetypes import ASIC, BINARY, MAIL, ZIP, expected, sniff, zip_kind
from zenvoices.lib.packages import ZIP_DAMAGE
from zenvoices.lib.rates import within_rate

ALLOWED = frozenset(DOCUMENTS) | {MAIL}
#: zipfile makes an object of each entry; no office document has so many
MOST_ENTRIES = 10_000
LONGEST_TAIL = 150  # bytes; a file system takes 255 for a whole name
#: what a file chooser offers
ACCEPT = ",".join(sorted({EXTENSIONS[kind] for kind in ALLOWED} | {".jpeg", ".tiff", ".heif"}))


class UploadRefused(Exception):
    """`code`: empty, too_large, too_many, too_often, archive, type_not_allowed; or that of a StorageProblem."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Lets the bytes of a file that is too large pass by unwritten; its size is counted all the same.

    So do those after UPLOAD_FILES files of full size in one request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept = 0

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        """What stands behind the last dot goes into the name of the temporary file: it has to fit there."""
        stem, tail = os.path.splitext(file_name)
        super().new_file(field_name, stem + tail.encode()[:LONGEST_TAIL].decode("utf-8", "ignore"), *args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        most = settings.UPLOAD_MAX_BYTES
        if start + len(raw_data) <= most and self.kept + len(raw_data) <= settings.UPLOAD_FILES * most:
            self.kept += len(raw_data)
            super().receive_data_chunk(raw_data, start)


@dataclass(frozen=True)
class Result:
    """What became of one file: a document, or why not."""

    filename: str
    document: Document | None = None
    problem: str = ""


def take_in(administration_id: UUID, files: list[UploadedFile], by: User | Question) -> list[Result]:
    """Each file on its own: one that is refused keeps none of the others out. `by`: a person, or the answer to what."""
    results = []
    for file in files:
        shown = safe_name(file.name or "", "")
        try:
            results.append(Result(shown, document=_take_in(administration_id, file, by)))
        except UploadRefused as refused:
            results.append(Result(shown, problem=refused.code))
        except storage.StorageProblem as problem:
            results.append(Result(shown, problem=problem.code))
    return results


def _take_in(administration_id: UUID, file: UploadedFile, by: User | Question) -> Document:
    size = file.size or 0
    if size == 0:
        raise UploadRefused("empty")
    if size > settings.UPLOAD_MAX_BYTES:
        raise UploadRefused("too_large")
    assert isinstance(file, TemporaryUploadedFile)  # noqa: S101 (FILE_UPLOAD_HANDLERS)
    path = Path(file.temporary_file_path())
    if path.stat().st_size != size:
        raise UploadRefused("too_many")
    if not within_rate("upload", str(by.pk), amount=settings.UPLOADS_PER_HOUR, seconds=3600):
        raise UploadRefused("too_often")
    content_type = _kind(path, file.name or "", file.content_type or "")
    if content_type in (ZIP, ASIC):
        raise UploadRefused("archive")
    if content_type not in ALLOWED:
        raise UploadRefused("type_not_allowed")
    quota.hold(administration_id, size)
    return add_document(
        administration_id,
        origin=UPLOAD,
        email=None,
        kind=Document.Kind.UPLOAD,
        filename=file.name or "",
        content_type=content_type,
        size=size,
        sha256=storage.put_file(administration_id, path),
        received_at=timezone.now(),
        uploaded_by=by if isinstance(by, User) else None,
        question=by if isinstance(by, Question) else None,
    )


def _kind(path: Path, name: str, declared: str) -> str:
    data = path.read_bytes()
    if not data.strip():
        raise UploadRefused("empty")
    kind = sniff(data, name, declared)
    if kind != ZIP or data.count(b"PK\x01\x02") > MOST_ENTRIES:  # so many are an archive
        return kind
    try:
        with zipfile.ZipFile(path) as archive:
            return zip_kind(archive, expected(name, declared))
    except (*ZIP_DAMAGE, OSError):
        return BINARY
