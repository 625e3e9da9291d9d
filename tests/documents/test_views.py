from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from administrations.models import User
from documents import einvoices, preview, processes, storage
from documents.models import Document
from documents.services import delete_documents, pair_saved
from tests.cast import Cast
from tests.documents.conftest import CHANNEL, NOON, Shelf
from tests.documents.files import XML, image, office, pdf
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]


def names(response: Any) -> list[str]:
    return re.findall(r'class="row-name cut">([^<]*)<', response.content.decode())


def address(name: str, document: Document, *more: int) -> str:
    return reverse(name, args=[document.administration_id, document.pk, *more])


def inbox(cast: Cast, query: str = "") -> str:
    return reverse("documents", args=[cast.bakery.pk]) + query


# --- The list ------------------------------------------------------------------------------------


def test_the_list_shows_the_newest_first_with_the_newest_beside_it(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    for _ in range(3):
        shelf.document()

    response = signed_in(cast.gerda).get(inbox(cast))

    assert names(response) == ["factuur-1.pdf", "factuur-2.pdf", "factuur-3.pdf"]
    assert "<h2>factuur-1.pdf</h2>" in response.content.decode()


def test_an_empty_list_says_what_to_do(cast: Cast, signed_in: SignIn) -> None:
    for person, sentence in ((cast.gerda, "Drop files here"), (cast.arie, "Drop files here")):
        page = signed_in(person).get(inbox(cast), headers={"Accept-Language": "en"}).content.decode()
        assert sentence in page or "Sleep hier bestanden heen" in page


def test_the_number_of_queries_does_not_grow_with_the_list(
    cast: Cast, shelf: Shelf, signed_in: SignIn, django_assert_num_queries: Any
) -> None:
    client = signed_in(cast.gerda)
    shelf.document(email=shelf.email(), uploaded_by=cast.gerda)
    client.get(inbox(cast))
    with CaptureQueriesContext(connection) as with_one:
        client.get(inbox(cast))

    for _ in range(2):
        shelf.document(b"%PDF same", email=shelf.email(), uploaded_by=cast.arie)

    with django_assert_num_queries(len(with_one)):
        client.get(inbox(cast))
    assert not [query for query in with_one if "COUNT(" in query["sql"] and "documents_" in query["sql"]]


@pytest.mark.proof
def test_pages_follow_each_other_without_gap_or_repetition(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    for _ in range(90):
        shelf.document(b"%PDF same", received_at=NOON)
    client, seen, link = signed_in(cast.gerda), [], inbox(cast)

    while link:
        page = client.get(link)
        seen += names(page)
        older = re.search(r'<a class="btn btn-block" href="([^"]*older=[^"]*)"', page.content.decode())
        link = older[1].replace("&amp;", "&") if older else ""

    assert (len(seen), len(set(seen))) == (90, 90)


@pytest.mark.parametrize("older", ["x", "1_2", "99999999999999999_" + "0" * 32, "-1_" + "0" * 32])
def test_a_place_that_is_none_shows_a_list(cast: Cast, shelf: Shelf, signed_in: SignIn, older: str) -> None:
    shelf.document()
    assert signed_in(cast.gerda).get(inbox(cast, f"?older={older}")).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=MEEL", ["a.pdf"]),
        ("?q=november+a.pdf", ["a.pdf"]),
        ("?q=deegroller", ["b.txt"]),
        ("?q=%25", []),
        (f"?channel={CHANNEL}", ["a.pdf", "b.txt"]),
        ("?channel=upload", ["c.pdf"]),
        ("?kind=body", ["b.txt"]),
        ("?sender=bol.test", ["b.txt"]),
        ("?since=2026-11-21&until=2026-11-21", ["c.pdf"]),
        ("?duplicates=on", ["c.pdf"]),
        ("?behind=1795348800000000_00000000000000000000000000000000", ["b.txt", "c.pdf"]),
        ("?behind=nonsense&channel=upload", ["c.pdf"]),
        ("?since=gisteren&channel=none&kind=x", ["a.pdf", "b.txt", "c.pdf"]),
        ("?q=a.pdf&kind=body", []),
    ],
)
def test_search_and_filters_narrow_the_list(
    cast: Cast, shelf: Shelf, signed_in: SignIn, query: str, found: list[str]
) -> None:
    shelf.document(email=shelf.email(), filename="a.pdf", received_at=NOON)
    bol = shelf.email(
        subject="Bestelling", sender_name="bol", sender_address="x@bol.test", text="Een deegroller van beuken."
    )
    shelf.document(
        b"tekst",
        email=bol,
        filename="b.txt",
        kind="body",
        content_type="text/plain",
        received_at=NOON - timedelta(1 / 24),
    )
    with administration_scope(cast.bakery.pk):
        original = Document.objects.get(filename="a.pdf")
    shelf.document(filename="c.pdf", received_at=NOON - timedelta(days=1))
    with administration_scope(cast.bakery.pk):
        Document.objects.filter(filename="c.pdf").update(duplicate_of=original)

    assert names(signed_in(cast.gerda).get(inbox(cast, query))) == found


def test_the_xml_of_an_invoice_is_folded_under_its_pdf(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    email = shelf.email()
    paper = shelf.document(email=email, filename="f.pdf")
    xml = shelf.document(XML, email=email, filename="f.xml", content_type="application/xml")
    with administration_scope(cast.bakery.pk):
        pair_saved([paper, xml])
        einvoices.read(xml)
    client = signed_in(cast.gerda)

    assert names(client.get(inbox(cast))) == ["f.pdf"]
    shown = client.get(address("document", paper)).content.decode()
    assert ("2026-114" in shown, "f.xml" in shown) == (True, True)
    assert client.get(address("document", xml)).status_code == 200

    client.post(reverse("documents-delete", args=[cast.bakery.pk]), {"ids": paper.pk})
    assert names(client.get(inbox(cast))) == []


def test_htmx_gets_the_part_it_asks_for_but_history_gets_the_whole_page(
    cast: Cast, shelf: Shelf, signed_in: SignIn
) -> None:
    document, client = shelf.document(), signed_in(cast.gerda)
    htmx = {"HX-Request": "true", "HX-Target": "reading"}

    part = client.get(address("document", document), headers=htmx)
    whole = client.get(address("document", document), headers=htmx | {"HX-History-Restore-Request": "true"})
    rows = client.get(inbox(cast), headers={"HX-Request": "true", "HX-Target": "inbox-list"})

    assert [b"<html" in page.content for page in (part, whole, rows)] == [False, True, False]
    assert "HX-Target" in part["Vary"]


# --- Who may see what ----------------------------------------------------------------------------


ROUTES = [
    "document",
    "document-preview",
    "document-download",
    "document-email-file",
    "document-email-pdf",
    "document-looks",
]
ROUTES += ["document-body"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_document_of_another_office_is_not_there(cast: Cast, shelf: Shelf, signed_in: SignIn, route: str) -> None:
    document = shelf.document(email=shelf.email())

    assert signed_in(cast.charlie).get(address(route, document)).status_code == 404
    moved = reverse(route, args=[cast.foreign.pk, document.pk])
    assert signed_in(cast.charlie).get(moved).status_code == 404


def test_a_submitter_sees_only_what_they_uploaded(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    own, other = shelf.document(uploaded_by=cast.arie), shelf.document()
    client = signed_in(cast.arie)

    assert names(client.get(inbox(cast))) == ["factuur-1.pdf"]
    assert client.get(address("document-download", own)).getvalue() != b""
    assert [client.get(address(route, other)).status_code for route in ROUTES] == [404] * len(ROUTES)


@pytest.mark.parametrize("name", ["documents-delete", "documents-zip"])
def test_a_submitter_may_not_delete_or_take_along(cast: Cast, shelf: Shelf, signed_in: SignIn, name: str) -> None:
    own = shelf.document(uploaded_by=cast.arie)
    assert signed_in(cast.arie).post(reverse(name, args=[cast.bakery.pk]), {"ids": own.pk}).status_code == 403


def test_a_stranger_must_sign_in(cast: Cast, shelf: Shelf) -> None:
    response = Client().get(address("document", shelf.document()))
    assert (response.status_code, response.url.startswith(reverse("account_login"))) == (302, True)


# --- Deleting ------------------------------------------------------------------------------------


def test_deleting_offers_undo_which_brings_all_of_them_back(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    one, two, three = shelf.document(), shelf.document(), shelf.document()
    client = signed_in(cast.gerda)

    page = client.post(reverse("documents-delete", args=[cast.bakery.pk]), {"ids": [one.pk, two.pk]}, follow=True)
    assert names(page) == ["factuur-3.pdf"]
    undo = re.search(r'action="([^"]*/restore/[^"]*)"', page.content.decode())
    assert undo is not None

    assert names(client.post(undo[1], follow=True)) == ["factuur-1.pdf", "factuur-2.pdf", "factuur-3.pdf"]
    assert "Er is niets meer om ongedaan te maken." in client.post(undo[1], follow=True).content.decode()
    assert client.get(address("document", three)).status_code == 200


@pytest.mark.parametrize("there", ["https://evil.test/", "//evil.test/", "/elsewhere", ""])
def test_after_deleting_nobody_is_sent_elsewhere(cast: Cast, shelf: Shelf, signed_in: SignIn, there: str) -> None:
    posted = {"ids": shelf.document().pk, "next": there}
    response = signed_in(cast.gerda).post(reverse("documents-delete", args=[cast.bakery.pk]), posted)
    assert response.url == inbox(cast)


def test_the_list_keeps_its_filters_after_deleting(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    posted = {"ids": shelf.document().pk, "next": inbox(cast, "?q=fact")}
    response = signed_in(cast.gerda).post(reverse("documents-delete", args=[cast.bakery.pk]), posted)
    assert response.url == inbox(cast, "?q=fact")


def test_another_offices_document_is_not_deleted(
    cast: Cast, shelf: Shelf, signed_in: SignIn, find: Callable[[Document], Document]
) -> None:
    document = shelf.document()
    signed_in(cast.charlie).post(reverse("documents-delete", args=[cast.foreign.pk]), {"ids": document.pk})
    assert find(document).deleted_at is None


def test_ids_that_are_none_are_not_found(cast: Cast, signed_in: SignIn) -> None:
    for name in ("documents-delete", "documents-zip"):
        assert signed_in(cast.gerda).post(reverse(name, args=[cast.bakery.pk]), {"ids": "x"}).status_code == 404
    assert signed_in(cast.gerda).post(reverse("documents-restore", args=[cast.bakery.pk, "x"])).status_code == 404


def test_a_deleted_document_is_not_found(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = shelf.document()
    with administration_scope(cast.bakery.pk):
        delete_documents([document], cast.gerda)
    assert signed_in(cast.gerda).get(address("document-download", document)).status_code == 404


def test_page_of_a_deleted_document_leads_to_the_list_and_says_so(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = shelf.document()
    with administration_scope(cast.bakery.pk):
        delete_documents([document], cast.gerda)
    page = signed_in(cast.gerda).get(address("document", document), follow=True)
    assert page.redirect_chain == [(inbox(cast), 302)]
    assert "Dit document is intussen verwijderd of verplaatst." in page.content.decode()
    asked = {"headers": {"HX-Request": "true", "HX-Target": "reading"}}
    assert signed_in(cast.gerda).get(address("document", document), **asked).status_code == 404
    # Whoever never saw it is not told that it was there.
    assert signed_in(cast.arie).get(address("document", document)).status_code == 404


@pytest.mark.parametrize(
    "words", ["x" * 10_000, "factuur-1" + " factuur-1" * 2_000, "\u202efactuur-1\u202c", "FACTUUR-1"]
)
def test_whatever_is_typed_is_looked_for(cast: Cast, shelf: Shelf, signed_in: SignIn, words: str) -> None:
    shelf.document(), shelf.document()
    found = [] if words.startswith("x") else ["factuur-1.pdf"]
    assert names(signed_in(cast.gerda).get(inbox(cast), {"q": words})) == found


@pytest.mark.parametrize("name", ["delete", "done", "reopen", "move", "forward", "zip"])
def test_button_at_a_document_that_is_gone_says_so(cast: Cast, shelf: Shelf, signed_in: SignIn, name: str) -> None:
    document, gerda = shelf.document(), signed_in(cast.gerda)
    with administration_scope(cast.bakery.pk):
        delete_documents([document], cast.gerda)
    for ids, said in (([document.pk], "Dat is er niet meer"), ([], "Selecteer eerst de documenten.")):
        page = gerda.post(reverse(f"documents-{name}", args=[cast.bakery.pk]), {"ids": ids}, follow=True)
        assert said in page.content.decode()


def test_who_only_hands_in_is_offered_no_selecting(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    """They have nothing to tick, and nothing to do with what is ticked."""
    shelf.document(uploaded_by=cast.arie)
    page = signed_in(cast.arie).get(inbox(cast)).content.decode()
    assert ("factuur-1.pdf" in page, "Alles selecteren" in page, "selecteren" in page) == (True, False, False)
    assert "Alles selecteren" in signed_in(cast.gerda).get(inbox(cast)).content.decode()


# --- Files on their way out ----------------------------------------------------------------------


HOSTILE = [
    ("x.html", "text/html", b"<script>alert(1)</script>", "application/octet-stream"),
    ("x.svg", "image/svg+xml", b"<svg onload=alert(1)>", "application/octet-stream"),
    ("x.xml", "application/xml", XML, "application/octet-stream"),
    ("x\u202efdp.exe", "application/x-evil", b"MZ", "application/octet-stream"),
    ("fac\r\nSet-Cookie: a=b.pdf", "application/pdf", b"%PDF-", "application/pdf"),
    ("café €.pdf", "application/pdf", b"%PDF-", "application/pdf"),
]


@pytest.mark.parametrize(("filename", "content_type", "data", "served_as"), HOSTILE)
def test_a_download_is_never_a_page_of_ours(
    cast: Cast, shelf: Shelf, signed_in: SignIn, filename: str, content_type: str, data: bytes, served_as: str
) -> None:
    document = shelf.document(data, filename=filename, content_type=content_type)

    response = signed_in(cast.gerda).get(address("document-download", document))

    assert response.getvalue() == data
    assert response["Content-Type"] == served_as
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Cache-Control"] == "private, no-store"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert not re.search("[\r\n\u202e]", response["Content-Disposition"])


def test_the_original_mail_is_downloaded_by_its_subject(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = shelf.document(email=shelf.email(subject="Factuur: 1/2", raw=b"Subject: x\r\n\r\ny"))
    response = signed_in(cast.gerda).get(address("document-email-file", document))
    assert response.getvalue() == b"Subject: x\r\n\r\ny"
    assert response["Content-Disposition"] == 'attachment; filename="Factuur: 1_2.eml"'


def test_an_upload_has_no_mail(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    assert signed_in(cast.gerda).get(address("document-email-file", shelf.document())).status_code == 404


def test_missing_bytes_are_not_found_and_the_page_says_so(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document, client = shelf.document(), signed_in(cast.gerda)
    storage.delete(cast.bakery.pk, document.sha256)

    assert client.get(address("document-download", document)).status_code == 404
    assert client.get(address("document-preview", document)).status_code == 200
    zipped = client.post(reverse("documents-zip", args=[cast.bakery.pk]), {"ids": document.pk})
    assert zipped.url == inbox(cast)


def test_a_page_that_waited_too_long_for_its_turn_is_asked_for_again(
    cast: Cast, shelf: Shelf, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "SECONDS", 0)
    document, client = shelf.document(), signed_in(cast.gerda)
    with preview._turns, preview._turns:  # two others are drawn
        answer = client.get(address("document-preview", document))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_the_zip_holds_each_file_once_by_its_own_name(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    one, two = shelf.document(b"%PDF 1", filename="f.pdf"), shelf.document(b"%PDF 2", filename="F.pdf")
    response = signed_in(cast.gerda).post(
        reverse("documents-zip", args=[cast.bakery.pk]), {"ids": [one.pk, two.pk, uuid4()]}
    )

    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"f.pdf": b"%PDF 1", "F (2).pdf": b"%PDF 2"}
        assert archive.testzip() is None
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.proof
def test_pages_and_thumbnails_are_images_that_no_browser_keeps(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document, client = shelf.document(pdf(pages=2)), signed_in(cast.gerda)

    page = client.get(address("document-page", document, 2, 1000))
    thumbnail = client.get(address("document-page", document, 1, 160))

    assert [page["Content-Type"], page["Cache-Control"]] == ["image/webp", "private, no-store"]
    assert thumbnail["Cache-Control"] == "private, no-store"
    assert [page.content[:4], thumbnail.content[:4]] == [b"RIFF", b"RIFF"]
    assert client.get(address("document-page", document, 3, 1000)).status_code == 404
    assert client.get(address("document-page", document, 1, 5000)).status_code == 404


def test_a_thumbnail_of_what_cannot_be_drawn_is_none_and_no_error(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document, client = shelf.document(pdf(password="x")), signed_in(cast.gerda)

    assert [client.get(address("document-page", document, 1, width)).status_code for width in (160, 1000)] == [204, 404]


@pytest.mark.parametrize(
    ("data", "content_type", "shown"),
    [
        (pdf(), "application/pdf", 'class="sheet"'),
        (image(), "image/png", 'class="sheet"'),
        (pdf(password="x"), "application/pdf", "document-download"),
        (office("word/document.xml"), "application/msword", "document-download"),
        (XML, "application/xml", "2026-114"),
    ],
)
def test_each_kind_of_document_has_its_page(
    cast: Cast, shelf: Shelf, signed_in: SignIn, data: bytes, content_type: str, shown: str
) -> None:
    document, client = shelf.document(data, content_type=content_type), signed_in(cast.gerda)
    client.get(address("document-preview", document))

    wanted = address("document-download", document) if shown == "document-download" else shown
    assert wanted in client.get(address("document", document)).content.decode()


def test_the_email_tab_shows_the_mail_as_text(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = shelf.document(email=shelf.email(text="<script>alert(1)</script>", subject="<b>Factuur</b>"))
    shown = signed_in(cast.gerda).get(address("document", document) + "?tab=email").content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<b>Factuur</b>" not in shown


def test_a_duplicate_links_to_the_earlier_document(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    first = shelf.document(b"%PDF same", received_at=NOON - timedelta(days=1))
    second = shelf.document(b"%PDF same")

    assert address("document", first) in signed_in(cast.gerda).get(address("document", second)).content.decode()
    assert UUID(str(second.duplicate_of_id)) == first.pk


@pytest.mark.parametrize("query", ["until=9999-12-31", "since=0001-01-01", "since=1969-12-31", "until=2201-01-01"])
def test_a_date_outside_the_calendar_is_an_error_beside_its_field(
    cast: Cast, shelf: Shelf, signed_in: SignIn, query: str
) -> None:
    shelf.document()
    client = signed_in(cast.gerda)
    client.raise_request_exception = False

    response = client.get(inbox(cast, f"?{query}"))

    assert response.status_code == 200
    assert "Kies een datum tussen 1970 en 2200." in response.content.decode()


@pytest.mark.parametrize("number", ["0", "2001", "9" * 300])
def test_a_page_number_that_no_document_has_is_not_looked_for(
    cast: Cast, shelf: Shelf, signed_in: SignIn, number: str
) -> None:
    client = signed_in(cast.gerda)
    client.raise_request_exception = False
    there = address("document-page", shelf.document(), 1, 1000)

    assert client.get(there).status_code == 200
    assert client.get(there.replace("/page/1/", f"/page/{number}/")).status_code == 404


@pytest.mark.parametrize("language", ["nl", "en"])
def test_storage_that_is_away_is_told_and_nothing_is_said_to_be_lost(
    cast: Cast, shelf: Shelf, signed_in: SignIn, settings: Any, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    document = shelf.document()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    settings.DOCUMENT_STORAGE = "s3://away"
    User.objects.filter(pk=cast.gerda.pk).update(language=language)
    client = signed_in(cast.gerda)
    answers = [
        client.get(address("document-download", document)),
        client.post(reverse("documents-zip", args=[cast.bakery.pk]), {"ids": document.pk}),
    ]
    said = {"nl": "Onze opslag antwoordt niet", "en": "Our storage does not answer"}[language]
    assert [(answer.status_code, said in answer.text) for answer in answers] == [(503, True)] * 2
