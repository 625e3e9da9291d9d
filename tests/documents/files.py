"""Small real files for the tests."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pypdfium2
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas


def pdf(text: str = "Factuur 2026-114", pages: int = 1, password: str = "") -> bytes:
    target = io.BytesIO()
    encrypt = StandardEncryption(password, canPrint=1) if password else None
    canvas = Canvas(target, pagesize=(595, 842), encrypt=encrypt, invariant=True)
    for number in range(1, pages + 1):
        canvas.setFont("Helvetica-Bold", 24)
        canvas.drawString(60, 760, f"{text} ({number})")
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def image(kind: str = "PNG", size: tuple[int, int] = (300, 200), pages: int = 1) -> bytes:
    target = io.BytesIO()
    frames = [Image.new("RGB", size, (40 * number, 120, 160)) for number in range(1, pages + 1)]
    more = {"save_all": True, "append_images": frames[1:]} if pages > 1 else {}
    frames[0].save(target, kind, **more)
    return target.getvalue()


def office(entry: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(entry, "<x/>")
    return target.getvalue()


XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2">
<cbc:ID>2026-114</cbc:ID><cbc:IssueDate>2026-11-20</cbc:IssueDate>
<cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="EUR">121.00</cbc:PayableAmount></cac:LegalMonetaryTotal>
</Invoice>"""

INVOICES = Path(__file__).parent / "invoices"


def invoice(name: str) -> bytes:
    """A sample of tests/documents/invoices: believable, made up, with right check digits."""
    return (INVOICES / f"{name}.xml").read_bytes()


def pdf_with(files: dict[str, bytes], text: str = "Rechnung") -> bytes:
    """A PDF with these files inside, as Factur-X and ZUGFeRD put them there."""
    document = pypdfium2.PdfDocument(pdf(text))
    for name, data in files.items():
        document.new_attachment(name).set_data(data)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()
