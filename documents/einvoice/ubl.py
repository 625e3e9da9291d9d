"""UBL 2.1 Invoice and CreditNote, as Peppol BIS Billing 3 and NLCIUS (SI-UBL 2.0) use them."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from documents.einvoice.facts import Line
from documents.einvoice.found import CREDIT_CODES, Found

_URN = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMESPACES = {"cbc": f"{_URN}CommonBasicComponents-2", "cac": f"{_URN}CommonAggregateComponents-2"}
INVOICE, CREDIT_NOTE = f"{{{_URN}Invoice-2}}Invoice", f"{{{_URN}CreditNote-2}}CreditNote"
_SUM = "cac:LegalMonetaryTotal"


def read(root: Element) -> Found:
    found = Found(root, NAMESPACES, "ubl")
    found.text("number", "cbc:ID")
    found.text("profile", "cbc:CustomizationID")
    found.facts["is_credit"] = root.tag == CREDIT_NOTE or found.first("cbc:InvoiceTypeCode") in CREDIT_CODES
    for name, role in (("supplier", "Supplier"), ("customer", "Customer")):
        party = f"cac:Accounting{role}Party/cac:Party"
        found.text(name, f"{party}/cac:PartyLegalEntity/cbc:RegistrationName", f"{party}/cac:PartyName/cbc:Name")
    found.vat(_seller_vat(found))
    found.date("issued", "cbc:IssueDate")
    found.date("due", "cbc:DueDate", "cac:PaymentMeans/cbc:PaymentDueDate")  # a CreditNote knows the second only
    found.ibans("cac:PaymentMeans/cac:PayeeFinancialAccount", "cbc:ID")
    found.currency("cbc:DocumentCurrencyCode", f"{_SUM}/cbc:PayableAmount")
    found.amount("net", f"{_SUM}/cbc:TaxExclusiveAmount")
    found.tax("cac:TaxTotal/cbc:TaxAmount")
    found.amount("total", f"{_SUM}/cbc:TaxInclusiveAmount")
    found.amount("payable", f"{_SUM}/cbc:PayableAmount")
    lines = "cac:CreditNoteLine" if root.tag == CREDIT_NOTE else "cac:InvoiceLine"
    found.lines(root.findall(lines, NAMESPACES), _line)
    return found


def _seller_vat(found: Found) -> str:
    """A party may have other tax numbers too (BT-32): only the one of scheme VAT is BT-31."""
    schemes = "cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme"
    for scheme in found.root.iterfind(schemes, NAMESPACES):
        if found.first("cac:TaxScheme/cbc:ID", within=scheme).upper() == "VAT":
            return found.first("cbc:CompanyID", within=scheme)
    return ""


def _line(found: Found, line: Element) -> Line:
    quantity = "cbc:CreditedQuantity" if found.root.tag == CREDIT_NOTE else "cbc:InvoicedQuantity"
    return Line(
        text=found.first("cac:Item/cbc:Name", "cac:Item/cbc:Description", within=line),
        quantity=found.line_number(line, quantity),
        unit=found.attribute(line, quantity, "unitCode"),
        price=found.line_number(line, "cac:Price/cbc:PriceAmount"),
        amount=found.line_number(line, "cbc:LineExtensionAmount"),
        rate=found.line_number(line, "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent"),
    )
