"""The same invoice as a Peppol BIS 3 (UBL 2.1) e-invoice."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree

from demo.invoices import CUSTOMER, Invoice, Party

CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
PROFILE = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
CUSTOMIZATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"


def invoice_xml(invoice: Invoice) -> bytes:
    for prefix, namespace in (("", INVOICE), ("cbc", CBC), ("cac", CAC)):
        ElementTree.register_namespace(prefix, namespace)
    root = ElementTree.Element(f"{{{INVOICE}}}Invoice")
    for name, text in (
        ("CustomizationID", CUSTOMIZATION),
        ("ProfileID", PROFILE),
        ("ID", invoice.number),
        ("IssueDate", invoice.issued.isoformat()),
        ("DueDate", invoice.due.isoformat()),
        ("InvoiceTypeCode", "380"),
        ("DocumentCurrencyCode", "EUR"),
        ("BuyerReference", invoice.customer_number),
    ):
        _basic(root, name, text)
    _party(_aggregate(root, "AccountingSupplierParty"), invoice.supplier)
    _party(_aggregate(root, "AccountingCustomerParty"), CUSTOMER)
    means = _aggregate(root, "PaymentMeans")
    _basic(means, "PaymentMeansCode", "58")
    _basic(means, "PaymentID", invoice.number)
    _basic(_aggregate(means, "PayeeFinancialAccount"), "ID", invoice.supplier.iban)
    _taxes(root, invoice)
    _totals(root, invoice)
    for number, line in enumerate(invoice.lines, start=1):
        item_line = _aggregate(root, "InvoiceLine")
        _basic(item_line, "ID", str(number))
        _basic(item_line, "InvoicedQuantity", str(line.quantity), unitCode="C62")
        _amount(item_line, "LineExtensionAmount", line.amount)
        item = _aggregate(item_line, "Item")
        _basic(item, "Name", line.text)
        _category(item, "ClassifiedTaxCategory", line.rate)
        _amount(_aggregate(item_line, "Price"), "PriceAmount", line.price)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True))


def _taxes(root: ElementTree.Element, invoice: Invoice) -> None:
    total = _aggregate(root, "TaxTotal")
    _amount(total, "TaxAmount", invoice.total - invoice.net)
    for rate, (base, tax) in invoice.taxes.items():
        part = _aggregate(total, "TaxSubtotal")
        _amount(part, "TaxableAmount", base)
        _amount(part, "TaxAmount", tax)
        _category(part, "TaxCategory", rate)


def _totals(root: ElementTree.Element, invoice: Invoice) -> None:
    total = _aggregate(root, "LegalMonetaryTotal")
    _amount(total, "LineExtensionAmount", invoice.net)
    _amount(total, "TaxExclusiveAmount", invoice.net)
    _amount(total, "TaxInclusiveAmount", invoice.total)
    _amount(total, "PayableAmount", invoice.total)


def _party(parent: ElementTree.Element, who: Party) -> None:
    party = _aggregate(parent, "Party")
    _basic(party, "EndpointID", who.kvk, schemeID="0106")
    address = _aggregate(party, "PostalAddress")
    postcode, city = who.city[:7], who.city[8:]
    _basic(address, "StreetName", who.street)
    _basic(address, "CityName", city)
    _basic(address, "PostalZone", postcode)
    _basic(_aggregate(address, "Country"), "IdentificationCode", "NL")
    tax = _aggregate(party, "PartyTaxScheme")
    _basic(tax, "CompanyID", who.vat)
    _basic(_aggregate(tax, "TaxScheme"), "ID", "VAT")
    entity = _aggregate(party, "PartyLegalEntity")
    _basic(entity, "RegistrationName", who.name)
    _basic(entity, "CompanyID", who.kvk, schemeID="0106")


def _category(parent: ElementTree.Element, name: str, rate: int) -> None:
    category = _aggregate(parent, name)
    _basic(category, "ID", "S" if rate else "E")
    _basic(category, "Percent", str(rate))
    _basic(_aggregate(category, "TaxScheme"), "ID", "VAT")


def _amount(parent: ElementTree.Element, name: str, amount: Decimal) -> None:
    _basic(parent, name, str(amount), currencyID="EUR")


def _basic(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, f"{{{CBC}}}{name}", attributes).text = text


def _aggregate(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{CAC}}}{name}")
