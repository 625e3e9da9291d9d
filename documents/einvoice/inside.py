"""The e-invoice inside a PDF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pypdfium2

from documents.einvoice import associated, reading, xml_text
from documents.einvoice.facts import Invoice, Unreadable

#: the names that Factur-X, ZUGFeRD 2 and XRechnung prescribe for the XML; ZUGFeRD-invoice.xml is of version 1
PRESCRIBED = frozenset(["factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"])
MOST_ATTACHMENTS = 50


def invoice_in_pdf(path: Path) -> tuple[Invoice, tuple[str, ...]] | None:
    """As reading.read(). None for a PDF without an e-invoice. Raises Unreadable for one whose e-invoice is wrong."""
    try:
        pdf = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        return None  # it has a password or is damaged: the preview says so
    wrong: Unreadable | None = None
    for files in (_listed(pdf), associated.files(path)):
        for name, data in files:
            try:
                return reading.read(data)
            except Unreadable as unreadable:
                if name in PRESCRIBED:
                    wrong = wrong or unreadable
    if wrong:
        raise wrong
    return None


def _listed(pdf: pypdfium2.PdfDocument) -> Iterator[tuple[str, bytes]]:
    """XMLs in the list of embedded files: those with a prescribed name first, those called otherwise last."""
    found: list[tuple[bool, bool, str, Any]] = []
    for index in range(min(pdf.count_attachments(), MOST_ATTACHMENTS)):
        with suppress(pypdfium2.PdfiumError):
            attachment = pdf.get_attachment(index)
            name = attachment.get_name().casefold()
            found.append((name not in PRESCRIBED, not name.endswith(".xml"), name, attachment))
    for *_, name, attachment in sorted(found, key=lambda one: one[:3]):
        with suppress(pypdfium2.PdfiumError):
            data = bytes(attachment.get_data())
            if name.endswith(".xml") or xml_text.begins_as_xml(data):
                yield name, data
