from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from documents import einvoice
from documents.einvoice import EInvoice, read
from tests.documents.conftest import Shelf
from tests.documents.files import XML

UBL = b"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:i" xmlns:cac="urn:a" xmlns:cbc="urn:b"><cbc:ID>2026-114</cbc:ID>
<cbc:IssueDate>2026-11-20</cbc:IssueDate><cbc:DueDate>2026-12-20</cbc:DueDate>
<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>De Molen</cbc:Name></cac:PartyName></cac:Party>
</cac:AccountingSupplierParty><cac:AccountingCustomerParty><cac:Party><cac:PartyLegalEntity>
<cbc:RegistrationName>De Vries</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingCustomerParty>
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">21.00</cbc:TaxAmount></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="EUR">121.00</cbc:PayableAmount></cac:LegalMonetaryTotal>
</Invoice>"""
CII = b"""<rsm:CrossIndustryInvoice xmlns:rsm="urn:r" xmlns:ram="urn:m" xmlns:udt="urn:u">
<rsm:ExchangedDocument><ram:ID>R-7</ram:ID><ram:IssueDateTime><udt:DateTimeString format="102">20261120
</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument><rsm:SupplyChainTradeTransaction>
<ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty><ram:Name>Lieferant</ram:Name></ram:SellerTradeParty>
</ram:ApplicableHeaderTradeAgreement><ram:ApplicableHeaderTradeSettlement>
<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode><ram:SpecifiedTradeSettlementHeaderMonetarySummation>
<ram:TaxTotalAmount>19</ram:TaxTotalAmount><ram:DuePayableAmount>119.00</ram:DuePayableAmount>
</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"""


def test_a_ubl_invoice_is_read() -> None:
    assert read(UBL) == EInvoice(
        number="2026-114",
        supplier="De Molen",
        customer="De Vries",
        issued=date(2026, 11, 20),
        due=date(2026, 12, 20),
        tax=Decimal("21.00"),
        total=Decimal("121.00"),
        currency="EUR",
    )


def test_a_cii_invoice_is_read() -> None:
    assert read(CII) == EInvoice(
        number="R-7",
        supplier="Lieferant",
        customer="",
        issued=date(2026, 11, 20),
        due=None,
        tax=Decimal(19),
        total=Decimal("119.00"),
        currency="EUR",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<Invoice>",
        b"<Order><ID>1</ID></Order>",
        b"<Invoice/>",
        b"\xff\xfe<x",
        b'<?xml version="1.0" encoding="klingon"?><Invoice><ID>1</ID></Invoice>',
        b'<!DOCTYPE i [<!ENTITY a "x">]><Invoice><ID>&a;</ID></Invoice>',
        b'<!DOCTYPE i SYSTEM "http://127.0.0.1/x"><Invoice><ID>1</ID></Invoice>',
    ],
)
def test_what_is_no_invoice_or_an_attack_is_left_alone(data: bytes) -> None:
    assert read(data) is None


@pytest.mark.parametrize("wrong", [b"NaN", b"1e999999", b"abc", b"Infinity"])
def test_an_amount_that_is_none_is_left_out(wrong: bytes) -> None:
    invoice = read(XML.replace(b"121.00", wrong).replace(b"2026-11-20", wrong))
    assert invoice is not None
    assert (invoice.total, invoice.issued) == (None, None)


def test_an_e_invoice_is_read_once_and_a_large_one_not_at_all(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    small = shelf.document(UBL + b"<!-- once -->", content_type="application/xml")
    large = shelf.document(UBL + b"<!--" + b"x" * 500_000 + b"-->", content_type="application/xml")
    times: list[int] = []

    def counted(data: bytes) -> EInvoice | None:
        times.append(len(data))
        return read(data)

    monkeypatch.setattr(einvoice, "read", counted)

    found = [einvoice.of_document(one) for one in (small, small, large)]

    assert [one and one.number for one in found] == ["2026-114", "2026-114", None]
    assert len(times) == 1
