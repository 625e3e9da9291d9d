"""The few lines of an e-invoice (UBL, Peppol, CII) that a person wants to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from documents import storage
from documents.models import Document

#: an invoice with its PDF inside is larger; it stays a document like any, only without these lines
MOST_BYTES = 500_000


@dataclass(frozen=True)
class EInvoice:
    number: str
    supplier: str
    customer: str
    issued: date | None
    due: date | None
    tax: Decimal | None
    total: Decimal | None
    currency: str


_PARTY = "Party/PartyLegalEntity/RegistrationName", "Party/PartyName/Name"
_UBL = {
    "number": ("ID",),
    "supplier": tuple(f"AccountingSupplierParty/{path}" for path in _PARTY),
    "customer": tuple(f"AccountingCustomerParty/{path}" for path in _PARTY),
    "issued": ("IssueDate",),
    "due": ("DueDate", "PaymentMeans/PaymentDueDate"),
    "tax": ("TaxTotal/TaxAmount",),
    "total": ("LegalMonetaryTotal/PayableAmount", "LegalMonetaryTotal/TaxInclusiveAmount"),
    "currency": ("DocumentCurrencyCode",),
}
_DEAL = "SupplyChainTradeTransaction"
_PAID = f"{_DEAL}/ApplicableHeaderTradeSettlement"
_SUM = f"{_PAID}/SpecifiedTradeSettlementHeaderMonetarySummation"
_CII = {
    "number": ("ExchangedDocument/ID",),
    "supplier": (f"{_DEAL}/ApplicableHeaderTradeAgreement/SellerTradeParty/Name",),
    "customer": (f"{_DEAL}/ApplicableHeaderTradeAgreement/BuyerTradeParty/Name",),
    "issued": ("ExchangedDocument/IssueDateTime/DateTimeString",),
    "due": (f"{_PAID}/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",),
    "tax": (f"{_SUM}/TaxTotalAmount",),
    "total": (f"{_SUM}/DuePayableAmount", f"{_SUM}/GrandTotalAmount"),
    "currency": (f"{_PAID}/InvoiceCurrencyCode",),
}
_ROOTS: dict[str, dict[str, tuple[str, ...]]] = {"Invoice": _UBL, "CreditNote": _UBL, "CrossIndustryInvoice": _CII}


def of_document(document: Document) -> EInvoice | None:
    """None when it is no e-invoice that we can read."""
    if document.content_type != "application/xml" or document.size > MOST_BYTES:
        return None
    try:
        return _read_blob(document.administration_id, document.sha256)
    except (storage.BlobMissing, storage.StorageProblem):
        return None


@lru_cache(maxsize=512)
def _read_blob(administration_id: UUID, sha256: str) -> EInvoice | None:
    """Read once: what lies under a hash never changes."""
    with storage.open_blob(administration_id, sha256) as blob:
        return read(blob.read(MOST_BYTES))


def read(data: bytes) -> EInvoice | None:
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    paths = _ROOTS.get(_local(root))
    if paths is None:
        return None
    found: dict[str, Any] = {name: _first(root, options) for name, options in paths.items()}
    for name in ("issued", "due"):
        found[name] = _date(found[name])
    for name in ("tax", "total"):
        found[name] = _amount(found[name])
    return EInvoice(**found) if found["number"] else None


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _first(root: Element, paths: tuple[str, ...]) -> str:
    for path in paths:
        element: Element | None = root
        for step in path.split("/"):
            children = () if element is None else element
            element = next((child for child in children if _local(child) == step), None)
        if element is not None and (element.text or "").strip():
            return (element.text or "").strip()[:200]
    return ""


def _date(text: str) -> date | None:
    for form in ("%Y-%m-%d", "%Y%m%d"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            continue
    return None


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < 10**12 else None
