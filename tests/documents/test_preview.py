from __future__ import annotations

import io
import os
import struct
import threading
import time
import zlib
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image

from documents import preview, processes, storage
from documents.models import Document
from tests.cast import Cast
from tests.documents.files import image, pdf

pytestmark = pytest.mark.thorough

OFFICE = UUID("11111111-2222-3333-4444-555555555555")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: object) -> Path:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    return tmp_path


def stored(data: bytes, content_type: str = "application/pdf") -> Document:
    sha256 = storage.put_bytes(OFFICE, data)
    return Document(administration_id=OFFICE, sha256=sha256, content_type=content_type, filename="x", size=len(data))


def heic() -> bytes:
    """64 by 64 pixels of red, made by pillow-heif: what the portal reads with cannot write."""
    return Path(__file__).with_name("red.heic").read_bytes()


def test_a_page_of_a_pdf_becomes_an_image_of_the_asked_width() -> None:
    document = stored(pdf(pages=2))

    with Image.open(preview.page(document, 2, preview.PAGE)) as drawn:
        assert (drawn.format, drawn.width) == ("WEBP", preview.PAGE)
    assert preview.known_facts(document) == preview.Facts(2, ((595, 842), (595, 842)))


def test_nothing_is_known_before_the_first_drawing() -> None:
    document = stored(pdf())

    assert preview.known_facts(document) is None
    assert preview.facts(document).pages == 1


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("image/png", image("PNG")),
        ("image/jpeg", image("JPEG")),
        ("image/bmp", image("BMP")),
        ("image/tiff", image("TIFF")),
        ("image/heic", heic()),
        ("image/webp", image("WEBP")),
        ("image/avif", image("AVIF")),
    ],
)
def test_images_are_drawn_without_being_made_larger(content_type: str, data: bytes) -> None:
    with Image.open(preview.page(stored(data, content_type), 1, preview.PAGE)) as drawn:
        assert (drawn.format, drawn.width <= 300) == ("WEBP", True)


def test_what_shines_through_is_white() -> None:
    """Programs leave black there, and a receipt in black on black says nothing."""
    clear = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(clear, "PNG")

    with Image.open(preview.page(stored(clear.getvalue(), "image/png"), 1, preview.PAGE)) as drawn:
        assert drawn.convert("RGB").getpixel((20, 20)) == (255, 255, 255)


def test_each_page_of_a_fax_is_drawn() -> None:
    document = stored(image("TIFF", pages=3), "image/tiff")

    assert preview.facts(document).pages == 3
    assert preview.page(document, 3, preview.THUMBNAIL).exists()


def bomb(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content_type", "data", "code"),
    [
        ("application/pdf", pdf(password="geheim"), "encrypted"),
        ("application/pdf", b"%PDF-1.7 but nothing more", "damaged"),
        ("application/pdf", pdf()[:400], "damaged"),
        ("image/png", image("PNG")[:80], "damaged"),
        ("image/png", b"not a png", "damaged"),
        ("image/png", image("JPEG"), "damaged"),
        ("image/png", bomb(65_000), "too_large"),
        ("application/xml", b"<x/>", "damaged"),
    ],
)
def test_what_cannot_be_drawn_says_why(content_type: str, data: bytes, code: str) -> None:
    with pytest.raises(preview.PreviewProblem) as raised:
        preview.page(stored(data, content_type), 1, preview.PAGE)

    assert raised.value.code == code


def test_a_page_that_is_not_there_is_not_drawn() -> None:
    document = stored(pdf())
    preview.facts(document)

    with pytest.raises(preview.PreviewProblem) as raised:
        preview.page(document, 2, preview.PAGE)
    assert raised.value.code == "damaged"


def test_a_width_of_the_callers_own_choice_is_not_drawn() -> None:
    with pytest.raises(preview.PreviewProblem):
        preview.page(stored(pdf()), 1, 100_000)


def test_a_missing_blob_is_its_own_problem() -> None:
    document = stored(pdf())
    storage.delete(OFFICE, document.sha256)

    assert preview.facts(document) == preview.Facts(problem="missing")


LOOP = """
import sys
from documents import render_page
render_page.CPU_SECONDS = 1
def spin(*args):
    while True:
        pass
render_page.render = spin
render_page.main(sys.argv[1:])
"""
HUNGRY = LOOP.replace("while True:\n        pass", "return {'pages': len(bytearray(8_000_000_000))}")
SLEEPY = LOOP.replace("while True:\n        pass", "import time; time.sleep(600)")


@pytest.mark.slow
@pytest.mark.parametrize(("program", "code"), [(LOOP, "too_hard"), (HUNGRY, "too_large"), (SLEEPY, "too_hard")])
def test_a_hostile_document_only_ends_its_own_process(
    program: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "python").write_text(f'#!/bin/sh\nshift 2\nexec {processes.sys.executable} -c "$PROGRAM" "$@"\n')
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(processes, "SECONDS", 3 if program is SLEEPY else 60)
    real = processes.subprocess.run
    monkeypatch.setattr(
        processes.subprocess,
        "run",
        lambda command, env, **more: real(command, env=env | {"PROGRAM": program}, **more),
    )
    document = stored(pdf())

    assert preview.facts(document) == preview.Facts(problem=code)
    assert preview.known_facts(document) == preview.Facts(problem=code)


def test_a_document_that_was_too_hard_is_tried_again_later() -> None:
    document = stored(pdf())
    place = preview._folder(document) / "facts.json"
    place.parent.mkdir(parents=True)
    place.write_text('{"problem": "too_hard"}')
    assert preview.facts(document).problem == "too_hard"

    os.utime(place, (time.time() - preview.RETRY_SECONDS - 1,) * 2)
    assert preview.facts(document).pages == 1


def test_a_renderer_that_fails_by_our_fault_leaves_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.sys, "executable", "/bin/false")
    document = stored(pdf())

    assert preview.facts(document) == preview.Facts(problem="failed")
    assert preview.known_facts(document) is None


def test_the_renderer_learns_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}
    real = processes.subprocess.run

    def run(command: list[str], env: dict[str, str], **more: object) -> object:
        seen.update(env)
        return real(command, env=env, **more)

    monkeypatch.setattr(processes.subprocess, "run", run)
    preview.facts(stored(pdf()))

    assert set(seen) <= {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "OMP_NUM_THREADS"}


def test_images_not_drawn_for_long_are_swept(data_dir: Path) -> None:
    document = stored(pdf())
    place = preview.page(document, 1, preview.THUMBNAIL)

    assert preview.sweep(time.time() - 3600) == 0
    assert preview.sweep(time.time() + 1) == 2
    assert not place.exists()
    assert preview.page(document, 1, preview.THUMBNAIL) == place


@pytest.mark.proof
def test_a_list_full_of_thumbnails_holds_up_neither_itself_nor_another_administration(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "_thumbnail_turns", threading.BoundedSemaphore(2))
    with preview.turn(thumbnail_of=cast.bakery.pk):
        with pytest.raises(preview.PreviewProblem, match="busy"), preview.turn(thumbnail_of=cast.bakery.pk):
            pass
        with preview.turn(thumbnail_of=cast.foreign.pk):
            pass
    with preview.turn(thumbnail_of=cast.bakery.pk):
        pass
