"""A mail as it looked: its HTML made harmless, its own pictures in it, nothing asked of anywhere."""

from __future__ import annotations

import base64
import io
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from administrations.models import User
from documents import mail_page, processes, storage
from documents.models import Document, Email
from documents.pane import shown_of
from tests.cast import Cast
from tests.documents.conftest import Shelf
from tests.documents.files import image
from tests.mails.building import attached, encoded, mail, mixed, multi, part, signed_of, text

pytestmark = [pytest.mark.thorough, pytest.mark.once]

SignIn = Callable[[User], Client]
RED = image("PNG", (30, 20))
DRAWN = re.compile(r'src="data:image/webp;base64,([^"]+)"')


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: object) -> Path:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    return tmp_path


def shown(data: bytes, cid: str, kind: str = "png") -> bytes:
    return encoded(data, f"Content-Type: image/{kind}", f"Content-ID: <{cid}>", "Content-Disposition: inline")


def page(html: str, *pictures: bytes) -> bytes:
    return mail(multi("related", text(html, "html"), *pictures))


def looks(shelf: Shelf, raw: bytes) -> tuple[mail_page.Looks, str]:
    """What is known of the page, and what stands in its body."""
    email = shelf.email(raw=raw)
    found = mail_page.looks(email)
    return found, _body(mail_page.page(email)) if found.html else ""


def _body(place: Path) -> str:
    return place.read_text("utf-8").split("<body>")[1].removesuffix("</body></html>")


def get(client: Client, route: str, document: Document, query: str = "") -> Any:
    return client.get(reverse(route, args=[document.administration_id, document.pk]) + query)


def test_the_mails_own_pictures_are_in_the_page(shelf: Shelf) -> None:
    raw = page('<p>Bon</p><img src="cid:Bon%201@x" alt="bon" width="30">', shown(RED, "bon 1@X"))

    found, body = looks(shelf, raw)
    with Image.open(io.BytesIO(base64.b64decode(DRAWN.findall(body)[0]))) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (30, 20))

    assert found == mail_page.Looks(html=True, left_out=0)
    assert re.sub(DRAWN, "src", body) == '<p>Bon</p><img src alt="bon" width="30">'


@pytest.mark.parametrize(
    ("source", "picture"),
    [
        ("cid:a@x", shown(image("GIF"), "a@x", "gif")),
        ("cid:a@x", encoded(RED, "Content-Type: application/octet-stream", "Content-ID: <a@x>")),
        ("plaatjes/logo.png", encoded(RED, "Content-Type: image/png", "Content-Location: plaatjes/logo.png")),
        (
            "https://x.example/b.png",
            encoded(RED, "Content-Type: image/png", "Content-Location: https://x.example/b.png"),
        ),
        ("data:image/png;base64," + base64.b64encode(RED).decode(), b""),
    ],
    ids=["gif", "octets", "location", "web-archive", "data"],
)
def test_a_picture_is_found_however_it_is_named(shelf: Shelf, source: str, picture: bytes) -> None:
    found, body = looks(shelf, page(f'<img src="{source}">', *filter(None, [picture])))

    assert (found.left_out, len(DRAWN.findall(body))) == (0, 1)


def test_pictures_of_a_mail_in_a_signed_envelope_are_shown(shelf: Shelf) -> None:
    inner = page('<img src="cid:a@x">', shown(RED, "a@x"))
    raw = mail(
        encoded(signed_of(inner), 'Content-Type: application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"')
    )

    assert len(DRAWN.findall(looks(shelf, raw)[1])) == 1


def test_pictures_elsewhere_or_broken_are_left_out_and_counted(shelf: Shelf) -> None:
    html = (
        '<img src="https://t.example/p.gif" alt="Logo"><img src="cid:a@x"><img src="cid:weg@x"><img src="//t.example">'
    )

    found, body = looks(shelf, page(html, shown(RED[:40], "a@x")))

    assert found == mail_page.Looks(html=True, left_out=4)
    assert body == '<img alt="Logo"><img><img><img>'


def test_many_pictures_cost_no_more_than_a_bounded_page(shelf: Shelf) -> None:
    many = [shown(RED, f"{number}@x") for number in range(105)]
    html = "".join(f'<img src="cid:{number}@x">' for number in range(105))

    found, body = looks(shelf, page(html, *many))

    assert (found.left_out, len(DRAWN.findall(body))) == (5, 100)


def test_the_page_looks_as_it_was_written_and_does_nothing(shelf: Shelf) -> None:
    html = (
        '<h1 onclick=x() style="color:rgb(9, 0, 0); position:fixed;background:url(//t)">Dank</h1>'
        "<script>alert(1)</script>"
        '<a href="javascript:x">k</a><form action=/x><input></form><style>@import url(//t.example)</style>'
        '<table bgcolor="#eee" width=600><td colspan=2 background="//t.example" style="padding:4px">24</table>'
        "<iframe src=//t></iframe><svg><image href=//t></svg><base href=//t><meta http-equiv=refresh>"
    )

    assert looks(shelf, page(html))[1] == (
        '<h1 style="color:rgb(9, 0, 0)">Dank</h1>k<table bgcolor="#eee" width="600"><tbody><tr>'
        '<td colspan="2" style="padding:4px">24</td></tr></tbody></table>'
    )


def test_a_mail_without_html_has_no_page(shelf: Shelf) -> None:
    assert looks(shelf, mail(text("Factuur 12: € 12,50"))) == (mail_page.Looks(), "")
    assert looks(shelf, b"") == (mail_page.Looks(), "")


@pytest.mark.parametrize(
    "raw",
    [
        mail(text('<a href="https://facturen.x.example/1?t=geheim">Download uw factuur</a>', "html")),
        mail(text("Uw factuur: https://facturen.x.example/1?t=geheim")),
        mixed(part("", 'Content-Type: message/external-body; access-type=URL; URL="https://facturen.x.example/1.pdf"')),
    ],
    ids=["html", "text", "external-body"],
)
def test_an_invoice_behind_a_link_is_said_with_its_host(
    cast: Cast, shelf: Shelf, signed_in: SignIn, raw: bytes
) -> None:
    document = shelf.document(email=shelf.email(raw=raw), kind="body", content_type="text/plain")

    answer = get(signed_in(cast.gerda), "document-looks", document).content.decode()

    assert "De afzender zette de factuur achter een link naar facturen.x.example." in answer
    assert "geheim" not in answer


@pytest.mark.proof
def test_a_large_attachment_is_passed_over(shelf: Shelf) -> None:
    raw = mixed(text('<img src="cid:a@x">', "html"), shown(RED, "a@x"), attached(bytes(24_000_000), "x/y", "a.bin"))

    assert len(DRAWN.findall(looks(shelf, raw)[1])) == 1


def test_a_mail_that_ends_its_process_keeps_its_text(
    cast: Cast, shelf: Shelf, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: str) -> dict[str, Any]:
        raise processes.Killed

    monkeypatch.setattr(processes, "answer_of", killed)
    document = shelf.document(email=shelf.email(raw=page("<p>x</p>")), kind="body", content_type="text/plain")

    answer = get(signed_in(cast.gerda), "document-looks", document)

    assert (answer.context["looks"], b"Hierbij de factuur." in answer.content) == (
        mail_page.Looks(problem="too_hard"), True,
    )  # fmt: skip
    assert b"hx-get" not in answer.content
    assert get(signed_in(cast.gerda), "document-body", document).status_code == 404


def test_a_mail_whose_bytes_are_gone_keeps_its_text(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    email = shelf.email(raw=page("<p>x</p>"))
    document = shelf.document(email=email, kind="body", content_type="text/plain")
    storage.delete(cast.bakery.pk, email.raw_sha256)

    assert get(signed_in(cast.gerda), "document-looks", document).context["looks"].problem == "missing"


def test_a_mail_that_waits_for_its_turn_is_asked_for_again(
    cast: Cast, shelf: Shelf, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "SECONDS", 0)
    document = shelf.document(email=shelf.email(raw=page("<p>x</p>")), kind="body", content_type="text/plain")
    client = signed_in(cast.gerda)
    with mail_page.preview.turn(), mail_page.preview.turn():  # two others are drawn
        answers = [get(client, route, document) for route in ("document-looks", "document-body")]

    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(503, "5")] * 2


@pytest.mark.parametrize("query", ["", "?tab=email"])
@pytest.mark.proof
def test_a_body_document_and_the_email_tab_show_the_mail_with_its_text(
    cast: Cast, shelf: Shelf, signed_in: SignIn, query: str
) -> None:
    email = shelf.email(raw=page('<b>Bon</b><img src="//t.example">'), text="Bon 12")
    document, client = shelf.document(email=email, kind="body", content_type="text/plain"), signed_in(cast.gerda)
    address = reverse("document-body", args=[cast.bakery.pk, document.pk])
    frame = f'<iframe class="sheet sheet-frame" sandbox src="{address}"'

    first = get(client, "document", document, query).content.decode()
    made = get(client, "document-looks", document).content.decode()
    later = get(client, "document", document, query).content.decode()

    assert (frame in first, reverse("document-looks", args=[cast.bakery.pk, document.pk]) in first) == (False, True)
    for answer in (made, later):
        assert (frame in answer, "1 afbeelding is weggelaten" in answer, ">Bon 12</div>" in answer) == (
            True,
            True,
            True,
        )


def test_the_page_of_an_attachment_is_not_the_mails(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    """Taken with *Toch ophalen*: a text is shown as it stands in its file."""
    email = shelf.email(text="Zie bijlage.")
    document = shelf.document("Café € 5".encode("cp1252"), email=email, content_type="text/plain", filename="a.txt")

    answer = get(signed_in(cast.gerda), "document", document).content.decode()

    assert ("Café € 5" in answer, "Zie bijlage." in answer, shown_of(document)) == (True, False, "itself")


def test_the_page_is_locked_up(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = shelf.document(email=shelf.email(raw=page("<p>x</p>")), kind="body", content_type="text/plain")

    answer = get(signed_in(cast.gerda), "document-body", document)

    assert {name: answer[name] for name in ("Content-Type", "Cache-Control", "Cross-Origin-Resource-Policy")} == {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    assert answer["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; frame-ancestors 'self'; img-src data:; style-src 'unsafe-inline'"
    )
    assert get(signed_in(cast.gerda), "document-body", shelf.document()).status_code == 404


def test_pages_of_mails_are_swept_with_those_of_documents(shelf: Shelf, data_dir: Path) -> None:
    email: Email = shelf.email(raw=page("<p>x</p>"))
    place = mail_page.page(email)

    assert mail_page.preview.sweep(place.stat().st_mtime + 60) == 2
    assert (place.exists(), mail_page.known_looks(email)) == (False, None)


# --- As a PDF -------------------------------------------------------------------------------------


def printed(client: Client, document: Document) -> tuple[str, int]:
    """The words of its PDF, and how many pictures are in it."""
    answer = get(client, "document-email-pdf", document)
    with pypdfium2.PdfDocument(answer.content) as pdf:
        words = " ".join(page.get_textpage().get_text_range() for page in pdf)
        pictures = [thing for page in pdf for thing in page.get_objects([pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])]
        return " ".join(words.split()), len(pictures)


@pytest.mark.proof
def test_a_mail_as_pdf_has_its_heading_words_and_pictures(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    html = '<p style="font: bold 20px Verdana">Łódź Жук ő € 48,40</p><img src="cid:a@x"><img src="//t.example/p.gif">'
    document = shelf.document(email=shelf.email(raw=page(html, shown(RED, "a@x"))), kind="body")

    words, pictures = printed(signed_in(cast.gerda), document)

    assert words == (
        "Factuur november Afzender: Meelfabriek facturen@meel.test Geadresseerde: facturen@devries.test "
        "Verzonden: 22 nov 2026, 13:00 Łódź Жук ő € 48,40"
    )
    assert pictures == 1


def test_a_mail_without_html_as_pdf_shows_its_text(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    email = shelf.email(raw=mail(text("x")), text="Totaal <b>\n\n€ 48,40", subject="Factuur 1/2")
    document = shelf.document(email=email, kind="body")

    answer = get(signed_in(cast.gerda), "document-email-pdf", document)

    assert printed(signed_in(cast.gerda), document)[0].endswith("Totaal <b> € 48,40")
    assert answer["Content-Disposition"] == 'attachment; filename="Factuur 1_2.pdf"'
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("problem", [processes.Killed, processes.TimedOut, processes.Failed])
def test_a_mail_that_cannot_be_printed_says_so(
    cast: Cast, shelf: Shelf, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, problem: type[Exception]
) -> None:
    def ended(*_: str) -> dict[str, Any]:
        raise problem

    email = shelf.email(raw=page("<p>x</p>"))
    mail_page.looks(email)
    monkeypatch.setattr(processes, "answer_of", ended)
    document, client = shelf.document(email=email, kind="body"), signed_in(cast.gerda)

    answer = client.get(reverse("document-email-pdf", args=[cast.bakery.pk, document.pk]), follow=True)

    assert "Van deze e-mail kan geen PDF worden gemaakt." in answer.content.decode()


def test_printing_asks_nothing_of_network_and_files(tmp_path: Path) -> None:
    """Not even when an address came through."""
    source, target = tmp_path / "page.html", tmp_path / "page.pdf"
    secret = tmp_path / "secret.png"
    secret.write_bytes(RED)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = f"http://127.0.0.1:{listener.getsockname()[1]}/p.png"
        source.write_text(f'<img src="{here}"><img src="file://{secret}"><link rel=stylesheet href="{here}">x')
        assert processes.answer_of("documents.print_mail", str(source), str(target)) == {"pdf": True}
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    with pypdfium2.PdfDocument(target) as pdf:
        assert list(pdf[0].get_objects([pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])) == []
