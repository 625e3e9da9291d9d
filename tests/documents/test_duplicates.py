"""The same invoice by another road, two documents side by side, and keeping both."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import User
from documents import einvoices, moving
from documents.models import Document
from tests.cast import Cast
from tests.documents.conftest import NOON, Shelf
from tests.documents.files import invoice
from tests.trail import told
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
Find = Callable[[Document], Document]
UBL = invoice("peppol-invoice")
TAIL = b"<!-- by another road -->"
VAT, NAME, NUMBER = b"NL900000016B01", b"Meelfabriek De Molen B.V.", b"2026-114"


def read(shelf: Shelf, data: bytes = UBL, **facts: Any) -> Document:
    known = {"content_type": "application/xml", "filename": "factuur.xml"}
    document = shelf.document(data, **known | facts)
    with administration_scope(document.administration_id):
        einvoices.read(document)
    return document


def address(name: str, document: Document) -> str:
    return reverse(name, args=[document.administration_id, document.pk])


def marked(client: Client, document: Document) -> tuple[bool, bool]:
    """In the list, and by the filter."""
    inbox = reverse("documents", args=[document.administration_id])
    pages = [client.get(inbox + query).content.decode() for query in ("?state=all", "?duplicates=on")]
    row = re.search(rf'<li class="row-item"(?:(?!</li>).)*data-id="{document.pk}".*?</li>', pages[0], re.DOTALL)
    assert row
    return "tag-duplicate" in row[0], f'data-id="{document.pk}"' in pages[1]


def test_the_same_invoice_by_mail_and_by_upload_is_marked(cast: Cast, shelf: Shelf, find: Find) -> None:
    mailed = read(shelf, email=shelf.email(), received_at=NOON)
    uploaded = read(shelf, UBL + TAIL, received_at=NOON + timedelta(days=1))
    assert (find(mailed).duplicate_of_id, find(uploaded).duplicate_of_id) == (None, mailed.pk)


def test_the_later_one_is_marked_whichever_is_read_first(shelf: Shelf, find: Find) -> None:
    later = read(shelf, UBL + TAIL, received_at=NOON + timedelta(days=1))
    earlier = read(shelf, received_at=NOON)
    assert (find(earlier).duplicate_of_id, find(later).duplicate_of_id) == (None, earlier.pk)


@pytest.mark.parametrize(
    ("was", "becomes", "same"),
    [
        (NUMBER, b"2026-115", False),
        (VAT, b"NL123456782B90", False),
        (VAT, b"", True),  # then the name decides
        (NAME, b"MEELFABRIEK  De Molen b.v.", True),
        (b"<cbc:DocumentCurrencyCode>EUR", b"<cbc:DocumentCurrencyCode>USD", False),
    ],
)
def test_what_makes_it_the_same(shelf: Shelf, find: Find, was: bytes, becomes: bytes, same: bool) -> None:
    assert was in UBL
    first = read(shelf, received_at=NOON)
    second = read(shelf, UBL.replace(was, becomes) + TAIL, received_at=NOON + timedelta(days=1))
    assert find(second).duplicate_of_id == (first.pk if same else None)


def test_another_amount_is_another_invoice(shelf: Shelf, find: Find) -> None:
    read(shelf, received_at=NOON)
    other = re.sub(rb"(<cbc:TaxInclusiveAmount[^>]*>)[^<]*", rb"\g<1>1.00", UBL)
    assert find(read(shelf, other, received_at=NOON + timedelta(days=1))).duplicate_of_id is None


def test_two_in_one_mail_belong_together(shelf: Shelf, find: Find) -> None:
    email = shelf.email()
    read(shelf, email=email)
    assert find(read(shelf, UBL + TAIL, email=email)).duplicate_of_id is None


def test_of_a_pdf_with_its_xml_both_are_marked(shelf: Shelf, find: Find) -> None:
    first, email = read(shelf, received_at=NOON), shelf.email()
    later = {"email": email, "received_at": NOON + timedelta(days=1)}
    paper = shelf.document(filename="factuur.pdf", **later)
    xml = read(shelf, UBL + TAIL, **later)
    assert find(xml).companion_id == paper.pk
    assert [find(one).duplicate_of_id for one in (paper, xml)] == [first.pk, first.pk]


def test_a_document_that_moves_in_is_marked_too(cast: Cast, shelf: Shelf, find: Find) -> None:
    there = read(Shelf(cast.basic.pk), received_at=NOON)
    document = read(shelf, UBL + TAIL)
    with administration_scope(cast.bakery.pk):
        (arrived,) = moving.move([document], cast.bakery, cast.basic, cast.anna).arrived
    assert find(arrived).duplicate_of_id == there.pk


def test_each_page_leads_to_the_other_and_shows_them_side_by_side(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    earlier = read(shelf, email=shelf.email(), received_at=NOON)
    later = read(shelf, UBL + TAIL, filename="later.xml", received_at=NOON + timedelta(days=1))
    gerda = signed_in(cast.gerda)
    for document, other, word in ((later, earlier, "kwam al eerder"), (earlier, later, "kwam nog eens")):
        page = gerda.get(address("document", document)).content.decode()
        assert (word in page, address("document", other) in page) == (True, True)
        page = gerda.get(address("document-compare", document)).content.decode()
        assert re.findall(r'<h2 id="name-[^>]*><a[^>]*>([^<]*)', page) == ["factuur.xml", "later.xml"]


def test_keeping_both_closes_the_question_for_both_and_can_be_undone(
    cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find
) -> None:
    earlier = shelf.document(b"%PDF same", received_at=NOON)
    later = shelf.document(b"%PDF same", filename="later.pdf", received_at=NOON + timedelta(days=1))
    gerda = signed_in(cast.gerda)
    assert marked(gerda, later) == (True, True)
    page = gerda.post(address("document-keep-both", earlier), follow=True).content.decode()

    assert "blijven staan" in page
    assert marked(gerda, later) == (False, False)
    for document in (earlier, later):
        assert "document-compare" not in gerda.get(address("document", document)).content.decode()
        assert gerda.get(address("document-compare", document)).url == address("document", document)
    assert told(cast.bakery) == [("Gerda Bakker", "document.kept_both", "later.pdf")]
    assert find(later).duplicate_of_id == earlier.pk  # whoever asks the database still learns it

    undo = re.findall(r'action="([^"]*/ask-again/[^"]*)"', page)[-1]
    gerda.post(undo)
    assert (marked(gerda, later), gerda.post(undo).status_code) == ((True, True), 302)


def test_another_copy_is_another_question(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    first, second = (shelf.document(b"%PDF same", received_at=NOON + timedelta(days=day)) for day in (0, 1))
    gerda = signed_in(cast.gerda)
    gerda.post(address("document-keep-both", second))
    third = shelf.document(b"%PDF same", received_at=NOON + timedelta(days=2))
    assert [marked(gerda, one)[0] for one in (first, second, third)] == [False, False, True]


def test_a_submitter_does_not_learn_of_what_others_sent(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    own = shelf.document(b"%PDF same", uploaded_by=cast.arie, received_at=NOON)
    shelf.document(b"%PDF same", received_at=NOON + timedelta(days=1))
    arie = signed_in(cast.arie)
    assert "dubbel:" not in arie.get(address("document", own)).content.decode()
    assert arie.get(address("document-compare", own)).url == address("document", own)
