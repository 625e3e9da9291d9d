"""Files in a PDF that stand outside its list of embedded files: associated files (ISO 32000-2 14.13) and notes that
carry a file (ISO 32000-1 12.5.6.15)."""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from documents.einvoice.xml_text import begins_as_xml

MOST_FILES = 50
#: so many pages are looked at for notes, from the first on
MOST_PAGES = 50
MOST_NOTES = 500
#: one of these stands in clear in every PDF that has a file in it: streams are never packed into others
_SIGNS = (b"/EmbeddedFile", b"/EF", b"#2Fxml", b"#2fxml")


def files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name in lower case and bytes of each that is called or begins as an XML."""
    if not _may_have_files(path):
        return
    import pypdf  # noqa: PLC0415 (few PDFs need it)

    try:
        reader = pypdf.PdfReader(path, strict=False)
        for number, given in enumerate(_specifications(reader)):
            if number == MOST_FILES:
                return
            if file := _file(given):
                yield file
    except (pypdf.errors.PyPdfError, pypdf.errors.DependencyError, *_BROKEN):
        return  # a part of the PDF that its reader cannot follow: there is no e-invoice to be had


#: what pypdf raises, besides its own, for objects that are not of the kind that they should be
_BROKEN = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    *(struct.error, zlib.error),
)


def _may_have_files(path: Path) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(sign) >= 0 for sign in _SIGNS)


def _specifications(reader: Any) -> Iterator[Any]:
    """File specifications that the catalogue, the first pages and their notes name."""
    catalogue = reader.root_object
    yield from _listed(catalogue)
    for number, page in enumerate(reader.pages):
        if number == MOST_PAGES:
            return
        yield from _listed(page)
        for note in list(_whole(page.get("/Annots")) or [])[:MOST_NOTES]:
            note = _whole(note)
            if note.get("/Subtype") == "/FileAttachment":
                yield _whole(note.get("/FS"))


def _listed(holder: Any) -> Iterator[Any]:
    given = _whole(holder.get("/AF"))
    for one in given if isinstance(given, list) else [given] if given else []:
        yield _whole(one)


def _file(given: Any) -> tuple[str, bytes] | None:
    if not isinstance(given, dict):
        return None
    name = str(_whole(given.get("/UF")) or _whole(given.get("/F")) or "").casefold()
    embedded = _whole(given.get("/EF")) or {}
    stream = _whole(embedded.get("/UF")) or _whole(embedded.get("/F"))
    if stream is None:
        return None
    data = bytes(stream.get_data())
    return (name, data) if name.endswith(".xml") or begins_as_xml(data) else None


def _whole(given: Any) -> Any:
    """What a reference stands for."""
    return given.get_object() if hasattr(given, "get_object") else given
