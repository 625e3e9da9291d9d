"""The e-invoice inside a PDF, and the PDF inside an e-invoice."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pypdfium2

from documents.einvoice import reading, ubl
from documents.einvoice.facts import Invoice, Unreadable

#: the names that Factur-X, ZUGFeRD 2 and XRechnung prescribe for the XML; ZUGFeRD-invoice.xml is of version 1
PRESCRIBED = frozenset(["factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"])
MOST_ATTACHMENTS = 50


def invoice_in_pdf(path: Path) -> Invoice | None:
    """None for a PDF without an e-invoice. Raises Unreadable for one whose e-invoice is wrong."""
    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        return None  # it has a password or is damaged: the preview says so
    wrong: Unreadable | None = None
    for name, data in _xml_files(pdf):
        try:
            return reading.read(io.BytesIO(data))
        except Unreadable as unreadable:
            if name in PRESCRIBED:
                wrong = wrong or unreadable
    if wrong:
        raise wrong
    return None


def _xml_files(pdf: pypdfium2.PdfDocument) -> Iterator[tuple[str, bytes]]:
    """Those with a prescribed name first."""
    found = []
    for index in range(min(pdf.count_attachments(), MOST_ATTACHMENTS)):
        try:
            attachment = pdf.get_attachment(index)
            name = attachment.get_name().casefold()
        except pypdfium2.PdfiumError:
            continue
        if name.endswith(".xml"):
            found.append((name not in PRESCRIBED, name, attachment))
    for _, name, attachment in sorted(found, key=lambda one: one[:2]):
        try:
            data = attachment.get_data()
        except pypdfium2.PdfiumError:
            continue
        if len(data) <= reading.MOST_BYTES:
            yield name, bytes(data)


def pdf_in_invoice(path: Path) -> bytes:
    """b"" without one."""
    if path.stat().st_size > reading.MOST_BYTES:
        return b""
    try:
        with path.open("rb") as source:
            return ubl.pdf_inside(reading.parse(source))
    except Unreadable:
        return b""
