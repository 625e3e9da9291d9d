"""Files that people upload: bounded while they stream in, judged by content, taken in one by one."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

from administrations.models import User
from documents import preview, processes, quota, storage
from documents.models import PDF, Document, Question
from documents.render_page import IMAGES
from documents.services import UPLOAD, add_document
from zenvoices.lib import database_clock
from zenvoices.lib.filenames import DOCUMENTS, EXTENSIONS, safe_name
from zenvoices.lib.filetypes import ASIC, BINARY, MAIL, ZIP, expected, sniff, zip_kind
from zenvoices.lib.packages import ZIP_DAMAGE
from zenvoices.lib.rates import within_rate

ALLOWED = frozenset(DOCUMENTS) | {MAIL}
#: photographs of one paper
MOST_PAGES = 20
#: zipfile makes an object of each entry; no office document has so many
MOST_ENTRIES = 10_000
LONGEST_TAIL = 150  # bytes; a file system takes 255 for a whole name
#: problems that are not of the file: it may be sent again as it is
PASSES = frozenset({"too_many", "too_often", "not_made", "disk_full", "storage_failed", "storage_quota"})
#: what a file chooser offers
ACCEPT = ",".join(sorted({EXTENSIONS[kind] for kind in ALLOWED} | {".jpeg", ".tiff", ".heif"}))


class UploadRefused(Exception):
    """`code`: one of documents.phrases.upload_problem."""

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


def take_in_pages(administration_id: UUID, photos: Sequence[UploadedFile], by: User, name: str) -> Result:
    """Photographs of one paper, in order, as one PDF that is called `name`: all of them, or nothing."""
    shown = name
    try:
        if len(photos) > MOST_PAGES:
            raise UploadRefused("too_many_pages")
        with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
            target, looked_at = Path(folder) / "pages.pdf", list[tuple[Path, str]]()
            for photo in photos:
                shown = safe_name(photo.name or "", "")
                looked_at.append(_photo(photo, by))
            wrong = _make_pdf(target, looked_at)
            if wrong is not None:
                shown = safe_name(photos[wrong].name or "", "")
                raise UploadRefused("page_unreadable")
            return Result(name, document=_add(administration_id, target, name, PDF, by))
    except UploadRefused as refused:
        return Result(shown, problem=refused.code)
    except storage.StorageProblem as problem:
        return Result(name, problem=problem.code)


def _photo(file: UploadedFile, by: User) -> tuple[Path, str]:
    path, content_type = _looked_at(file, by)
    if content_type not in IMAGES:
        raise UploadRefused("no_photo")
    return path, content_type


def _make_pdf(target: Path, photos: list[tuple[Path, str]]) -> int | None:
    """The place of the one that cannot be read. Raises UploadRefused when another try may do."""
    arguments = [word for path, kind in photos for word in (kind, str(path))]
    try:
        with preview.turn():
            answer = processes.answer_of("documents.make_pdf", str(target), *arguments)
    except (preview.PreviewProblem, processes.TimedOut, processes.Killed, processes.Failed) as problem:
        raise UploadRefused("not_made") from problem
    return answer["page"] - 1 if answer.get("problem") else None


def _take_in(administration_id: UUID, file: UploadedFile, by: User | Question) -> Document:
    path, content_type = _looked_at(file, by)
    if content_type in (ZIP, ASIC):
        raise UploadRefused("archive")
    if content_type not in ALLOWED:
        raise UploadRefused("type_not_allowed")
    return _add(administration_id, path, file.name or "", content_type, by)


def _looked_at(file: UploadedFile, by: User | Question) -> tuple[Path, str]:
    """Where it lies, and what it is. Raises UploadRefused."""
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
    return path, _kind(path, file.name or "", file.content_type or "")


def _add(administration_id: UUID, path: Path, name: str, content_type: str, by: User | Question) -> Document:
    size = path.stat().st_size
    quota.hold(administration_id, size)
    return add_document(
        administration_id,
        origin=UPLOAD,
        email=None,
        kind=Document.Kind.UPLOAD,
        filename=name,
        content_type=content_type,
        size=size,
        sha256=storage.put_file(administration_id, path),
        received_at=database_clock.now(),
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
