"""Any bytes at all, and agreement with the standard library where a mail is well formed."""

from __future__ import annotations

import email
import email.policy
import re
from base64 import b64encode
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import parseaddr
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels.extract import Mail, content, extract, mime, windows
from channels.extract.codec import decode_base64
from channels.extract.headers import parse_value
from channels.extract.limits import Budget, Limits
from channels.extract.sender import sender
from channels.extract.words import decode_words, one_line
from tests.mails import fuzz
from tests.mails.make import REPORTED
from zenvoices.lib.filenames import safe_name

pytestmark = [pytest.mark.slow, pytest.mark.guard]

CORPUS = sorted((Path(__file__).parent.parent / "mails").glob("*.eml"))
SOUP = [
    *(b"\r\n", b"\n", b"\r", b"\n\n", b"--", b"--b", b"--b--", b"\n--b\n", b": ", b";", b'"', b"=?utf-8?q?"),
    *(b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: message/rfc822\n\n", b"Content-Type: "),
    *(b"Content-Transfer-Encoding: base64\n\n", b"Content-Transfer-Encoding: x-uuencode\n\n", b"charset="),
    *(b"Content-Disposition: attachment; filename*0*=", b"begin 644 a.pdf\n", b"end\n", b"From: ", b"Date: "),
    *(b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x78\x9f\x3e\x22", b"%PDF-", b"<?xml", b"<!--", b"(("),
    *(b"utf-7", b"idna", b"+2AA-", b"=\n", b"application/ms-tnef", b"text/html", b"=3D", b"\0", b"&#x"),
]  # fmt: skip
NAME = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)


def is_storable(mail: Mail) -> bool:
    """Nothing in it that PostgreSQL refuses, and nothing without bounds."""
    texts = [
        mail.message_id,
        mail.subject,
        mail.sender_name,
        mail.sender_address,
        mail.to,
        mail.text,
        mail.html,
    ]
    texts += [piece for header in mail.headers for piece in header]
    texts += [piece for part in mail.parts for piece in (part.path, part.filename, part.content_type)]
    return all("\0" not in text and text.encode() is not None for text in texts) and all(
        0 < len(part.path) <= 255 and 0 < len(part.filename.encode()) <= 255 for part in mail.parts
    )


@given(st.binary(max_size=2_000))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_mail(raw: bytes) -> None:
    assert is_storable(extract(raw))


@given(st.lists(st.one_of(st.sampled_from(SOUP), st.binary(max_size=8)), max_size=60))
@settings(max_examples=500, deadline=None)
@example([b"Content-Type: text/plain; charset=utf-7\n\n+2AA-"])
@example([b"Content-Type: application/pdf; name*=utf-7''+2AA-%00\n\n%PDF-"])
def test_any_soup_of_mail_syntax_gives_a_mail(pieces: list[bytes]) -> None:
    assert is_storable(extract(b"".join(pieces)))


@given(
    st.sampled_from(CORPUS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(st.binary(max_size=6), st.sampled_from(SOUP)))),
)
@settings(max_examples=500, deadline=None)
def test_any_change_to_a_corpus_mail_gives_a_mail(path: Path, changes: list[tuple[float, int, bytes]]) -> None:
    raw = path.read_bytes()
    for where, length, new in changes:
        at = int(where * len(raw))
        raw = raw[:at] + new + raw[at + length :]

    assert is_storable(extract(raw))


def test_seeded_damage_gives_a_mail_whose_parts_add_up() -> None:
    """A few of what `python -m tests.mails.fuzz` does for as long as one likes."""
    for raw in islice(fuzz.mails(seed=20_261_122), 400):
        fuzz.check(raw)


#: Pieces small enough for every seam to be met.
SEAMS = st.sampled_from([3, 4, 5, 7, 64])
LINE_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\\r\\n", b"=0D=0A", b"%0d%0a", b"&#13;&#10;"])
TAILS = st.sampled_from(["", "=", "A", "*", "\n\nvoet"])


@given(st.binary(max_size=300), st.sampled_from([4, 60, 75, 76]), LINE_ENDS, SEAMS, TAILS)
@settings(max_examples=200, deadline=None)
def test_base64_in_pieces_is_base64_as_a_whole(data: bytes, width: int, end: bytes, seam: int, tail: str) -> None:
    """Also where it is damaged; then it is not read in pieces."""
    text = b64encode(data)
    raw = end.join(text[at : at + width] for at in range(0, len(text), width)) + tail.encode()
    with pytest.MonkeyPatch.context() as small:
        small.setattr(content, "_SMALL", 0)
        small.setattr(windows, "PIECE", seam)
        with content.Scratch(None) as scratch:
            found = content.of_encoded(raw, 0, len(raw), "base64", Budget(Limits()), scratch)
            read = found.read()

    assert read == decode_base64(raw, Budget(Limits()))
    assert (found.size, found.sha256) == (len(read), sha256(read).hexdigest())


@given(st.lists(st.sampled_from([b"\n--b", b"\n--b--", b"\n", b"--", b"b", b" ", b"\t", b"\r", b"x"]), max_size=80))
@settings(max_examples=250, deadline=None)
def test_boundaries_in_windows_are_those_of_the_whole(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    delimiter = re.compile(rb"\n--b(--)?[ \t]*\r*(?=\n|\Z)")
    with pytest.MonkeyPatch.context() as small:
        small.setattr(mime, "_WINDOW", 9)
        found = [(at, match.end()) for at, match in mime._delimiters(b"b", raw, 0, len(raw))]

    assert found == [match.span() for match in delimiter.finditer(raw)]


def build(draw: st.DrawFn, depth: int) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = draw(NAME).strip() or "x"
    message.set_content(draw(st.text(st.characters(codec="ascii", min_codepoint=32), max_size=60)))
    for _ in range(draw(st.integers(0, 3))):
        if depth and draw(st.booleans()):
            message.add_attachment(build(draw, depth - 1))
        else:
            data = draw(st.sampled_from([b"%PDF-1.7\n", b"\xff\xd8\xff", b"tekst "])) + draw(st.binary(min_size=1))
            cte = draw(st.sampled_from(["base64", "base64", "quoted-printable"]))
            kind = draw(st.sampled_from([("application", "pdf"), ("application", "octet-stream"), ("image", "jpeg")]))
            message.add_attachment(data, *kind, filename=draw(NAME), cte=cte)
    return message


@st.composite
def well_formed(draw: st.DrawFn) -> EmailMessage:
    return build(draw, 2)


def standard_attachments(message: Message) -> list[str]:
    """Hashes of the attachments as email.parser has them."""
    found: list[str] = []
    for part in message.walk():
        if not part.is_multipart() and part.get_content_disposition() == "attachment":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found.append(sha256(payload).hexdigest())
    return sorted(found)


@given(well_formed())
@settings(max_examples=200, deadline=None)
def test_well_formed_mail_has_the_attachments_that_the_standard_library_finds(message: EmailMessage) -> None:
    raw = message.as_bytes()
    ours = [part.sha256 for part in extract(raw).parts if part.reason != "opened"]

    assert sorted(ours) == standard_attachments(email.message_from_bytes(raw))


#: Where we differ from the standard library on purpose, and why.
DECIDED = {
    "base64-dirty": "a blank behind the name of the encoding makes it unknown to it",
    "base64-truncated": "it returns the text undecoded; we keep the bytes that are whole",
    "boundary-absent": "it makes an attachment of the text",
    "boundary-undeclared": "it finds no parts; we look for the boundary in the body",
    "boundary-wrong": "likewise",
    "content-type-missing": "it takes a part without name and type for text, we look into it",
    "content-type-without-semicolon": "it reads no boundary and no name there",
    "uuencode-in-text": "it does not look into text",
    "whole-body-xml-as-text": "it has no opinion on what a text holds",
    "winmail": "it does not open attachments",
    "forwarded-base64": "RFC 2046 5.2.1 forbids the encoding, so it parses the base64 as a mail",
    "eml-as-octets": "it does not open attachments",
    "smime-opaque": "likewise",
    "smime-opaque-in-pieces": "likewise",
    "zip": "likewise",
    "zip-in-zip": "likewise",
    "zip-bomb": "likewise",
    "zip-bomb-in-zip": "likewise",
    "winmail-in-winmail": "likewise",
    "msg": "likewise",
    "calendar-with-pdf": "it does not look into calendars",
    "msg-in-zip": "likewise",
    "msg-without-document": "likewise; here it is the logo in a message that is a document itself",
    "thousand-parts": "it has no limit",
    "quoted-printable-lies": "it does not see that what it decoded is still base64",
    "encoding-unknown": "likewise",
    "delivery-report": "it looks into the mail that came back; for us that is one part",
    "message-partial": "it parses the fragment as a mail",
}


def standard_parts(message: Message) -> list[str]:
    """Hashes of everything but the mail's own text, as email.parser has them."""
    found: list[str] = []
    for part in message.walk():
        text = part.get_content_type() in ("text/plain", "text/html") and not part.get_filename()
        if part.is_multipart() or (text and part.get_content_disposition() != "attachment"):
            continue
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        found.append(sha256(payload).hexdigest())
    return sorted(found)


def test_corpus_has_the_parts_that_the_standard_library_finds_or_the_difference_is_decided() -> None:
    different = set()
    for path in CORPUS:
        if path.stem in REPORTED:
            continue  # each of them is there because programs differ about it
        raw = path.read_bytes()
        ours = sorted(part.sha256 for part in extract(raw).parts if part.reason != "opened")
        if ours != standard_parts(email.message_from_bytes(raw)):
            different.add(path.stem)

    assert different == DECIDED.keys()


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_well_formed_base64_is_what_was_encoded(data: bytes) -> None:
    message = EmailMessage()
    message.set_content(data, "application", "pdf", cte="base64")

    assert decode_base64(str(message.get_payload()).encode(), Budget(Limits())) == data


@given(st.binary(max_size=60))
@example(b"/\\n")
@settings(max_examples=300, deadline=None)
def test_any_base64_that_the_standard_library_decodes_is_decoded_the_same(text: bytes) -> None:
    message = email.message_from_bytes(b"Content-Transfer-Encoding: base64\n\n" + text)
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    given_up = any("Length" in type(defect).__name__ for defect in message.defects)

    if not given_up and not set(text) & set(b"=\\%&<"):  # an escape of another language is read as one
        assert decode_base64(text, Budget(Limits())) == payload


@given(st.lists(NAME, min_size=1, max_size=4))
@settings(deadline=None)
def test_encoded_words_are_read_as_the_standard_library_writes_them(words: list[str]) -> None:
    value = " ".join(words)
    written = make_header([(value, "utf-8")]).encode()

    assert decode_words(written.replace("\n", "")) == str(make_header(decode_header(written)))


FROM_PIECES = [*("Bakkerij", "B.V.", "=?utf-8?q?caf=C3=A9?=", "Café", " ", "\t", '"'), *("\\", *"<>@,;'|"), "(x)"]


@given(
    st.lists(st.sampled_from(FROM_PIECES), max_size=7).map("".join),
    st.sampled_from(
        ["<a@b.example>", " <a.b+c=d@e-f.example>", "<a..b@c.>", "<.a@b>", "a@b.example", "<é@b.example>", ""]
    ),
)
@settings(deadline=None)
def test_sender_is_who_the_standard_library_says(name: str, address: str) -> None:
    """But with an @ in the name: then it takes the name for the address that stands behind it in brackets."""
    told = parseaddr(name + address)
    if re.fullmatch(r"[\w.+=-]+@[\w.-]+", told[1], re.ASCII) and not ("@" in name and "<" in address):
        assert sender(name + address) == (one_line(decode_words(told[0]), 200).strip(' "<'), told[1])


@given(NAME)
@settings(deadline=None)
def test_file_names_are_read_as_the_standard_library_writes_them(name: str) -> None:
    message = EmailMessage(policy=email.policy.SMTP)
    message.add_attachment(b"%PDF-", "application", "pdf", filename=name)
    (part,) = message.iter_attachments()
    written = part.as_bytes(policy=email.policy.SMTP).partition(b"Content-Disposition:")[2]
    value = written.partition(b"\r\nMIME-Version")[0].decode().replace("\r\n", "").strip()

    assert parse_value(value)[1]["filename"].strip() == name.strip()


@given(st.text(max_size=400), st.sampled_from(["application/pdf", "text/plain", "image/x", ""]))
@settings(deadline=None)
def test_any_name_becomes_safe_and_stays_what_it_is(name: str, kind: str) -> None:
    safe = safe_name(name, kind)

    assert 0 < len(safe.encode()) <= 255
    assert not set(safe) & set("/\\\0\r\n\u202e\u2066")
    assert safe_name(safe, kind) == safe
