"""Mails whose documents are known beforehand, by the makers of the demo and of the tests."""

from __future__ import annotations

import email
import email.policy
import hashlib
import io
import random
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from demo.mails import mails as demo_mails
from tests.mails.building import attached, mail, mixed, multi, pdf, text, ubl

PDF = "application/pdf"
#: What stands for the document of a mail without attachment.
BODY = "body"
CORPUS = Path(__file__).parents[1] / "mails"


@dataclass(frozen=True)
class Sent:
    """`documents`: SHA-256 of each, or BODY. The subject is this mail's alone."""

    subject: str
    raw: bytes
    documents: tuple[str, ...]

    @property
    def expected(self) -> Counter[tuple[str, str]]:
        return Counter((self.subject, document) for document in self.documents)


def invoice(number: int, *, size: int = 0, subject: str = "Factuur") -> Sent:
    """A mail with one PDF; `size` in bytes of what is put behind it."""
    content = pdf(f"{subject} {number}") + random.Random(number).randbytes(size)
    return _built(f"{subject} {number}", mixed(attached(content, PDF, f"factuur-{number}.pdf")), content)


def thirty_and_more() -> list[Sent]:
    """The demo's dozen, and two of each kind that a server may stumble over."""
    kinds = [
        *(invoice(number) for number in (1, 2)),
        *(_two_attachments(number) for number in (3, 4)),
        *(_without_attachment(number) for number in (5, 6)),
        *(_borders_and_dots(number) for number in (7, 8)),
        *(invoice(number, size=300_000) for number in (9, 10)),
        *(_without_message_id(invoice(number)) for number in (11, 12)),
        *(_without_message_id(_without_attachment(number)) for number in (13, 14)),
        *(_long_line(number) for number in (15, 16)),
        *(_no_line_end(number) for number in (17, 18)),
        *(_encoded_subject(number) for number in (19, 20)),
    ]
    return [*kinds, *_of_the_demo()]


def corpus() -> list[bytes]:
    """The odd mails of the tests, without those that are no mail at all."""
    files = sorted(CORPUS.glob("*.eml"))
    return [raw for raw in (file.read_bytes() for file in files) if b"\n\n" in raw.replace(b"\r\n", b"\n")]


def _built(subject: str, raw: bytes, *documents: bytes | str) -> Sent:
    number = hashlib.sha256(raw + subject.encode()).hexdigest()[:12]
    raw = raw.replace(b"<118@", f"<{number}@".encode()).replace(b"Factuur 2026-118", subject.encode(), 1)
    hashes = [one if isinstance(one, str) else hashlib.sha256(one).hexdigest() for one in documents]
    return Sent(subject, raw, tuple(hashes))


def _two_attachments(number: int) -> Sent:
    first, second = pdf(f"twee {number}"), ubl(f"twee-{number}")
    parts = attached(first, PDF, f"{number}.pdf"), attached(second, "application/xml", f"{number}.xml")
    return _built(f"Twee {number}", mixed(*parts), first, second)


def _without_attachment(number: int) -> Sent:
    return _built(f"Zonder {number}", mail(text(f"Uw abonnement {number}: € 12,50\r\n")), BODY)


def _borders_and_dots(number: int) -> Sent:
    """What mbox and POP3 have to write otherwise."""
    body = f"Beste,\r\n\r\nFrom now on {number}\r\n>From here\r\n.\r\n..\r\n.eind\r\n\r\nFrom the end\r\n"
    content = pdf(f"grens {number}")
    parts = multi("mixed", text(body), attached(content, PDF, f"{number}.pdf"))
    return _built(f"Grens {number}", mail(parts), content)


def _without_message_id(sent: Sent) -> Sent:
    raw = re.sub(rb"Message-ID: [^\r\n]*\r\n", b"", sent.raw)
    return Sent(sent.subject, raw, sent.documents)


def _long_line(number: int) -> Sent:
    content = pdf(f"lang {number}")
    parts = multi("mixed", text("x" * 5000 + f" {number}"), attached(content, PDF, f"{number}.pdf"))
    return _built(f"Lang {number}", mail(parts), content)


def _no_line_end(number: int) -> Sent:
    return _built(f"Eindeloos {number}", mail(text(f"Zonder regeleinde {number}")).rstrip(), BODY)


def _encoded_subject(number: int) -> Sent:
    content = pdf(f"één {number}")
    sent = _built(f"N {number}", mixed(attached(content, PDF, f"{number}.pdf")), content)
    raw = sent.raw.replace(f"Subject: N {number}".encode(), f"Subject: =?utf-8?q?=C3=A9=C3=A9n?= {number}".encode())
    return Sent(f"één {number}", raw, sent.documents)


def _of_the_demo() -> Iterator[Sent]:
    for _, raw in demo_mails(datetime(2026, 11, 2, 9, 30, tzinfo=UTC)):
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        documents = tuple(hashlib.sha256(one).hexdigest() for one in _attachments(parsed))
        yield Sent(str(parsed["Subject"]), raw, documents or (BODY,))


def _attachments(parsed: EmailMessage) -> Iterator[bytes]:
    for part in parsed.iter_attachments():
        if not isinstance(part, EmailMessage):
            continue
        content = part.get_content()
        if isinstance(content, EmailMessage):
            yield from _attachments(content)
        elif part.get_content_type() == "application/zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        else:
            yield content
