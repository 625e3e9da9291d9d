"""A seeded mailbox of believable mails as a Maildir, and what is in each of them.

Of a hundred mails 60 bring a PDF of 50-400 kB, 15 a PDF and its UBL, 10 a scan of 2-8 MB, 10 are newsletters with
an inline logo, 5 are odd: a ZIP, a forwarded mail, nested multiparts, a quoted-printable XML, a PDF as whole body.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import quopri
import random
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from pathlib import Path

KB = 1000
KINDS = ["pdf"] * 60 + ["ubl"] * 15 + ["scan"] * 10 + ["newsletter"] * 10 + ["odd"] * 5
TRADES = {
    "Bakkerij De Vries": "bakkerij", "Vattenfall": "vattenfall", "Van den Berg & Zonen": "vandenberg",
    "Café Ñandú": "nandu", "Bouwbedrijf Jansen B.V.": "bouwbedrijf", "Müller GmbH": "muller",
    "Exact Installaties": "installaties", "Groothandel Noord": "groothandel", "Drukkerij Snel": "drukkerij",
    "Schoonmaak Plus": "schoonmaak",
}  # fmt: skip
PLACES = (
    "Almere", "Breda", "Deventer", "Eindhoven", "Groningen", "Heerenveen", "Leeuwarden", "Maastricht", "Tilburg",
    "Zwolle",
)  # fmt: skip
#: a name has one domain, and no two domains look alike: else nearly every mail would warn of its sender
SUPPLIERS = [
    (f"{trade} {place}", f"{place.lower()}-{domain}.example") for trade, domain in TRADES.items() for place in PLACES
]
SENTENCE = (
    "Bijgaand treft u onze factuur aan voor de geleverde diensten. Wilt u het bedrag binnen dertig dagen "
    "overmaken onder vermelding van het factuurnummer? "
)


@dataclass
class Written:
    """One mail. `attachments`: the SHA-256 of each, of a ZIP or forwarded mail those of what is inside."""

    name: str
    size: int
    kind: str
    attachments: list[str] = field(default_factory=list)


@dataclass
class Mailbox:
    folder: Path
    mails: list[Written]

    @property
    def size(self) -> int:
        return sum(mail.size for mail in self.mails)

    @property
    def attachments(self) -> list[str]:
        return sorted(sha256 for mail in self.mails for sha256 in mail.attachments)


def mailbox(folder: Path, count: int, *, scans: bool = True, seed: int = 42) -> Mailbox:
    """Makes it, or takes the one that an earlier run made. Without `scans` those mails have a small PDF."""
    manifest = folder / f"{count}-{'all' if scans else 'small'}-{seed}.json"
    maildir = manifest.with_suffix("")
    if manifest.exists():
        return Mailbox(maildir, [Written(**mail) for mail in json.loads(manifest.read_text())])
    (maildir / "new").mkdir(parents=True, exist_ok=True)
    mails = [_write(maildir / "new", mail) for mail in _Writer(seed, scans).mails(count)]
    manifest.write_text(json.dumps([asdict(mail) for mail in mails]))
    return Mailbox(maildir, mails)


def heavy_mail(folder: Path) -> Mailbox:
    """One mail just below what a channel takes (50 MB), with two PDFs just below what a document may be."""
    maildir = folder / "heavy"
    (maildir / "new").mkdir(parents=True, exist_ok=True)
    writer = _Writer(7, scans=True)
    attachments: list[bytes] = []
    raw = writer.heavy(attachments)
    hashes = [hashlib.sha256(data).hexdigest() for data in attachments]
    return Mailbox(maildir, [_write(maildir / "new", (Written("1788220800.M1P1.bench", 0, "heavy", hashes), raw))])


def _write(folder: Path, mail: tuple[Written, bytes]) -> Written:
    written, raw = mail
    # Dovecot's own delivery puts both sizes into the name, so that it need not read the mail to tell them.
    written.name = f"{written.name},S={len(raw)},W={len(raw)}"
    written.size = len(raw)
    (folder / written.name).write_bytes(raw)
    return written


class _Writer:
    def __init__(self, seed: int, scans: bool) -> None:
        self._random = random.Random(seed)
        self._seed = seed
        self._scans = scans

    def mails(self, count: int):
        kinds = [KINDS[number % 100] for number in range(count)]
        self._random.shuffle(kinds)
        for number, kind in enumerate(kinds):
            attachments: list[bytes] = []
            raw = self._mail(number, kind, attachments)
            hashes = [hashlib.sha256(data).hexdigest() for data in attachments]
            yield Written(f"{1788220800 + number * 1020}.M{number:06d}P1.bench", 0, kind, hashes), raw

    def _mail(self, number: int, kind: str, attachments: list[bytes]) -> bytes:
        head = self._head(number)
        if kind == "newsletter":
            return head + self._newsletter()
        if kind == "odd":
            odd: list[Callable[[int, list[bytes]], bytes]] = [
                self._zip, self._forwarded, self._nested, self._quoted, self._whole_body,
            ]  # fmt: skip
            return head + odd[number % len(odd)](number, attachments)
        sizes = (2000, 8000) if kind == "scan" and self._scans else (50, 400)
        data = self._pdf(*sizes)
        attachments.append(data)
        parts = [self._text(), _attachment(data, "application/pdf", f"Factuur_{number}.pdf")]
        if kind == "ubl":
            attachments.append(self._ubl(number))
            parts.append(_attachment(attachments[-1], "application/xml", f"Factuur_{number}.xml"))
        return head + _multipart("mixed", parts)

    def heavy(self, attachments: list[bytes]) -> bytes:
        attachments += [self._pdf(24_000, 24_000), self._pdf(11_000, 11_000)]
        parts = [_attachment(data, "application/pdf", f"{number}.pdf") for number, data in enumerate(attachments)]
        return self._head(0) + _multipart("mixed", [self._text(), *parts])

    def _head(self, number: int) -> bytes:
        some, (supplier, domain) = self._random, self._random.choice(SUPPLIERS)
        sent = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(minutes=17 * number)
        hops = [
            f"Received: from mx{hop}.lev.example by mx.klant.example with ESMTPS id {some.getrandbits(64):x};\r\n"
            f" {format_datetime(sent)}"
            for hop in range(some.randint(2, 5))
        ]
        signature = f"DKIM-Signature: v=1; a=rsa-sha256; d=lev.example;\r\n b={some.getrandbits(1024):x}"
        lines = [
            *hops,
            signature,
            f"From: {Header(supplier, 'utf-8').encode()} <facturen@{domain}>",
            "To: inkoop@klant.example",
            f"Subject: {Header(f'Factuur {number:06d} – {supplier}', 'utf-8').encode()}",
            f"Date: {format_datetime(sent)}",
            f"Message-ID: <{self._seed}.{number}.{some.getrandbits(48):x}@lev.example>",
            "MIME-Version: 1.0",
            "",
        ]
        return "\r\n".join(lines).encode()

    def _text(self) -> bytes:
        plain = _part("text/plain; charset=utf-8", (SENTENCE * self._random.randint(1, 4)).encode(), "8bit")
        html = f"<html><body>{f'<p>{SENTENCE}</p>' * self._random.randint(3, 25)}</body></html>"
        return _multipart("alternative", [plain, _part("text/html; charset=utf-8", html.encode(), "8bit")])

    def _pdf(self, least: int, most: int) -> bytes:
        """The frame of a PDF around random bytes, which compress no better than a scan."""
        content = self._random.randbytes(self._random.randint(least, most) * KB)
        head = b"%%PDF-1.4\n1 0 obj\n<< /Length %d >>\nstream\n" % len(content)
        return head + content + b"\nendstream\nendobj\ntrailer\n<< >>\n%%EOF\n"

    def _ubl(self, number: int) -> bytes:
        line = "<cac:InvoiceLine><cbc:ID>{}</cbc:ID><cbc:LineExtensionAmount>{:.2f}</cbc:LineExtensionAmount>"
        line += "</cac:InvoiceLine>"
        lines = "".join(line.format(k, self._random.random() * 900) for k in range(self._random.randint(5, 60)))
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"'
            ' xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"'
            ' xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">'
            f"<cbc:ID>F{number:06d}</cbc:ID>{lines}</Invoice>"
        ).encode()

    def _newsletter(self) -> bytes:
        # Its size is that of a logo: a large picture in the text is a document.
        logo = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x78\0\0\0\x28"
        logo += self._random.randbytes(self._random.randint(4, 40) * KB)
        html = f'<html><body><img src="cid:logo1">{f"<p>{SENTENCE}</p>" * 80}</body></html>'
        shown = _multipart(
            "related",
            [
                _part("text/html; charset=utf-8", html.encode(), "8bit"),
                _part("image/png", logo, "base64", "Content-ID: <logo1>", "Content-Disposition: inline"),
            ],
        )
        return _multipart("alternative", [_part("text/plain", b"Ons nieuws", "7bit"), shown])

    def _zip(self, number: int, attachments: list[bytes]) -> bytes:
        attachments.append(self._pdf(50, 300))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo("factuur.pdf"), attachments[0])
        return _multipart("mixed", [self._text(), _attachment(packed.getvalue(), "application/zip", "facturen.zip")])

    def _forwarded(self, number: int, attachments: list[bytes]) -> bytes:
        attachments.append(self._pdf(50, 300))
        pdf = _attachment(attachments[0], "application/pdf", f"doorgestuurd_{number}.pdf")
        inner = self._head(number + 900_000) + _multipart("mixed", [self._text(), pdf])
        return _multipart("mixed", [self._text(), _part("message/rfc822", inner, "8bit")])

    def _nested(self, number: int, attachments: list[bytes]) -> bytes:
        attachments.append(self._pdf(50, 300))
        related = _multipart("related", [self._text()])
        name = f'application/pdf; name="=?utf-8?Q?reken=C3=AFng=5F{number}.pdf?="'
        return _multipart("mixed", [related, _part(name, attachments[0], "base64")])

    def _quoted(self, number: int, attachments: list[bytes]) -> bytes:
        attachments.append(self._ubl(number))
        disposition = f'Content-Disposition: attachment; filename="ubl_{number}.xml"'
        xml = _part("application/xml", attachments[0], "quoted-printable", disposition)
        return _multipart("mixed", [self._text(), xml])

    def _whole_body(self, number: int, attachments: list[bytes]) -> bytes:
        attachments.append(self._pdf(50, 300))
        return _attachment(attachments[0], "application/pdf", f"alleen_{number}.pdf")


def _part(content_type: str, data: bytes, encoding: str, *more: str) -> bytes:
    head = [f"Content-Type: {content_type}", f"Content-Transfer-Encoding: {encoding}", *more, "", ""]
    if encoding == "base64":
        data = base64.encodebytes(data).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        data = quopri.encodestring(data, quotetabs=False).replace(b"\n", b"\r\n")
    return "\r\n".join(head).encode() + data


def _attachment(data: bytes, content_type: str, name: str) -> bytes:
    return _part(content_type, data, "base64", f'Content-Disposition: attachment; filename="{name}"')


def _multipart(kind: str, parts: list[bytes]) -> bytes:
    boundary = b"=-" + hashlib.sha256(b"".join(part[:300] for part in parts)).hexdigest()[:24].encode()
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind.encode(), boundary)
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
    return head + body + b"--%s--\r\n" % boundary
