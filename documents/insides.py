"""The PDFs that an e-invoice carries: which there are, and the bytes of one."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from documents import processes, storage
from documents.models import XML_TYPES, Document, einvoice_of


class NoPdf(Exception):
    """It is not there, or cannot be taken out now."""


@dataclass(frozen=True)
class Inside:
    """`place`: 0 for the one that is the invoice. `size` in bytes; 0 where it was read before sizes were kept."""

    place: int
    name: str
    sha256: str
    size: int


def insides(document: Document) -> list[Inside]:
    """Of an XML that was read; none of anything else."""
    read = einvoice_of(document)
    if read is None or document.content_type not in XML_TYPES:
        return []
    if not read.pdfs and read.pdf_sha256:
        return [Inside(0, f"{document.filename}.pdf", read.pdf_sha256, 0)]
    return [Inside(place, **pdf) for place, pdf in enumerate(read.pdfs)]


def inside(document: Document, place: int) -> Inside:
    """Raises NoPdf."""
    found = insides(document)
    if not 0 <= place < len(found):
        raise NoPdf
    return found[place]


def taken_out(document: Document, wanted: Inside) -> bytes:
    """Raises NoPdf."""
    try:
        with (
            storage.path_of(document.administration_id, document.sha256) as source,
            tempfile.TemporaryDirectory(prefix="inside-") as folder,
        ):
            target = Path(folder) / "inside.pdf"
            answer = processes.answer_of("documents.einvoice.take_pdf", str(source), wanted.sha256, str(target))
            if "problem" in answer:
                raise NoPdf
            return target.read_bytes()
    except (storage.BlobMissing, storage.StorageProblem, OSError) as problem:
        raise NoPdf from problem
    except (processes.Killed, processes.TimedOut, processes.Failed) as problem:
        raise NoPdf from problem
