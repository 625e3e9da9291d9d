"""Data that programs encode in their own way; what was broken about it is told at the part."""

from __future__ import annotations

import base64

from tests.mails.building import attached, b64, encoded, mail, mixed, part, pdf, ubl

PDF = "application/pdf"
LONG = pdf("lang")[:-6] + b"% " + bytes(range(33, 126)) * 40 + b"\n%%EOF\n"


def coded(data: bytes, name: str = "a.pdf", encoding: str = "base64") -> bytes:
    return mixed(part(data, f"Content-Type: {PDF}; name={name}", f"Content-Transfer-Encoding: {encoding}"))


def pieces(data: bytes, size: int) -> bytes:
    return b"\r\n".join(base64.b64encode(data[at : at + size]) for at in range(0, len(data), size))


CASES = {
    "base64-padded-pieces-of-a-line": lambda: coded(pieces(LONG, 55)),
    "base64-padded-pieces-then-footer": lambda: coded(pieces(LONG, 1_000) + b"\r\n\r\n-- \r\nlijst@x.example\r\n"),
    "base64-url-safe": lambda: coded(base64.urlsafe_b64encode(LONG)),
    "base64-url-safe-without-padding": lambda: coded(base64.urlsafe_b64encode(LONG + b"\xff\xfe?").rstrip(b"=")),
    "base64-without-padding": lambda: coded(b64(pdf("kaal")).rstrip(b"=")),
    "base64-cut-at-a-whole-group": lambda: coded(b64(LONG)[:1_950]),
    "base64-cut-in-a-group": lambda: coded(b64(LONG)[:2_001]),
    "base64-of-text-lines": lambda: mixed(attached(b64(ubl("7")), "text/xml", "7.xml")),
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
