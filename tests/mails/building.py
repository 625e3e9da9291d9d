"""Bricks for mails, byte for byte: the email package would mend what these mails are made to break."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib

CRLF = b"\r\n"
BOUNDARY = "=_grens"


def pdf(label: str) -> bytes:
    return b"%PDF-1.4\n% " + label.encode() + b"\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def ubl(number: str) -> bytes:
    namespace = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
    invoice = f'<Invoice xmlns="{namespace}"><ID>{number}</ID></Invoice>\n'
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + invoice.encode()


def png(filler: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"tEXt", b"x" * filler) + pixels + chunk(b"IEND", b"")


def zip_of(*entries: tuple[str, bytes], encrypted: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 1, 9, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
    data = bytearray(out.getvalue())
    if encrypted:
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            position = data.find(signature)
            while position >= 0:
                data[position + offset] |= 1
                position = data.find(signature, position + 4)
    return bytes(data)


def ole_of(*streams: str) -> bytes:
    directory = b"".join(stream.encode("utf-16-le").ljust(128, b"\0") for stream in ("Root Entry", *streams))
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + directory


def tnef_of(*files: tuple[str, str, bytes]) -> bytes:
    """(short name, long name or "", data)."""

    def attribute(level: int, identity: int, kind: int, data: bytes) -> bytes:
        return struct.pack("<BHHI", level, identity, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    out = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x9006, 8, struct.pack("<I", 0x10000))
    for short, long, data in files:
        out += attribute(2, 0x9002, 6, bytes(14)) + attribute(2, 0x8010, 1, short.encode("cp1252") + b"\0")
        out += attribute(2, 0x800F, 6, data)
        if long:
            name = (long + "\0").encode("utf-16-le")
            padded = name + bytes(-len(name) % 4)
            number = struct.pack("<HHI", 3, 0x3705, 1)
            text = struct.pack("<HHII", 0x1F, 0x3707, 1, len(name)) + padded
            out += attribute(2, 0x9005, 6, struct.pack("<I", 2) + number + text)
    return out


def signed_of(content: bytes, pieces: bool = False) -> bytes:
    """CMS SignedData around a mail, in DER or, in pieces, in BER as Outlook writes it."""

    def value(tag: int, data: bytes) -> bytes:
        if pieces and tag & 0x20:
            return bytes([tag, 0x80]) + data + b"\0\0"
        return bytes([tag, 0x84]) + len(data).to_bytes(4, "big") + data

    def known(identity: str) -> bytes:
        return bytes.fromhex("06092a864886f70d0107" + identity)

    inner = value(4, content)
    if pieces:
        inner = value(0x24, b"".join(value(4, content[at : at + 50]) for at in range(0, len(content), 50)))
    encapsulated = value(0x30, known("01") + value(0xA0, inner))
    algorithms = bytes.fromhex("310d300b0609608648016503040201")
    signed = value(0x30, bytes.fromhex("020101") + algorithms + encapsulated + bytes.fromhex("3100"))
    return value(0x30, known("02") + value(0xA0, signed))


def lines(*parts: str | bytes) -> bytes:
    return CRLF.join(part.encode() if isinstance(part, str) else part for part in parts)


def b64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", CRLF).rstrip()


def part(body: bytes | str, *headers: str | bytes) -> bytes:
    return lines(*headers, "", body)


def text(body: str = "Beste,\r\n\r\nIn de bijlage de factuur.", kind: str = "plain") -> bytes:
    return part(body, f"Content-Type: text/{kind}; charset=utf-8", "Content-Transfer-Encoding: 8bit")


def attached(data: bytes, kind: str, name: str = "", *more: str) -> bytes:
    disposition = f'attachment; filename="{name}"' if name else "attachment"
    return encoded(data, f"Content-Type: {kind}", f"Content-Disposition: {disposition}", *more)


def encoded(data: bytes, *headers: str | bytes) -> bytes:
    return part(b64(data), *headers, "Content-Transfer-Encoding: base64")


def multi(kind: str, *parts: bytes, boundary: str = BOUNDARY, more: str = "") -> bytes:
    """Headers and body of a multipart."""
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"{more}'
    body = b"".join(lines(f"--{boundary}", piece, "") for piece in parts)
    return part(body + f"--{boundary}--\r\n".encode(), head)


def mail(content: bytes, *headers: str | bytes, subject: str = "Factuur 2026-118") -> bytes:
    """`content` begins with its own Content-* headers."""
    return lines(
        "Return-Path: <facturen@leverancier.example>",
        "Date: Mon, 02 Nov 2026 09:30:00 +0100",
        "From: Leverancier BV <facturen@leverancier.example>",
        "To: inkoop@klant.example",
        f"Subject: {subject}",
        "Message-ID: <118@leverancier.example>",
        "MIME-Version: 1.0",
        *headers,
        content,
    )


def mixed(*parts: bytes, subject: str = "Factuur 2026-118") -> bytes:
    return mail(multi("mixed", text(), *parts), subject=subject)
