"""Bytes on their way to a browser: whatever a file holds, it is a download and never a page of this site."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import BinaryIO, cast
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from documents import storage
from documents.models import PDF, Document
from documents.uploads import ALLOWED
from zenvoices.lib.filenames import safe_name

#: types a browser could run or render go out as plain bytes
_AS_THEMSELVES = ALLOWED - {"application/xml"} | {"text/plain"}
_LOCKED = "sandbox; default-src 'none'; frame-ancestors 'self'"
#: of a mail; its pictures are written into the page. Styles can do nothing more than colour and measure: they load
#: nothing, and nothing they could read is in the frame.
_MAIL = f"{_LOCKED}; img-src data:; style-src 'unsafe-inline'"
_CHUNK = 1 << 18


def _guard(response: HttpResponseBase, policy: str = _LOCKED) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "private, no-store"


def attachment(administration_id: UUID, sha256: str, filename: str, content_type: str) -> StreamingHttpResponse:
    """Raises BlobMissing."""
    kind = content_type if content_type in _AS_THEMSELVES else "application/octet-stream"
    length = storage.size(administration_id, sha256)
    response = StreamingHttpResponse(_chunks(administration_id, sha256), content_type=kind)
    name = safe_name(filename, content_type)
    response.headers["Content-Length"] = str(length)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    _guard(response)
    return response


def bytes_attached(data: bytes, filename: str, content_type: str) -> HttpResponse:
    """Of what lies in no storage; `content_type` is one that a browser downloads as it is."""
    response = HttpResponse(data, content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, safe_name(filename, content_type)) or ""
    _guard(response)
    return response


def _chunks(administration_id: UUID, sha256: str) -> Iterator[bytes]:
    with storage.open_blob(administration_id, sha256) as blob:
        while chunk := blob.read(_CHUNK):
            yield chunk


def drawing(place: Path) -> HttpResponse:
    """An image that we drew ourselves."""
    response = HttpResponse(place.read_bytes(), content_type="image/webp")
    _guard(response)
    return response


def mail_page(place: Path) -> HttpResponse:
    """A mail as it looked, for a sandboxed frame. `place`: a page of documents.mail_page."""
    response = HttpResponse(place.read_bytes(), content_type="text/html; charset=utf-8")
    _guard(response, _MAIL)
    return response


def mail_pdf(place: Path, subject: str) -> HttpResponse:
    """A PDF that we made ourselves of a mail, to keep."""
    response = HttpResponse(place.read_bytes(), content_type=PDF)
    name = safe_name(f"{subject or 'e-mail'}.pdf", PDF)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    _guard(response)
    return response


def zip_of(documents: list[Document], names: list[str], name: str) -> StreamingHttpResponse:
    """The documents as one ZIP, made while it is sent: memory holds a chunk. Raises BlobMissing before it begins.

    `names`: of each document, in which two may be alike.
    """
    for document in documents:
        storage.size(document.administration_id, document.sha256)
    response = StreamingHttpResponse(_zipped(documents, names), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    _guard(response)
    return response


class _Pipe:
    """A file that zipfile writes to and the response takes from; it cannot seek, and zipfile copes."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        data, self.waiting = b"".join(self.waiting), []
        return data


def _zipped(documents: list[Document], names: list[str]) -> Iterator[bytes]:
    pipe, used = _Pipe(), set[str]()
    with zipfile.ZipFile(cast(BinaryIO, pipe), "w") as archive:
        for document, name in zip(documents, names, strict=True):
            entry = zipfile.ZipInfo(_unused(name, used), document.received_at.timetuple()[:6])
            with (
                storage.open_blob(document.administration_id, document.sha256) as blob,
                archive.open(entry, "w", force_zip64=True) as target,
            ):
                while chunk := blob.read(_CHUNK):
                    target.write(chunk)
                    yield pipe.taken()
    yield pipe.taken()


def _unused(filename: str, used: set[str]) -> str:
    path, number, name = PurePath(filename), 1, filename
    while name.casefold() in used:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    used.add(name.casefold())
    return name
