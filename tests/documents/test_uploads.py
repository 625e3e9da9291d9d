from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError

from administrations.models import User
from documents import filestore, tasks, uploads
from documents.models import Document
from documents.phrases import upload_problem
from tests.cast import Cast
from tests.documents.conftest import Shelf
from tests.documents.files import XML, image, office, pdf
from tests.mails.building import zip_of
from tests.mails.reported.packages import SHEET
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
OFFICE = "application/vnd.openxmlformats-officedocument."
EML = b"From: a@b.test\r\nSubject: x\r\n\r\nhallo"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500


def stream(name: str) -> bytes:
    return OLE + name.encode("utf-16-le")


def upload(client: Client, cast: Cast, *files: tuple[str, bytes], **more: Any) -> Any:
    posted = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(reverse("document-upload", args=[cast.bakery.pk]), {"files": posted}, **more)


def stored(cast: Cast) -> list[tuple[str, str]]:
    with administration_scope(cast.bakery.pk):
        return list(Document.objects.order_by("filename").values_list("filename", "content_type"))


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "data", "content_type"),
    [
        ("a.pdf", pdf(), "application/pdf"),
        ("a.docx", office("word/document.xml"), f"{OFFICE}wordprocessingml.document"),
        ("a.xlsx", office("xl/workbook.xml"), f"{OFFICE}spreadsheetml.sheet"),
        ("b.xlsx", office("xl\\workbook.xml"), f"{OFFICE}spreadsheetml.sheet"),
        ("c.xlsx", zip_of(SHEET, ("xl/book.xml", b"<workbook/>")), f"{OFFICE}spreadsheetml.sheet"),
        ("b.docx", office("word/document2.xml"), f"{OFFICE}wordprocessingml.document"),
        ("a.doc", stream("WordDocument"), "application/msword"),
        ("a.xls", stream("Workbook"), "application/vnd.ms-excel"),
        ("a.msg", stream("__properties_version1.0"), "application/vnd.ms-outlook"),
        ("a.jpeg", image("JPEG"), "image/jpeg"),
        ("a.png", image("PNG"), "image/png"),
        ("a.bmp", image("BMP"), "image/bmp"),
        ("a.tif", image("TIFF"), "image/tiff"),
        ("a.heic", b"\0\0\0\x18ftypheic" + b"\0" * 50, "image/heic"),
        ("a.eml", EML, "message/rfc822"),
        ("a.xml", XML, "application/xml"),
        ("no extension", pdf(), "application/pdf"),
    ],
)
def test_each_accepted_format_is_known_by_its_content(
    cast: Cast, signed_in: SignIn, name: str, data: bytes, content_type: str
) -> None:
    assert upload(signed_in(cast.arie), cast, (name, data)).url == reverse("documents", args=[cast.bakery.pk])
    assert stored(cast) == [(name if "." in name else "no extension.pdf", content_type)]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", b"", "empty"),
        ("a.pdf", b" \n\n", "empty"),
        ("a.pdf", b"MZ program", "type_not_allowed"),
        ("a.exe", b"MZ program", "type_not_allowed"),
        ("a.html", b"<html><script>", "type_not_allowed"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "type_not_allowed"),
        ("a.zip", zip_of(("invoice.pdf", pdf())), "archive"),
        ("a.asice", zip_of(("mimetype", b"application/vnd.etsi.asic-e+zip"), ("invoice.pdf", pdf())), "archive"),
        ("a.numbers", zip_of(("Index/Document.iwa", b"x"), ("preview.jpg", image("JPEG"))), "type_not_allowed"),
        ("a.xlsb", office("xl/workbook.bin"), "type_not_allowed"),
        ("a.docx", b"PK\x03\x04 cut off", "type_not_allowed"),
        ("a.docm", office("word/vbaProject.bin"), "type_not_allowed"),
        ("a.txt", b"hello", "type_not_allowed"),
        ("a.pdf", b"%PDF-1.7" + b"x" * 5000, "too_large"),
    ],
)
def test_what_is_refused_says_why_and_the_others_go_on(
    cast: Cast, signed_in: SignIn, settings: Any, name: str, data: bytes, code: str
) -> None:
    settings.UPLOAD_MAX_BYTES = 5000

    response = upload(signed_in(cast.arie), cast, (name, data), ("goed.pdf", pdf()))

    assert response.status_code == 422
    assert response.context["refused"] == [(name, upload_problem(code))]
    assert stored(cast) == [("goed.pdf", "application/pdf")]


def test_a_file_that_is_too_large_is_not_written_to_the_disk(cast: Cast, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    handler = uploads.BoundedUploadHandler()
    handler.new_file("files", "a.pdf", "application/pdf", None, None)
    for start in range(0, 3000, 500):
        handler.receive_data_chunk(b"x" * 500, start)

    file = handler.file_complete(3000)
    assert (file.size, file.seek(0, 2)) == (3000, 1000)
    file.close()


def test_too_much_at_once_is_refused_and_not_cut_off(cast: Cast, signed_in: SignIn, settings: Any) -> None:
    settings.UPLOAD_FILES = 0
    response = upload(signed_in(cast.arie), cast, ("a.pdf", pdf()))

    assert response.context["refused"] == [("a.pdf", upload_problem("too_many"))]
    assert stored(cast) == []


def test_nothing_chosen_is_said(cast: Cast, signed_in: SignIn) -> None:
    response = signed_in(cast.arie).post(reverse("document-upload", args=[cast.bakery.pk]))
    assert (response.status_code, response.context["nothing_chosen"]) == (422, True)


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EIO, "storage_failed")])
def test_a_storage_that_fails_is_our_fault_and_said_so(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fail(*args: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(filestore.os, "fsync", fail)
    response = upload(signed_in(cast.arie), cast, ("a.pdf", pdf()))

    assert response.context["refused"] == [("a.pdf", upload_problem(code))]
    assert stored(cast) == []


def test_the_script_gets_an_answer_for_its_file(cast: Cast, signed_in: SignIn) -> None:
    client, asked = signed_in(cast.gerda), {"headers": {"Accept": "application/json", "Accept-Language": "en"}}
    taken = upload(client, cast, ("a.pdf", pdf()), **asked)
    again = upload(client, cast, ("b.pdf", pdf()), **asked)
    refused = upload(client, cast, ("a.exe", b"MZ"), **asked)

    with administration_scope(cast.bakery.pk):
        first = Document.objects.get(filename="a.pdf")
    [result] = taken.json()["results"]
    assert (taken.status_code, result["filename"], result["url"]) == (
        200,
        "a.pdf",
        reverse("document", args=[cast.bakery.pk, first.pk]),
    )
    assert again.json()["results"][0]["text"] != result["text"]
    assert (refused.status_code, refused.json()["results"][0]["url"]) == (422, None)


def test_an_upload_knows_who_and_comes_from_no_channel(cast: Cast, signed_in: SignIn) -> None:
    upload(signed_in(cast.arie), cast, ("..\\..\\a.pdf", pdf()))
    with administration_scope(cast.bakery.pk):
        document = Document.objects.get()
    assert (document.uploaded_by, document.kind, document.source_id, document.filename) == (
        cast.arie,
        "upload",
        None,
        "a.pdf",
    )


def test_a_broker_that_is_down_keeps_no_upload_out(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def down(*args: object, **options: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.prepare, "apply_async", down)
    with django_capture_on_commit_callbacks(execute=True) as called:
        upload(signed_in(cast.arie), cast, ("a.pdf", pdf()))
    assert (len(called), stored(cast)) == (1, [("a.pdf", "application/pdf")])


def test_the_images_of_an_upload_are_queued_by_id(
    cast: Cast, signed_in: SignIn, worked_at_once: None, django_capture_on_commit_callbacks: Any, data_dir: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        upload(signed_in(cast.arie), cast, ("a.pdf", pdf()), ("b.xml", XML))

    assert sorted(place.name for place in (data_dir / "previews").rglob("*.webp")) == ["1-1000.webp", "1-160.webp"]


def test_a_stranger_may_not_upload(cast: Cast, signed_in: SignIn) -> None:
    assert upload(signed_in(cast.charlie), cast, ("a.pdf", pdf())).status_code == 404
    assert stored(cast) == []


def test_the_first_images_are_made_by_the_task(cast: Cast, shelf: Shelf, data_dir: Any) -> None:
    drawn, other = shelf.document(), shelf.document(XML, content_type="application/xml")
    broken = shelf.document(b"%PDF-1.4 x")
    for document in (drawn, other, broken):
        tasks.draw(str(cast.bakery.pk), str(document.pk))
    tasks.draw(str(cast.foreign.pk), str(drawn.pk))

    assert sorted(place.name for place in (data_dir / "previews").rglob("*.webp")) == ["1-1000.webp", "1-160.webp"]


def test_a_submitter_is_not_told_of_the_same_file_of_somebody_else(cast: Cast, signed_in: SignIn) -> None:
    theirs, arie = pdf("geheim"), signed_in(cast.arie)
    upload(signed_in(cast.gerda), cast, ("geheim.pdf", theirs))
    with administration_scope(cast.bakery.pk):
        hidden = Document.objects.get()

    (told,) = upload(arie, cast, ("x.pdf", theirs), headers={"Accept": "application/json"}).json()["results"]

    assert told["text"] == "Geüpload"
    listing = reverse("documents", args=[cast.bakery.pk])
    for there in (told["url"], listing, f"{listing}?duplicates=on"):
        page = arie.get(there).content.decode()
        assert str(hidden.pk) not in page
        assert "tag-duplicate" not in page
        assert "hetzelfde bestand" not in page.lower()
    assert "x.pdf" not in arie.get(f"{listing}?duplicates=on").content.decode()


def test_a_submitter_is_told_of_a_second_copy_of_their_own(cast: Cast, signed_in: SignIn) -> None:
    arie, mine = signed_in(cast.arie), ("x.pdf", pdf("mijn"))
    upload(arie, cast, mine)
    (told,) = upload(arie, cast, mine, headers={"Accept": "application/json"}).json()["results"]

    assert "mogelijk dubbel" in told["text"]
    assert "tag-duplicate" in arie.get(reverse("documents", args=[cast.bakery.pk])).content.decode()


@pytest.mark.parametrize("tail", ["x" * 300, "€" * 300])
def test_an_endless_extension_is_a_name_like_any(cast: Cast, signed_in: SignIn, tail: str) -> None:
    client = signed_in(cast.arie)
    client.raise_request_exception = False
    head = f'--B\r\nContent-Disposition: form-data; name="files"; filename="a.{tail}"\r\n'.encode()
    body = head + b"Content-Type: application/pdf\r\n\r\n" + pdf() + b"\r\n--B--\r\n"
    there = reverse("document-upload", args=[cast.bakery.pk])

    assert client.post(there, body, content_type="multipart/form-data; boundary=B").status_code == 302
    ((name, content_type),) = stored(cast)
    assert (name[:3], name[-4:], content_type) == (f"a.{tail[0]}", ".pdf", "application/pdf")


def test_too_many_files_at_once_is_said_in_the_language_of_the_reader(cast: Cast, signed_in: SignIn) -> None:
    answer = upload(signed_in(cast.arie), cast, *((f"{n}.pdf", b"x") for n in range(101)))

    assert answer.status_code == 400
    assert "Upload hoogstens 100 bestanden tegelijk." in answer.content.decode()
