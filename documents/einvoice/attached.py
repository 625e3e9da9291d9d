"""The PDFs inside an e-invoice (BT-125), in UBL and in CII: judged by their bytes, the invoice itself first."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from documents.einvoice import cii, papers, ubl, values
from documents.einvoice.facts import PdfInside
from zenvoices.lib.filenames import safe_name

MOST_PDF_BYTES = 25_000_000
MOST_PDFS = 20
_EMBEDDED = frozenset(
    [f"{{{ubl.NAMESPACES['cbc']}}}EmbeddedDocumentBinaryObject", f"{{{cii.NAMESPACES['ram']}}}AttachmentBinaryObject"]
)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True)
class Attached:
    """`words`: its name and what the invoice says of it."""

    name: str
    words: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def told(whole: Element, number: str) -> tuple[PdfInside, ...]:
    """Of the invoice with that number, without their bytes."""
    found = {one.sha256: PdfInside(one.name, one.sha256, len(one.data)) for one in _in_order(whole, number)}
    return tuple(found.values())


def with_hash(whole: Element, sha256: str) -> bytes:
    """b"" when there is none."""
    return next((one.data for one in _attached(whole) if one.sha256 == sha256), b"")


def _in_order(whole: Element, number: str) -> list[Attached]:
    return sorted(_attached(whole), key=lambda one: papers.rank(one.words, number))


def _attached(whole: Element) -> Iterator[Attached]:
    parents = {child: parent for parent in whole.iter() for child in parent}
    count = 0
    for element in whole.iter():
        if element.tag in _EMBEDDED and count < MOST_PDFS and (data := _pdf(element.text or "")):
            count += 1
            holder = parents.get(element, element)
            # UBL puts the object into an Attachment of the reference, CII into the reference itself.
            holder = parents.get(holder, holder) if holder.tag.endswith("}Attachment") else holder
            said = [values.text(one.text) for one in holder if one.text and one is not element]
            name = values.text(element.get("filename"))
            yield Attached(safe_name(name or next(iter(said), ""), "application/pdf"), " ".join([name, *said]), data)


def _pdf(given: str) -> bytes:
    """b"" for anything but a PDF, whatever the invoice says that it is."""
    if len(given) > MOST_PDF_BYTES * 3 // 2:
        return b""
    if given.lstrip().startswith("data:"):
        given = given.partition(",")[2]
    clean = "".join(given.split()).encode("ascii", "replace").translate(_URL_SAFE).rstrip(b"=")
    try:
        data = base64.b64decode(clean + b"=" * (-len(clean) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if b"%PDF-" in data[:1024] and len(data) <= MOST_PDF_BYTES else b""
