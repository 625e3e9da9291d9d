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


def ubl_with(*files: tuple[str, str, str, bytes]) -> bytes:
    """A UBL that carries files. Of each: mimeCode, file name, description, and the text that stands in its element."""
    references = "".join(
        f"<cac:AdditionalDocumentReference><cbc:ID>{number}</cbc:ID><cbc:DocumentDescription>{about}"
        f'</cbc:DocumentDescription><cac:Attachment><cbc:EmbeddedDocumentBinaryObject mimeCode="{kind}"'
        f' filename="{name}">{data.decode()}</cbc:EmbeddedDocumentBinaryObject></cac:Attachment>'
        f"</cac:AdditionalDocumentReference>"
        for number, (kind, name, about, data) in enumerate(files, start=1)
    ).encode()
    return invoice("peppol-invoice").replace(
        b"<cac:AccountingSupplierParty>", references + b"<cac:AccountingSupplierParty>", 1
    )


def cii_with(kind: str, name: str, data: bytes) -> bytes:
    """A CII that carries one file."""
    reference = (
        f"<ram:AdditionalReferencedDocument><ram:IssuerAssignedID>1</ram:IssuerAssignedID><ram:TypeCode>916</ram:TypeCode>"
        f'<ram:AttachmentBinaryObject mimeCode="{kind}" filename="{name}">{data.decode()}</ram:AttachmentBinaryObject>'
        f"</ram:AdditionalReferencedDocument></ram:ApplicableHeaderTradeAgreement>"
    )
    return invoice("xrechnung-cii").replace(b"</ram:ApplicableHeaderTradeAgreement>", reference.encode(), 1)


def two_accounts() -> bytes:
    """A UBL with two ways to pay, of which the second has a wrong IBAN."""
    data = invoice("peppol-invoice")
    means = data[data.index(b"<cac:PaymentMeans>") : data.index(b"</cac:PaymentMeans>")] + b"</cac:PaymentMeans>"
    return data.replace(means, means + means.replace(b"NL91 ABNA 0417 1643 00", b"BE68 5390 0754 7035"))
