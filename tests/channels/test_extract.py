"""Every mail of tests/mails against what was written down about it."""

from __future__ import annotations

import base64
import json
import mmap
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from channels.extract import Part, extract, part_bytes
from tests.mails.building import attached, mixed, pdf, png, zip_of
from tests.mails.expectation import expectation
from tests.mails.make import CASES

pytestmark = pytest.mark.thorough

MAILS = Path(__file__).parent.parent / "mails"
NAMES = sorted(path.stem for path in MAILS.glob("*.eml"))


def raw(name: str) -> bytes:
    return (MAILS / f"{name}.eml").read_bytes()


def test_corpus_has_a_file_for_each_case() -> None:
    assert sorted(CASES) == NAMES == sorted(path.stem for path in MAILS.glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_corpus_mail_is_what_its_recipe_makes(name: str) -> None:
    assert raw(name) == CASES[name]()


@pytest.mark.parametrize("name", NAMES)
def test_mail_gives_what_is_expected(name: str) -> None:
    expected = json.loads((MAILS / f"{name}.json").read_text("utf-8"))

    assert expectation(extract(raw(name))) == expected


@pytest.mark.parametrize("name", NAMES)
def test_line_ends_make_no_difference(name: str) -> None:
    """Except to the bytes of what travels undecoded, and so to its size and hash."""
    here = extract(raw(name))
    twin = extract(raw(name).replace(b"\r\n", b"\n"))

    assert [replace(part, size=0, sha256="") for part in twin.parts] == [
        replace(part, size=0, sha256="") for part in here.parts
    ]
    assert replace(twin, parts=(), html="") == replace(here, parts=(), html="")


@pytest.mark.parametrize("name", NAMES)
def test_kept_documents_are_the_documents_and_each_part_is_found_by_its_path(name: str) -> None:
    kept: list[tuple[Part, bytes]] = []
    mail = extract(raw(name), keep=lambda part, content: kept.append((part, content.read())))

    assert [part for part, _ in kept] == [part for part in mail.parts if part.outcome == "document"]
    assert len({part.path for part in mail.parts}) == len(mail.parts)
    for part, data in kept:
        assert part_bytes(raw(name), part.path) == (part, data)
        assert (len(data), sha256(data).hexdigest()) == (part.size, part.sha256)
    for part in mail.parts:
        if part.can_be_taken:
            assert part_bytes(raw(name), part.path)[0] == part


@pytest.mark.proof
def test_mapped_file_gives_the_same_and_can_be_closed(tmp_path: Path) -> None:
    for name in NAMES:
        if not raw(name):
            continue
        with (MAILS / f"{name}.eml").open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        assert extract(mapped) == extract(raw(name))
        mapped.close()


def test_part_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        part_bytes(raw("attachment"), "7")


def test_part_that_could_not_be_decoded_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        part_bytes(raw("zip-bomb"), "2/nul.pdf#1")


def test_html_becomes_readable_text() -> None:
    page = (
        "<title>weg</title><style>p{}</style><!-- weg > ook --><p>Beste&nbsp;klant &lt;3,</p>\n"
        "<table><tr><td>Bedrag</td><td>&euro; 5</td></tr></table>a < b<br>einde &#99999999999;<script>weg"
    )
    mail = extract(b"Content-Type: text/html; charset=utf-8\n\n" + page.encode())

    assert mail.text == "Beste klant <3,\n\nBedrag € 5\n\na < b\neinde"
    assert mail.html == page


@pytest.mark.parametrize(
    "charset",
    ["", "us-ascii", "utf-8", "punycode", "unicode_escape", "rot13", "hex", "x" * 500, "utf-8\x01", "\xe9"],
)
def test_text_of_a_wrong_or_unknown_charset_is_utf8_or_else_windows(charset: str) -> None:
    head = f'Content-Type: text/plain; charset="{charset}"\n\n'.encode()

    assert extract(head + "€ 5 betaald".encode()).text == "€ 5 betaald"
    assert extract(head + "€ 5 betaald".encode("cp1252")).text == "€ 5 betaald"


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("windows-874", "cp874", "สวัสดี"),
        ("windows1250", "cp1250", "Łódź"),
        ("win-1251", "cp1251", "Счёт"),
        ("dos-850", "cp850", "Café één"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("koi8-u", "koi8_u", "Рахунок"),
    ],
)
def test_charset_by_the_name_that_a_program_has_for_it(charset: str, codec: str, text: str) -> None:
    assert extract(f"Content-Type: text/plain; charset={charset}\n\n".encode() + text.encode(codec)).text == text


def test_blank_lines_before_base64_are_nothing_that_was_mended() -> None:
    (plain,), (behind,) = (extract(_in_base64(lines)).parts for lines in (b"", b"\r\n \r\n"))
    assert behind == plain


def _in_base64(before: bytes) -> bytes:
    head = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + before + base64.encodebytes(pdf("1"))


def test_picture_in_an_archive_is_no_decoration() -> None:
    raw = mixed(attached(zip_of(("logo.png", png())), "application/zip", "bonnen.zip"))

    assert [part.outcome for part in extract(raw).parts] == ["container", "document"]


def test_headers_are_decoded_for_display() -> None:
    mail = extract(b"Subject: =?utf-8?q?caf=C3=A9?=\n met\n vervolg\nX-A: 1\x1b[31m\nX-A: 2\n\n")

    assert mail.headers == (("Subject", "café met vervolg"), ("X-A", "1 [31m"), ("X-A", "2"))
    assert mail.subject == "café met vervolg"
