"""Photographs of one paper become one PDF, in order, each the way it was held."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from administrations.models import User
from documents import preview, storage
from documents.models import Document
from tests.cast import Cast
from tests.documents.files import pdf
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough
SignIn = Callable[[User], Client]
RED, BLUE = (200, 0, 0), (0, 0, 200)


def photo(colour: tuple[int, int, int], size: tuple[int, int] = (300, 400), turned: int = 1) -> bytes:
    """`turned`: what EXIF says of how the camera was held."""
    image, exif, made = Image.new("RGB", size, colour), Image.Exif(), io.BytesIO()
    exif[0x0112] = turned
    image.save(made, "JPEG", exif=exif)
    return made.getvalue()


def send(client: Client, cast: Cast, *photos: bytes, **more: Any) -> Any:
    posted = [SimpleUploadedFile(f"{number}.jpg", data) for number, data in enumerate(photos, start=1)]
    return client.post(reverse("document-upload-pages", args=[cast.bakery.pk]), {"photos": posted}, **more)


def stored(cast: Cast) -> list[Document]:
    with administration_scope(cast.bakery.pk):
        return list(Document.objects.all())


def pages_of(document: Document) -> list[tuple[bool, str]]:
    """Of each: whether it stands upright, and its colour."""
    with storage.path_of(document.administration_id, document.sha256) as path:
        found = pypdfium2.PdfDocument(path)
        images = [page.render().to_pil().convert("RGB") for page in found]
    colours = [image.getpixel((image.width // 2, image.height // 2)) for image in images]
    return [
        (image.height > image.width, "red" if colour[0] > colour[2] else "blue")
        for image, colour in zip(images, colours, strict=True)
    ]


def test_photos_become_one_pdf_in_order_and_upright(cast: Cast, signed_in: SignIn) -> None:
    answer = send(signed_in(cast.arie), cast, photo(BLUE), photo(RED, (400, 300), turned=6), photo(BLUE))
    (document,) = stored(cast)
    assert answer.url == reverse("document", args=[cast.bakery.pk, document.pk])
    assert (document.content_type, document.kind, document.filename[:6]) == ("application/pdf", "upload", "Foto's")
    assert pages_of(document) == [(True, "blue"), (True, "red"), (True, "blue")]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (pdf(), "Dit is geen foto."),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "Deze foto kan niet gelezen worden."),
        (b"", "Dit bestand is leeg."),
    ],
)
def test_one_that_is_no_photo_is_named_and_nothing_comes_in(
    cast: Cast, signed_in: SignIn, second: bytes, said: str
) -> None:
    answer = send(signed_in(cast.gerda), cast, photo(RED), second, headers={"Accept": "application/json"})
    (told,) = answer.json()["results"]
    assert (answer.status_code, told["filename"], said in told["text"], told["again"]) == (422, "2.jpg", True, False)
    assert stored(cast) == []


def test_more_than_twenty_are_refused(cast: Cast, signed_in: SignIn) -> None:
    page = send(signed_in(cast.gerda), cast, *[photo(RED, (3, 4))] * 21)
    assert (page.status_code, "hoogstens 20 foto" in page.content.decode()) == (422, True)


def test_when_too_much_is_made_at_once_the_same_photos_may_be_sent_again(
    cast: Cast, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> None:
        raise preview.PreviewProblem("busy")

    client, asked = signed_in(cast.gerda), {"headers": {"Accept": "application/json"}}
    with monkeypatch.context() as context:
        context.setattr(preview, "turn", busy)
        (told,) = send(client, cast, photo(RED), **asked).json()["results"]
    assert (told["url"], told["again"]) == (None, True)
    assert send(client, cast, photo(RED), **asked).json()["results"][0]["url"]
