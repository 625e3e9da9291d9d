"""E-invoices as programs really send them: only what no reader could read is damaged."""

from __future__ import annotations

import base64
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject, TextStringObject

from documents.einvoice import associated, inside, read_file, reading, take_pdf, xml_text
from documents.einvoice.facts import Invoice, Unreadable
from tests.documents.files import cii_with, invoice, pdf, pdf_with, two_accounts, ubl_with
from tests.mails.fuzz import damaged

PEPPOL = invoice("peppol-invoice").replace(b"De Molen", "De Mölen".encode())
CII = invoice("xrechnung-cii")
BARE = PEPPOL.partition(b"?>")[2].strip()
SUPPLIER = "Meelfabriek De Mölen B.V."


def declared(encoding: str, data: bytes = BARE) -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + data


def latin(data: bytes) -> bytes:
    return data.decode().encode("windows-1252")


def utf16(order: str) -> bytes:
    return declared("utf-16").decode().encode(f"utf-16-{order}")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\r\n \n" + PEPPOL, id="blank lines before"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbf\r\n" + PEPPOL, id="byte order marks before"),
        pytest.param(b"\r\n\xef\xbb\xbf" + PEPPOL, id="a byte order mark after a blank line"),
        pytest.param(b"\0\0\0" + PEPPOL + b"\0" * 4096, id="NULs around"),
        pytest.param(b"Hierbij onze factuur.\r\n" + PEPPOL + b"\r\n-- \r\nGroeten > Bakker", id="text around"),
        pytest.param("Grüße".encode("latin-1") + BARE + "Grüße".encode("latin-1"), id="other text around"),
        pytest.param(BARE, id="no declaration"),
        pytest.param(declared("utf-16"), id="says UTF-16"),
        pytest.param(declared("UTF8"), id="says UTF8"),
        pytest.param(declared("iso-8859-1"), id="says Latin-1 and is UTF-8"),
        pytest.param(declared("klingon"), id="says what nobody knows"),
        pytest.param(b'<?xml version="1.1"?>' + BARE, id="XML 1.1"),
        pytest.param(utf16("le"), id="UTF-16 without its mark"),
        pytest.param(utf16("be"), id="UTF-16, the other way round"),
        pytest.param(b"\xff\xfe" + PEPPOL, id="a mark of UTF-16 before UTF-8"),
        pytest.param(declared("iso-8859-1", latin(BARE)), id="Latin-1 that says so"),
        pytest.param(b"<!-- made by x -->\n" + BARE, id="a comment first"),
    ],
)
def test_what_stands_around_an_xml_or_its_declaration_keeps_nobody_from_reading_it(data: bytes) -> None:
    found, defects = reading.read(data)
    assert (found.number, found.supplier, found.line_count, defects) == ("2026-114", SUPPLIER, 2, ())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(latin(PEPPOL), id="Latin-1 that says UTF-8"),
        pytest.param(latin(BARE), id="Latin-1 that says nothing"),
        pytest.param(PEPPOL.replace(b"Tarwebloem", b"Tarwebl\xf6m"), id="one stray letter in UTF-8"),
    ],
)
def test_letters_whose_encoding_is_guessed_are_told(data: bytes) -> None:
    found, defects = reading.read(data)
    assert (found.supplier, defects) == (SUPPLIER, ("encoding_guessed",))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"Jansen & Zn", "Jansen & Zn"),
        (b"Caf&eacute; De&nbsp;Kroon", "Café De Kroon"),
        (b"A &LT;b> &AMP; &niets;", "A <b> & &niets;"),
        (b"Prijs < 100 BV", "Prijs < 100 BV"),
        (b"Bak\x0bker\0ij &#x1F;Jan", "Bakkerij Jan"),
        (b"<![CDATA[Jansen & <Zn>]]>\x07", "Jansen & <Zn>"),
    ],
)
def test_a_sign_that_a_strict_parser_stops_at_is_mended_and_told(written: bytes, name: str) -> None:
    found, defects = reading.read(PEPPOL.replace("Meelfabriek De Mölen B.V.".encode(), written))
    assert (found.supplier, defects) == (name, ("xml_repaired",))


def test_a_second_declaration_within_an_envelope_is_mended() -> None:
    found, defects = reading.read(b"<Envelope>" + PEPPOL + b"</Envelope>")
    assert (found.supplier, defects) == (SUPPLIER, ("xml_repaired",))


SBDH = (
    b'<?xml version="1.0"?><StandardBusinessDocument xmlns="http://www.unece.org/cefact/namespaces/'
    b'StandardBusinessDocumentHeader"><StandardBusinessDocumentHeader><HeaderVersion>1.0</HeaderVersion>'
    b"</StandardBusinessDocumentHeader>%s</StandardBusinessDocument>"
)
XHE = b'<XHE xmlns="http://docs.oasis-open.org/bdxr/ns/XHE/1/ExchangeHeaderEnvelope"><Payloads>%s</Payloads></XHE>'
SOAP = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>'
ATTACHED = (
    b'<AttachedDocument xmlns="urn:oasis:names:specification:ubl:schema:xsd:AttachedDocument-2" xmlns:cbc="urn:oasis:'
    b'names:specification:ubl:schema:xsd:CommonBasicComponents-2"><cbc:ID>9</cbc:ID><cbc:Description>%s'
    b"</cbc:Description></AttachedDocument>"
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(SBDH % BARE, id="Peppol"),
        pytest.param(b"\r\n" + SBDH % BARE, id="Peppol, after a blank line"),
        pytest.param(XHE % BARE, id="XHE"),
        pytest.param(SOAP % BARE, id="SOAP"),
        pytest.param(ATTACHED % (b"<![CDATA[" + PEPPOL + b"]]>"), id="AttachedDocument"),
        pytest.param(ATTACHED % base64.b64encode(PEPPOL), id="AttachedDocument in base64"),
    ],
)
def test_an_invoice_is_read_out_of_its_envelope(data: bytes) -> None:
    assert reading.read(data)[0] == reading.read(PEPPOL)[0]


def test_the_pdf_of_an_invoice_in_an_envelope_is_found(tmp_path: Path) -> None:
    data = SBDH % invoice("nlcius-with-pdf").partition(b"?>")[2]
    (told,) = reading.read(data)[0].pdfs
    place = tmp_path / "file"
    place.write_bytes(data)
    assert take_pdf.pdf_in_invoice(place, told.sha256) == pdf("Factuur V-26-0815")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<Batch>" + BARE + BARE + b"</Batch>", "several"),
        (b"<Batch>" + b"<x/>" * 2000 + BARE + b"</Batch>", "other_root"),
        (SBDH % b"<Order/>", "other_root"),
        (ATTACHED % b"&lt;Order/>", "other_root"),
        (SBDH % BARE[:2000], "not_well_formed"),
        (b"Beste klant, 3 < 4", "not_well_formed"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>\n" + BARE, "forbidden"),
        (ATTACHED % (b"<![CDATA[<!DOCTYPE x [<!ENTITY a 'b'>]>" + BARE + b"]]>"), "forbidden"),
    ],
)
def test_what_is_no_one_invoice_still_says_why(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as raised:
        reading.read(data)
    assert raised.value.code == code


# --- PDFs inside ---------------------------------------------------------------------------------


B64 = base64.b64encode(pdf("Leesbaar"))
LINES = b"\n   ".join(B64[at : at + 76] for at in range(0, len(B64), 76))


@pytest.mark.parametrize("kind", ["application/pdf", "application/PDF", "application/octet-stream", "text/xml", ""])
@pytest.mark.parametrize("data", [B64, LINES, b"data:application/pdf;base64," + B64, B64.rstrip(b"=")])
def test_a_pdf_inside_is_known_by_its_bytes_in_both_syntaxes(kind: str, data: bytes) -> None:
    found = [reading.read(one)[0] for one in (ubl_with((kind, "f", "", data)), cii_with(kind, "f", data))]
    assert [[(one.name, one.size) for one in each.pdfs] for each in found] == [[("f.pdf", len(pdf("Leesbaar")))]] * 2


def names_inside(*files: tuple[str, str]) -> list[str]:
    """Of each: file name and description."""
    given = [("application/pdf", name, about, base64.b64encode(pdf(f"{name} {about}"))) for name, about in files]
    return [one.name for one in reading.read(ubl_with(*given))[0].pdfs]


@pytest.mark.parametrize(
    ("files", "first"),
    [
        ([("voorwaarden.pdf", ""), ("2026-114.pdf", "")], "2026-114.pdf"),
        ([("a.pdf", "Urenstaat november"), ("b.pdf", "Factuur")], "b.pdf"),
        ([("a.pdf", "Bijlage bij 2026-114"), ("b.pdf", "")], "b.pdf"),
        ([("a.pdf", ""), ("b.pdf", "LISIBLE")], "b.pdf"),
        ([("factuurvoorwaarden.pdf", ""), ("order 12 factuur 2026-114.pdf", "")], "order 12 factuur 2026-114.pdf"),
        ([("a.pdf", ""), ("b.pdf", "")], "a.pdf"),
    ],
)
def test_of_several_the_one_that_is_the_invoice_comes_first(files: list[tuple[str, str]], first: str) -> None:
    found = names_inside(*files)
    assert (found[0], sorted(found)) == (first, sorted(name for name, _ in files))


# --- Accounts ------------------------------------------------------------------------------------


def test_every_account_is_told_once() -> None:
    means = PEPPOL[PEPPOL.index(b"<cac:PaymentMeans>") : PEPPOL.index(b"</cac:PaymentMeans>") + 19]
    other = means.replace(b"NL91 ABNA 0417 1643 00", b"BE68 5390 0754 7034")
    assert other != means
    found = reading.read(PEPPOL.replace(means, means + other + means))[0]
    assert (found.iban, found.other_ibans, found.warnings) == ("NL91ABNA0417164300", ("BE68539007547034",), ())


def test_a_wrong_account_among_several_is_warned_of() -> None:
    found = reading.read(two_accounts())[0]
    assert (found.iban, found.other_ibans, found.warnings) == ("NL91ABNA0417164300", ("BE68539007547035",), ("iban",))


def test_the_accounts_of_a_cii_are_all_told() -> None:
    opening, closing = (f"<{end}ram:SpecifiedTradeSettlementPaymentMeans>".encode() for end in ("", "/"))
    means = opening + CII.partition(opening)[2].partition(closing)[0] + closing
    other = means.replace(b"DE75512108001245126199", b"NL91ABNA0417164300")
    found = reading.read(CII.replace(means, means + other))[0]
    assert (found.iban, found.other_ibans) == ("DE75512108001245126199", ("NL91ABNA0417164300",))


# --- XML inside a PDF ----------------------------------------------------------------------------


def pdf_naming(
    put: Callable[[PdfWriter, DictionaryObject], None], name: str = "factur-x.xml", data: bytes = b""
) -> bytes:
    """A PDF whose XML is in no list of embedded files; `put` says where it is named instead."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("Rechnung"))))
    stream = StreamObject()
    stream.set_data(data or invoice("factur-x-en16931"))
    stream[NameObject("/Type")] = NameObject("/EmbeddedFile")
    embedded = DictionaryObject({NameObject("/F"): writer._add_object(stream)})
    named = {NameObject("/Type"): NameObject("/Filespec"), NameObject("/EF"): embedded}
    if name:
        named[NameObject("/UF")] = TextStringObject(name)  # type: ignore[assignment]
    put(writer, DictionaryObject(named))
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def in_catalogue(writer: PdfWriter, given: DictionaryObject) -> None:
    writer.root_object[NameObject("/AF")] = ArrayObject([writer._add_object(given)])


def as_lone_file(writer: PdfWriter, given: DictionaryObject) -> None:
    writer.root_object[NameObject("/AF")] = given


def of_a_page(writer: PdfWriter, given: DictionaryObject) -> None:
    writer.pages[0][NameObject("/AF")] = writer._add_object(ArrayObject([given]))


def in_a_note(writer: PdfWriter, given: DictionaryObject) -> None:
    note = {NameObject("/Subtype"): NameObject("/FileAttachment"), NameObject("/FS"): writer._add_object(given)}
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(DictionaryObject(note))])


def in_pdf(tmp_path: Path, data: bytes) -> Invoice | None:
    place = tmp_path / "file"
    place.write_bytes(data)
    found = inside.invoice_in_pdf(place)
    return found[0] if found else None


@pytest.mark.parametrize("put", [in_catalogue, as_lone_file, of_a_page, in_a_note])
def test_an_xml_that_no_list_of_embedded_files_names_is_found(tmp_path: Path, put: Callable[..., None]) -> None:
    found = in_pdf(tmp_path, pdf_naming(put))
    assert found is not None
    assert found.number == "RE-2026/0472"


@pytest.mark.parametrize("name", ["", "rechnung"])
def test_a_file_without_a_telling_name_is_known_by_its_bytes(tmp_path: Path, name: str) -> None:
    assert in_pdf(tmp_path, pdf_naming(in_catalogue, name)) is not None
    assert in_pdf(tmp_path, pdf_naming(in_catalogue, name, b"PK\x03\x04 no XML")) is None


def test_a_listed_file_is_taken_before_one_of_a_note(tmp_path: Path) -> None:
    listed = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf_naming(in_a_note))))
    listed.add_attachment("factur-x.xml", invoice("factur-x-minimum"))
    target = io.BytesIO()
    listed.write(target)
    found = in_pdf(tmp_path, target.getvalue())
    assert found is not None
    assert found.number == "RE-2026/0473"


@pytest.mark.parametrize("wrong", [b"/AF [5 0 R 6 0 R]", b"/AF 1 0 R", b"/AF (x)", b"/AF [(x) 7]"])
def test_a_catalogue_that_names_nonsense_has_no_e_invoice(tmp_path: Path, wrong: bytes) -> None:
    """`/EF` stands in it, so that it is looked at at all."""
    data = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R" + wrong + b"/EF 1>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]"
    data += b"/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Annots[(x) 3 0 R]>>endobj\n"
    assert in_pdf(tmp_path, data + b"trailer<</Root 1 0 R/Size 4>>\n%%EOF\n") is None


def test_a_plain_pdf_is_not_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(associated, "_specifications", lambda reader: asked.append(reader) or iter(()))
    assert in_pdf(tmp_path, pdf()) is None
    assert asked == []
    assert in_pdf(tmp_path, pdf_with({"notes.txt": b"x"})) is None
    assert len(asked) == 1


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_or_say_why(tmp_path: Path, seed: int) -> None:
    """Whatever stands in a file, the process for hostile files comes to an answer of its own."""
    chance, place = random.Random(seed), tmp_path / "file"
    files = [("application/xml", one) for one in (PEPPOL, CII, utf16("le"), latin(BARE), SBDH % BARE)]
    files += [("application/pdf", pdf_naming(put)) for put in (in_catalogue, of_a_page, in_a_note)]
    for _ in range(100):
        kind, whole = chance.choice(files)
        place.write_bytes(damaged(chance, whole) or b" ")
        assert read_file.answer(place, kind).keys() in ({"invoice", "defects"}, {"invoice"}, {"problem"})


@pytest.mark.parametrize("begun", ["<!--", "<![CDATA["])
def test_comments_without_an_end_are_looked_behind_once(begun: str) -> None:
    """For each of them to the end took minutes."""
    text = "<Invoice>" + begun * 100_000

    assert xml_text.repaired(text) == text
