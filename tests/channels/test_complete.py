"""What came, held against what was announced."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from channels.mailboxes.complete import HEAD, is_complete, is_stand_in

PDF = base64.encodebytes(bytes(range(256)) * 200 + b"x").replace(b"\n", b"\r\n")
MULTIPART = (
    b"Subject: factuur\r\nContent-Type: multipart/mixed;\r\n boundary=\"grens (1)\"\r\n\r\n--grens (1)\r\n\r\nHallo\r\n"
    b"--grens (1)\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + PDF
    + b"--grens (1)--\r\n"
)  # fmt: skip
SINGLE = b"Subject: factuur\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + PDF
TEXT = b"Subject: factuur\r\nContent-Type: text/plain\r\n\r\n" + b"regel\r\n" * 1000
INNER = MULTIPART.replace(b"--grens (1)--", b"--binnen\r\n--binnen--")
#: of a program that never closes what it opens
OPEN = MULTIPART.removesuffix(b"--grens (1)--\r\n")


def judged(directory: Path, mail: bytes, stated: int | None) -> bool:
    path = directory / "mail.eml"
    path.write_bytes(mail)
    return is_complete(path, mail[:HEAD], len(mail), stated)


@pytest.mark.parametrize("stated", [None, 0, 4, 100_000])
@pytest.mark.parametrize("mail", [b"", b"\r\n", b"half", b"\0" * 100, b"\r\nBeste,\r\n\r\nA: b\r\n", b"-ERR\r\n"])
def test_what_has_no_header_line_is_no_mail(tmp_path: Path, mail: bytes, stated: int | None) -> None:
    assert not judged(tmp_path, mail, stated)


@pytest.mark.parametrize("mail", [MULTIPART, SINGLE])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.97])
def test_part_of_a_mail_is_not_complete(tmp_path: Path, mail: bytes, share: float) -> None:
    assert not judged(tmp_path, mail[: int(len(mail) * share)], len(mail))


@pytest.mark.parametrize("cut", [20, 100, 200, 300])
def test_half_a_small_mail_is_not_complete(tmp_path: Path, cut: int) -> None:
    small = MULTIPART.replace(PDF, PDF[:200] + b"\r\n")
    assert not judged(tmp_path, small[:cut], len(small))


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n"])
def test_header_alone_is_complete_only_when_no_more_was_stated(tmp_path: Path, end: bytes) -> None:
    mail = b"Subject: factuur" + end
    assert [judged(tmp_path, mail, stated) for stated in (None, len(mail), 5000)] == [True, True, False]


@pytest.mark.parametrize("mail", [MULTIPART, SINGLE, TEXT, OPEN, INNER])
@pytest.mark.parametrize("difference", [-5000, -1, 0, 1, 300, 1000])
def test_stated_size_that_is_a_little_wrong_is_no_reason(tmp_path: Path, mail: bytes, difference: int) -> None:
    assert judged(tmp_path, mail, len(mail) + difference)


@pytest.mark.parametrize("mail", [MULTIPART, SINGLE, TEXT])
@pytest.mark.parametrize("stated", [1, 500_000, 4_000_000_000])
def test_stated_size_of_a_mail_that_has_its_end_may_be_anything(tmp_path: Path, mail: bytes, stated: int) -> None:
    assert judged(tmp_path, mail, stated)


@pytest.mark.parametrize("header", [b"subject : x", b"From jan@acme.test Mon Jan  5\nSubject: x", b"\r\n\nSubject: x"])
def test_odd_header_is_one(tmp_path: Path, header: bytes) -> None:
    assert judged(tmp_path, header + b"\r\n\r\nBeste\r\n", None)


def test_line_ends_that_were_counted_as_two_bytes_are_not_missing(tmp_path: Path) -> None:
    """An mbox with bare LFs: one byte a line is less than stated, with nothing gone."""
    stored = (OPEN + b"regel\r\n" * 20_000).replace(b"\r\n", b"\n")
    assert judged(tmp_path, stored, len(stored) + stored.count(b"\n"))


def test_multipart_closed_before_a_long_epilogue_is_complete(tmp_path: Path) -> None:
    assert judged(tmp_path, MULTIPART + b"einde\r\n" * 30_000, 1_000_000)


def test_outer_boundary_is_the_one_that_counts(tmp_path: Path) -> None:
    assert not judged(tmp_path, INNER, 1_000_000)


@pytest.mark.parametrize(
    "boundary", [b"boundary=grens", b"BOUNDARY = grens ; charset=x", b'charset=x; boundary="grens"']
)
def test_boundary_is_found_as_it_is_written(tmp_path: Path, boundary: bytes) -> None:
    mail = b"Content-Type: Multipart/Mixed; " + boundary + b"\n\n--grens\n\nBeste\n--grens--"
    assert judged(tmp_path, mail, 5000)
    assert not judged(tmp_path, mail.removesuffix(b"--"), 5000)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"From: Microsoft Exchange Server\r\nSubject: Fout bij het ophalen\r\n\r\n", True),
        (b'MIME-Version: 1.0\nfrom:"Microsoft Exchange Server 2010" <exchange@acme.test>\n\nReceived: x', True),
        (b"From: Microsoft Exchange Server\r\nMessage-ID: <1@acme.test>\r\n\r\n", False),
        (b"Received: from mx.acme.test\r\nFrom: Microsoft Exchange Server\r\n\r\n", False),
        (b"From: jan@acme.test\r\n\r\nFrom: Microsoft Exchange Server\r\n", False),
    ],
)
def test_note_of_exchange_was_never_sent(head: bytes, expected: bool) -> None:
    assert is_stand_in(head) is expected
