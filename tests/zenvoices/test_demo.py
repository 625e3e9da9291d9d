"""The demo's invoices: sums that add up, the same bytes each time, addresses that reach nobody."""

from __future__ import annotations

import email
import email.policy
import io
import zipfile
from datetime import UTC, datetime
from decimal import Decimal

import pypdfium2
import pytest
from defusedxml import ElementTree
from PIL import Image

from demo.drawing import invoice_pdf, receipt_jpg
from demo.invoices import CUSTOMER, Invoice, euro, invoices
from demo.mails import mails
from demo.ubl import CBC, invoice_xml

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
INVOICES = invoices(NOW.date())


@pytest.mark.parametrize("invoice", INVOICES.values(), ids=INVOICES)
def test_totals_add_up(invoice: Invoice):
    assert invoice.net == sum(line.amount for line in invoice.lines)
    assert sum(base for base, _ in invoice.taxes.values()) == invoice.net
    assert invoice.total == invoice.net + sum(tax for _, tax in invoice.taxes.values())


@pytest.mark.parametrize("invoice", INVOICES.values(), ids=INVOICES)
def test_pdf_opens_and_shows_what_is_to_be_paid(invoice: Invoice):
    page = pypdfium2.PdfDocument(invoice_pdf(invoice))[0]
    text = page.get_textpage().get_text_range()
    for wanted in (invoice.supplier.name, invoice.number, CUSTOMER.name, f"€ {euro(invoice.total)}"):
        assert wanted in text


@pytest.mark.parametrize("invoice", INVOICES.values(), ids=INVOICES)
def test_account_number_is_right_and_of_no_bank(invoice: Invoice):
    iban = invoice.supplier.iban
    digits = "".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])
    assert int(digits) % 97 == 1
    assert iban[4:8] == "DEMO"


def test_e_invoice_says_the_same_as_its_pdf():
    invoice = INVOICES["accountant"]
    root = ElementTree.fromstring(invoice_xml(invoice))
    assert root.findtext(f"{{{CBC}}}ID") == invoice.number
    assert Decimal(root.findtext(f".//{{{CBC}}}PayableAmount")) == invoice.total


def test_receipt_is_a_photo():
    assert Image.open(io.BytesIO(receipt_jpg(NOW.date()))).size == (760, 960)


def test_mails_are_the_same_each_time():
    assert mails(NOW) == mails(NOW)


def test_mailbox_holds_every_kind_of_mail():
    parsed = [email.message_from_bytes(raw, policy=email.policy.default) for _, raw in mails(NOW)]
    kinds = [sorted({part.get_content_type() for part in mail.iter_attachments()}) for mail in parsed]
    for wanted in (
        [],
        ["application/pdf"],
        ["application/octet-stream"],
        ["application/pdf", "application/xml"],
        ["application/zip"],
        ["image/jpeg"],
        ["message/rfc822"],
    ):
        assert wanted in kinds
    archive = next(part for mail in parsed for part in mail.walk() if part.get_content_type() == "application/zip")
    assert len(zipfile.ZipFile(io.BytesIO(archive.get_content())).namelist()) == 2


def test_no_address_reaches_anybody():
    for _, raw in mails(NOW):
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        for address in (*mail["From"].addresses, *mail["To"].addresses):
            assert address.domain.endswith(".example")
