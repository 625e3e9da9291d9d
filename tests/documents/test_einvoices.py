"""E-invoices of documents: read by the worker, by a look at the page, or by the sweep; then on the page."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from documents import einvoices, preview, processes, storage, tasks
from documents.models import Document, EInvoice
from tests.cast import Cast
from tests.documents.conftest import Shelf
from tests.documents.files import XML, invoice, pdf, pdf_with, two_accounts, ubl_with
from tests.documents.test_sweeping import run
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = [pytest.mark.usefixtures("worked_at_once"), pytest.mark.slow]

SignIn = Callable[[User], Client]
Find = Callable[[Document], Document]
NBSP = "\N{NO-BREAK SPACE}"


def work_on(document: Document) -> None:
    """As the documents queue does, in its order."""
    for task in (tasks.prepare, tasks.draw):
        task(str(document.administration_id), str(document.pk))


def xml_of(shelf: Shelf, name: str = "peppol-invoice", **changes: Any) -> Document:
    given = {"filename": f"{name}.xml", "content_type": "application/xml"} | changes
    return shelf.document(given.pop("data", None) or invoice(name), **given)


def read(document: Document) -> EInvoice | None:
    with administration_scope(document.administration_id):
        return einvoices.read(document)


def page(client: Client, document: Document, name: str = "document", language: str = "nl") -> str:
    client.cookies["django_language"] = language
    address = reverse(name, args=[document.administration_id, document.pk])
    return client.get(address, headers={"Accept-Language": language}).content.decode()


def listed(client: Client, cast: Cast, query: str = "") -> list[str]:
    shown = client.get(reverse("documents", args=[cast.bakery.pk]) + query).content.decode()
    return re.findall(r'class="row-name cut">([^<]*)<', shown)


# --- Reading -------------------------------------------------------------------------------------


def test_what_an_e_invoice_says_is_kept(shelf: Shelf, find: Find) -> None:
    document = xml_of(shelf)
    kept = read(document)

    assert kept is not None
    assert (kept.number, kept.supplier, kept.currency, kept.iban) == (
        "2026-114", "Meelfabriek De Molen B.V.", "EUR", "NL91ABNA0417164300",
    )  # fmt: skip
    assert (kept.net, kept.tax, kept.total, kept.payable) == tuple(
        map(Decimal, ("541.43", "60.30", "601.73", "501.73"))
    )
    assert (kept.line_count, [line["text"] for line in kept.lines]) == (2, ["Tarwebloem T55", "Afstellen molen"])
    assert find(document).einvoice_read_at is not None


def test_the_worker_reads_and_draws_what_is_inside(cast: Cast, shelf: Shelf, find: Find) -> None:
    factur_x = shelf.document(pdf_with({"factur-x.xml": invoice("factur-x-en16931")}))
    plain, ubl = shelf.document(), xml_of(shelf, "nlcius-with-pdf")

    for document in (factur_x, plain, ubl):
        work_on(document)

    with administration_scope(cast.bakery.pk):
        assert {one.document_id: one.number for one in EInvoice.objects.all()} == {
            factur_x.pk: "RE-2026/0472",
            ubl.pk: "V-26-0815",
        }
    assert find(plain).einvoice_read_at is not None
    with administration_scope(cast.bakery.pk):
        known = preview.known_facts(find(ubl))
    assert known is not None
    assert known.pages == 1


def test_each_mail_and_upload_is_queued_once_and_what_is_nothing_is_not(
    cast: Cast, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[tuple[int, str, str]] = []
    for name in ("prepare", "draw"):
        monkeypatch.setattr(
            getattr(tasks, name), "apply_async",
            lambda ids, retry, priority, name=name: queued.append((priority, name, ids[1])),
        )  # fmt: skip
    monkeypatch.setattr(tasks, "PAGE_SIZE", 3)
    xml, paper = xml_of(shelf), shelf.document()
    office = shelf.document(b"PK", content_type="application/msword", filename="brief.doc")
    later = shelf.document()

    tasks.queue_preparation(cast.bakery.pk, [xml, paper, office, later])

    # The broker gives out the lowest first: all that is read before any drawing, the first page before the rest.
    assert sorted(queued) == sorted(
        [
            (0, "prepare", str(xml.pk)), (0, "prepare", str(paper.pk)), (3, "prepare", str(later.pk)),
            (6, "draw", str(paper.pk)), (9, "draw", str(later.pk)),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"<Order/>", "other_root"),
        (XML[:200], "not_well_formed"),
        (b"<Invoice/>", "wrong_namespace"),
        (b'<!DOCTYPE l [<!ENTITY a "ll">]><Invoice>&a;</Invoice>', "forbidden"),
    ],
)
def test_a_wrong_xml_is_an_ordinary_document_with_a_note(
    cast: Cast, shelf: Shelf, signed_in: SignIn, data: bytes, problem: str
) -> None:
    document = xml_of(shelf, data=data)
    kept = read(document)
    client = signed_in(cast.gerda)

    assert kept is not None
    assert (kept.problem, kept.number) == (problem, "")
    shown = page(client, document)
    assert re.search(r"(Vraag de afzender|Download deze XML)[^<]*\.", shown)
    assert ("e-factuur</span>" in shown, listed(client, cast)) == (False, ["peppol-invoice.xml"])


def test_a_pdf_with_a_wrong_e_invoice_is_shown_with_a_note(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = shelf.document(pdf_with({"factur-x.xml": b"<Invoice"}))
    work_on(document)

    shown = page(signed_in(cast.gerda), document, language="en")
    assert ("Look at the PDF itself" in shown, 'class="sheet"' in shown) == (True, True)


@pytest.mark.parametrize(
    "problem", [processes.TimedOut(), processes.Failed(), storage.StorageProblem("storage_failed"), OSError()]
)
def test_our_own_failure_leaves_it_unread(
    cast: Cast, shelf: Shelf, find: Find, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def fail(*_: str) -> Any:
        raise problem

    monkeypatch.setattr(processes, "answer_of", fail)
    document = xml_of(shelf)
    with pytest.raises(einvoices.NotNow):
        read(document)

    assert find(document).einvoice_read_at is None
    assert einvoices.read_waiting() == einvoices.Tally(failed=1)


@pytest.mark.parametrize(("program", "problem"), [("kill", "too_hard"), ("gone", "missing")])
def test_a_file_that_kills_its_reader_or_is_gone_says_so(
    cast: Cast, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, program: str, problem: str
) -> None:
    document, paper = xml_of(shelf), shelf.document()

    def kill(*_: str) -> Any:
        raise processes.Killed

    if program == "kill":
        monkeypatch.setattr(processes, "answer_of", kill)
    else:
        storage.delete(cast.bakery.pk, document.sha256)
        storage.delete(cast.bakery.pk, paper.sha256)

    kept = read(document)
    assert kept is not None
    assert kept.problem == problem
    assert read(paper) is None


def test_reading_twice_keeps_one_row(cast: Cast, shelf: Shelf) -> None:
    document = xml_of(shelf)
    read(document)
    read(document)
    with administration_scope(cast.bakery.pk):
        assert EInvoice.objects.count() == 1


# --- What was stored before ----------------------------------------------------------------------


def test_the_command_reads_what_waits_and_again_on_demand(
    cast: Cast, shelf: Shelf, foreign_shelf: Shelf, find: Find
) -> None:
    own, foreign = xml_of(shelf), xml_of(foreign_shelf, data=b"<Order/>")
    before = {"einvoices": 0, "unreadable": 0, "failed": 0}

    assert run("read_einvoices", "--administration", str(cast.bakery.pk)) == (
        0, [before | {"read": 1, "einvoices": 1}],
    )  # fmt: skip
    assert find(foreign).einvoice_read_at is None
    assert run("read_einvoices") == (0, [before | {"read": 1, "unreadable": 1}])
    assert run("read_einvoices") == (0, [before | {"read": 0}])
    assert run("read_einvoices", "--again")[1] == [before | {"read": 2, "einvoices": 1, "unreadable": 1}]
    with every_administration():
        owners = dict(EInvoice.objects.values_list("document_id", "administration_id"))
    assert owners == {own.pk: cast.bakery.pk, foreign.pk: cast.foreign.pk}


def test_the_command_refuses_an_administration_that_is_not_there(cast: Cast) -> None:
    code, [line] = run("read_einvoices", "--administration", str(uuid4()))
    assert (code, line["error"]["code"]) == (1, "not_found")


def test_the_sweep_goes_on_where_it_stopped(
    cast: Cast, shelf: Shelf, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [xml_of(shelf), xml_of(shelf, "peppol-credit-note")]
    now = iter([0.0, 0.0, 99.0])
    monkeypatch.setattr(einvoices.time, "monotonic", lambda: next(now))
    assert einvoices.read_waiting(10).read == 1
    monkeypatch.undo()

    tasks.sweep()
    assert [find(one).einvoice_read_at is not None for one in documents] == [True, True]


def test_a_machine_in_trouble_is_not_asked_on(cast: Cast, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str) -> Any:
        raise processes.Failed

    monkeypatch.setattr(processes, "answer_of", fail)
    monkeypatch.setattr(einvoices, "MOST_FAILURES", 2)
    for _ in range(3):
        shelf.document()
    assert run("read_einvoices")[0] == 1
    assert einvoices.read_waiting() == einvoices.Tally(failed=2)


# --- On the page ---------------------------------------------------------------------------------


def test_the_list_and_the_page_show_it_in_the_readers_language(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = xml_of(shelf, data=invoice("peppol-invoice").replace(b"541.43", b"4541.43"))
    read(document)
    client = signed_in(cast.gerda)

    dutch, english = page(client, document), page(client, document, language="en")

    for text in (f"€{NBSP}4.541,43", f"€{NBSP}601,73", "20 dec 2026", "Te betalen", "NL91ABNA0417164300"):
        assert text in dutch
    for text in ("€4,541.43", "€601.73", "20 Dec 2026", "To be paid", "net and VAT do not add up"):
        assert text in english
    row = re.search(r'class="row-text">(.*?)</a>', dutch, re.S)
    assert row is not None
    assert re.sub(r"<[^>]*>", " ", row[1]).split()[:8] == [
        "Meelfabriek", "De", "Molen", "B.V.", "€", "601,73", "2026-114", document.filename,
    ]  # fmt: skip


def test_a_credit_note_says_so_and_what_is_wrong_is_marked(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    wrong = invoice("peppol-credit-note").replace(b"NL91ABNA0417164300", b"NL92ABNA0417164300")
    document = xml_of(shelf, data=wrong.replace(b"NL900000016B01", b"NL900000017B01"))
    read(document)

    shown = page(signed_in(cast.gerda), document)
    for text in ("Creditnota (e-factuur)", "NL92ABNA0417164300", "geen geldig IBAN", "geen geldig btw-nummer"):
        assert text in shown


def test_an_e_invoice_without_a_pdf_is_written_out(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = xml_of(shelf)
    read(document)

    shown = page(signed_in(cast.gerda), document)
    cells = [
        re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[hd] [^>]*(?:row|num)\"[^>]*>(.*?)</t[hd]>", shown)
    ]
    assert [cell.replace(NBSP, " ") for cell in cells][-10:] == [
        "Tarwebloem T55", "250 kg", "€ 1,78", "9%", "€ 445,00",
        "Afstellen molen", "1,5 uur", "€ 64,2866667", "21%", "€ 96,43",
    ]  # fmt: skip
    assert "Deze e-factuur heeft geen PDF." in shown


def test_the_pdf_inside_is_the_preview_else_its_lines(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    client = signed_in(cast.gerda)
    good = xml_of(shelf, "nlcius-with-pdf")
    image = reverse("document-page", args=[cast.bakery.pk, good.pk, 1, 1000])

    assert image not in page(client, good)  # nobody read it yet: the page asks for it
    assert image in page(client, good, "document-preview")
    assert client.get(image)["Content-Type"] == "image/webp"
    assert 'src="' + image in page(client, good)

    torn = base64.b64encode(b"%PDF-1.7 and no more")
    broken = xml_of(shelf, data=re.sub(rb"JVBERi0[^<]*", torn, invoice("nlcius-with-pdf")))
    kept = read(broken)
    assert kept is not None
    assert kept.pdf_sha256 != ""
    assert "Reparatie etageoven" in page(client, broken, "document-preview")
    assert "invoice-sheet" in page(client, broken)


def with_pdfs(*names: str) -> bytes:
    """Each PDF says its name."""
    return ubl_with(*(("application/octet-stream", name, "", base64.b64encode(pdf(name))) for name in names))


def image_of(document: Document, place: int = 0) -> str:
    address = reverse("document-page", args=[document.administration_id, document.pk, 1, 1000])
    return f"{address}?inside={place}" if place else address


def test_of_several_pdfs_inside_the_invoice_is_shown_and_each_can_be_opened(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    client = signed_in(cast.gerda)
    document = xml_of(shelf, data=with_pdfs("voorwaarden.pdf", "Factuur 2026-114.pdf"))
    read(document)
    address = reverse("document", args=[cast.bakery.pk, document.pk])
    downloads = [reverse("document-inside", args=[cast.bakery.pk, document.pk, place]) for place in (0, 1)]

    first = page(client, document, "document-preview")
    assert f'src="{image_of(document)}"' in first
    links = re.findall(rf'href="{address}\?inside=(\d)"( aria-current="true")?>.*?</svg> ([^<]*)</a>', first, re.S)
    assert links == [("0", ' aria-current="true"', "Factuur 2026-114.pdf"), ("1", "", "voorwaarden.pdf")]
    assert [client.get(one).content for one in downloads] == [pdf("Factuur 2026-114.pdf"), pdf("voorwaarden.pdf")]
    assert client.get(downloads[1])["Content-Disposition"] == 'attachment; filename="voorwaarden.pdf"'

    other = client.get(reverse("document-preview", args=[cast.bakery.pk, document.pk]) + "?inside=1").content.decode()
    assert f'src="{image_of(document, 1)}"' in other
    drawn = [client.get(image_of(document, place)) for place in (0, 1)]
    assert [answer["Content-Type"] for answer in drawn] == ["image/webp"] * 2
    assert drawn[0].content != drawn[1].content


@pytest.mark.parametrize("place", ["2", "99", "-1", "x"])
def test_a_pdf_that_is_not_inside_is_not_found(cast: Cast, shelf: Shelf, signed_in: SignIn, place: str) -> None:
    client = signed_in(cast.gerda)
    document = xml_of(shelf, data=with_pdfs("a.pdf", "b.pdf"))
    work_on(document)
    address = reverse("document-inside", args=[cast.bakery.pk, document.pk, 7]).replace("/7/", f"/{place}/")

    assert client.get(address).status_code == 404
    shown = client.get(reverse("document", args=[cast.bakery.pk, document.pk]) + f"?inside={place}").content.decode()
    assert f'src="{image_of(document)}"' in shown
    drawn = client.get(f"{image_of(document)}?inside={place}")
    assert drawn.status_code == (404 if place.isdigit() else 200)


def test_one_pdf_inside_needs_no_list(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = xml_of(shelf, "nlcius-with-pdf")
    work_on(document)
    shown = page(signed_in(cast.gerda), document)
    assert (image_of(document) in shown, "insides" in shown) == (True, False)


def test_a_pdf_inside_that_is_not_the_one_beside_can_be_opened_from_either(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    client, email = signed_in(cast.gerda), shelf.email()
    beside = pdf("Factuur.pdf")
    data = with_pdfs("Factuur.pdf", "urenstaat.pdf")
    halves = [xml_of(shelf, data=data, email=email), shelf.document(beside, email=email, filename="x.pdf")]
    for document in halves:
        work_on(document)
    link = reverse("document", args=[cast.bakery.pk, halves[0].pk]) + "?inside=1"

    for document in halves:
        shown = page(client, document)
        assert (link in shown, link.replace("=1", "=0") in shown, image_of(halves[1]) in shown) == (True, False, True)
    assert (
        f'src="{image_of(halves[0], 1)}"'
        in client.get(reverse("document-preview", args=[cast.bakery.pk, halves[0].pk]) + "?inside=1").content.decode()
    )


def test_every_account_stands_on_the_page_and_the_wrong_one_is_marked(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    document = xml_of(shelf, data=two_accounts())
    read(document)
    shown = page(signed_in(cast.gerda), document)
    marked = re.findall(r"<dt>IBAN</dt><dd>(\w+)(?: <span[^>]*>.*?</svg> ([^<]*)</span>)?</dd>", shown, re.S)
    assert marked == [("NL91ABNA0417164300", ""), ("BE68539007547035", "geen geldig IBAN")]


def test_what_was_mended_to_read_it_joins_what_was_mended_in_the_mail(cast: Cast, shelf: Shelf, find: Find) -> None:
    latin = invoice("peppol-invoice").replace(b"De Molen", "De Mölen".encode("latin-1"))
    document = xml_of(shelf, data=latin, defects=["base64_repaired"])
    for _ in range(2):
        read(document)
    assert find(document).defects == ["base64_repaired", "encoding_guessed"]
    (line,) = run("list_documents", "--administration", str(cast.bakery.pk))[1]
    assert (line["defects"], line["einvoice"]["supplier"]) == (find(document).defects, "Meelfabriek De Mölen B.V.")


@pytest.fixture
def pair(cast: Cast, shelf: Shelf) -> tuple[Document, Document]:
    email = shelf.email()
    xml = xml_of(shelf, email=email, filename="ubl.xml")
    paper = shelf.document(email=email, filename="Factuur 2026-114.pdf")
    for document in (xml, paper):
        work_on(document)
    return xml, paper


def test_a_pair_is_one_line_and_one_page_with_both(
    cast: Cast, pair: tuple[Document, Document], signed_in: SignIn
) -> None:
    client = signed_in(cast.gerda)
    xml, paper = pair
    downloads = [reverse("document-download", args=[cast.bakery.pk, one.pk]) for one in (paper, xml)]
    image = reverse("document-page", args=[cast.bakery.pk, paper.pk, 1, 1000])

    assert listed(client, cast) == ["Factuur 2026-114.pdf"]
    for document in pair:
        shown = page(client, document)
        assert [link in shown for link in [*downloads, image]] == [True, True, True]
        assert "Zelfde factuur" in shown
    told = {line["document"]: line for line in run("list_documents", "--administration", str(cast.bakery.pk))[1]}
    assert {one: line["shown"] for one, line in told.items()} == {str(xml.pk): str(paper.pk), str(paper.pk): "itself"}


def test_list_of_documents_reads_what_nobody_read_yet_and_tells_its_facts(cast: Cast, shelf: Shelf) -> None:
    document = xml_of(shelf)
    (line,) = run("list_documents", "--administration", str(cast.bakery.pk))[1]
    with administration_scope(cast.bakery.pk):
        read = EInvoice.objects.get(document=document)
    assert line["einvoice"] == {
        "syntax": "ubl", "number": read.number, "supplier": read.supplier, "date": str(read.issued),
        "currency": "EUR", "total": f"{read.total:.2f}",
    }  # fmt: skip
    assert (line["shown"], line["defects"]) == ("itself", [])


@pytest.mark.parametrize("half", [0, 1])
def test_deleting_one_half_deletes_both_and_undo_brings_both(
    cast: Cast, pair: tuple[Document, Document], signed_in: SignIn, half: int
) -> None:
    client = signed_in(cast.gerda)
    client.cookies["django_language"] = "en"
    gone = client.post(reverse("documents-delete", args=[cast.bakery.pk]), {"ids": pair[half].pk}, follow=True)
    told = gone.content.decode()

    assert "2 documenten verwijderd. De PDF en de XML van een factuur gaan samen." in told or (
        "2 documents deleted. An invoice&#x27;s PDF and XML go together." in told
    )
    assert listed(client, cast) == []
    undo = re.search(r'action="([^"]*/restore/[^"]*)"', told)
    assert undo is not None
    assert "gaan samen" in (back := client.post(undo[1], follow=True).content.decode()) or "go together" in back
    assert listed(client, cast) == ["Factuur 2026-114.pdf"]


def test_number_and_supplier_are_searched(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    read(shelf.document(pdf_with({"factur-x.xml": invoice("factur-x-en16931")}), filename="x.pdf"))
    read(xml_of(shelf, filename="y.xml"))
    client = signed_in(cast.gerda)

    found = {words: listed(client, cast, f"?q={words}") for words in ("RE-2026/0472", "müller", "molen+2026-114", "x9")}
    assert found == {"RE-2026/0472": ["x.pdf"], "müller": ["x.pdf"], "molen+2026-114": ["y.xml"], "x9": []}


def test_the_number_of_queries_does_not_grow_with_e_invoices(
    cast: Cast, shelf: Shelf, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(cast.gerda)
    with administration_scope(cast.bakery.pk):
        for number in range(12):
            one = shelf.document(b"%PDF same", content_type="application/pdf" if number % 2 else "application/xml")
            Document.objects.filter(pk=one.pk).update(einvoice_read_at=timezone.now() - timedelta(1))
            if number % 3:
                EInvoice.objects.create(administration_id=cast.bakery.pk, document=one, number=f"N{number}")
    listed(client, cast)
    with django_assert_max_num_queries(27):  # on PostgreSQL each scope is announced
        listed(client, cast)


def test_a_submitter_sees_nothing_of_anothers_half(cast: Cast, shelf: Shelf, signed_in: SignIn, find: Find) -> None:
    own = xml_of(shelf, uploaded_by=cast.arie)
    other = shelf.document(pdf(), filename="geheim.pdf")
    read(own)
    with administration_scope(cast.bakery.pk):
        Document.objects.filter(pk=own.pk).update(companion=other)

    assert "geheim" not in page(signed_in(cast.arie), find(own))
