from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from documents.models import Document, EInvoice
from documents.pairing import pair_after_reading, pair_saved, pairs
from tests.cast import Cast
from tests.documents.conftest import Shelf
from zenvoices.lib.scoping import administration_scope

Find = Callable[[Document], Document]


class Desk:
    """Documents of which we say what their e-invoice holds, without reading one."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def put(self, name: str, facts: dict[str, Any] | None = None, **changes: Any) -> Document:
        kind = "application/xml" if name.endswith(".xml") else "application/pdf"
        document = self.shelf.document(name.encode() + b" of " + str(self.shelf.count).encode(), filename=name,
                                       content_type=kind, **changes)  # fmt: skip
        self.read(document, facts)
        return document

    def read(self, document: Document, facts: dict[str, Any] | None) -> None:
        with administration_scope(document.administration_id):
            Document.objects.filter(pk=document.pk).update(einvoice_read_at=timezone.now())
            if facts is not None:
                EInvoice.objects.create(administration_id=document.administration_id, document=document, **facts)


@pytest.fixture
def desk(shelf: Shelf) -> Desk:
    return Desk(shelf)


Mail = list[tuple[str, dict[str, Any] | None]]
ONE, TWO = {"number": "2026-114"}, {"number": "2026-115"}
INSIDE = {"pdf_sha256": "of no document here"}
CASES: list[tuple[str, Mail, list[set[str]]]] = [
    ("same name", [("f-1.xml", ONE), ("F-1.pdf", None), ("terms.pdf", None)], [{"f-1.xml", "F-1.pdf"}]),
    ("two pairs by name", [("a.xml", ONE), ("b.xml", TWO), ("a.pdf", None), ("b.pdf", None)],
     [{"a.xml", "a.pdf"}, {"b.xml", "b.pdf"}]),
    ("two pairs by number in the name",
     [("ubl1.xml", ONE), ("ubl2.xml", TWO), ("Factuur 2026-115.pdf", None), ("Factuur_2026_114.pdf", None)],
     [{"ubl1.xml", "Factuur_2026_114.pdf"}, {"ubl2.xml", "Factuur 2026-115.pdf"}]),
    ("by the number inside the PDF", [("x.xml", ONE), ("y.pdf", ONE), ("z.pdf", TWO)], [{"x.xml", "y.pdf"}]),
    ("the only two", [("ubl.xml", ONE), ("Factuur.pdf", None)], [{"ubl.xml", "Factuur.pdf"}]),
    ("the only two, and nothing says an invoice", [("ubl.xml", ONE), ("scan.pdf", None)], []),
    ("the only two, of another number in the name", [("ubl.xml", ONE), ("Factuur 2026-115.pdf", None)], []),
    ("the only two, of the XML's number in the name",
     [("0118.xml", ONE), ("Invoice_0118 copy.pdf", None)], [{"0118.xml", "Invoice_0118 copy.pdf"}]),
    ("the only two, but the XML has pages of its own", [("ubl.xml", ONE | INSIDE), ("Factuur.pdf", None)], []),
    *((f"the only two, and one is {name}", [("ubl.xml", ONE), (f"{name}.pdf", None)], [])
      for name in ("Algemene voorwaarden", "Leveringsvoorwaarden factuur", "AGB", "Terms of invoice",
                   "Urenstaat factuur",
                   "Rechnung Stundennachweis", "Specificatie factuur", "Invoice timesheet", "Bijlage bij factuur")),
    ("a paper that bears the number, beside the invoice",
     [("u.xml", ONE), ("Urenstaat 2026-114.pdf", None), ("Factuur 2026-114.pdf", None)],
     [{"u.xml", "Factuur 2026-114.pdf"}]),
    ("only a paper that bears the number", [("u.xml", ONE), ("Specificatie 2026-114.pdf", None)], []),
    ("a paper that bears the number, beside an XML with pages of its own",
     [("u.xml", ONE | INSIDE), ("2026-114.pdf", None)], []),
    ("the same name, although the XML has pages of its own",
     [("f-1.xml", ONE | INSIDE), ("f-1.pdf", None)], [{"f-1.xml", "f-1.pdf"}]),
    ("two and two that nothing links", [("a.xml", ONE), ("b.xml", TWO), ("c.pdf", None), ("d.pdf", None)], []),
    ("the only two, but of another number", [("f.xml", ONE), ("f.pdf", TWO)], []),
    ("the only two, but of another supplier",
     [("f.xml", ONE | {"supplier_vat": "NL1"}), ("f.pdf", ONE | {"supplier_vat": "NL2"})], []),
    ("an XML that is no invoice", [("f.xml", {"problem": "other_root"}), ("f.pdf", None)], []),
    ("one number, two PDFs", [("a.xml", ONE), ("b.pdf", ONE), ("c.pdf", ONE)], []),
    ("a short number is no proof", [("a.xml", {"number": "114"}), ("order 114.pdf", None), ("b.pdf", None)], []),
    ("part of a number is no proof", [("a.xml", ONE), ("2026-1145.pdf", None), ("114.pdf", None)], []),
    ("no PDF", [("a.xml", ONE), ("b.xml", TWO)], []),
]  # fmt: skip


def test_the_only_two_wait_until_the_xml_was_read() -> None:
    xml, pdf = unsaved("ubl.xml", None), unsaved("Factuur.pdf", None)
    xml.einvoice_read_at = pdf.einvoice_read_at = None
    assert pairs([xml, pdf]) == []


def unsaved(name: str, facts: dict[str, Any] | None) -> Document:
    kind = "application/xml" if name.endswith(".xml") else "application/pdf"
    document = Document(filename=name, content_type=kind, sha256=name, einvoice_read_at=timezone.now())
    document._state.fields_cache["einvoice"] = None if facts is None else EInvoice(**facts)
    return document


@pytest.mark.parametrize(("mail", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_xml_and_a_pdf_are_paired_by_proof_only(mail: Mail, expected: list[set[str]]) -> None:
    found = pairs([unsaved(name, facts) for name, facts in mail])
    assert {frozenset((xml.filename, pdf.filename)) for xml, pdf in found} == {frozenset(pair) for pair in expected}


def test_the_pdf_inside_a_ubl_is_proof_whatever_the_names(cast: Cast, shelf: Shelf, desk: Desk, find: Find) -> None:
    email = shelf.email()
    right, wrong = desk.put("a.pdf", email=email), desk.put("ubl.pdf", email=email)
    xml = desk.put("ubl.xml", ONE | {"pdf_sha256": right.sha256}, email=email)
    with administration_scope(cast.bakery.pk):
        pair_after_reading(find(xml))

    assert [find(one).companion_id for one in (xml, right, wrong)] == [right.pk, xml.pk, None]


def test_a_link_made_too_early_is_mended_after_reading(cast: Cast, shelf: Shelf, desk: Desk, find: Find) -> None:
    email = shelf.email()
    xml = shelf.document(b"<x/>", email=email, filename="f.xml", content_type="application/xml")
    pdf = shelf.document(email=email, filename="f.pdf")
    with administration_scope(cast.bakery.pk):
        pair_saved([xml, pdf])
        assert find(pdf).companion_id == xml.pk
        desk.read(xml, {"problem": "other_root"})
        pair_after_reading(find(xml))

    assert [find(one).companion_id for one in (xml, pdf)] == [None, None]


def test_nothing_is_linked_across_mails_or_administrations(
    cast: Cast, shelf: Shelf, foreign_shelf: Shelf, desk: Desk, find: Find
) -> None:
    pdf = desk.put("f.pdf", ONE, email=shelf.email())
    foreign = Desk(foreign_shelf).put("f.pdf", ONE, email=foreign_shelf.email())
    xml = desk.put("f.xml", ONE | {"pdf_sha256": pdf.sha256}, email=shelf.email())
    with administration_scope(cast.bakery.pk):
        pair_after_reading(find(xml))

    assert [find(one).companion_id for one in (xml, pdf, foreign)] == [None, None, None]


SAME = {"number": "2026-114", "supplier_vat": "NL900000016B01"}


@pytest.mark.parametrize(
    ("inside_pdf", "in_xml", "same_bytes", "linked"),
    [
        (None, ONE, True, True),
        (SAME, SAME, False, True),
        (SAME, SAME | {"supplier_vat": ""}, False, False),
        (None, ONE, False, False),
    ],
)
@pytest.mark.parametrize("xml_first", [True, False])
def test_uploads_are_linked_by_bytes_or_by_number_and_supplier(
    cast: Cast, desk: Desk, find: Find, inside_pdf: Any, in_xml: Any, same_bytes: bool, linked: bool, xml_first: bool
) -> None:
    pdf = desk.put("scan.pdf", inside_pdf, uploaded_by=cast.arie)
    proof = {"pdf_sha256": pdf.sha256} if same_bytes else {}
    xml = desk.put("scan.xml", in_xml | proof, uploaded_by=cast.arie)
    with administration_scope(cast.bakery.pk):
        pair_after_reading(find(xml if xml_first else pdf))

    assert [find(one).companion_id for one in (xml, pdf)] == ([pdf.pk, xml.pk] if linked else [None, None])


@pytest.mark.parametrize("whose", ["gerda", "nobody"])
def test_an_upload_is_not_linked_to_what_another_person_brought(cast: Cast, desk: Desk, find: Find, whose: str) -> None:
    other = desk.put("f.pdf", SAME, uploaded_by=getattr(cast, whose, None))
    xml = desk.put("f.xml", SAME, uploaded_by=cast.arie)
    with administration_scope(cast.bakery.pk):
        pair_after_reading(find(xml))

    assert [find(one).companion_id for one in (xml, other)] == [None, None]
