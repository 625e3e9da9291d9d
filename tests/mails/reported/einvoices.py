"""E-invoices as programs really write them, and PDFs that hold or go with one."""

from __future__ import annotations

from dataclasses import dataclass

from tests.mails.building import attached, b64, encoded, mail, mixed, pdf

PDF, XML, OCTETS = "application/pdf", "application/xml", "application/octet-stream"
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CII = "urn:un:unece:uncefact:data:standard:"


def bare(number: str, supplier: str = "Meelfabriek Müller", embedded: str = "") -> str:
    """A UBL without its declaration."""
    return (
        f'<Invoice xmlns="{_UBL}Invoice-2" xmlns:cbc="{_UBL}CommonBasicComponents-2"'
        f' xmlns:cac="{_UBL}CommonAggregateComponents-2"><cbc:ID>{number}</cbc:ID>'
        f"<cbc:IssueDate>2026-11-02</cbc:IssueDate><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>{embedded}"
        f"<cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>{supplier}</cbc:Name></cac:PartyName>"
        f"</cac:Party></cac:AccountingSupplierParty><cac:LegalMonetaryTotal>"
        f'<cbc:PayableAmount currencyID="EUR">121.00</cbc:PayableAmount></cac:LegalMonetaryTotal></Invoice>'
    )


def ubl(number: str, **more: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{bare(number, **more)}\n'.encode()


def within_ubl(kind: str, name: str, label: str) -> str:
    """A PDF that says `label`, as UBL carries it."""
    data = b64(pdf(label)).decode()
    return (
        f"<cac:AdditionalDocumentReference><cbc:ID>{name or 'bijlage'}</cbc:ID><cac:Attachment>"
        f'<cbc:EmbeddedDocumentBinaryObject mimeCode="{kind}" filename="{name}">{data}'
        f"</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>"
    )


def cii(number: str, embedded: bytes = b"") -> bytes:
    reference = ""
    if embedded:
        reference = (
            f'<ram:AdditionalReferencedDocument><ram:AttachmentBinaryObject mimeCode="{OCTETS}">'
            f"{b64(embedded).decode()}</ram:AttachmentBinaryObject></ram:AdditionalReferencedDocument>"
        )
    return (
        f'<rsm:CrossIndustryInvoice xmlns:rsm="{_CII}CrossIndustryInvoice:100"'
        f' xmlns:ram="{_CII}ReusableAggregateBusinessInformationEntity:100"><rsm:ExchangedDocument>'
        f"<ram:ID>{number}</ram:ID></rsm:ExchangedDocument><rsm:SupplyChainTradeTransaction>"
        f"<ram:ApplicableHeaderTradeAgreement>{reference}<ram:SellerTradeParty><ram:Name>Mühle GmbH</ram:Name>"
        f"</ram:SellerTradeParty></ram:ApplicableHeaderTradeAgreement></rsm:SupplyChainTradeTransaction>"
        f"</rsm:CrossIndustryInvoice>"
    ).encode()


def naming(number: str, catalogue: str = "", page: str = "") -> bytes:
    """A PDF that holds a CII in object 5, a file specification, which only `catalogue` or `page` names."""
    xml = cii(number)
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{catalogue}>>".encode(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]{page}>>".encode(),
        b"<</Type/EmbeddedFile/Subtype/text#2Fxml/Length %d>>\nstream\n%s\nendstream" % (len(xml), xml),
        b"<</Type/Filespec/UF(factur-x.xml)/AFRelationship/Alternative/EF<</F 4 0 R>>>>",
        b"<</Type/Annot/Subtype/FileAttachment/Rect[0 0 9 9]/FS 5 0 R>>",
    ]
    data, places = b"%PDF-1.7\n", []
    for at, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (at, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return data + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def envelope(data: str) -> bytes:
    space = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
    head = f'<StandardBusinessDocument xmlns="{space}"><StandardBusinessDocumentHeader/>'
    return f'<?xml version="1.0"?>\n{head}{data}</StandardBusinessDocument>'.encode()


@dataclass(frozen=True)
class Told:
    """What list_documents must say of a document: the e-invoice's number and supplier, whose pages, its defects."""

    name: str
    number: str = ""
    supplier: str = ""
    #: "itself", "inside", the name of another document, or "" for none
    shown: str = "itself"
    defects: tuple[str, ...] = ()


_MULLER = "Meelfabriek Müller"
_OWN = within_ubl(PDF, "factuur.pdf", "zelf")

#: of each: the mail, and what must be told of its documents, in the order of their names
EINVOICES = {
    "einvoice-text-around": (
        lambda: mixed(
            attached(b"Hierbij onze factuur.\r\n\r\n" + ubl("E-1") + b"\r\n-- \r\nMet groet", "text/xml", "1.xml"),
            attached(b"\0\0\0" + bare("E-2").encode() + b"\0" * 500, OCTETS, "2.ubl"),
            attached(b"\r\n \r\n" + ubl("E-3"), "text/plain", "3.txt"),
        ),
        [Told("1.xml", "E-1", _MULLER), Told("2.ubl.xml", "E-2", _MULLER), Told("3.txt.xml", "E-3", _MULLER)],
    ),
    "einvoice-encoding-lies": (
        lambda: mixed(
            attached(b'<?xml version="1.0" encoding="utf-16"?>' + bare("E-1").encode(), XML, "1.xml"),
            attached(bare("E-2").encode("utf-16-le"), XML, "2.xml"),
            attached(bare("E-3").encode("utf-16-be"), OCTETS, "3.xml"),
            attached(b'<?xml version="1.0" encoding="utf-8"?>' + bare("E-4").encode("latin-1"), XML, "4.xml"),
        ),
        [
            Told("1.xml", "E-1", _MULLER),
            Told("2.xml", "E-2", _MULLER),
            Told("3.xml", "E-3", _MULLER),
            Told("4.xml", "E-4", _MULLER, defects=("encoding_guessed",)),
        ],
    ),
    "einvoice-not-well-formed": (
        lambda: mixed(
            attached(ubl("E-1", supplier="Jansen & Zn"), XML, "1.xml"),
            attached(ubl("E-2", supplier="Caf&eacute; \x0bKroon"), XML, "2.xml"),
            attached(ubl("E-3")[:300], XML, "3.xml"),
        ),
        [
            Told("1.xml", "E-1", "Jansen & Zn", defects=("xml_repaired",)),
            Told("2.xml", "E-2", "Café Kroon", defects=("xml_repaired",)),
            Told("3.xml", shown=""),
        ],
    ),
    "einvoice-in-envelope": (
        lambda: mixed(
            attached(envelope(bare("E-1")), "application/vnd.peppol+xml", "bericht"),
            attached(envelope(bare("E-2", embedded=_OWN)), XML, "met-pdf.xml"),
        ),
        [Told("bericht.xml", "E-1", _MULLER), Told("met-pdf.xml", "E-2", _MULLER, "inside")],
    ),
    "einvoice-pdf-inside": (
        lambda: mixed(
            attached(ubl("E-1", embedded=within_ubl("application/PDF", "f.pdf", "1")), XML, "1.xml"),
            attached(ubl("E-2", embedded=within_ubl("text/plain", "", "2")), XML, "2.xml"),
            attached(cii("E-3", pdf("3")), XML, "3.xml"),
            attached(ubl("E-4", embedded=within_ubl(PDF, "av.pdf", "av") + _OWN), XML, "4.xml"),
        ),
        [
            Told("1.xml", "E-1", _MULLER, "inside"),
            Told("2.xml", "E-2", _MULLER, "inside"),
            Told("3.xml", "E-3", "Mühle GmbH", "inside"),
            Told("4.xml", "E-4", _MULLER, "inside"),
        ],
    ),
    "einvoice-xml-beside-the-list": (
        lambda: mixed(
            attached(naming("E-1", catalogue="/AF[5 0 R]"), PDF, "1.pdf"),
            attached(naming("E-2", page="/Annots[6 0 R]"), PDF, "2.pdf"),
            attached(naming("E-3", page="/AF 5 0 R"), PDF, "3.pdf"),
        ),
        [Told(f"{number}.pdf", f"E-{number}", "Mühle GmbH") for number in (1, 2, 3)],
    ),
    "einvoice-signed-by-name-only": (
        lambda: mixed(attached(ubl("E-1"), "application/pkcs7-mime", "IT01_1.xml.p7m")),
        [Told("IT01_1.xml.p7m.xml", "E-1", _MULLER)],
    ),
    "einvoice-is-the-mail": (
        lambda: mail(encoded(b"\xef\xbb\xbf\r\n" + ubl("E-1"), "Content-Type: text/plain; charset=utf-8")),
        [Told("Factuur 2026-118.xml", "E-1", _MULLER)],
    ),
    "pair-with-terms": (
        lambda: mixed(
            attached(ubl("E-1", embedded=_OWN), XML, "E-1.xml"), attached(pdf("av"), PDF, "Leveringsvoorwaarden.pdf")
        ),
        [Told("E-1.xml", "E-1", _MULLER, "inside"), Told("Leveringsvoorwaarden.pdf")],
    ),
    "pair-with-time-sheet": (
        lambda: mixed(
            attached(ubl("2026-118"), XML, "ubl.xml"), attached(pdf("uren"), PDF, "Urenstaat bij factuur 2026-118.pdf")
        ),
        [Told("Urenstaat bij factuur 2026-118.pdf"), Told("ubl.xml", "2026-118", _MULLER)],
    ),
    "pair-of-other-number": (
        lambda: mixed(attached(ubl("2026-118"), XML, "ubl.xml"), attached(pdf("ander"), PDF, "Factuur 2026-119.pdf")),
        [Told("Factuur 2026-119.pdf"), Told("ubl.xml", "2026-118", _MULLER)],
    ),
    "pair-of-the-only-two": (
        lambda: mixed(attached(ubl("2026-118"), XML, "ubl.xml"), attached(pdf("f"), PDF, "Factuur.pdf")),
        [Told("Factuur.pdf"), Told("ubl.xml", "2026-118", _MULLER, "Factuur.pdf")],
    ),
    "pair-beside-papers": (
        lambda: mixed(
            attached(ubl("2026-118"), XML, "ubl.xml"),
            attached(pdf("f"), PDF, "Factuur 2026-118.pdf"),
            attached(pdf("s"), PDF, "Specificatie 2026-118.pdf"),
        ),
        [
            Told("Factuur 2026-118.pdf"),
            Told("Specificatie 2026-118.pdf"),
            Told("ubl.xml", "2026-118", _MULLER, "Factuur 2026-118.pdf"),
        ],
    ),
    "pair-by-bytes": (
        lambda: mixed(
            attached(ubl("2026-118", embedded=_OWN), XML, "a.xml"),
            attached(pdf("zelf"), PDF, "print.pdf"),
            attached(pdf("av"), PDF, "factuur 2026-118.pdf"),
        ),
        [Told("a.xml", "2026-118", _MULLER, "print.pdf"), Told("factuur 2026-118.pdf"), Told("print.pdf")],
    ),
}
CASES = {name: build for name, (build, _) in EINVOICES.items()}
