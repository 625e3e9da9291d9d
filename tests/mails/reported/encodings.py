"""Data that programs encode in their own way; what was broken about it is told at the part."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote

from tests.mails.building import (
    attached,
    b64,
    encoded,
    gzipped,
    jpeg_of,
    lines,
    mail,
    mixed,
    multi,
    ole_of,
    part,
    pdf,
    text,
    tnef_of,
    ubl,
    zip_of,
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
#: LONG without padding, with one sign, and with two
PADDED = tuple(
    LONG[:-6] + b"%" * more + LONG[-6:] for more in (-len(LONG) % 3, (2 - len(LONG)) % 3, (1 - len(LONG)) % 3)
)
WORDS = "Beste klant, de rekening is € 48,40. Wij zien uw betaling graag voor één mei tegemoet.".encode()
PLUSES = LONG[:-6] + b"% " + bytes(number * 37 % 256 for number in range(600)) + b"\n%%EOF\n"
FOOTER = b"\r\n\r\n-- \r\nDit bericht is gescand door Filter\r\n"


def soft(data: bytes, width: int) -> bytes:
    """As quoted-printable breaks what is in one line (RFC 2045 6.7)."""
    text = base64.b64encode(data).replace(b"=", b"=3D")
    return b"=\r\n".join(text[at : at + width] for at in range(0, len(text), width))


def requoted(data: bytes) -> bytes:
    return binascii.b2a_qp(data, istext=False).replace(b"\n", b"\r\n")


def plain(data: bytes, name: str, kind: str = "application/octet-stream", encoding: str = "7bit") -> bytes:
    return spelt(data, f"{kind}; name={name}", encoding)


CASES = {
    "base64-of-which-only-the-plus-is-escaped": lambda: mixed(
        *(
            plain(base64.b64encode(LONG).replace(b"+", plus), f"{number}.pdf", PDF, "base64")
            for number, plus in enumerate([rb"\u002B", b"&#x2B;", b"&#43;", b"%2B"])
        ),
        plain(quote(base64.b64encode(LONG), safe="").encode(), "4.pdf", PDF, "base64"),
    ),
    "base64-with-soft-line-breaks": lambda: mixed(
        *(plain(soft(data, 75), f"{number}.pdf", PDF, "base64") for number, data in enumerate(PADDED)),
        plain(soft(LONG, 72), "3.pdf", PDF, "base64"),
    ),
    "base64-with-the-tags-of-a-page": lambda: mixed(
        plain(b64(LONG).replace(b"\r\n", b"<br>\r\n"), "1.pdf", PDF, "base64"),
        plain(b"<data>" + b64(LONG) + b"</data>", "2.pdf", PDF, "base64"),
    ),
    "base64-then-footer-whatever-its-padding": lambda: mixed(
        *(plain(b64(data) + FOOTER, f"{number}.pdf", PDF, "base64") for number, data in enumerate(PADDED)),
        plain(b64(PADDED[0]) + b"\r\n<p>Deze mail is vertrouwelijk</p>", "3.pdf", PDF, "base64"),
        plain(
            b"-----BEGIN CERTIFICATE-----\r\n" + b64(LONG) + b"\r\n-----END CERTIFICATE-----\r\n",
            *("4.pdf", PDF, "base64"),
        ),
    ),
    "base64-whose-plus-became-a-blank": lambda: mixed(
        plain(b64(PLUSES).replace(b"+", b" "), "a.pdf", PDF, "base64"),
        plain(base64.b64encode(PLUSES).replace(b"+", b" "), "b.pdf", PDF, "base64"),
        plain(b64(PLUSES).replace(b"\r\n", b" "), "c.pdf", PDF, "base64"),
    ),
    "base64-as-a-program-prints-it": lambda: mixed(
        attached(b'"' + base64.b64encode(LONG) + b'"', PDF, "a.pdf"),
        attached(b'{"pdf": "' + base64.b64encode(LONG).replace(b"+", rb"\u002B") + b'", "nr": 12}', PDF, "b.pdf"),
        attached(repr(base64.b64encode(LONG)).encode(), PDF, "c.pdf"),
    ),
    "text-in-base64-behind-a-warning": lambda: mail(
        multi(
            "mixed",
            spelt(b"[EXTERNE MAIL]\r\n\r\n" + b64(WORDS), "text/plain; charset=utf-8", "base64"),
            spelt(
                b"<div>Let op!</div>\r\n" + b64(b"<p>" + WORDS + b" Dank.</p>"), "text/html; charset=utf-8", "base64"
            ),
        )
    ),
    "base64-in-any-lines-then-footer": lambda: mixed(
        *(plain(base64.b64encode(data) + FOOTER, f"{number}.pdf", PDF, "base64") for number, data in enumerate(PADDED)),
        plain(b64(PADDED[1]).rstrip(b"=") + FOOTER, "3.pdf", PDF, "base64"),
        plain(b64(PADDED[0]).replace(b"+", b"&#43;") + FOOTER, "4.pdf", PDF, "base64"),
        plain((b"\r\n" + b64(PADDED[0]) + FOOTER).replace(b"\r\n", b"\r\n\r\n"), "5.pdf", PDF, "base64"),
    ),
    "base64-behind-a-single-word": lambda: coded(b"CAUTION\r\n" + b64(LONG)),
    "base64-saved-as-unicode-text": lambda: mixed(
        attached(b64(LONG).decode().encode("utf-16"), PDF, "a.pdf"),
        plain(b64(pdf("wijd")).decode().encode("utf-16-le"), "b.pdf", PDF, "8bit"),
    ),
    "hexadecimal": lambda: mixed(
        plain(LONG.hex().encode(), "a.pdf"),
        attached(b"0x" + ubl("7").hex().upper().encode(), "text/xml", "7.xml"),
        attached(rb"\x" + pdf("bytea").hex().encode(), PDF, "c.pdf"),
        plain(LONG.hex().upper().encode() + b"\r\n", "d.pdf", PDF, "base64"),
        attached(b"255044462D is waar een PDF mee begint", "text/plain", "uitleg.txt"),
    ),
    "quoted-printable-of-any-file-that-does-not-say-so": lambda: mixed(
        plain(requoted(jpeg_of(900, 1200, 60_000)), "bon.jpg", "image/jpeg"),
        plain(requoted(zip_of(("a.pdf", LONG))), "a.zip"),
        plain(requoted(LONG), "b.pdf"),
        plain(b"%PDF-1.4\r\n% a=b\r\n" + pdf("gewoon"), "c.pdf"),
    ),
    "text-encoded-without-a-word-of-it": lambda: mail(
        multi(
            "mixed",
            part(b64("Beste klant, de rekening is € 48,40. ".encode() * 4), "Content-Type: text/plain"),
            part(requoted('<p class="a">Vóór één mei € 12,10 betalen.</p>'.encode()), "Content-Type: text/html"),
        )
    ),
    "text-called-utf16-that-is-none": lambda: mail(
        multi(
            "mixed",
            part(b"Totaal: 48,40 euro", "Content-Type: text/plain; charset=utf-16"),
            part(b"Graag voor 1 mei.", "Content-Type: text/plain; charset=utf-32le"),
            part(b"Groet, Jan", "Content-Type: text/plain; charset=IBM037"),
        )
    ),
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
