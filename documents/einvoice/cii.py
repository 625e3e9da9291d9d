"""UN/CEFACT Cross Industry Invoice D16B, the syntax of Factur-X, ZUGFeRD 2 and XRechnung."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from documents.einvoice.facts import Line
from documents.einvoice.found import CREDIT_CODES, Found

_URN = "urn:un:unece:uncefact:data:standard:"
NAMESPACES = {
    "rsm": f"{_URN}CrossIndustryInvoice:100",
    "ram": f"{_URN}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_URN}UnqualifiedDataType:100",
}
INVOICE = f"{{{NAMESPACES['rsm']}}}CrossIndustryInvoice"
_DEAL = "rsm:SupplyChainTradeTransaction"
_AGREED = f"{_DEAL}/ram:ApplicableHeaderTradeAgreement"
_SETTLED = f"{_DEAL}/ram:ApplicableHeaderTradeSettlement"
_SUM = f"{_SETTLED}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_ACCOUNT = f"{_SETTLED}/ram:SpecifiedTradeSettlementPaymentMeans/ram:PayeePartyCreditorFinancialAccount"
_SETTLED_LINE = "ram:SpecifiedLineTradeSettlement"


def read(root: Element) -> Found:
    found = Found(root, NAMESPACES, "cii")
    found.text("number", "rsm:ExchangedDocument/ram:ID")
    profile = "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID"
    found.text("profile", profile)
    found.facts["is_credit"] = found.first("rsm:ExchangedDocument/ram:TypeCode") in CREDIT_CODES
    for name, role in (("supplier", "Seller"), ("customer", "Buyer")):
        party = f"{_AGREED}/ram:{role}TradeParty"
        trading = f"{party}/ram:SpecifiedLegalOrganization/ram:TradingBusinessName"
        found.text(name, f"{party}/ram:Name", trading)
    # "VA" is BT-31; "FC" would be the number of the tax office (BT-32)
    found.vat(found.first(f"{_AGREED}/ram:SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']"))
    found.date("issued", "rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString")
    found.date("due", f"{_SETTLED}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString")
    found.ibans(_ACCOUNT, "ram:IBANID", "ram:ProprietaryID")
    found.currency(f"{_SETTLED}/ram:InvoiceCurrencyCode", f"{_SUM}/ram:DuePayableAmount")
    found.amount("net", f"{_SUM}/ram:TaxBasisTotalAmount")
    found.tax(f"{_SUM}/ram:TaxTotalAmount")
    found.amount("total", f"{_SUM}/ram:GrandTotalAmount")
    found.amount("payable", f"{_SUM}/ram:DuePayableAmount")
    found.lines(root.findall(f"{_DEAL}/ram:IncludedSupplyChainTradeLineItem", NAMESPACES), _line)
    return found


def _line(found: Found, line: Element) -> Line:
    product, quantity = "ram:SpecifiedTradeProduct", "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity"
    total = f"{_SETTLED_LINE}/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount"
    price = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount"
    return Line(
        text=found.first(f"{product}/ram:Name", f"{product}/ram:Description", within=line),
        quantity=found.line_number(line, quantity),
        unit=found.attribute(line, quantity, "unitCode"),
        price=found.line_number(line, price),
        amount=found.line_number(line, total),
        rate=found.line_number(line, f"{_SETTLED_LINE}/ram:ApplicableTradeTax/ram:RateApplicablePercent"),
    )
