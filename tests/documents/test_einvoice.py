"""What the XML of an e-invoice says; see the business terms in documents.einvoice.facts."""

from __future__ import annotations

import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from documents.einvoice import inside, read_file, reading, take_pdf, values
from documents.einvoice.facts import Invoice, Line, Unreadable, from_json, to_json
from tests.documents.files import invoice, pdf, pdf_with

PEPPOL = invoice("peppol-invoice")


def read(data: bytes) -> Invoice:
    return reading.read(data)[0]


def code_of(data: bytes) -> str:
    with pytest.raises(Unreadable) as raised:
        read(data)
    return raised.value.code


def changed(old: str, new: str) -> Invoice:
    assert old.encode() in PEPPOL
    return read(PEPPOL.replace(old.encode(), new.encode()))


def test_a_peppol_invoice_is_read_whole() -> None:
    assert read(PEPPOL) == Invoice(
        syntax="ubl",
        number="2026-114",
        profile="urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
        is_credit=False,
        supplier="Meelfabriek De Molen B.V.",
        supplier_vat="NL900000016B01",
        customer="Bakkerij De Vries",
        issued=date(2026, 11, 20),
        due=date(2026, 12, 20),
        currency="EUR",
        net=Decimal("541.43"),
        tax=Decimal("60.30"),  # not the 69.96 in dollars that stands before it (BT-111)
        total=Decimal("601.73"),
        payable=Decimal("501.73"),
        iban="NL91ABNA0417164300",
        lines=(
            Line("Tarwebloem T55", Decimal(250), "KGM", Decimal("1.78"), Decimal(445), Decimal(9)),
            Line("Afstellen molen", Decimal("1.5"), "HUR", Decimal("64.2866667"), Decimal("96.43"), Decimal(21)),
        ),
        line_count=2,
    )


SHORT = ("syntax", "number", "is_credit", "supplier_vat", "due", "net", "tax", "total", "iban", "line_count")


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("peppol-credit-note", ["ubl", "C2026-007", True, "NL900000016B01", "2026-12-05", "44.50", "4.01", "48.51",
                                "NL91ABNA0417164300", 1]),
        ("nlcius-with-pdf", ["ubl", "V-26-0815", False, "NL000099998B57", "2026-12-02", "190.00", "39.90", "229.90",
                             "NL91ABNA0417164300", 1]),
        ("xrechnung-cii", ["cii", "RE-2026/0471", False, "DE123456789", "2026-12-03", "1250.00", "237.50", "1487.50",
                           "DE75512108001245126199", 1]),
        ("factur-x-en16931", ["cii", "RE-2026/0472", True, "DE123456789", "2026-12-03", "1250.00", "237.50", "1487.50",
                              "DE75512108001245126199", 1]),
        ("factur-x-minimum", ["cii", "RE-2026/0473", False, "DE123456789", None, "1250.00", "237.50", "1487.50",
                              "", 0]),
    ],
)  # fmt: skip
def test_each_profile_is_read(name: str, facts: list[Any]) -> None:
    found = read(invoice(name))

    assert [to_json(found)[key] for key in SHORT] == facts
    assert (found.supplier != "", found.issued is not None, found.currency, found.warnings) == (True, True, "EUR", ())


@pytest.mark.parametrize("begins", [b"<!--", b"<?x ", b'<x a="'])
@pytest.mark.thorough
def test_piece_of_many_megabytes_is_looked_at_once(begins: bytes) -> None:
    """A parser that begins anew with every 16 kB is not ready this year."""
    ends = {b"<!--": b"-->", b"<?x ": b"?>", b'<x a="': b'"/>'}[begins]
    large = begins + b"x" * 30_000_000 + ends
    assert reading.read(PEPPOL.replace(b"</Invoice>", large + b"</Invoice>")) == reading.read(PEPPOL)


def test_what_was_read_survives_the_way_between_processes() -> None:
    for name in ("peppol-invoice", "nlcius-with-pdf", "factur-x-minimum"):
        found = read(invoice(name))
        assert from_json(json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_well_formed"),
        (b"\xff\xfe<x", "not_well_formed"),
        (PEPPOL[:3000], "not_well_formed"),
        (b"<Order><ID>1</ID></Order>", "other_root"),
        (b'<CrossIndustryDocument xmlns="urn:ferd:CrossIndustryDocument:invoice:1p0"/>', "old_version"),
        (b"<Invoice/>", "wrong_namespace"),
        (PEPPOL.replace(b"schema:xsd:Invoice-2", b"schema:xsd:Invoice-9"), "wrong_namespace"),
        (PEPPOL.replace(b"<cbc:ID>2026-114</cbc:ID>", b"<cbc:ID> </cbc:ID>"), "no_number"),
        (PEPPOL.replace(b"CommonBasicComponents-2", b"Other-2"), "no_number"),
        (PEPPOL.replace(b"</Invoice>", b"<x/>" * reading.MOST_ELEMENTS + b"</Invoice>"), "too_large"),
        (b'<!DOCTYPE i [<!ENTITY a "x">]>' + PEPPOL.partition(b"?>")[2].strip(), "forbidden"),
        (b'<!DOCTYPE i SYSTEM "http://127.0.0.1/x">' + PEPPOL.partition(b"?>")[2].strip(), "forbidden"),
        (b'<!DOCTYPE i [<!ENTITY a SYSTEM "file:///etc/passwd">]><Invoice>&a;</Invoice>', "forbidden"),
        (b'<!DOCTYPE l [<!ENTITY a "ll"><!ENTITY b "&a;&a;">]><Invoice>&b;</Invoice>', "forbidden"),
    ],
)
def test_what_is_no_invoice_or_an_attack_says_why(data: bytes, code: str) -> None:
    assert code_of(data) == code


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "windows-1252"])
def test_other_encodings_are_read(codec: str) -> None:
    text = PEPPOL.decode().replace("UTF-8", "utf-16" if codec.startswith("utf-16") else codec).replace("Molen", "Mölen")
    bom = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(codec, b"")
    assert read(bom + text.encode(codec)).supplier == "Meelfabriek De Mölen B.V."


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "1e9", "abc", "1,50", "9" * 40, "100000000000", "1.00001", "--1"])
def test_an_absurd_amount_is_left_out_with_a_warning(wrong: str) -> None:
    found = changed(">601.73<", f">{wrong}<")
    assert (found.total, found.payable, found.warnings) == (None, Decimal("501.73"), ("amounts",))


@pytest.mark.parametrize("wrong", ["20-12-2026", "2026-13-01", "0001-01-01", "9999-12-31", "soon"])
def test_a_date_that_is_none_is_left_out_with_a_warning(wrong: str) -> None:
    found = changed("<cbc:DueDate>2026-12-20<", f"<cbc:DueDate>{wrong}<")
    assert (found.due, found.warnings) == (None, ("dates",))


def test_what_the_invoice_does_not_say_is_not_guessed() -> None:
    bare = PEPPOL.split(b"<cbc:IssueDate>")[0] + b"</Invoice>"
    found = read(bare)
    assert found == Invoice(syntax="ubl", number="2026-114", profile=found.profile)


@pytest.mark.parametrize(
    ("old", "new", "warnings"),
    [
        ("NL91 ABNA 0417 1643 00", "NL92ABNA0417164300", ("iban",)),
        ("NL900000016B01", "NL900000017B01", ("vat",)),
        (">60.30<", ">60.40<", ("sums",)),
    ],
)
def test_what_cannot_be_right_is_kept_with_a_warning(old: str, new: str, warnings: tuple[str, ...]) -> None:
    found = changed(old, new)
    assert (found.warnings, found.number) == (warnings, "2026-114")
    assert new.strip("><") in (found.iban, found.supplier_vat, str(found.tax))


@pytest.mark.parametrize(
    ("iban", "valid"),
    [
        ("NL91ABNA0417164300", True),
        ("GB82WEST12345698765432", True),
        ("NL91ABNA0417164301", False),
        ("NL91ABNA041716430", False),
        ("123456789", False),
        ("", False),
    ],
)
def test_an_iban_is_judged_by_its_check_digits(iban: str, valid: bool) -> None:
    assert values.iban_is_valid(iban) is valid


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("NL900000016B01", True),  # eleven test
        ("NL000099998B57", True),  # MOD 97-10, the example of the Dutch tax office
        ("NL000099998B58", False),
        ("NL900000016B1", False),
        ("900000016B01", False),
        ("DE123456789", True),
        ("DE37/302/30168", False),
    ],
)
def test_a_dutch_vat_number_is_judged_by_its_check_digits(number: str, valid: bool) -> None:
    assert values.vat_is_valid(number) is valid


def test_texts_lose_what_nobody_sees() -> None:
    assert changed("Meelfabriek De Molen B.V.", "Meel\u202efab\n  riek").supplier == "Meelfab riek"


def test_a_long_invoice_keeps_its_first_lines_and_their_number() -> None:
    line = PEPPOL.partition(b"<cac:InvoiceLine>")[2].partition(b"</cac:InvoiceLine>")[0]
    more = b"<cac:InvoiceLine>" + line + b"</cac:InvoiceLine>"
    found = read(PEPPOL.replace(b"</Invoice>", more * 300 + b"</Invoice>"))
    assert (len(found.lines), found.line_count) == (200, 302)


def written(tmp_path: Path, data: bytes) -> Path:
    place = tmp_path / "file"
    place.write_bytes(data)
    return place


@pytest.mark.parametrize(
    ("files", "number"),
    [
        ({"factur-x.xml": "factur-x-en16931"}, "RE-2026/0472"),
        ({"ZUGFeRD-invoice.xml": "factur-x-minimum"}, "RE-2026/0473"),
        ({"xrechnung.xml": "xrechnung-cii"}, "RE-2026/0471"),
        ({"a.xml": "peppol-invoice", "factur-x.xml": "xrechnung-cii"}, "RE-2026/0471"),
        ({"ubl.xml": "peppol-invoice"}, "2026-114"),
        ({"notes.txt": "peppol-invoice"}, "2026-114"),
        ({"factur-x": "peppol-invoice", "b.xml": "xrechnung-cii"}, "RE-2026/0471"),
        ({}, None),
    ],
)
def test_the_e_invoice_inside_a_pdf_is_found(tmp_path: Path, files: dict[str, str], number: str | None) -> None:
    place = written(tmp_path, pdf_with({name: invoice(sample) for name, sample in files.items()}))
    found = inside.invoice_in_pdf(place)
    assert (found[0].number if found else None) == number


@pytest.mark.parametrize(("name", "code"), [("factur-x.xml", "other_root"), ("order.xml", None)])
def test_only_an_xml_that_claims_to_be_an_invoice_can_be_wrong(tmp_path: Path, name: str, code: str | None) -> None:
    answer = read_file.answer(written(tmp_path, pdf_with({name: b"<Order/>"})), "application/pdf")
    assert answer == ({"problem": code} if code else {"invoice": None})


@pytest.mark.parametrize(
    "data", [pdf(password="geheim"), b"%PDF-1.7 and no more", pdf_with({"factur-x.xml": b"x"})[:900]]
)
def test_a_pdf_that_does_not_open_has_no_e_invoice(tmp_path: Path, data: bytes) -> None:
    assert read_file.answer(written(tmp_path, data), "application/pdf") == {"invoice": None}


def test_an_xml_beyond_all_measure_is_not_opened(tmp_path: Path) -> None:
    place = written(tmp_path, b"<")
    os.truncate(place, 40_000_000)
    assert read_file.answer(place, "application/xml") == {"problem": "too_large"}
    assert take_pdf.pdf_in_invoice(place, "") == b""


def test_the_pdf_inside_an_invoice_is_found_byte_for_byte(tmp_path: Path) -> None:
    (told,) = read(invoice("nlcius-with-pdf")).pdfs
    found = take_pdf.pdf_in_invoice(written(tmp_path, invoice("nlcius-with-pdf")), told.sha256)
    assert (found, told.size) == (pdf("Factuur V-26-0815"), len(found))


@pytest.mark.parametrize("data", [b"!!!!!!!", b"AAAAAAA", b""])
def test_an_attachment_that_is_no_pdf_is_left_alone(data: bytes) -> None:
    assert read(invoice("nlcius-with-pdf").replace(b"JVBERi0", data)).pdfs == ()
