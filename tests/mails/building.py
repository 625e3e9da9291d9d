"""Bricks for mails, byte for byte: the email package would mend what these mails are made to break."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
import zlib

import inflate64

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
CRLF = b"\r\n"
BOUNDARY = "=_grens"


def pdf(label: str) -> bytes:
    return b"%PDF-1.4\n% " + label.encode() + b"\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def locked_pdf(label: str, password: str) -> bytes:
    """Encrypted with 40 bits (ISO 32000-1 7.6.3, revision 2); with an empty password it only forbids printing."""

    def rc4(key: bytes, data: bytes) -> bytes:
        state, j, out = list(range(256)), 0, bytearray()
        for i in range(256):
            j = (j + state[i] + key[i % len(key)]) % 256
            state[i], state[j] = state[j], state[i]
        i = j = 0
        for byte in data:
            i = (i + 1) % 256
            j = (j + state[i]) % 256
            state[i], state[j] = state[j], state[i]
            out.append(byte ^ state[(state[i] + state[j]) % 256])
        return bytes(out)

    padding = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
    padded, identity, permissions = (password.encode() + padding)[:32], bytes(16), -44
    owner = rc4(hashlib.md5((b"eigenaar" + padding)[:32]).digest()[:5], padded)  # noqa: S324 (what the format says)
    key = hashlib.md5(padded + owner + struct.pack("<i", permissions) + identity).digest()[:5]  # noqa: S324
    return (
        b"%PDF-1.4\n% " + label.encode() + b"\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
        b"4 0 obj<</Filter/Standard/V 1/R 2/P %d/O<%s>/U<%s>>>endobj\n"
        % (permissions, owner.hex().encode(), rc4(key, padding).hex().encode())
        + b"trailer<</Root 1 0 R/Encrypt 4 0 R/ID[<%s><%s>]/Size 5>>\n%%%%EOF\n" % ((identity.hex().encode(),) * 2)
    )


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


Tree = dict[str, "bytes | Tree"]


def compound_of(tree: Tree) -> bytes:
    """A compound file ([MS-CFB]) with these storages and streams."""
    entries: list[bytearray] = []
    sectors: list[bytes] = []
    chain: list[int] = []
    small, small_chain = bytearray(), list[int]()
    free, last, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD

    def laid(data: bytes) -> int:
        first = len(sectors)
        pieces = [data[at : at + 512].ljust(512, b"\0") for at in range(0, len(data), 512)]
        sectors.extend(pieces)
        chain.extend([*range(first + 1, first + len(pieces)), last] if pieces else [])
        return first if pieces else last

    def entry(name: str, kind: int, data: bytes = b"") -> int:
        start = 0 if kind == 1 else last
        if kind == 2 and len(data) < 4096:
            start, count = len(small_chain), -(-len(data) // 64)
            small.extend(data.ljust(64 * count, b"\0"))
            small_chain.extend([*range(start + 1, start + count), last] if count else [])
        elif kind == 2:
            start = laid(data)
        wide = (name + "\0").encode("utf-16-le")
        entries.append(
            bytearray(
                wide.ljust(64, b"\0") + struct.pack("<HBB3I", len(wide), kind, 1, free, free, free)
                + bytes(36) + struct.pack("<IQ", start if data or kind == 5 else last, len(data))
            )
        )  # fmt: skip
        return len(entries) - 1

    def grown(parent: int, content: Tree) -> None:
        """Children as a list that only goes right: sorted, as the tree must be."""
        before = parent
        for name in sorted(content, key=lambda name: (len(name), name.upper())):
            inner = content[name]
            number = entry(name, 2, inner) if isinstance(inner, bytes) else entry(name, 1)
            struct.pack_into("<I", entries[before], 76 if before == parent else 72, number)
            before = number
            if not isinstance(inner, bytes):
                grown(number, inner)

    grown(entry("Root Entry", 5), tree)
    struct.pack_into("<IQ", entries[0], 116, laid(bytes(small)), len(small))
    small_table = laid(b"".join(struct.pack("<I", one) for one in small_chain).ljust(512, b"\xff"))
    directory = laid(b"".join(bytes(one) for one in entries))
    first = len(sectors)
    tables = 1
    while tables * 128 < first + tables:
        tables += 1
    chain.extend([table] * tables)
    fat = b"".join(struct.pack("<I", one) for one in chain).ljust(512 * tables, b"\xff")
    header = OLE_MAGIC + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, tables, directory, 0, 4096, small_table, -(-len(small_chain) // 128), last, 0)
    numbers = [*range(first, first + tables), *[free] * (109 - tables)]
    return header + struct.pack("<109I", *numbers) + b"".join(sectors) + fat


def message_of(*attachments: Tree, subject: str = "Factuur", html: str = "") -> Tree:
    """What Outlook saves as .msg ([MS-OXMSG]), before compound_of()."""
    tree: Tree = {
        "__properties_version1.0": bytes(32),
        "__substg1.0_0037001F": subject.encode("utf-16-le"),
        "__substg1.0_1000001F": "Zie de bijlage.".encode("utf-16-le"),
        **{f"__attach_version1.0_#{number:08X}": one for number, one in enumerate(attachments)},
    }
    return tree | {"__substg1.0_10130102": html.encode()} if html else tree


def attachment_of(data: bytes | Tree, name: str, *, cid: str = "", flags: int = 0) -> Tree:
    """A Tree is a message inside the message."""
    fixed = struct.pack("<IIQIIQ", 0x37050003, 6, 1 if isinstance(data, bytes) else 5, 0x37140003, 6, flags)
    tree: Tree = {
        "__properties_version1.0": bytes(8) + fixed,
        "__substg1.0_3707001F": name.encode("utf-16-le"),
        "__substg1.0_37010102" if isinstance(data, bytes) else "__substg1.0_3701000D": data,
    }
    return tree | {"__substg1.0_3712001F": cid.encode("utf-16-le")} if cid else tree


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


def _asn1(tag: int, *values: bytes, pieces: bool = False) -> bytes:
    """In DER or, `pieces`, in BER as who does not know the length yet writes it."""
    data = b"".join(values)
    if pieces and tag & 0x20:
        return bytes([tag, 0x80]) + data + b"\0\0"
    return bytes([tag, 0x84]) + len(data).to_bytes(4, "big") + data


def _encapsulated(content: bytes, pieces: bool) -> bytes:
    inner = _asn1(4, content)
    if pieces:
        cut = [_asn1(4, content[at : at + 50]) for at in range(0, len(content), 50)]
        inner = _asn1(0x24, *cut, pieces=True)
    data = bytes.fromhex("06092a864886f70d010701")
    return _asn1(0x30, data, _asn1(0xA0, inner, pieces=pieces), pieces=pieces)


def compressed_of(content: bytes, pieces: bool = False) -> bytes:
    """CMS CompressedData (RFC 3274) around a mail."""
    algorithm = bytes.fromhex("300d060b2a864886f70d0109100308")
    inside = _encapsulated(zlib.compress(content, 9), pieces)
    compressed = _asn1(0x30, bytes.fromhex("020100"), algorithm, inside, pieces=pieces)
    known = bytes.fromhex("060b2a864886f70d0109100109")
    return _asn1(0x30, known, _asn1(0xA0, compressed, pieces=pieces), pieces=pieces)


def signed_of(content: bytes, pieces: bool = False) -> bytes:
    """CMS SignedData around a mail, in DER or, in pieces, in BER as Outlook writes it."""
    algorithms = bytes.fromhex("310d300b0609608648016503040201")
    inside = _encapsulated(content, pieces)
    signed = _asn1(0x30, bytes.fromhex("020101"), algorithms, inside, bytes.fromhex("3100"), pieces=pieces)
    known = bytes.fromhex("06092a864886f70d010702")
    return _asn1(0x30, known, _asn1(0xA0, signed, pieces=pieces), pieces=pieces)


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


def forwarded(raw: bytes) -> bytes:
    """A mail with hardly a word of its own that has another attached."""
    inside = part(raw, "Content-Type: message/rfc822")
    return mail(multi("mixed", text("Ter verwerking"), inside, boundary="uit"))


def mixed(*parts: bytes, subject: str = "Factuur 2026-118") -> bytes:
    return mail(multi("mixed", text(), *parts), subject=subject)


def png_of(width: int, height: int, filler: int = 0) -> bytes:
    """A picture of which only the size in pixels and in bytes is right."""
    data = bytearray(png(filler))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def jpeg_of(width: int, height: int, size: int, preview: int = 0) -> bytes:
    """`preview`: bytes that a camera puts before the size."""
    exif = b"\xff\xe1" + struct.pack(">H", preview + 2) + bytes(preview) if preview else b""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    start = b"\xff\xd8" + exif + frame
    return start + bytes(range(1, 251)) * ((size - len(start)) // 250 + 1)


def tnef_message(*properties: tuple[int, int, bytes], files: bytes = b"") -> bytes:
    """winmail.dat with (tag, type, value) of the message itself. `files`: what tnef_of() makes."""
    values = b"".join(
        struct.pack("<HHII", kind, tag, 1, len(value)) + value + bytes(-len(value) % 4)
        for tag, kind, value in properties
    )
    data = struct.pack("<I", len(properties)) + values
    start = files or struct.pack("<IH", 0x223E9F78, 1)
    attribute = struct.pack("<BHHI", 1, 0x9003, 6, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
    return start[:6] + attribute + start[6:]


def rtf_stored(text: bytes) -> bytes:
    """As [MS-OXRTFCP] keeps rich text that it did not compress."""
    return struct.pack("<II4sI", len(text) + 12, len(text), b"MELA", 0) + text


def gzipped(data: bytes) -> bytes:
    """The same bytes with every Python: the header names the system, which 3.11 and 3.13 do differently (RFC 1952)."""
    packed = bytearray(gzip.compress(data, mtime=0))
    packed[9] = 3
    return bytes(packed)


def tar_of(*files: tuple[str, bytes], packed: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    if packed == "gz":
        return gzipped(out.getvalue())
    return bz2.compress(out.getvalue()) if packed == "bz2" else out.getvalue()


def deflate64_of(name: str, data: bytes) -> bytes:
    """A ZIP with method 9 (APPNOTE 4.4.5) and one file."""
    deflater = inflate64.Deflater()
    packed = deflater.deflate(data) + deflater.flush()
    sizes = struct.pack("<HHIII", 0, 0, zlib.crc32(data), len(packed), len(data))
    local = b"PK\x03\x04" + struct.pack("<HHH", 21, 0, 9) + sizes + struct.pack("<HH", len(name), 0)
    local += name.encode() + packed
    directory = b"PK\x01\x02" + struct.pack("<HHHH", 21, 21, 0, 9) + sizes
    directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name.encode()
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(local), 0)
    return local + directory + b"PK\x05\x06" + end
