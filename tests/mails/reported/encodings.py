"""Data that programs encode in their own way; what was broken about it is told at the part."""

from __future__ import annotations

import base64
import binascii

from tests.mails.building import (
    attached,
    b64,
    encoded,
    gzipped,
    lines,
    mail,
    mixed,
    ole_of,
    part,
    pdf,
    text,
    tnef_of,
    ubl,
)

PDF = "application/pdf"
LONG = pdf("lang")[:-6] + b"% " + bytes(range(33, 126)) * 40 + b"\n%%EOF\n"


def coded(data: bytes, name: str = "a.pdf", encoding: str = "base64") -> bytes:
    return mixed(part(data, f"Content-Type: {PDF}; name={name}", f"Content-Transfer-Encoding: {encoding}"))


def pieces(data: bytes, size: int) -> bytes:
    return b"\r\n".join(base64.b64encode(data[at : at + size]) for at in range(0, len(data), size))


FILLER = bytes(range(256)) * 4
BARE = b'<a:Invoice xmlns:a="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">' + b"<a:ID>7</a:ID>" * 20
WORD = ole_of("WordDocument")


def unsaid(data: bytes, name: str) -> bytes:
    """In base64, without a word of it."""
    return part(b64(data), f"Content-Type: application/octet-stream; name={name}", "Content-Disposition: attachment")


def uu(data: bytes) -> bytes:
    rows = [binascii.b2a_uu(data[at : at + 45]).rstrip(b"\n") for at in range(0, len(data), 45)]
    return lines("begin 644 lang.pdf", *rows, "`", "end", "")


def spelt(data: bytes, kind: str, encoding: str) -> bytes:
    return part(data, f"Content-Type: {kind}", f"Content-Transfer-Encoding: {encoding}")


#: The end of a line, and a plus, as JSON writes them, quoted-printable, an address, XML
LANGUAGES = (
    (rb"\r\n", rb"\u002b"),
    (rb"\n", b"+"),
    (b"=0D=0A=\r\n", b"=2B"),
    (b"%0D%0A", b"%2b"),
    (b"&#xD;&#xA;", b"&#x2B;"),
)
#: Python's str() of bytes, quotes of JSON, an address of a browser, a filter's line
LEADS = (
    (b"b'", b"'"),
    (b'"', b'"'),
    (b"data:application/pdf;base64,", b""),
    (b"[Scanned by a filter]\r\nNo viruses were found\r\n\r\n", b""),
)

CASES = {
    "base64-of-any-type-that-does-not-say-so": lambda: mixed(
        unsaid(WORD, "oud.doc"),
        unsaid(b"II*\0" + FILLER, "fax.tif"),
        unsaid(b"\0\0\0\x18ftypheic" + FILLER, "bon.heic"),
        unsaid(b"\xef\xbb\xbf" + ubl("7"), "7.xml"),
        unsaid(BARE + b"</a:Invoice>", "8.xml"),
        unsaid(gzipped(pdf("gepakt") * 9), "gepakt.pdf.gz"),
        unsaid(tnef_of(("tnef.pdf", "", pdf("in tnef"))), "winmail.dat"),
    ),
    "base64-by-other-names": lambda: mixed(
        *(
            spelt(b64(WORD + bytes([number])), f"application/msword; name={number}.doc", name)
            for number, name in enumerate(["base-64", "Base 64", "base64 (MIME)", "b64", "x-base64", "'base64'"])
        )
    ),
    "quoted-printable-by-another-name": lambda: mail(
        spelt(b"Totaal =E2=82=AC 48,40 voor =\r\ncaf=C3=A9", "text/plain; charset=utf-8", "quoted_printable")
    ),
    "quoted-printable-widened": lambda: mixed(
        spelt(pdf("breed").replace(b"\n", b"=0A= \t\r\n"), f"{PDF}; name=a.pdf", "quoted-printable")
    ),
    "quoted-printable-that-does-not-say-so": lambda: mixed(
        part(ubl("7").replace(b"=", b"=3D"), "Content-Type: text/xml; name=7.xml"),
        part(
            ubl("8").replace(b"=", b"=3D3D"),
            "Content-Type: text/xml; name=8.xml",
            "Content-Transfer-Encoding: quoted-printable",
        ),
        part(pdf("9").replace(b"\n", b"=0A=\r\n"), f"Content-Type: {PDF}; name=9.pdf"),
    ),
    "uuencode-that-does-not-say-so": lambda: mixed(
        part(uu(LONG), f"Content-Type: {PDF}; name=a.pdf"),
        attached(uu(LONG), "application/octet-stream", "b.uue"),
        part(uu(LONG), "Content-Type: text/plain; name=c.pdf", "Content-Disposition: attachment"),
    ),
    "uuencode-cut-off": lambda: mail(text("Bijgaand\r\n\r\n" + uu(LONG).decode()[:1_200])),
    "uuencode-that-is-talked-about": lambda: mail(
        text("Bestanden zien er zo uit:\r\nbegin 644 a.pdf\r\nen dan de rest.")
    ),
    "uuencode-in-base64": lambda: lines(
        *("From: a@x.example", "Subject: Factuur", "", "Zie onder.", "begin-base64 644 een bon.pdf"),
        *(b64(pdf("m")), "====", "Groet"),
    ),
    "base64-padded-pieces-of-a-line": lambda: coded(pieces(LONG, 55)),
    "base64-padded-pieces-then-footer": lambda: coded(pieces(LONG, 1_000) + b"\r\n\r\n-- \r\nlijst@x.example\r\n"),
    "base64-url-safe": lambda: coded(base64.urlsafe_b64encode(LONG)),
    "base64-url-safe-without-padding": lambda: coded(base64.urlsafe_b64encode(LONG + b"\xff\xfe?").rstrip(b"=")),
    "base64-without-padding": lambda: coded(b64(pdf("kaal")).rstrip(b"=")),
    "base64-cut-at-a-whole-group": lambda: coded(b64(LONG)[:1_950]),
    "base64-cut-in-a-group": lambda: coded(b64(LONG)[:2_001]),
    "base64-of-text-lines": lambda: mixed(attached(b64(ubl("7")), "text/xml", "7.xml")),
    "base64-behind-what-a-program-put-before-it": lambda: mixed(
        *(
            spelt(lead + b64(pdf(str(number))) + end, f"{PDF}; name={number}.pdf", "base64")
            for number, (lead, end) in enumerate(LEADS)
        )
    ),
    "base64-written-in-another-language": lambda: mixed(
        *(
            spelt(b64(LONG).replace(b"\r\n", end).replace(b"+", plus), f"{PDF}; name={number}.pdf", "base64")
            for number, (end, plus) in enumerate(LANGUAGES)
        )
    ),
    "pdf-cut": lambda: mixed(attached(LONG[:2_000], PDF, "half.pdf")),
    "pdf-plain-but-says-base64": lambda: coded(LONG),
    "pdf-with-bytes-behind": lambda: mixed(attached(LONG + bytes(2_000), PDF, "a.pdf")),
    "xml-plain-but-says-base64": lambda: coded(ubl("8"), "8.xml"),
    "xml-without-declaration": lambda: mixed(
        attached(ubl("9").partition(b"?>")[2], "application/octet-stream", "9.ubl"),
        attached(ubl("10").partition(b"?>")[2], "text/plain", "10"),
        attached(b"\xef\xbb\xbf\xef\xbb\xbf\r\n" + ubl("11"), "application/octet-stream", "11.xml"),
        attached(b"\0\0\r\n" + ubl("12"), "application/vnd.invoice+xml"),
    ),
    "xml-as-the-whole-text-without-declaration": lambda: mail(
        encoded(ubl("13").partition(b"?>")[2], "Content-Type: text/plain")
    ),
}
